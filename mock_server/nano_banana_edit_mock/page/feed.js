// The requests as they come: server-sent events over fetch, which can carry a token where EventSource cannot.

import { ask } from "./dom.js";

const AGAIN_AFTER = 1_000; // milliseconds between two tries to connect

async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const blocks = (text + part.value).split("\n\n");
    text = blocks.pop();
    for (const lines of blocks) {
      const event = Object.fromEntries(lines.split("\n").map((line) => line.split(/: (.*)/s)));
      if (event.data) yield { name: event.event, id: event.id, data: JSON.parse(event.data) };
    }
  }
}

export async function follow(take, tell) {
  let last = "0";
  for (;;) {
    try {
      const response = await ask("events", { headers: { "Last-Event-ID": last } });
      tell(response.ok ? "live" : "token needed");
      if (!response.ok) return;
      for await (const event of events(response)) {
        last = event.name === "reset" ? "0" : event.id;
        take(event);
      }
    } catch {
      // the mock is gone, and may come again
    }
    tell("reconnecting");
    await new Promise((done) => setTimeout(done, AGAIN_AFTER));
  }
}
