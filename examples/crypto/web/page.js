"use strict";

// Text is set as text, never as HTML. Amounts stay the texts that they come as; only a chart makes numbers of them.
const SVG = "http://www.w3.org/2000/svg";
const KEPT = 300;
const byId = (id) => document.getElementById(id);

let access = null;
let socket = null;
let last = null;
let totals = [];
const histories = new Map();

const say = (text) => { byId("message").textContent = text; };
const state = (text) => { byId("state").textContent = text; };

const drawn = (name, attributes, text) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
};

// Points are [milliseconds, number], oldest first.
const scaled = (points, width, height, margin) => {
  const values = points.map(([, value]) => value);
  const low = Math.min(...values), high = Math.max(...values);
  const first = points[0][0], span = points.at(-1)[0] - first || 1;
  const range = high - low || Math.abs(high) || 1, middle = high === low;
  const x = (at) => margin + (at - first) / span * (width - 2 * margin);
  const y = (value) => middle ? height / 2 : margin + (high - value) / range * (height - 2 * margin);
  return {low, high, path: points.map(([at, value], n) => `${n ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join(""), x, y};
};

const draw = (svg, points, width, height, margin, labelled) => {
  if (points.length < 2) { svg.replaceChildren(); return; }
  const {low, high, path, x} = scaled(points, width, height, margin);
  const parts = [
    drawn("path", {class: "area", d: `${path}L${x(points.at(-1)[0])} ${height - margin / 2}L${x(points[0][0])} ${height - margin / 2}Z`}),
    drawn("path", {class: "line", d: path}),
  ];
  if (labelled) {
    const time = (at) => new Date(at).toLocaleTimeString();
    for (const [at, value] of [[margin, high], [height - margin, low]]) {
      parts.unshift(drawn("line", {x1: margin, x2: width - margin, y1: at, y2: at}));
      parts.push(drawn("text", {x: margin, y: at - 4}, value.toLocaleString(undefined, {maximumFractionDigits: 2})));
    }
    parts.push(drawn("text", {x: margin, y: height - 4}, time(points[0][0])));
    parts.push(drawn("text", {x: width - margin, y: height - 4, "text-anchor": "end"}, time(points.at(-1)[0])));
  }
  svg.replaceChildren(...parts);
};

const keep = (points, at, value) => {
  if (points.length && points.at(-1)[0] >= at) return;
  points.push([at, value]);
  if (points.length > KEPT) points.shift();
};

// A page that was loaded anew goes on by the cookie, which it cannot see.
const refresh = async () => {
  const answer = await fetch("/v1/refresh", {method: "POST"});
  if (!answer.ok) { access = null; return false; }
  entered(await answer.json());
  return true;
};

const entered = ({user, tokens}) => {
  access = tokens.access;
  byId("name").textContent = user.name;
};

const ask = async (method, path, body) => {
  const send = () => fetch(path, {
    method,
    headers: {authorization: `Bearer ${access}`, ...(body ? {"content-type": "application/json"} : {})},
    body: body && JSON.stringify(body),
  });
  let answer = await send();
  if (answer.status === 401 && await refresh()) answer = await send();
  if (!answer.ok) throw new Error((await answer.json()).detail);
  return answer.status === 204 ? null : answer.json();
};

const tried = async (work) => {
  say("");
  try {
    await work();
  } catch (error) {
    say(error instanceof TypeError ? "The service does not answer. Try again in a moment." : error.message);
  }
};

const loadHistory = async (symbol) => {
  histories.set(symbol, []);
  try {
    const {prices} = await (await fetch(`/v2/prices/${encodeURIComponent(symbol)}`)).json();
    const later = histories.get(symbol);
    const points = prices.map(({price, at}) => [Date.parse(at), Number(price)]);
    histories.set(symbol, [...points, ...later.filter(([at]) => !points.length || at > points.at(-1)[0])].slice(-KEPT));
    begin();
    if (last) render();
  } catch { /* It begins with what comes. */ }
};

// What the portfolio of now was worth, at the seconds for which all its prices are known.
const begin = () => {
  if (!last) return;
  const symbols = Object.keys(last.Prices);
  if (!symbols.length || !symbols.every((symbol) => (histories.get(symbol) || []).length > 1)) return;
  const next = new Map(symbols.map((symbol) => [symbol, 0]));
  const times = [...new Set(symbols.flatMap((symbol) => histories.get(symbol).map(([at]) => at)))].sort((a, b) => a - b);
  totals = [];
  for (const at of times) {
    let total = 0;
    for (const symbol of symbols) {
      const points = histories.get(symbol);
      while (next.get(symbol) < points.length && points[next.get(symbol)][0] <= at) next.set(symbol, next.get(symbol) + 1);
      if (!next.get(symbol)) { total = null; break; }
      total += points[next.get(symbol) - 1][1] * Number(last.Quantities[symbol]);
    }
    if (total !== null) keep(totals, at, total);
  }
};

const cell = (text, name) => {
  const made = document.createElement("td");
  if (text !== undefined) made.textContent = text;
  if (name) made.className = name;
  return made;
};

const row = (symbol) => {
  const made = document.createElement("tr");
  const small = drawn("svg", {viewBox: "0 0 120 30", preserveAspectRatio: "none", "aria-hidden": "true"});
  draw(small, histories.get(symbol) || [], 120, 30, 2, false);
  const chart = cell();
  chart.append(small);
  const old = last.Stale.includes(symbol);
  const price = cell(last.Prices[symbol] ?? "no price yet", old || !last.Prices[symbol] ? "old" : "");
  if (old) {
    const age = document.createElement("small");
    age.textContent = `${Math.round(last.Ages[symbol])} s old`;
    price.append(age);
  }
  const remove = document.createElement("button");
  remove.type = "button";
  remove.textContent = "Remove";
  remove.addEventListener("click", () => tried(() => ask("DELETE", `/v2/coin/symbol?symbol=${encodeURIComponent(symbol)}`)));
  const removing = cell();
  removing.append(remove);
  made.append(cell(symbol.toUpperCase()), chart, price, cell(last.Quantities[symbol]), cell(last.Totals[symbol] ?? ""), removing);
  return made;
};

const render = () => {
  byId("sum").textContent = last.Total;
  draw(byId("chart"), totals, 800, 220, 24, true);
  byId("coins").replaceChildren(...Object.keys(last.Quantities).map(row));
};

const take = (message) => {
  const held = last && JSON.stringify(last.Quantities);
  last = message;
  const now = Date.now();
  for (const [symbol, price] of Object.entries(message.Prices)) {
    if (!histories.has(symbol)) loadHistory(symbol);
    keep(histories.get(symbol), Math.round(now - 1000 * message.Ages[symbol]), Number(price));
  }
  if (held !== null && held !== JSON.stringify(message.Quantities)) begin();
  if (Object.keys(message.Prices).length) keep(totals, now, Number(message.Total));
  render();
};

const look = async () => {
  const {ticket} = await ask("POST", "/v2/user/profile/ws-ticket");
  const url = new URL("/v2/user/profile/ws", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("ticket", ticket);
  const opened = socket = new WebSocket(url);
  opened.addEventListener("open", () => state("live"));
  opened.addEventListener("message", ({data}) => take(JSON.parse(data)));
  opened.addEventListener("close", ({code}) => {
    if (opened !== socket) return;
    if (code === 4001) { state("open in another window"); return; }
    if (code === 4002) { show(false); return; }
    state("the line is broken; calling again");
    setTimeout(again, 1000);
  });
};

const again = () => look().catch(() => access ? setTimeout(again, 1000) : show(false));

const show = (inside) => {
  byId("enter").hidden = inside;
  byId("portfolio").hidden = byId("who").hidden = !inside;
  if (inside) { again(); return; }
  const closed = socket;
  access = socket = last = null;
  totals = [];
  histories.clear();
  if (closed) closed.close();
  state("");
};

byId("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  const {username, password} = event.target;
  const body = JSON.stringify({username: username.value, password: password.value});
  const post = async (path) => {
    const answer = await fetch(path, {method: "POST", headers: {"content-type": "application/json"}, body});
    const content = await answer.json();
    if (!answer.ok) throw new Error(content.detail);
    return content;
  };
  tried(async () => {
    if (event.submitter && event.submitter.value === "register") await post("/v1/register");
    entered(await post("/v1/login"));
    password.value = "";
    show(true);
  });
});

byId("add").addEventListener("submit", (event) => {
  event.preventDefault();
  const {symbol, quantity} = event.target;
  tried(async () => {
    await ask("POST", "/v2/coin/symbol", {symbol: symbol.value.trim(), quantity: quantity.value.trim()});
    event.target.reset();
    symbol.focus();
  });
});

byId("leave").addEventListener("click", () => tried(async () => {
  await ask("POST", "/v1/auth/logout");
  show(false);
}));

// Without a cookie this is a 401, and the form stays.
refresh().then((inside) => { if (inside) show(true); }, () => {});
