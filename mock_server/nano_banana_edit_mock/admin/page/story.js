// What is said beforehand, the clock, and forgetting.

import { ask, cut, find, h } from "./dom.js";

const PRESETS = {
  "Too many requests": { reply: { status: 429, body: { message: "Slow down." }, retry_after: 2 } },
  "No credit left": { reply: { status: 402, body: { message: "Top it up." } }, operation: "createEdit" },
  "An edit that fails": { outcome: { status: "failed", error_code: "nsfw", error_msg: "Not that." } },
  "An edit with a status that nobody knows": { outcome: { status: "archived" } },
  "A slow edit": { outcome: { seconds: 90 } },
  "A result that has expired": { outcome: { expired: true } },
  "A result that is cut off": { fault: "truncated", operation: "getResult" },
  "An outage of three requests": { outage: { requests: 3 } },
  "The third look failing": { reply: { status: 503 }, operation: "getTask", nth: 3 },
};
const LISTED = 100; // rules
const LONGEST = 60; // characters of what was typed that are shown
const EVERY = 300; // milliseconds between two questions for what is left

let timer = 0;

/** List what has not happened yet, and not more often than anybody sees. */
export function list() {
  timer ||= setTimeout(async () => {
    timer = 0;
    const response = await ask("script").catch(() => null);
    if (!response?.ok) return;
    show(await response.json());
  }, EVERY);
}

function show({ rules }) {
  const more = rules.length - LISTED;
  find("rules").replaceChildren(...rules.slice(0, LISTED).map((rule) => h("li", {}, rule.text)), ...(more > 0 ? [h("li", {}, `and ${more} more`)] : []));
}

function say(place, text, fine) {
  const told = place.querySelector(".told");
  told.textContent = text;
  told.classList.toggle("error", !fine);
}

// Send a body, and say what came of it where it was asked for.
async function tell(place, path, body, said) {
  try {
    const response = await ask(path, { method: "POST", body });
    const value = await response.json();
    say(place, response.ok ? said(value) : value.message, response.ok);
  } catch (problem) {
    say(place, `The mock does not answer: ${problem.message}.`, false);
  }
}

function pass(clock) {
  const typed = find("seconds").value.trim();
  const seconds = Number(typed);
  if (typed && Number.isFinite(seconds)) {
    return tell(clock, "clock", JSON.stringify({ seconds }), (now) => `The clock says ${now.seconds.toFixed(1)} s.`);
  }
  const state = typed ? cut(JSON.stringify(typed), LONGEST) : "empty";
  return say(clock, `Seconds is ${state}; the mock accepts a number, such as 1.5. Type one.`, false);
}

/** Offer what can happen with the API that is played; the mock's own document lists the faults. */
export function begin(api, own) {
  const [form, preset, steps, clock] = ["script", "preset", "steps", "clock"].map(find);
  const known = ([, step]) => (step.outcome ? api.find("createEdit") : [undefined, "getResult"].includes(step.operation) || api.find(step.operation));
  const faults = own.document.components.schemas.Step.properties.fault.enum;
  const all = new Map([...Object.entries(PRESETS).filter(known), ...faults.map((fault) => [`On the wire: ${fault}`, { fault }])]);
  preset.replaceChildren(...[...all.keys()].map((name) => h("option", {}, name)));
  const write = () => {
    steps.value = JSON.stringify([all.get(preset.value)], null, 2);
  };
  preset.addEventListener("change", write);
  write();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tell(form, "script", `{"steps": ${steps.value}}`, (value) => {
      show(value);
      return "Said.";
    });
  });
  clock.addEventListener("submit", (event) => {
    event.preventDefault();
    pass(clock);
  });
  find("reset").addEventListener("click", () => ask("reset", { method: "POST" }).catch(() => null));
}
