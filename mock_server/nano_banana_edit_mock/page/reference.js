// A document as a reference, each operation with a form to try it: nothing about the API is known here.

import { ask, block, h } from "./dom.js";

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const SAID_APART = new Set(["type", "properties", "required", "items", "description", "default", "example", "anyOf", "title"]);
let serial = 0;

class Document {
  constructor(root) {
    this.root = root;
  }

  // The node behind references, with what stands beside them.
  node(node) {
    if (node.allOf?.length === 1) return this.node({ ...node, allOf: undefined, ...this.node(node.allOf[0]), ...beside(node) });
    if (!node.$ref) return node;
    const path = node.$ref.slice(2).split("/").map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
    return { ...this.node(path.reduce((at, part) => at[part], this.root)), ...beside(node) };
  }

  * operations() {
    for (const [path, item] of Object.entries(this.root.paths)) {
      for (const method of METHODS.filter((name) => name in item)) {
        const operation = item[method];
        const [server] = operation.servers ?? item.servers ?? this.root.servers;
        const base = new URL(server.url, location.href).pathname.replace(/\/$/, "");
        yield { ...operation, method: method.toUpperCase(), path: base + path, parameters: (operation.parameters ?? []).map((one) => this.node(one)) };
      }
    }
  }
}

function beside(node) {
  return Object.fromEntries(Object.entries(node).filter(([name, value]) => !["$ref", "allOf"].includes(name) && value !== undefined));
}

function typed(doc, schema) {
  const node = doc.node(schema);
  const either = node.anyOf?.map((one) => typed(doc, one)).join(" or ");
  const type = either ?? [node.type ?? "any"].flat().join(" or ");
  return type === "array" ? `array of ${typed(doc, node.items ?? {})}` : type;
}

