// The list of requests, newest first; each line opens.

import { curl, python } from "./copy.js";
import { block, clock, cut, duration, h, sign } from "./dom.js";

const MOST = 200; // requests on the page; the journal has more
const SEARCHED = 5_000; // characters of a body

let sought = "";

export const nameOf = (call) => call.operation ?? `${call.method} ${call.path}`;
export const fateOf = (call) => call.fault ?? String(call.status);
const where = ({ pointer, field, location }) => pointer || field || location;
const kind = ({ fault, status }) => (fault || status >= 500 ? "broken" : status < 300 ? "good" : "bad");

// Whether the request is valid. A valid one whose answer does not arrive gets no tick, which would be read as success.
function verdict(call) {
  const ofAnswer = call.answer_violations.map((violation) => ({ ...violation, message: `The answer: ${violation.message}` }));
  const [first, ...others] = [...call.violations, ...ofAnswer];
  if (!first) return !call.fault && h("span", { className: "verdict good" }, sign("✓"), " valid");
  const more = others.length ? ` and ${others.length} more` : "";
  return h("span", { className: "verdict bad" }, sign("✕"), " ", h("b", {}, first.keyword), " ", h("code", {}, where(first)), more,
    h("span", { className: "why" }, first.message));
}

/** Return the status of the task that a poll was answered. */
export function stateOf(call) {
  const status = call.operation === "getTask" && call.status < 300 ? call.answer?.status : undefined;
  return status === undefined ? "" : cut(String(status), 60);
}

function about(call) {
  const state = stateOf(call);
  const task = call.task_id && [" · task ", h("code", { title: call.task_id }, cut(call.task_id, 8, "…")), state && ` is ${state}`];
  return [`${clock(call.when)} · ${duration(call.seconds)}`, task];
}

function violations(list) {
  return list.length > 0 && h("ul", { className: "violations", "aria-label": "Violations" }, list.map((violation) => h("li", {},
    h("b", {}, violation.keyword), ` in the ${violation.location} `, h("code", {}, violation.pointer || violation.field || ""), h("p", {}, violation.message))));
}

const bytes = (size) => (size === 1 ? "1 byte" : `${size.toLocaleString("en")} bytes`);

// One side of the exchange: the request, or its answer.
function side(title, first, facts, headers, wrong, body) {
  return h("section", { className: "side", "aria-label": title },
    h("h3", {}, title), h("p", { className: "first" }, h("code", {}, first)),
    violations(wrong),
    h("dl", {}, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    headers.length > 0 && h("details", { className: "headers" }, h("summary", {}, `${headers.length} headers`),
      h("dl", {}, headers.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, cut(value, 2_000)))))),
    body !== null && block(title === "Request" ? "Body" : "Answer", body));
}

function copies(call) {
  const shown = h("div", { className: "copied" });
  const said = h("span", { role: "status", className: "at" });
  const copy = (title, text) => async () => {
    shown.replaceChildren(block(title, text));
    said.textContent = "";
    try {
      await navigator.clipboard.writeText(text); // not there if the page comes from another machine without TLS
      said.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(shown.querySelector("pre"));
      said.textContent = "Selected, to be copied.";
    }
  };
  return h("div", { className: "copies" }, h("div", { className: "row" },
    h("button", { type: "button", className: "plain", onclick: copy("curl", curl(call)) }, "Copy as curl"),
    h("button", { type: "button", className: "plain", onclick: copy("Python", python(call)) }, "Copy as Python"), said), shown);
}

function details(call) {
  const size = call.size ? bytes(call.size) : "empty";
  const sent = [
    ["Number", String(call.number)],
    ["Arrived", `${clock(call.when)}, ${call.at.toFixed(1)} s after the start`],
    ["Token", call.authorization ? "sent, not shown" : "not sent"],
    ["Body", call.body === null && call.size && !call.files.length ? `${size}, not JSON, or too long to keep` : size],
    ...call.files.map((file) => ["File", `${file.name}: ${file.filename ?? "without a name"}, ${file.content_type ?? "without a type"}, ${bytes(file.size)}`]),
  ];
  const got = [
    ["Took", duration(call.seconds)],
    ...(call.fault ? [["Fault", `${call.fault}: the answer went wrong on its way`]] : []),
    ...(call.scripted ? [["Scripted", "a step of the script took the request"]] : []),
    ...(call.task_id ? [["Task", call.task_id]] : []),
    ...(call.undeclared.length ? [["Not in the document", call.undeclared.join(", ")]] : []),
  ];
  return [
    copies(call),
    side("Request", `${call.method} ${call.path}`, sent, call.headers, call.violations, call.body),
    side("Answer", call.fault ? `${call.status}, but ${call.fault}` : String(call.status), got, call.answer_headers, call.answer_violations, call.answer),
  ];
}

const textOf = (call) => [nameOf(call), call.method, call.path, fateOf(call), call.task_id, stateOf(call), call.violations.length ? "invalid" : "valid", call.scripted ? "scripted" : "",
  ...[...call.violations, ...call.answer_violations].flatMap(({ keyword, pointer, message }) => [keyword, pointer, message]), JSON.stringify(call.body).slice(0, SEARCHED)].join(" ").toLowerCase();

function line(call) {
  const opened = h("details", { ontoggle: () => opened.children.length > 1 || opened.append(...details(call).filter(Boolean)) },
    h("summary", {},
      h("span", { className: "what" }, nameOf(call), call.scripted && h("span", { className: "tag" }, "scripted")), " ",
      verdict(call), " ",
      h("span", { className: `status ${kind(call)}` }, call.fault && [sign("⚡"), " "], fateOf(call)), " ",
      h("span", { className: "at" }, about(call))));
  const fate = [call.violations.length || call.answer_violations.length ? "invalid" : "valid", call.status < 400 && !call.fault ? "fine" : "other"];
  const item = h("li", { className: fate.join(" ") }, opened);
  item.words = textOf(call);
  item.hidden = !item.words.includes(sought);
  return item;
}

export function show(list, calls) {
  list.prepend(...calls.slice(-MOST).map(line).reverse());
  while (list.children.length > MOST) list.lastElementChild.remove();
}

/** Show those requests alone that have a text in them, and return how many of how many. */
export function search(list, text) {
  sought = text.trim().toLowerCase();
  const items = [...list.children];
  for (const item of items) item.hidden = !item.words.includes(sought);
  return sought && `${items.filter((item) => !item.hidden).length} of ${items.length}`;
}
