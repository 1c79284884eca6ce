// The page: the views, and the requests, drawn once a frame.

import * as calls from "./calls.js";
import { Contract } from "./contract.js";
import { ask, find, setToken, takeToken } from "./dom.js";
import { follow } from "./feed.js";
import { reference } from "./reference.js";
import * as script from "./script.js";
import * as tasks from "./tasks.js";
import { use } from "./try.js";

const NEWS_EVERY = 3_000; // milliseconds between two announcements to a screen reader
const SETTLED = 2_000; // milliseconds; requests before are not news, because the page found them
const MOST = 1_000; // requests waiting to be drawn; a page in the background draws no frames

let waiting = [];
let count = 0;
let refused = 0;
let unread = 0;
let latest = null;

function view() {
  if (takeToken()) dispatchEvent(new Event("token"));
  const views = ["requests", "tasks", "script", "reference"];
  const named = views.find((name) => location.hash === `#${name}`);
  const usual = matchMedia("(min-width: 62rem)").matches ? "tasks" : "requests";
  const before = document.body.dataset.view;
  document.body.dataset.view = named ?? before ?? usual;
  if (before && named !== before) scrollTo(0, 0);
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${document.body.dataset.view}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  tasks.show();
}

function tell(state) {
  find("state").dataset.state = state;
  find("state").firstElementChild.textContent = state;
  find("token").hidden = state !== "token needed";
}

// Resolves when there is a token, from the form or the address.
function given() {
  return new Promise((done) => {
    addEventListener("token", done, { once: true });
    find("token").onsubmit = (event) => {
      event.preventDefault();
      setToken(find("token-given").value);
      dispatchEvent(new Event("token"));
    };
  });
}

function forget() {
  waiting = [];
  count = refused = unread = 0;
  tasks.clear();
  find("calls").replaceChildren();
  find("counts").textContent = "";
  find("matches").textContent = "";
}

function draw() {
  if (!waiting.length) return;
  const drawn = waiting;
  waiting = [];
  for (const call of drawn) tasks.take(call);
  calls.show(find("calls"), drawn);
  if (find("search").value) seek();
  tasks.show();
  latest = drawn.at(-1);
  count = latest.number;
  refused += drawn.filter((call) => call.violations.length).length;
  unread += performance.now() > SETTLED ? drawn.length : 0;
  find("counts").textContent = `${count.toLocaleString("en")} request${count === 1 ? "" : "s"}, ${refused.toLocaleString("en")} invalid`;
}

function take(event) {
  if (event.name === "reset") return forget();
  if (event.name === "script") return script.list();
  if (!waiting.length) requestAnimationFrame(draw);
  waiting.push(event.data);
  if (waiting.length >= MOST) draw();
}

function seek() {
  find("matches").textContent = calls.search(find("calls"), find("search").value);
}

setInterval(() => {
  if (!unread) return;
  const last = `${calls.nameOf(latest)} answered ${calls.fateOf(latest)}, ${latest.violations.length ? "invalid" : "valid"}`;
  find("news").textContent = unread === 1 ? last : `${unread} new requests, the last ${last}`;
  unread = 0;
}, NEWS_EVERY);

for (const place of document.querySelectorAll(".origin")) place.textContent = location.origin;
find("show").addEventListener("change", () => {
  find("calls").dataset.show = find("show").value;
});
find("search").addEventListener("input", seek);
addEventListener("hashchange", view);
view();
const [api, own] = await Promise.all(["api.json", "openapi.json"].map(async (name) => new Contract(await (await ask(name)).json())));
document.title = `${api.title}, mock`;
find("title").textContent = api.title;
use(api);
reference(find("api"), api, false);
reference(find("admin"), own, true);
script.begin(api, own);
follow(take, tell, given);