function limits(doc, schema) {
  const node = doc.node(schema);
  const said = Object.entries(node).filter(([name, value]) => !SAID_APART.has(name) && value !== undefined && typeof value !== "function");
  return said.map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(", ") : JSON.stringify(value)}`);
}

function properties(doc, schema, title) {
  const node = doc.node(schema);
  if (!node.properties) return h("p", {}, `${title}: ${typed(doc, schema)}`);
  const rows = Object.entries(node.properties).map(([name, property]) => {
    const inner = doc.node(property);
    const facts = [...limits(doc, property), ...("default" in inner ? [`default: ${JSON.stringify(inner.default)}`] : [])];
    return h("div", {},
      h("dt", {}, h("code", {}, name), ` ${typed(doc, property)}`, node.required?.includes(name) ? h("strong", {}, " required") : ""),
      h("dd", {}, inner.description ?? "", facts.length ? h("span", { className: "facts" }, facts.join(" · ")) : ""));
  });
  return h("div", {}, h("h4", {}, title), h("dl", { className: "properties" }, rows));
}

function sample(doc, schema) {
  const node = doc.node(schema);
  if ("example" in node) return node.example;
  if ("default" in node) return node.default;
  if (node.enum) return node.enum[0];
  if (node.type === "array") return [sample(doc, node.items ?? {})];
  if (node.type === "object") {
    const needed = Object.entries(node.properties ?? {}).filter(([name]) => node.required?.includes(name));
    return Object.fromEntries(needed.map(([name, property]) => [name, sample(doc, property)]));
  }
  return { integer: node.minimum ?? 1, number: node.minimum ?? 1, boolean: true }[[node.type].flat()[0]] ?? "text";
}

function field(title, input, ...more) {
  input.id = `field-${serial++}`;
  return h("div", { className: "field" }, h("label", { htmlFor: input.id }, title), input, ...more);
}

// A control for a property of a JSON body: what it holds goes into the text, and the text is what is sent.
function control(doc, name, schema, write, upload) {
  const node = doc.node(schema);
  if (node.enum) {
    const input = h("select", { onchange: () => write(name, input.value === "" ? undefined : node.enum[input.value]) },
      h("option", { value: "" }, "left out"), node.enum.map((value, index) => h("option", { value: String(index) }, String(value))));
    return field(name, input);
  }
  if (node.type === "array" && doc.node(node.items ?? {}).type === "string") {
    const read = () => write(name, input.value.split("\n").filter(Boolean));
    const input = h("textarea", { rows: 3, spellcheck: false, oninput: read, value: sample(doc, schema).join("\n") });
    return field(`${name}, one in a line`, input, upload ? upload((url) => {
      input.value = [...input.value.split("\n").filter(Boolean), url].join("\n");
      read();
    }) : "");
  }
  if (node.type === "string") {
    const input = h("textarea", { rows: 2, value: node.example ?? "", oninput: () => write(name, input.value) });
    return field(name, input);
  }
  return null;
}

function bearer() {
  const token = document.getElementById("bearer").value;
  return token ? { Authorization: `Bearer ${token}` } : {};
}

// The first operation that takes a file and answers with its URL, as a button.
function uploader(doc) {
  const operation = [...doc.operations()].find((one) => one.requestBody && doc.node(one.requestBody).content["multipart/form-data"]);
  if (!operation) return null;
  const schema = doc.node(doc.node(operation.requestBody).content["multipart/form-data"].schema);
  return (add) => {
    const input = h("input", { type: "file", accept: "image/*", "aria-label": "Upload a picture and add its URL", onchange: async () => {
      const form = new FormData();
      form.append(Object.keys(schema.properties)[0], input.files[0]);
      const response = await fetch(operation.path, { method: operation.method, headers: bearer(), body: form });
      if (response.ok) add((await response.json()).url);
    } });
    return input;
  };
}

async function shown(response) {
  const text = await response.text();
  const headers = ["mock-violations", "allow", "retry-after", "www-authenticate"].filter((name) => response.headers.has(name));
  let value = text;
  try {
    value = JSON.parse(text);
  } catch {
    // it is shown as it is
  }
  return [
    h("p", { className: `status ${response.ok ? "good" : "bad"}` }, `${response.status} ${response.statusText}`),
    ...headers.map((name) => h("p", {}, h("code", {}, `${name}: ${response.headers.get(name)}`))),
    text ? block("Answer", value) : "",
  ].filter(Boolean);
}

function trial(doc, operation, send) {
  const inputs = operation.parameters.map((parameter) => [parameter.name, h("input", { value: sample(doc, parameter), spellcheck: false })]);
  const content = operation.requestBody ? doc.node(operation.requestBody).content : {};
  const fields = inputs.map(([name, input]) => field(name, input));
  let body = () => ({});
  if (content["application/json"]) {
    const schema = doc.node(content["application/json"].schema);
    const value = sample(doc, schema);
    const text = h("textarea", { rows: 8, spellcheck: false, value: JSON.stringify(value, null, 2) });
    const write = (name, given) => {
      value[name] = given;
      text.value = JSON.stringify(value, null, 2);
    };
    const upload = uploader(doc);
    fields.push(...Object.entries(schema.properties ?? {}).map(([name, property]) => control(doc, name, property, write, upload)).filter(Boolean));
    fields.push(field("Body that is sent", text));
    body = () => ({ body: text.value, headers: { "Content-Type": "application/json" } });
  } else if (content["multipart/form-data"]) {
    const schema = doc.node(content["multipart/form-data"].schema);
    const files = Object.keys(schema.properties ?? {}).map((name) => [name, h("input", { type: "file" })]);
    fields.push(...files.map(([name, input]) => field(name, input)));
    body = () => {
      const form = new FormData();
      for (const [name, input] of files) if (input.files[0]) form.append(name, input.files[0]);
      return { body: form };
    };
  }
  const answer = h("div", { className: "answer", role: "status" });
  const submit = async (event) => {
    event.preventDefault();
    const path = inputs.reduce((at, [name, input]) => at.replace(`{${name}}`, encodeURIComponent(input.value)), operation.path);
    const { headers, ...rest } = body();
    try {
      answer.replaceChildren(...await shown(await send(path, { method: operation.method, headers, ...rest })));
    } catch (problem) {
      answer.replaceChildren(h("p", { className: "status broken" }, `no answer: ${problem.message}`));
    }
  };
  return h("form", { onsubmit: submit }, h("h4", {}, "Try it"), fields, h("button", {}, `Send ${operation.operationId}`), answer);
}

function described(doc, operation, send) {
  const content = operation.requestBody ? Object.entries(doc.node(operation.requestBody).content) : [];
  const answers = Object.entries(operation.responses).map(([status, response]) => {
    const node = doc.node(response);
    const [media] = Object.entries(node.content ?? {});
    return h("div", {}, h("h4", {}, `Answer ${status}`), h("p", {}, node.description ?? ""),
      media ? properties(doc, media[1].schema, media[0]) : "");
  });
  return h("div", { className: "operation" },
    h("div", {},
      h("p", {}, operation.description ?? ""),
      operation.parameters.map((one) => h("p", {}, h("code", {}, one.name), ` ${one.in}, ${typed(doc, one.schema)}. ${one.description ?? ""}`)),
      content.map(([media, { schema }]) => properties(doc, schema, `Body, ${media}`)),
      answers),
    operation.responses["200"]?.content?.["text/event-stream"] ? "" : trial(doc, operation, send));
}

export function reference(place, root, own) {
  const doc = new Document(root);
  const send = own
    ? (path, options) => ask(path.replace(/^\/__mock__\//, ""), options)
    : (path, options) => fetch(path, { ...options, headers: { ...bearer(), ...options.headers } });
  place.replaceChildren(
    h("h3", {}, `${root.info.title} ${root.info.version}`),
    h("p", {}, root.info.summary ?? ""),
    ...[...doc.operations()].map((operation) => {
      const opened = h("details", { ontoggle: () => opened.children.length > 1 || opened.append(described(doc, operation, send)) },
        h("summary", {}, h("code", { className: "method" }, operation.method), h("code", { className: "path" }, operation.path),
          h("span", {}, operation.summary ?? operation.operationId)));
      return opened;
    }));
}
