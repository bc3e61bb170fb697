"use strict";

// Prices are exact texts; only where a line is drawn they become floats. Text is set as text, never as HTML.
const KEPT = 300, WIDTH = 320, HEIGHT = 140, RIGHT = 8, LEFT = 6;
const boards = [];
let mode, after;

const element = (name, text, ...children) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
};

const drawn = (name, attributes, text) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

const color = (exchanges, exchange) => `color-${exchanges.indexOf(exchange) % 3}`;

const chart = (symbol, exchanges) => {
  const lines = exchanges.map((exchange) => boards.flatMap((board, x) => {
    const found = board.prices.find((price) => price.symbol === symbol && price.exchange === exchange);
    return found ? [[x, Number(found.price)]] : [];
  }));
  const values = lines.flat().map(([, price]) => price);
  const low = Math.min(...values), high = Math.max(...values), room = high - low || 1;
  const x = (n) => LEFT + n * (WIDTH - LEFT - RIGHT) / Math.max(boards.length - 1, 1);
  const y = (price) => 14 + (high - price) / room * (HEIGHT - 32);
  const box = drawn("svg", {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", preserveAspectRatio: "none"});
  box.setAttribute("aria-label", `${symbol}, the last ${boards.length} seconds`);
  for (const price of [high, low]) {
    box.append(drawn("line", {x1: LEFT, x2: WIDTH - RIGHT, y1: y(price), y2: y(price)}),
      drawn("text", {x: LEFT, y: y(price) + (price === high ? -4 : 12)}, String(price)));
  }
  lines.forEach((line, n) => box.append(drawn("polyline", {
    class: color(exchanges, exchanges[n]), points: line.map(([at, price]) => `${x(at)},${y(price)}`).join(" ")})));
  return box;
};

const card = (symbol, exchanges) => {
  const newest = boards.at(-1).prices.filter((price) => price.symbol === symbol);
  const last = newest.reduce((one, other) => other.timestamp > one.timestamp ? other : one);
  const before = boards.at(-2)?.prices.find((price) => price.symbol === symbol && price.exchange === last.exchange);
  const figure = element("span", last.price);
  figure.className = "price";
  if (before) figure.classList.add(Number(last.price) < Number(before.price) ? "down" : "up");
  const list = element("dl");
  for (const exchange of exchanges) {
    const found = newest.find((price) => price.exchange === exchange);
    list.append(element("dt", exchange), element("dd", found ? found.price : "–"));
  }
  const made = element("article", undefined, element("h2", `${symbol} `, figure), chart(symbol, exchanges), list);
  made.setAttribute("aria-label", symbol);
  return made;
};

const say = (text) => { document.getElementById("message").textContent = text; };

const refresh = async () => {
  const asked = after ? `?after=${encodeURIComponent(after)}` : "";
  const recent = await (await fetch(`/prices/recent${asked}`)).json();
  if (recent.mode !== mode) {
    mode = recent.mode;
    const stale = after !== undefined;
    boards.length = 0;
    after = undefined;
    document.getElementById("symbols").replaceChildren();
    for (const name of ["live", "test"]) document.getElementById(name).setAttribute("aria-pressed", String(name === mode));
    if (stale) return;
  }
  boards.push(...recent.boards);
  boards.splice(0, boards.length - KEPT);
  after = boards.at(-1)?.at ?? after;
  const shown = boards.at(-1)?.prices ?? [];
  const symbols = [...new Set(shown.map((price) => price.symbol))];
  document.getElementById("symbols").replaceChildren(...symbols.map((symbol) => card(symbol, recent.exchanges)));
  document.getElementById("state").textContent = symbols.length ? `${mode}, as of ${new Date(after).toLocaleTimeString()}` : `${mode}, no prices yet`;
};

const sources = async () => {
  const feeds = await (await fetch("/sources")).json();
  const names = feeds.map((source) => source.exchange);
  document.getElementById("sources").replaceChildren(...feeds.map((source) => {
    const broken = Object.values(source.broken).reduce((sum, count) => sum + count, 0);
    const line = element("li", `${source.exchange}: ${source.state}, ${source.ticks} ticks, ${broken} broken lines`);
    line.className = color(names, source.exchange);
    if (["silent", "not connected"].includes(source.state)) line.classList.add("unwell");
    return line;
  }));
};

const work = async () => {
  try {
    await Promise.all([refresh(), sources()]);
    say("");
  } catch {
    say("The service does not answer. It is asked again each second.");
  }
};

for (const name of ["live", "test"]) {
  document.getElementById(name).addEventListener("click", async () => {
    try {
      await fetch(`/mode/${name}`, {method: "POST"});
      await work();
    } catch {
      say("The mode was not switched: the service does not answer.");
    }
  });
}
work();
setInterval(work, 1000);
