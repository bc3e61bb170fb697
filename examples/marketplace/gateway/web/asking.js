// What is asked of the gateway, and who asks. The access token is kept in memory alone; the refresh token in a cookie
// that no script can read, so a page that is loaded anew is signed in again.
export const me = {user: null, access: null};

const SIGNED_IN = "signed-in";
let refreshing = null;

const admit = ({user, tokens}) => {
  me.user = user;
  me.access = tokens.access;
  localStorage.setItem(SIGNED_IN, "yes");
};

const forget = () => {
  me.user = me.access = null;
  localStorage.removeItem(SIGNED_IN);
};

const send = (method, path, body, headers) => {
  const sent = {...headers};
  if (me.access) sent.authorization = `Bearer ${me.access}`;
  if (body !== undefined && !(body instanceof Blob)) {
    sent["content-type"] = "application/json";
    body = JSON.stringify(body);
  }
  return fetch(path, {method, body, headers: sent});
};

const refresh = async () => {
  const answer = await fetch("/v1/refresh", {method: "POST"});
  if (answer.ok) admit(await answer.json());
  else if (answer.status === 401) forget();
  return answer.ok;
};

export const refreshed = () => {
  refreshing ??= refresh().finally(() => { refreshing = null; });
  return refreshing;
};

export const ask = async (method, path, body, headers = {}) => {
  let answer;
  try {
    answer = await send(method, path, body, headers);
    if (answer.status === 401 && me.access && await refreshed()) answer = await send(method, path, body, headers);
  } catch {
    throw new Error("The marketplace does not answer. Try again in a moment.");
  }
  if (answer.status === 204) return null;
  const content = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(content.detail ?? "It went wrong."), {status: answer.status});
  return content;
};

export const resume = async () => {
  if (localStorage.getItem(SIGNED_IN)) await refreshed().catch(() => {});
};

export const logIn = async (username, password) => admit(await ask("POST", "/v1/login", {username, password}));

export const register = async (username, password) => {
  await ask("POST", "/v1/register", {username, password});
  await logIn(username, password);
};

export const logOut = async () => {
  await ask("POST", "/v1/logout").catch(() => {});
  forget();
};

export const is = (...roles) => [...roles, "ADMIN"].some((role) => me.user?.roles.includes(role));

// A key by which a request may be sent again and takes effect once.
export const key = () => [...crypto.getRandomValues(new Uint8Array(16))]
  .map((byte) => byte.toString(16).padStart(2, "0")).join("");
