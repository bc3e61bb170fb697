"use strict";

// Numbers are shown as they came: JSON.parse would make floats of them. Text is set as text, never as HTML.
const exact = (text) => JSON.parse(text, (key, value, context) =>
  typeof value === "number" && context ? context.source : value);

const element = (name, text, ...children) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
};

const plain = (value) => value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);

const pairs = (object) => {
  const list = element("dl");
  for (const [key, value] of Object.entries(object)) {
    list.append(element("dt", key), element("dd", plain(value)));
  }
  return list;
};

const table = (items) => {
  const keys = [...new Set(items.flatMap(Object.keys))];
  const head = element("tr", undefined, ...keys.map((key) => element("th", key)));
  const rows = items.map((item) => element("tr", undefined,
    ...keys.map((key) => element("td", key in item ? plain(item[key]) : ""))));
  const box = element("div", undefined,
    element("table", undefined, element("thead", undefined, head), element("tbody", undefined, ...rows)));
  box.className = "wide";
  return box;
};

const section = (title, content) => element("section", undefined, element("h3", title), content);

const show = (order) => {
  const {items, delivery, payment, ...rest} = order;
  const parts = [element("h2", order.order_uid), section("Order", pairs(rest))];
  if (delivery) parts.push(section("Delivery", pairs(delivery)));
  if (payment) parts.push(section("Payment", pairs(payment)));
  parts.push(section(`Items: ${items.length}`, table(items)));
  const article = document.getElementById("order");
  article.replaceChildren(...parts);
  article.hidden = false;
};

const say = (message) => { document.getElementById("message").textContent = message; };

const find = async (uid) => {
  document.getElementById("order").hidden = true;
  say("");
  try {
    const answer = await fetch(`/order/${encodeURIComponent(uid)}`);
    if (answer.ok) show(exact(await answer.text()));
    else if (answer.status === 404) say(`There is no order ${uid}.`);
    else say((await answer.json()).detail);
  } catch {
    say("The service does not answer. Try again in a moment.");
  }
};

const newest = async () => {
  const answer = await fetch("/api/v1/orders?limit=10");
  if (!answer.ok) return;
  const {items} = exact(await answer.text());
  const lines = items.map((order) => {
    const button = element("button", order.order_uid);
    button.addEventListener("click", () => {
      document.getElementById("uid").value = order.order_uid;
      find(order.order_uid);
    });
    return element("li", undefined, button, ` ${order.date_created}, items: ${order.items.length}`);
  });
  document.getElementById("newest").replaceChildren(...lines);
};

const state = async () => {
  const {records, bytes} = await (await fetch("/api/v1/cache/stats")).json();
  document.getElementById("state").textContent = `${records} orders in the cache, ${Math.ceil(bytes / 1024)} KiB`;
};

document.getElementById("search").addEventListener("submit", (event) => {
  event.preventDefault();
  find(document.getElementById("uid").value.trim());
});
const refresh = () => Promise.allSettled([newest(), state()]);
refresh();
setInterval(refresh, 5000);
