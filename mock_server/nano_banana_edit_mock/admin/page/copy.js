// A request that arrived, to be sent again: as a line of curl, or in Python. Neither has the token.

const TOKEN = "SINANCODE_API_KEY"; // the variable in the environment
// What curl and httpx2 write themselves, what belongs to a page, and what is hidden.
const LEFT_OUT = /^(host|content-length|connection|user-agent|accept-encoding|transfer-encoding|authorization|origin|referer|sec-.*)$/i;

function kept({ headers, files }) {
  const own = ([name, value]) => !LEFT_OUT.test(name) && value !== "(hidden)" && !/^accept: \*\/\*$/i.test(`${name}: ${value}`);
  return headers.filter(own).filter(([name]) => !files.length || name.toLowerCase() !== "content-type"); // it has the old boundary
}

const lost = ({ size, body, files }) => size > 0 && body === null && !files.length;
const url = ({ path }) => location.origin + path;
const fileName = ({ filename }) => filename || "file";

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const inForm = (text) => `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;

export function curl(call) {
  const method = call.method === "HEAD" ? " --head" : call.method === "GET" ? "" : ` -X ${call.method}`;
  const parts = [`curl --globoff${method}`, quoted(url(call))];
  if (call.authorization) parts.push(`-H "Authorization: Bearer $${TOKEN}"`);
  for (const [name, value] of kept(call)) parts.push(`-H ${quoted(value ? `${name}: ${value}` : `${name};`)}`);
  for (const file of call.files) parts.push(`-F ${quoted(`${file.name}=@${inForm(fileName(file))}${file.content_type ? `;type=${file.content_type}` : ""}`)}`);
  if (call.body !== null) parts.push(`--data-raw ${quoted(JSON.stringify(call.body))}`);
  const [first, second, ...others] = parts;
  return [...(lost(call) ? ["# The body was not kept: add it with --data-binary @FILE"] : []), [`${first} ${second}`, ...others].join(" \\\n  ")].join("\n");
}

// A text of JSON is a text of Python, too.
function literal(value) {
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${literal(inner)}`).join(", ")}}`;
  return JSON.stringify(value);
}

export function python(call) {
  const headers = kept(call).map(([name, value]) => `(${literal(name)}, ${literal(value)})`);
  if (call.authorization) headers.unshift(`("Authorization", f"Bearer {os.environ['${TOKEN}']}")`);
  const files = call.files.map((file) => `(${literal(file.name)}, (${[literal(fileName(file)), `Path(${literal(fileName(file))}).read_bytes()`, ...(file.content_type ? [literal(file.content_type)] : [])].join(", ")}))`);
  const given = [literal(call.method), literal(url(call))];
  if (headers.length) given.push(`headers=[${headers.join(", ")}]`);
  if (files.length) given.push(`files=[${files.join(", ")}]`);
  if (call.body !== null) given.push(`json=${literal(call.body)}`);
  const lines = given.map((one) => `    ${one},`);
  if (lost(call)) lines.push('    content=Path("FILE").read_bytes(),  # the body was not kept');
  const imports = [...(call.authorization ? ["import os"] : []), ...(files.length || lost(call) ? ["from pathlib import Path"] : [])];
  if (imports.length) imports.push("");
  return [...imports, "import httpx2", "", "response = httpx2.request(", ...lines, ")", "print(response.status_code, response.text)"].join("\n");
}
