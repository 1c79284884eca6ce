// A form for each operation, made from the document. It sends invalid requests too: the mock judges them.

import { addresses, block, cut, getToken, h, sign } from "./dom.js";

const LINES = 200; // characters; a field for longer text has several lines
const SHOWN = ["Allow", "Preference-Applied", "Retry-After", "WWW-Authenticate"];

let bearer = "any"; // the last token for the API
let task; // the operation that polls a task
let serial = 0;

export function use(contract) {
  task = contract.find("getTask");
}

/** Poll a task once, as its client would; the answer appears among the other requests. */
export async function poll(id) {
  await send(task, { path: [id], bearer }).catch(() => null);
}

function send(operation, { path = [], bearer: token, prefer, type, body, signal }) {
  const headers = new Headers();
  if (token) headers.set("Authorization", `Bearer ${token}`);
  if (prefer) headers.set("Prefer", prefer);
  if (type) headers.set("Content-Type", type);
  const values = [...path];
  const url = operation.base + operation.path.replace(/\{[^}]+\}/g, () => encodeURIComponent(values.shift() ?? ""));
  return fetch(url, { method: operation.method, headers, body, signal, cache: "no-store" });
}

function field(title, input, hint, ...more) {
  input.id = `field-${serial++}`;
  if (hint) input.setAttribute("aria-describedby", `${input.id}-hint`);
  return h("div", { className: "field" }, h("label", { htmlFor: input.id }, title), input,
    hint && h("small", { id: `${input.id}-hint` }, hint), more);
}

const line = (value) => h("input", { value: String(value), autocomplete: "off", spellcheck: false });
const lines = (value, rows) => h("textarea", { value, rows, spellcheck: false });

function loose(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text; // it is sent as it is, and the mock judges it
  }
}

// A control for a property; `read` returns undefined if the property is not sent.
function control(contract, { name, required, schema }) {
  const types = [schema.type ?? []].flat();
  const hint = contract.constraints(schema).filter(([keyword]) => keyword !== "enum").map(([keyword, value]) => `${keyword} ${JSON.stringify(value)}`).join(", ");
  const example = schema.example ?? schema.examples?.[0] ?? schema.default;
  const first = required ? example : undefined;
  const choices = schema.enum ?? (types.includes("boolean") ? [true, false] : null);
  if (choices) {
    const usual = "default" in schema ? `not sent; default ${JSON.stringify(schema.default)}` : "not sent";
    const input = h("select", {}, h("option", { value: "" }, usual), choices.map((one) => h("option", { value: JSON.stringify(one) }, String(one))));
    input.value = first === undefined ? "" : JSON.stringify(first);
    return { input, hint, read: () => (input.value ? JSON.parse(input.value) : undefined) };
  }
  if (schema.format === "binary") {
    const input = h("input", { type: "file" });
    return { input, hint, read: () => input.files[0] };
  }
  if (types.includes("array") && contract.resolve(schema.items).type === "string") {
    const input = lines((first ?? []).join("\n"), 3);
    const read = () => input.value.split("\n").filter(Boolean);
    return { input, hint: `one a line; ${hint}`, list: true, read: () => (required || input.value ? read() : undefined) };
  }
  const text = types.includes("string");
  const value = first === undefined ? "" : text ? String(first) : JSON.stringify(first, null, 2);
  const long = text ? (schema.maxLength ?? 0) > LINES : !types.length || types.includes("object") || types.includes("array");
  const input = long ? lines(value, 3) : line(value);
  return { input, hint, read: () => (text ? (required || input.value ? input.value : undefined) : input.value ? loose(input.value) : undefined) };
}

// A button that uploads a file and adds its URL to a list, if the API has such an operation.
function uploader(contract, input) {
  const isFile = ({ schema }) => schema.format === "binary";
  const operation = contract.operations.find(({ body }) => body?.type === "multipart/form-data" && contract.properties(body.schema).some(isFile));
  if (!operation) return null;
  const { name } = contract.properties(operation.body.schema).find(isFile);
  const untouched = input.value;
  const result = h("small", { role: "status" });
  const upload = async () => {
    const body = new FormData();
    body.append(name, picker.files[0]);
    try {
      const response = await send(operation, { bearer, body });
      const [url] = response.ok ? addresses(await response.json()) : [];
      if (!url) throw new Error(`answered ${response.status}`);
      // The first URL replaces the example.
      input.value = [...(input.value === untouched ? [] : [input.value]), url].filter(Boolean).join("\n");
      input.dispatchEvent(new Event("input"));
      result.textContent = `${picker.files[0].name} is uploaded.`;
    } catch (problem) {
      result.textContent = `Upload failed: ${problem.message}.`;
    }
  };
  const picker = h("input", { type: "file", accept: "image/*", "aria-label": "Upload an image and add its URL", onchange: () => picker.files[0] && upload() });
  return h("div", { className: "upload" }, picker, result);
}

