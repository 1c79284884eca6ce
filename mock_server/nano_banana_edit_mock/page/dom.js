// Elements built by hand: text is never read as markup.

export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const LONGEST = 20_000; // characters of a value that are shown

export function pretty(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}\n… ${text.length - LONGEST} more characters` : text;
}

export function block(title, value) {
  return h("figure", {}, h("figcaption", {}, title), h("pre", { tabIndex: 0 }, h("code", {}, pretty(value))));
}

// The token that lets others than this machine in stands in the fragment, which no server and no log sees.
const admin = new URLSearchParams(location.hash.slice(1)).get("token");

export function ask(path, options = {}) {
  const headers = { ...(admin ? { Authorization: `Bearer ${admin}` } : {}), ...options.headers };
  if (options.body) headers["Content-Type"] = "application/json";
  return fetch(`/__mock__/${path}`, { ...options, headers });
}
