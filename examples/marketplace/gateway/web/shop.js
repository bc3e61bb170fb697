import {ask} from "./asking.js";
import * as basket from "./basket.js";
import {button, element, field, form, say} from "./elements.js";

export const categoriesByPath = async () => {
  const all = await ask("GET", "/v1/categories");
  const byId = new Map(all.map((category) => [category.id, category]));
  const path = (category) => category.parent_id
    ? `${path(byId.get(category.parent_id))} / ${category.name}` : category.name;
  return all.map((category) => ({...category, path: path(category)}))
    .sort((one, other) => one.path.localeCompare(other.path));
};

export const choice = (name, categories, none, chosen) => element("select", {name},
  ...(none ? [element("option", {value: ""}, none)] : []),
  ...categories.map(({id, path}) => element("option", {value: id, selected: id === chosen}, path)));

export const picture = (product) => {
  const box = element("div", {className: "picture"});
  ask("GET", `/v1/products/${product.id}/images`).then((images) => {
    if (images.length) {
      box.append(element("img", {
        src: `/v1/products/${product.id}/images/${images[0].name}?${encodeURIComponent(images[0].created_at)}`,
        alt: product.title, loading: "lazy",
      }));
    } else {
      box.append(element("span", {"aria-hidden": "true"}, product.title.trim().slice(0, 1).toUpperCase()));
    }
  }).catch(() => {});
  return box;
};

export const price = ({price, currency}) => element("span", {className: "price"}, `${price} ${currency}`);

const card = (product) => element("article", {className: "card"},
  picture(product),
  element("h3", {}, product.title),
  element("p", {className: "description"}, product.description),
  element("footer", {}, price(product), button("Add to basket", () => {
    basket.add(product);
    say(`${product.title} is in your basket.`, true);
  })));

export const shop = async (view) => {
  const categories = await categoriesByPath();
  const found = element("div", {className: "cards"});
  const more = element("div", {className: "more"});
  const search = async (data, after) => {
    const query = new URLSearchParams({limit: "24"});
    for (const name of ["q", "category", "min_price", "max_price"]) {
      const value = (data.get(name) ?? "").trim();
      if (value) query.set(name, value);
    }
    if (after) query.set("after", after);
    const page = await ask("GET", `/v1/products?${query}`);
    if (!after) found.replaceChildren();
    found.append(...page.items.map(card));
    if (!found.childElementCount) found.append(element("p", {className: "none"}, "Nothing is found."));
    more.replaceChildren(...(page.next ? [button("Show more", () => search(data, page.next))] : []));
  };
  const filters = form([
    field("Search", element("input", {name: "q", type: "search", placeholder: "running shoes -red", maxLength: 200})),
    field("Category", choice("category", categories, "All")),
    field("From", element("input", {name: "min_price", inputMode: "decimal", size: 7})),
    field("To", element("input", {name: "max_price", inputMode: "decimal", size: 7})),
  ], "Find", (data) => search(data), "filters");
  view.replaceChildren(filters, found, more);
  await search(new FormData(filters));
};
