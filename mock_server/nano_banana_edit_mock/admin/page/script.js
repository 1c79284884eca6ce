// The script, the clock, and the reset.

import { ask, cut, find, h } from "./dom.js";

const PRESETS = {
  "Too many requests": { reply: { status: 429, body: { message: "Slow down." }, retry_after: 2 } },
  "No credit left": { reply: { status: 402, body: { message: "Top it up." } }, operation: "createEdit" },
  "An edit that fails": { outcome: { status: "failed", error_code: "nsfw", error_msg: "Not that." } },
  "An edit with an unknown status": { outcome: { status: "archived" } },
  "A slow edit": { outcome: { seconds: 90 } },
  "A result that has expired": { outcome: { expired: true } },
  "A result that is cut off": { fault: "truncated", operation: "getResult" },
  "An outage of three requests": { outage: { requests: 3 } },
  "A failing third poll": { reply: { status: 503 }, operation: "getTask", nth: 3 },
};
const LISTED = 100; // rules
const LONGEST = 60; // characters of an input in a message
const EVERY = 300; // milliseconds between two requests for the rules

let timer = 0;

/** List the unused steps, not more often than a reader notices. */
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

function report(place, text, fine) {
  const result = place.querySelector(".result");
  result.textContent = text;
  result.classList.toggle("error", !fine);
}

// Send a body, and report the result in its form.
async function submit(place, path, body, success) {
  try {
    const response = await ask(path, { method: "POST", body });
    const value = await response.json();
    report(place, response.ok ? success(value) : value.message, response.ok);
  } catch (problem) {
    report(place, `The mock does not answer: ${problem.message}.`, false);
  }
}

function advance(clock) {
  const typed = find("seconds").value.trim();
  const seconds = Number(typed);
  if (typed && Number.isFinite(seconds)) {
    return submit(clock, "clock", JSON.stringify({ seconds }), (now) => `The clock is at ${now.seconds.toFixed(1)} s.`);
  }
  const state = typed ? cut(JSON.stringify(typed), LONGEST) : "empty";
  return report(clock, `Seconds is ${state}; it must be a number, such as 1.5.`, false);
}

/** Offer the examples that fit the API; the document of the mock lists the faults. */
export function begin(api, own) {
  const [form, preset, steps, clock] = ["add", "preset", "steps", "clock"].map(find);
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
    submit(form, "script", `{"steps": ${steps.value}}`, (value) => {
      show(value);
      return "Added.";
    });
  });
  clock.addEventListener("submit", (event) => {
    event.preventDefault();
    advance(clock);
  });
  find("reset").addEventListener("click", () => ask("reset", { method: "POST" }).catch(() => null));
}
