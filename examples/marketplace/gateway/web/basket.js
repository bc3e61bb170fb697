// What is about to be ordered, in this browser.
const KEPT = "basket";

const read = () => {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? [];
  } catch {
    return [];
  }
};

const write = (lines) => {
  localStorage.setItem(KEPT, JSON.stringify(lines));
  window.dispatchEvent(new Event("basket"));
};

export const lines = read;

export const count = () => read().reduce((total, line) => total + line.quantity, 0);

export const add = ({id, title, price, currency}) => {
  const kept = read();
  const line = kept.find((one) => one.product_id === id);
  if (line) Object.assign(line, {quantity: line.quantity + 1, title, price, currency});
  else kept.push({product_id: id, title, price, currency, quantity: 1});
  write(kept);
};

export const set = (product_id, quantity) =>
  write(read().map((line) => line.product_id === product_id ? {...line, quantity} : line)
    .filter((line) => line.quantity > 0));

export const empty = () => write([]);
