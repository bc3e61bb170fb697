// What pages are made of. Text is set as text, never as HTML.
export const element = (name, properties = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key in made) made[key] = value;
    else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
};

export const button = (text, action, className = "") => {
  const made = element("button", {type: "button", className}, text);
  made.addEventListener("click", () => attempt(action, made));
  return made;
};

export const field = (label, input) => element("label", {}, element("span", {}, label), input);

export const form = (fields, text, action, className = "") => {
  const send = element("button", {}, text);
  const made = element("form", {className}, ...fields, send);
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(() => action(new FormData(made), made), send);
  });
  return made;
};

export const say = (text, good = false) => {
  const message = document.getElementById("message");
  message.textContent = text;
  message.className = good ? "good" : "bad";
};

// Do it, one at a time for each button; what goes wrong is said.
export const attempt = async (action, pressed) => {
  say("");
  if (pressed) pressed.disabled = true;
  try {
    await action();
  } catch (error) {
    say(error.message);
  } finally {
    if (pressed) pressed.disabled = false;
  }
};

// Amounts are texts, and are added as whole numbers: no amount goes through a float.
const places = (text) => (text.split(".")[1] ?? "").length;

export const times = (amount, quantity) => {
  const digits = places(amount);
  const whole = (BigInt(amount.replace(".", "")) * BigInt(quantity)).toString().padStart(digits + 1, "0");
  return digits ? `${whole.slice(0, -digits)}.${whole.slice(-digits)}` : whole;
};

export const sum = (amounts) => {
  const digits = Math.max(0, ...amounts.map(places));
  const whole = amounts.reduce((total, amount) =>
    total + BigInt(amount.replace(".", "")) * 10n ** BigInt(digits - places(amount)), 0n)
    .toString().padStart(digits + 1, "0");
  return digits ? `${whole.slice(0, -digits)}.${whole.slice(-digits)}` : whole;
};
