// One stream of changes, opened anew whenever it ends: an EventSource would give up at the first proxy's error.
import { request } from "./api.js";

const SILENCE_MS = 15_000; // the daemon says something every 5 s
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5_000;

/**
 * Read the stream at `path` until `signal` aborts.
 *
 * @param {string} path
 * @param {{event: (value: any) => void, opened: () => Promise<void>, lost: (error: unknown) => void}} to
 * @param {AbortSignal} signal
 */
export async function follow(path, to, signal) {
  let wait = FIRST_WAIT_MS;
  while (!signal.aborted) {
    try {
      const opened = () => {
        wait = FIRST_WAIT_MS;
        return to.opened();
      };
      await readOnce(path, { ...to, opened }, signal);
    } catch (error) {
      if (signal.aborted) return;
      to.lost(error);
    }
    await pause(wait * (0.5 + Math.random()), signal);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  }
}

async function readOnce(path, to, signal) {
  const ended = new AbortController(); // also where it says nothing for too long, or its beginning failed
  const silent = () => ended.abort();
  let timer = setTimeout(silent, SILENCE_MS);
  let problem;
  try {
    const response = await request("GET", path, undefined, AbortSignal.any([signal, ended.signal]), {
      Accept: "application/json",
    });
    to.opened().catch((error) => ((problem = error), ended.abort()));
    for await (const value of jsonLines(response, { beats: true })) {
      clearTimeout(timer);
      timer = setTimeout(silent, SILENCE_MS);
      if (value !== null) to.event(value);
    }
  } catch (error) {
    throw problem ?? error;
  } finally {
    clearTimeout(timer);
  }
}

/** Yield the JSON values of an answer, a line each; with `beats` null for each empty line, a sign of life. */
export async function* jsonLines(response, { beats = false } = {}) {
  const body = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line) yield JSON.parse(line);
      else if (beats) yield null;
    }
  }
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve(undefined)), { once: true });
  });
}
