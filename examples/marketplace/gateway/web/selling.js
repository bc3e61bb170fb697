import {ask, key, me} from "./asking.js";
import {button, element, field, form, say} from "./elements.js";
import {categoriesByPath, choice, picture} from "./shop.js";

const CURRENCIES = ["USD", "EUR", "GBP", "RUB", "KZT", "CNY", "JPY", "KRW", "KWD", "TND"];

const upload = (product, file) => {
  const ending = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}[file.type] ?? "bin";
  return ask("PUT", `/v1/products/${product.id}/images/main.${ending}`, file);
};

const stockOf = async (product) => {
  try {
    const {free, reserved} = await ask("GET", `/v1/warehouse/stock/${product.id}`);
    return `${free} in stock, ${reserved} reserved`;
  } catch (error) {
    return error.status === 404 ? "none in stock" : "stock unknown";
  }
};

const card = (product, again) => {
  const stock = element("span", {className: "stock"}, "…");
  stockOf(product).then((text) => { stock.textContent = text; });
  const {title, description, category_id, currency, version} = product;
  return element("article", {className: "card"}, picture(product),
    element("h3", {}, title), element("p", {}, stock),
    form([field("Price", element("input", {name: "price", value: product.price, inputMode: "decimal", required: true}))],
      "Set", async (data) => {
        const price = data.get("price").trim();
        await ask("PUT", `/v1/products/${product.id}`, {title, description, category_id, currency, version, price});
        await again();
        say(`${title} costs ${price} ${currency} from now on.`, true);
      }, "row"),
    form([field("Stock in", element("input", {name: "quantity", type: "number", min: "1", value: "10", required: true}))],
      "Add", async (data) => {
        const quantity = Number(data.get("quantity"));
        await ask("POST", "/v1/warehouse/stock", {product_id: product.id, quantity}, {"idempotency-key": key()});
        stock.textContent = await stockOf(product);
        say(`${quantity} of ${title} are in stock.`, true);
      }, "row"),
    form([field("Picture", element("input", {name: "file", type: "file", accept: "image/png,image/jpeg,image/webp", required: true}))],
      "Upload", async (data) => {
        await upload(product, data.get("file"));
        await again();
        say(`${title} has a picture.`, true);
      }, "row"),
    element("footer", {}, button("Archive", async () => {
      await ask("DELETE", `/v1/products/${product.id}?version=${version}`);
      await again();
    }, "plain")));
};

export const selling = async (view) => {
  const own = element("div", {className: "cards"});
  const again = async () => {
    const {items} = await ask("GET", `/v1/products?seller=${me.user.id}&limit=50`);
    own.replaceChildren(...(items.length ? items.map((product) => card(product, again))
      : [element("p", {className: "none"}, "You sell nothing yet.")]));
  };
  const categories = await categoriesByPath();
  const made = form([
    field("Title", element("input", {name: "title", maxLength: 200, required: true})),
    field("Category", choice("category_id", categories)),
    field("Price", element("input", {name: "price", inputMode: "decimal", required: true, size: 8})),
    field("Currency", element("select", {name: "currency"}, ...CURRENCIES.map((one) => element("option", {}, one)))),
    field("Description", element("textarea", {name: "description", maxLength: 10_000, rows: 2})),
    field("Picture", element("input", {name: "file", type: "file", accept: "image/png,image/jpeg,image/webp"})),
  ], "Sell it", async (data, whole) => {
    const text = (name) => data.get(name).trim();
    const product = await ask("POST", "/v1/products", {
      title: text("title"), description: text("description"), category_id: data.get("category_id"),
      price: text("price"), currency: data.get("currency"),
    });
    whole.reset();
    const file = data.get("file");
    if (file?.size) await upload(product, file);
    await again();
    say(`${product.title} is for sale.`, true);
  }, "new");
  view.replaceChildren(element("h2", {}, "New product"),
    categories.length ? made : element("p", {className: "none"}, "There are no categories yet: an ADMIN makes them."),
    element("h2", {}, "Yours"), own);
  await again();
};
