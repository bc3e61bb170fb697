import {ask} from "./asking.js";
import {button, element, field, form, say} from "./elements.js";
import {categoriesByPath, choice} from "./shop.js";

const ROLES = ["CUSTOMER", "SELLER", "WAREHOUSE", "ADMIN"];

const roles = (user, again) => ROLES.map((role) => {
  const has = user.roles.includes(role);
  return button(role, async () => {
    await ask(has ? "DELETE" : "PUT", `/v1/users/${user.id}/roles/${role}`);
    await again();
  }, has ? "role has" : "role");
});

export const administration = async (view) => {
  const users = element("tbody");
  const categories = element("div");
  let username = "";
  const showUsers = async () => {
    const query = username ? `username=${encodeURIComponent(username)}` : "limit=20";
    const {items} = await ask("GET", `/v1/users?${query}`);
    users.replaceChildren(...items.map((user) => element("tr", {},
      element("td", {}, user.username ?? user.id), element("td", {}, ...roles(user, showUsers)))));
  };
  const showCategories = async () => {
    const all = await categoriesByPath();
    categories.replaceChildren(
      element("ul", {}, ...all.map(({id, path}) => element("li", {}, path, " ", button("Remove", async () => {
        await ask("DELETE", `/v1/categories/${id}`);
        await showCategories();
      }, "plain")))),
      form([field("New category", element("input", {name: "name", maxLength: 100, required: true})),
        field("Within", choice("parent_id", all, "the top"))], "Make it", async (data) => {
        const name = data.get("name").trim();
        await ask("POST", "/v1/categories", {name, parent_id: data.get("parent_id") || null});
        await showCategories();
        say(`There is a category ${name}.`, true);
      }, "row"));
  };
  view.replaceChildren(element("h2", {}, "Users"),
    form([field("Username", element("input", {name: "username", maxLength: 100}))], "Find", async (data) => {
      username = data.get("username").trim();
      await showUsers();
    }, "row"),
    element("table", {}, users), element("h2", {}, "Categories"), categories);
  await Promise.all([showUsers(), showCategories()]);
};
