// The life of each task: what was asked, every look at it, and what came of it.

import { block, h } from "./dom.js";

const MOST = 50; // tasks that are shown
const SIGNS = { accepted: "○", pending: "◔", processing: "◑", completed: "●", failed: "✕" };

const tasks = new Map();

export function clear() {
  tasks.clear();
}

// Files are shown past the journal, so that who looks on is not taken for who is tested.
function own(url) {
  const path = URL.canParse(url) ? new URL(url).pathname : "";
  return /^\/(files|results)\//.test(path) ? `/__mock__${path}` : null;
}

function picture(url, title) {
  return h("img", { src: own(url), alt: title, loading: "lazy" });
}

export function take(call) {
  if (call.operation === "createEdit" && call.status === 200 && call.task_id) {
    tasks.set(call.task_id, { id: call.task_id, at: call.at, body: call.body ?? {}, looks: [], results: [], error: null });
  }
  const task = tasks.get(call.task_id);
  if (call.operation !== "getTask" || !task) return task;
  const status = call.status === 200 ? String(call.answer?.status) : `answered ${call.status}`;
  const last = task.looks.at(-1);
  if (last?.status === status) Object.assign(last, { until: call.at, times: last.times + 1 });
  else task.looks.push({ status, from: call.at, until: call.at, times: 1 });
  for (const result of call.answer?.result ?? []) {
    const url = result.url ?? result;
    if (!task.results.includes(url)) task.results.push(url);
  }
  if (call.answer?.error_code || call.answer?.error_msg) {
    task.error = [call.answer.error_code, call.answer.error_msg].filter(Boolean).join(": ");
  }
  return task;
}

function moment(task, look) {
  const [from, until] = [look.from - task.at, look.until - task.at].map((seconds) => seconds.toFixed(1));
  return h("li", { className: SIGNS[look.status] ? look.status : "unknown" },
    h("span", { className: "sign", "aria-hidden": "true" }, SIGNS[look.status] ?? "?"),
    h("span", {}, look.status),
    h("span", { className: "at" }, from === until ? `${from} s` : `${from} to ${until} s`),
    look.times > 1 ? h("span", { className: "at" }, `${look.times} looks`) : "");
}

function card(task) {
  const inputs = Array.isArray(task.body.image_urls) ? task.body.image_urls.map(String) : [];
  const looks = [{ status: "accepted", from: task.at, until: task.at, times: 1 }, ...task.looks];
  const shown = task.results.filter(own);
  return h("article", { "aria-label": `Task ${task.id}` },
    h("h3", {}, String(task.body.prompt ?? "without a prompt").slice(0, 200)),
    h("p", { className: "at" }, task.id),
    h("ol", { className: "life", "aria-label": "What was answered, look by look" }, looks.map((look) => moment(task, look))),
    task.error ? h("p", { className: "error" }, `✕ ${task.error}`) : "",
    h("div", { className: "pictures" },
      inputs.map((url, index) => own(url)
        ? h("figure", {}, picture(url, `Input ${index + 1}`), h("figcaption", {}, `input ${index + 1}`))
        : h("p", { className: "link" }, "input ", h("code", {}, url.slice(0, 200)))),
      shown.map((url, index) => h("figure", { className: "result" },
        picture(url, `Result: ${task.body.prompt ?? ""}`.slice(0, 200)), h("figcaption", {}, shown.length > 1 ? `result ${index + 1}` : "result")))),
    h("details", {}, h("summary", {}, "Request"), block("Body", task.body)));
}

export function show(list, changed) {
  for (const task of changed) {
    const item = h("li", {}, card(task));
    if (task.item?.isConnected) task.item.replaceWith(item);
    else list.prepend(item);
    task.item = item;
  }
  while (list.children.length > MOST) list.lastElementChild.remove();
  while (tasks.size > MOST * 20) tasks.delete(tasks.keys().next().value);
}
