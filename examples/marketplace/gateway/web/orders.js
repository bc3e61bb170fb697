import {ask, is, key, me} from "./asking.js";
import * as basket from "./basket.js";
import {button, element, say, sum, times} from "./elements.js";

const FINAL = new Set(["SHIPPED", "CANCELED", "FAILED"]);
const AGAIN = 1500;

const sums = (lines) => Object.entries(Object.groupBy(lines, (line) => line.currency))
  .map(([currency, own]) => `${sum(own.map((line) => times(line.price, line.quantity)))} ${currency}`).join(" + ");

export const basketView = async (view, go) => {
  // One key for this basket: pressed twice, or sent again, it is one order.
  const own = key();
  const draw = () => {
    const lines = basket.lines();
    if (!lines.length) {
      view.replaceChildren(element("h2", {}, "Basket"), element("p", {className: "none"}, "Your basket is empty."));
      return;
    }
    const rows = lines.map((line) => {
      const quantity = element("input", {
        type: "number", min: "0", max: "1000", value: line.quantity, "aria-label": `Quantity of ${line.title}`,
        onchange: (event) => { basket.set(line.product_id, Math.trunc(Number(event.target.value)) || 0); draw(); },
      });
      return element("tr", {}, element("td", {}, line.title), element("td", {}, quantity),
        element("td", {className: "amount"}, `${times(line.price, line.quantity)} ${line.currency}`),
        element("td", {}, button("Remove", () => { basket.set(line.product_id, 0); draw(); }, "plain")));
    });
    view.replaceChildren(element("h2", {}, "Basket"), element("table", {}, element("tbody", {}, ...rows)),
      element("p", {className: "total"}, `Total: ${sums(lines)}`),
      me.user ? button("Order", async () => {
        const asked = lines.map(({product_id, quantity}) => ({product_id, quantity}));
        const order = await ask("POST", "/v1/orders", {lines: asked}, {"idempotency-key": own});
        basket.empty();
        await go("Orders");
        say(`Order ${order.id.slice(-8)} is reserved for you. Pay to have it.`, true);
      }) : element("p", {}, "Log in to order."));
  };
  draw();
};

const step = ({state, event, at}) => element("li", {}, element("b", {}, state),
  ` ${new Date(at).toLocaleTimeString()} ${event ?? ""}`);

const card = (order, again) => {
  const act = (text, what, className) => button(text, async () => {
    await ask("POST", `/v1/orders/${order.id}/${what}`, what === "pay" ? {} : undefined,
      {"idempotency-key": `${order.id}-${what}`});
    await again();
  }, className);
  const own = order.customer_id === me.user.id;
  return element("article", {className: "order", id: `order-${order.id}`},
    element("header", {}, element("h3", {}, `Order ${order.id.slice(-8)}`),
      element("span", {className: `state ${order.state}`}, order.state),
      element("span", {className: "price"}, `${order.total} ${order.currency}`)),
    element("ul", {}, ...order.lines.map((line) =>
      element("li", {}, `${line.quantity} × ${line.title}, ${line.price} ${order.currency} each`))),
    order.reason ? element("p", {className: "reason"}, order.reason) : null,
    element("details", {}, element("summary", {}, "What happened"),
      element("ol", {}, ...(order.steps ?? []).map(step))),
    element("footer", {},
      own && order.state === "RESERVED" ? act("Pay", "pay") : null,
      (own || is()) && ["NEW", "RESERVED", "PAID"].includes(order.state) ? act("Cancel", "cancel", "plain") : null,
      is("WAREHOUSE") && order.state === "PAID" ? act("Ship", "ship") : null));
};

export const ordersView = async (view) => {
  let shown = null;
  const again = async () => {
    const {items} = await ask("GET", "/v1/orders?limit=20");
    const content = JSON.stringify(items);
    if (content !== shown) {
      // What somebody has opened stays open.
      const open = new Set([...view.querySelectorAll("details[open]")].map((one) => one.closest("article").id));
      view.replaceChildren(element("h2", {}, "Orders"), ...(items.length ? items.map((order) => card(order, again))
        : [element("p", {className: "none"}, "There are no orders yet.")]));
      for (const one of view.querySelectorAll("article")) {
        if (open.has(one.id)) one.querySelector("details").open = true;
      }
      shown = content;
    }
    return items;
  };
  const watch = async () => {
    if (!view.isConnected) return;
    const items = await again().catch(() => []);
    if (items.some((order) => !FINAL.has(order.state))) setTimeout(watch, AGAIN);
  };
  await again();
  setTimeout(watch, AGAIN);
};
