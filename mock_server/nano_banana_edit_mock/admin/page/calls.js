// The list of requests, newest first; each line opens.

import { block, h, sign } from "./dom.js";

const MOST = 200; // requests on the page; the journal has more

export const nameOf = (call) => call.operation ?? `${call.method} ${call.path}`;
const where = ({ pointer, field, location }) => pointer || field || location;

function verdict(call) {
  const [first, ...others] = call.violations;
  if (!first) return h("span", { className: "verdict good" }, sign("✓"), " valid");
  const more = others.length ? ` and ${others.length} more` : "";
  return h("span", { className: "verdict bad" }, sign("✕"), " ", h("b", {}, first.keyword), " ", h("code", {}, where(first)), more,
    h("span", { className: "why" }, first.message));
}

const kind = (status) => (status < 300 ? "good" : status < 500 ? "bad" : "broken");

function details(call) {
  const size = call.size ? `${call.size.toLocaleString("en")} bytes` : "empty";
  return [
    h("dl", {}, [
      ["Request", `${call.method} ${call.path}`],
      ["Number", call.number],
      ["Authorization", call.authorization ? "sent" : "not sent"],
      ["Body", call.body === null && call.size ? `${size}, not JSON, or too long to keep` : size],
      ...(call.task_id ? [["Task", call.task_id]] : []),
      ...(call.scripted ? [["Scripted", "a step took the request"]] : []),
    ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))))),
    call.violations.length > 0 && h("ul", { className: "violations", "aria-label": "Violations" }, call.violations.map((violation) => h("li", {},
      h("b", {}, violation.keyword), ` in the ${violation.location} `, h("code", {}, violation.pointer || violation.field || ""), h("p", {}, violation.message)))),
    call.body !== null && block("Body", call.body),
    call.answer !== null && block("Answer", call.answer),
  ];
}

function line(call) {
  const opened = h("details", { ontoggle: () => opened.children.length > 1 || opened.append(...details(call).filter(Boolean)) },
    h("summary", {},
      h("span", { className: "at" }, `${call.at.toFixed(1)} s`), " ",
      h("span", { className: "what" }, nameOf(call), call.scripted && h("span", { className: "tag" }, "scripted")), " ",
      h("span", { className: `status ${kind(call.status)}` }, String(call.status)), " ",
      verdict(call)));
  const fate = [call.violations.length ? "invalid" : "valid", call.status < 400 ? "fine" : "other"];
  return h("li", { className: fate.join(" ") }, opened);
}

export function show(list, calls) {
  list.prepend(...calls.slice(-MOST).map(line).reverse());
  while (list.children.length > MOST) list.lastElementChild.remove();
}
