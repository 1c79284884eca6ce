// The life of each task: its edit, its polls, and its result.

import { stateOf } from "./calls.js";
import { addresses, block, clock, cut, find, h, sign } from "./dom.js";
import { poll } from "./try.js";

const MOST = 50; // tasks on the page
const SERVED = 5_000; // paths that are kept
const EVERY = 200; // milliseconds between two drawings
const [FIRST, LAST] = [3, 8]; // polls of a long life on the page
const FILES = /^\/(files|results)\//;
const SIGNS = new Map([
  ["accepted", "○"],
  ["pending", "◔"],
  ["processing", "◑"],
  ["completed", "●"],
  ["failed", "✕"],
]);
const OVER = new Set(["completed", "failed"]);

const tasks = new Map(); // by id, oldest first
const changed = new Set();
const served = new Set(); // paths of files in the mock's answers, whatever its host name
let timer = 0;

export function clear() {
  tasks.clear();
  changed.clear();
  served.clear();
  find("edits").replaceChildren();
  find("tasks-count").textContent = "";
}

export function take(call) {
  for (const url of addresses(call.answer)) served.add(new URL(url).pathname);
  while (served.size > SERVED) served.delete(served.values().next().value);
  if (!call.task_id || !call.operation) return;
  const fine = call.status < 300 && !call.fault;
  let task = tasks.get(call.task_id);
  if (!task) {
    if (call.status >= 300) return; // a poll of an unknown task
    task = { id: call.task_id, at: call.at, when: call.when, body: {}, state: "accepted", moments: [], left: 0, answer: {} };
    tasks.set(task.id, task);
    if (tasks.size > MOST) drop(tasks.values().next().value);
  }
  let state = call.fault ?? (fine ? stateOf(call) || "accepted" : `answered ${call.status}`);
  if (call.operation === "createEdit" && call.status < 300) {
    task.body = call.body ?? {};
    state = call.fault ? `accepted, then ${call.fault}` : "accepted";
  } else if (fine) Object.assign(task, { state, answer: call.answer ?? {} });
  task.moments.push({ state, at: call.at, fine });
  if (task.moments.length > FIRST + LAST) {
    task.moments.splice(FIRST, 1);
    task.left += 1;
  }
  changed.add(task);
}

function drop(task) {
  tasks.delete(task.id);
  changed.delete(task);
  task.item?.remove();
}

/** Draw the changes, not more often than a reader notices. */
export function show() {
  if (timer || document.body.dataset.view !== "tasks" || !changed.size) return;
  timer = setTimeout(() => {
    timer = 0;
    if (!changed.size) return;
    for (const task of changed) place(task);
    changed.clear();
    find("tasks-count").textContent = tasks.size < MOST ? `${tasks.size}` : `the last ${MOST}`;
  }, EVERY);
}

// A new card keeps what was open, and the focus.
function place(task) {
  const old = task.item;
  task.item = h("li", {}, card(task));
  if (!old) return find("edits").prepend(task.item);
  const parts = (item) => [...item.querySelectorAll("summary, button, a, pre")];
  const focus = parts(old).indexOf(document.activeElement);
  const opened = old.querySelector("details").open;
  old.replaceWith(task.item);
  task.item.querySelector("details").open = opened;
  if (focus >= 0) (parts(task.item)[focus] ?? parts(task.item).at(-1)).focus();
}

function moment({ state, at, fine }, index, moments, task) {
  const kind = !fine ? "broken" : SIGNS.has(state) ? state : "unknown";
  const item = h("li", { className: kind },
    sign(fine ? SIGNS.get(state) ?? "?" : "!"),
    h("span", {}, state),
    h("span", { className: "at" }, index ? `+${(at - task.at).toFixed(1)} s` : clock(task.when)));
  // Its width grows with the time until the next moment; short ones stay legible.
  const next = moments[index + 1];
  item.style.flexGrow = next ? 0.3 + Math.sqrt(next.at - at) : 0;
  return item;
}

function life(task) {
  const items = task.moments.map((one, index) => moment(one, index, task.moments, task));
  if (task.left) items.splice(FIRST, 0, h("li", { className: "left" }, sign("⋯"), h("span", {}, `${task.left} more`), h("span", { className: "at" }, "polls")));
  return h("ol", { className: "life", "aria-label": "Answers, poll by poll" }, items);
}

// The page fetches files without entries in the journal: only the application's requests belong there.
function picture(url, title, alt, className = "input") {
  const { pathname, origin } = new URL(url);
  const here = origin === location.origin || served.has(pathname);
  const link = h("a", { href: url, rel: "noreferrer", title: url }, cut(url.replace(/^https?:\/\//, ""), 80));
  if (!here || !FILES.test(pathname)) return h("figure", { className: "elsewhere" }, link, h("figcaption", {}, title));
  const gone = () => image.replaceWith(h("p", { className: "gone" }, "no image: ", link));
  const image = h("img", { src: `/__mock__${pathname}`, alt, loading: "lazy", onerror: gone });
  return h("figure", { className }, image, h("figcaption", {}, title));
}

// Search the list of requests, which is another view on a phone.
function seek(id) {
  find("search").value = id;
  find("search").dispatchEvent(new Event("input"));
  if (!find("requests").checkVisibility()) location.hash = "#requests";
}

function card(task) {
  const over = OVER.has(task.state);
  const inputs = addresses(task.body);
  const results = task.state === "completed" ? addresses(task.answer) : [];
  const { prompt, ...others } = task.body;
  const settings = Object.entries(others).filter(([, value]) => !addresses(value).length);
  const error = [task.answer.error_code, task.answer.error_msg].filter(Boolean).join(": ");
  const title = typeof prompt === "string" ? prompt.slice(0, 300) : "Without a prompt"; // the page shows two lines of it
  const kind = SIGNS.has(task.state) ? task.state : "unknown";
  return h("article", { "aria-label": `Task ${task.id}` },
    h("div", { className: "bar" }, h("h3", {}, title), h("span", { className: `state ${kind}` }, sign(SIGNS.get(task.state) ?? "?"), ` ${task.state}`)),
    h("p", { className: "at" }, h("code", {}, task.id), settings.map(([name, value]) => ` · ${name} ${cut(JSON.stringify(value), 60)}`)),
    life(task),
    error && h("p", { className: "error" }, sign("✕"), ` ${cut(error, 500)}`),
    h("div", { className: "pictures" },
      inputs.map((url, index) => picture(url, inputs.length > 1 ? `input ${index + 1}` : "input", `Input ${index + 1}`)),
      inputs.length > 0 && results.length > 0 && h("span", { className: "arrow", "aria-hidden": "true" }, "→"),
      results.map((url, index) => picture(url, results.length > 1 ? `result ${index + 1}` : "result", `Result: ${title}`, "result"))),
    h("div", { className: "foot" },
      h("details", {}, h("summary", {}, "Request"), block("Body", task.body)),
      h("button", { type: "button", className: "plain", onclick: () => seek(task.id) }, "Show its requests"),
      !over && h("button", { type: "button", className: "plain", onclick: () => poll(task.id) }, "Poll now")));
}
