// The list of requests, newest first: each a line that opens.

import { block, h } from "./dom.js";

const MOST = 200; // requests in the list; the journal has more

function verdict(call) {
  if (call.violations.length) {
    const [first, ...others] = call.violations;
    const more = others.length ? ` and ${others.length} more` : "";
    return h("span", { className: "verdict bad" }, `✕ ${first.keyword} ${first.pointer || first.field || first.location}${more}`);
  }
  return h("span", { className: "verdict good" }, call.scripted ? "✓ valid, scripted" : "✓ valid");
}

function kind(status) {
  return status < 300 ? "good" : status < 500 ? "bad" : "broken";
}

function details(call) {
  return [
    h("dl", {}, [
      ["Path", `${call.method} ${call.path}`],
      ["Authorization", call.authorization ? "sent" : "not sent"],
      ["Size", `${call.size} bytes`],
      ...(call.task_id ? [["Task", call.task_id]] : []),
    ].map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))),
    call.violations.length
      ? h("ul", { className: "violations" }, call.violations.map((violation) => h("li", {},
        h("code", {}, `${violation.keyword} ${violation.pointer || violation.location}`), h("p", {}, violation.message))))
      : "",
    call.body === null ? "" : block("Body", call.body),
    call.answer === null ? "" : block("Answer", call.answer),
  ];
}

export function line(call) {
  const opened = h("details", { ontoggle: () => opened.children.length > 1 || opened.append(...details(call).filter(Boolean)) },
    h("summary", {},
      h("span", { className: "at" }, `${call.at.toFixed(1)} s`),
      h("span", { className: "what" }, call.operation ?? `${call.method} ${call.path}`),
      h("span", { className: `status ${kind(call.status)}` }, String(call.status)),
      verdict(call)));
  return h("li", {}, opened);
}

export function show(list, calls) {
  list.prepend(...calls.map(line).reverse());
  while (list.children.length > MOST) list.lastElementChild.remove();
}
