// The requests as they arrive: server-sent events by fetch, because EventSource cannot send a token.

import { ask } from "./dom.js";

const PAUSES = [500, 1_000, 2_000, 5_000]; // milliseconds until the next attempt to connect
const DEAD_AFTER = 40_000; // milliseconds; the mock sends something every 15 seconds

async function read(body, heard, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    heard();
    const blocks = (text + part.value).split("\n\n");
    text = blocks.pop();
    for (const lines of blocks) {
      const event = Object.fromEntries(lines.split("\n").map((line) => line.split(/: (.*)/s)));
      if (event.data) take({ name: event.event, id: event.id, data: JSON.parse(event.data) });
    }
  }
}

/** Follow for ever; if the token is missing or wrong, `given` promises another one. */
export async function follow(take, tell, given) {
  const headers = {};
  let failures = 0;
  for (;;) {
    const stop = new AbortController();
    let timer;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => stop.abort(), DEAD_AFTER);
    };
    try {
      heard();
      const response = await ask("events", { headers, signal: stop.signal });
      if (response.status === 401) {
        clearTimeout(timer);
        tell("token needed");
        await given();
        continue;
      }
      if (!response.ok) throw new Error(`answered ${response.status}`);
      tell("live");
      failures = 0;
      await read(response.body, heard, (event) => {
        headers["Last-Event-ID"] = event.id;
        take(event);
      });
    } catch {
      // the mock is gone, and may come back
    }
    clearTimeout(timer);
    tell("reconnecting");
    await new Promise((done) => setTimeout(done, PAUSES[Math.min(failures++, PAUSES.length - 1)]));
  }
}
