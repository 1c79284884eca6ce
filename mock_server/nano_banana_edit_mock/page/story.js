// What is said beforehand, the clock, and forgetting.

import { ask, h } from "./dom.js";

const PRESETS = {
  "Too many requests": { reply: { status: 429, body: { message: "Slow down." }, retry_after: 2 } },
  "No credit left": { reply: { status: 402, body: { message: "Top it up." } }, operation: "createEdit" },
  "An edit that fails": { outcome: { status: "failed", error_code: "nsfw", error_msg: "Not that." } },
  "An edit with a status that nobody knows": { outcome: { status: "archived" } },
  "A slow edit": { outcome: { seconds: 90 } },
  "A result that has expired": { outcome: { expired: true } },
  "An outage of three requests": { outage: { requests: 3 } },
  "The third look failing": { reply: { status: 503 }, operation: "getTask", nth: 3 },
};

const [form, preset, steps, rules] = ["script", "preset", "steps", "rules"].map((id) => document.getElementById(id));
const clock = document.getElementById("clock");

async function told(where, response) {
  const problem = response.ok ? null : (await response.json()).message;
  where.querySelector(".told").textContent = problem ?? "Done.";
  where.querySelector(".told").classList.toggle("error", problem !== null);
}

export async function list() {
  const response = await ask("script");
  if (!response.ok) return;
  const said = (await response.json()).rules;
  rules.replaceChildren(...said.map((rule) => h("li", {}, rule.text)));
}

async function say(event) {
  event.preventDefault();
  const response = await ask("script", { method: "POST", body: `{"steps": ${steps.value}}` });
  await told(form, response);
  await list();
}

async function pass(event) {
  event.preventDefault();
  const seconds = document.getElementById("seconds").value;
  await told(clock, await ask("clock", { method: "POST", body: `{"seconds": ${seconds}}` }));
}

async function forget() {
  await told(clock, await ask("reset", { method: "POST" }));
  await list();
}

export function begin(document_) {
  const faults = document_.components.schemas.Step.properties.fault.enum;
  const all = { ...PRESETS, ...Object.fromEntries(faults.map((fault) => [`On the wire: ${fault}`, { fault }])) };
  preset.replaceChildren(...Object.keys(all).map((name) => h("option", {}, name)));
  const write = () => {
    steps.value = JSON.stringify([all[preset.value]], null, 2);
  };
  preset.addEventListener("change", write);
  form.addEventListener("submit", say);
  clock.addEventListener("submit", pass);
  document.getElementById("reset").addEventListener("click", forget);
  write();
}
