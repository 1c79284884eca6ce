// Elements, built by hand so that text is never parsed as markup, and requests to the mock.

export const find = (id) => document.getElementById(id);

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined && child !== "" && child !== false));
  return element;
}

// A sign repeats what a colour says; a screen reader reads the words beside it.
export const sign = (text) => h("span", { className: "sign", "aria-hidden": "true" }, text);

const LONGEST = 20_000; // characters of a value on the page

export function cut(text, longest = LONGEST, end = undefined) {
  const more = text.length - longest;
  return more > 0 ? text.slice(0, longest) + (end ?? `… and ${more.toLocaleString("en")} more characters`) : text;
}

export const clock = (when) => new Date(when).toLocaleTimeString("en-GB");
export const duration = (seconds) => (seconds < 1 ? `${(1_000 * seconds).toFixed(1)} ms` : `${seconds.toFixed(1)} s`);

export function block(title, value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return h("figure", {}, h("figcaption", {}, title), h("pre", { tabIndex: 0, role: "group", "aria-label": title }, h("code", {}, cut(text))));
}

export function addresses(value) {
  if (typeof value === "string") return /^https?:\/\/\S+$/i.test(value) && URL.canParse(value) ? [value] : [];
  return value && typeof value === "object" ? Object.values(value).flatMap(addresses) : [];
}

const KEY = "nano-banana-edit mock";

// The token comes in the fragment, which no server and no log sees. It is removed at once, so that no bookmark has it.
export function takeToken() {
  const [, given] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (!given) return false;
  setToken(decodeURIComponent(given));
  history.replaceState(null, "", location.pathname + location.search);
  return true;
}

export const setToken = (token) => sessionStorage.setItem(KEY, token);
export const getToken = () => sessionStorage.getItem(KEY) ?? "";

export function ask(path, options = {}) {
  const headers = { ...(getToken() ? { Authorization: `Bearer ${getToken()}` } : {}), ...options.headers };
  if (options.body) headers["Content-Type"] = "application/json";
  return fetch(`/__mock__/${path}`, { cache: "no-store", ...options, headers });
}
