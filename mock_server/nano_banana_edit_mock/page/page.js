// The page: what comes is collected, and drawn once a frame.

import * as calls from "./calls.js";
import { ask } from "./dom.js";
import { follow } from "./feed.js";
import { reference } from "./reference.js";
import * as story from "./story.js";
import * as tasks from "./tasks.js";

const find = (id) => document.getElementById(id);
const NEWS_EVERY = 2_000; // milliseconds between two announcements to a screen reader

let waiting = [];
let count = 0;
let refused = 0;
let unsaid = 0;

function tell(state) {
  find("state").dataset.state = state;
  find("state").firstElementChild.textContent = state;
  if (state === "token needed") find("news").textContent = "Open the page with the token that the mock printed.";
}

function forget() {
  waiting = [];
  count = refused = 0;
  tasks.clear();
  find("calls").replaceChildren();
  find("edits").replaceChildren();
  find("counts").textContent = "none yet";
}

function draw() {
  const drawn = waiting;
  waiting = [];
  const changed = new Set(drawn.map(tasks.take).filter(Boolean));
  calls.show(find("calls"), drawn.slice(-200));
  tasks.show(find("edits"), changed);
  count += drawn.length;
  refused += drawn.filter((call) => call.violations.length).length;
  unsaid += drawn.length;
  find("counts").textContent = `${count} came, ${refused} invalid`;
  if (drawn.some((call) => call.scripted)) story.list();
}

function take(event) {
  if (event.name === "reset") forget();
  else {
    if (!waiting.length) requestAnimationFrame(draw);
    waiting.push(event.data);
  }
}

setInterval(() => {
  if (unsaid) find("news").textContent = `${unsaid} new ${unsaid === 1 ? "request" : "requests"}`;
  unsaid = 0;
}, NEWS_EVERY);

for (const place of document.querySelectorAll(".origin")) place.textContent = location.origin;
const [api, own] = await Promise.all(["api.json", "openapi.json"].map(async (name) => (await ask(name)).json()));
reference(find("api"), api, false);
reference(find("admin"), own, true);
story.begin(own);
story.list();
follow(take, tell);
