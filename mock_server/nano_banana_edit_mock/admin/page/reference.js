// A document as a reference: its operations, folded, each with a form to try it.

import { block, cut, h } from "./dom.js";
import { trial } from "./try.js";

/** Show a document. */
export function reference(place, contract, own) {
  const { version = "", summary = "" } = contract.document.info ?? {};
  const opened = new Map();
  const items = contract.operations.map((operation) => {
    const item = h("details", { className: "fold", ontoggle: () => unfold() },
      h("summary", {}, h("code", { className: "method" }, operation.method), h("code", { className: "path" }, operation.base + operation.path),
        h("span", {}, operation.summary || operation.id)));
    const unfold = () => item.children.length > 1 || item.append(described(contract, operation, own, open));
    opened.set(operation.id, () => {
      unfold();
      item.open = true;
      item.scrollIntoView({ block: "start" });
      return item.querySelector("form");
    });
    return item;
  });
  const open = (id) => opened.get(id)?.();
  place.replaceChildren(h("h3", {}, `${contract.title} ${version}`), h("p", { className: "at" }, summary), ...items);
}

function described(contract, operation, own, open) {
  const { body, parameters, server, docs } = operation;
  const served = h("p", { className: "at" }, "At ", h("code", {}, server), operation.bearer && (operation.optional ? ", with or without a token. " : ", with a token. "),
    /^https?:/.test(docs?.url) && h("a", { href: docs.url, rel: "noreferrer" }, docs.description ?? docs.url));
  return h("div", { className: "operation" },
    h("div", {},
      h("p", {}, operation.description), served,
      parameters.length > 0 && [h("h4", {}, "Parameters"), list(contract, parameters.map((one) => ({ ...one, depth: 0, schema: { ...one.schema, ...one } })))],
      body && [h("h4", {}, "Body, ", h("code", {}, body.type), body.required && h("span", { className: "tag" }, "required")), h("p", {}, body.description ?? ""), rows(contract, body.schema)],
      h("h4", {}, "Answers"),
      operation.responses.map(({ status, description, type, schema }) => h("details", { className: "answers" },
        h("summary", {}, h("b", {}, status), ` ${description}`),
        type && h("p", { className: "at" }, h("code", {}, type)),
        schema && rows(contract, schema)))),
    operation.endless ? "" : trial(contract, operation, own, open));
}

function rows(contract, schema) {
  const found = contract.properties(schema);
  return found.length ? list(contract, found) : h("p", { className: "at" }, contract.type(schema));
}

function list(contract, found) {
  return h("ul", { className: "properties" }, found.map((one) => property(contract, one)));
}

function property(contract, { name, depth, required, in: place, schema }) {
  const facts = contract.constraints(schema);
  if ("default" in schema) facts.push(["default", schema.default]);
  const example = schema.example ?? schema.examples?.[0];
  return h("li", { className: `depth-${Math.min(depth, 3)}` },
    h("p", {}, h("code", { className: "name" }, name), " ", h("span", { className: "at" }, contract.type(schema), place && `, in the ${place}`), required && h("span", { className: "tag" }, "required")),
    schema.description && h("p", {}, schema.description),
    facts.length > 0 && h("p", { className: "facts" }, facts.map(([keyword, value]) => [h("span", {}, `${keyword}: `, h("code", {}, show(value))), " "])),
    example !== undefined && (typeof example === "object" ? block("Example", example) : h("p", { className: "at" }, "Example: ", h("code", {}, cut(String(example), 500)))));
}

function show(value) {
  return cut(Array.isArray(value) ? value.map((one) => JSON.stringify(one)).join(", ") : JSON.stringify(value), 1_000);
}
