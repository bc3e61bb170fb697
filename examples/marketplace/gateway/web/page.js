import {administration} from "./administration.js";
import {is, logIn, logOut, me, register, resume} from "./asking.js";
import * as basket from "./basket.js";
import {attempt, button, element, field, form} from "./elements.js";
import {basketView, ordersView} from "./orders.js";
import {selling} from "./selling.js";
import {shop} from "./shop.js";

const VIEWS = [
  {name: "Shop", show: shop, when: () => true},
  {name: "Basket", show: basketView, when: () => true},
  {name: "Orders", show: ordersView, when: () => me.user},
  {name: "Sell", show: selling, when: () => is("SELLER")},
  {name: "Admin", show: administration, when: () => is("ADMIN")},
];

let current = "Shop";

const tabs = () => {
  document.getElementById("tabs").replaceChildren(...VIEWS.filter(({when}) => when()).map(({name}) => {
    const text = name === "Basket" && basket.count() ? `Basket (${basket.count()})` : name;
    const tab = button(text, () => go(name));
    if (name === current) tab.setAttribute("aria-current", "page");
    return tab;
  }));
};

const go = async (name) => {
  current = name;
  tabs();
  // A view of its own each time: what an earlier one still waits for goes nowhere.
  const view = element("main", {id: "view"});
  document.getElementById("view").replaceWith(view);
  await VIEWS.find((one) => one.name === name).show(view, go);
};

const account = () => {
  const place = document.getElementById("account");
  if (me.user) {
    place.replaceChildren(element("span", {className: "who"}, me.user.username, " ",
      element("small", {}, me.user.roles.join(" "))), button("Log out", async () => {
      await logOut();
      await changed();
    }, "plain"));
    return;
  }
  const named = (act) => (data) => act(data.get("username"), data.get("password")).then(changed);
  const signIn = form([
    field("Username", element("input", {name: "username", autocomplete: "username", required: true, maxLength: 100})),
    field("Password", element("input", {name: "password", type: "password", autocomplete: "current-password", required: true})),
  ], "Log in", named(logIn), "sign-in");
  signIn.append(button("Register", async () => {
    if (signIn.reportValidity()) await named(register)(new FormData(signIn));
  }, "plain"));
  place.replaceChildren(signIn);
};

const changed = async () => {
  account();
  await go(VIEWS.find(({name}) => name === current).when() ? current : "Shop");
};

window.addEventListener("basket", tabs);
attempt(async () => {
  await resume();
  await changed();
});