const read = (fields) => fields.map((one) => [one.name, one.read()]).filter(([, value]) => value !== undefined);

function multipart(fields) {
  const body = new FormData();
  for (const [name, value] of read(fields)) body.append(name, value instanceof Blob ? value : typeof value === "string" ? value : JSON.stringify(value));
  return body;
}

export function trial(contract, operation, own, open) {
  const { body } = operation;
  const token = line(own ? getToken() : bearer);
  token.addEventListener("input", () => own || (bearer = token.value));
  const prefer = line("");
  const path = operation.parameters.filter((one) => one.in === "path").map((one) => ({ ...one, input: line(one.example ?? one.schema.example ?? "") }));
  const fields = contract.properties(body?.schema).filter((one) => one.depth === 0).map((one) => ({ ...one, ...control(contract, one) }));
  const json = body && body.type !== "multipart/form-data";
  const raw = json && lines("", 8);
  const write = () => json && (raw.value = JSON.stringify(Object.fromEntries(read(fields)), null, 2));
  const button = h("button", {}, `Send ${operation.id}`);
  const outcome = h("p", { className: "status", role: "status" }); // the rest is too long for a screen reader
  const answer = h("div", { className: "answer" });
  let stop = null;

  const tell = (kind, what, text, parts) => {
    outcome.className = `status ${kind}`;
    outcome.replaceChildren(sign(what), ` ${text}`);
    answer.replaceChildren(...parts);
  };
  const submit = async (event) => {
    event.preventDefault();
    if (stop) return stop.abort();
    stop = new AbortController();
    button.textContent = "Stop waiting";
    try {
      const sent = json ? { body: raw.value, type: body.type } : { body: body && multipart(fields) };
      const response = await send(operation, { ...sent, bearer: token.value, prefer: prefer.value, path: path.map((one) => one.input.value), signal: stop.signal });
      const parts = await shown(operation, response, open);
      tell(response.ok ? "good" : "bad", response.ok ? "✓" : "✕", `${response.status} ${response.statusText}`, parts);
    } catch (problem) {
      const reason = problem.name === "AbortError" ? "you stopped waiting" : problem.message;
      tell("broken", "!", `No answer: ${reason}`, []);
    }
    stop = null;
    button.textContent = `Send ${operation.id}`;
  };
  for (const { input } of fields) input.addEventListener("input", write);
  write();
  const form = h("form", { onsubmit: submit, noValidate: true, "aria-label": `Try ${operation.id}` },
    h("h4", {}, "Try it"),
    operation.bearer && field("Bearer token", token, "empty sends none"),
    path.map((one) => field(one.name, one.input, `in the path; ${one.description ?? ""}`)),
    fields.map((one) => field(one.name, one.input, one.hint, one.list && /url/i.test(one.name) && uploader(contract, one.input))),
    json && field("Body to send", raw, "made from the fields; you can edit it"),
    !own && field("Prefer", prefer, "code=429 asks for that status, if the request is valid"),
    button, outcome, answer);
  form.fill = (values) => {
    for (const { name, input } of path) if (name in values) input.value = values[name];
  };
  return form;
}

async function shown(operation, response, open) {
  const text = await response.text();
  const value = loose(text);
  const wrong = loose(response.headers.get("Mock-Violations") ?? "[]");
  const { links = {} } = operation.responses.find(({ status }) => status === String(response.status)) ?? {};
  return [
    wrong.length > 0 && h("ul", { className: "violations", "aria-label": "Violations" }, wrong.map(({ location, pointer, keyword }) => h("li", {}, h("b", {}, keyword), ` in the ${location} `, h("code", {}, pointer)))),
    ...SHOWN.filter((name) => response.headers.has(name)).map((name) => h("p", {}, h("code", {}, `${name}: ${response.headers.get(name)}`))),
    text !== "" && block("Answer", value),
    ...Object.values(links).map((link) => next(link, value, open)),
  ].filter(Boolean);
}

// A button for a link in the document.
function next({ operationId, description, parameters = {} }, body, open) {
  const go = () => {
    const form = open(operationId);
    form?.fill(Object.fromEntries(Object.entries(parameters).map(([name, from]) => [name.split(".").at(-1), evaluate(from, body)])));
    form?.requestSubmit();
  };
  return operationId && h("button", { type: "button", className: "plain", title: description, onclick: go }, `Continue with ${operationId}`);
}

function evaluate(expression, body) {
  const [, pointer] = /^\$response\.body#(.*)$/.exec(expression) ?? [];
  if (pointer === undefined) return cut(String(expression), 1_000);
  const names = pointer.split("/").slice(1).map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return names.reduce((value, name) => value?.[name], body) ?? "";
}
