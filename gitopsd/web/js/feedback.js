// What the page says of what a person did: a short note that goes by itself, or an error that stays.
import { signal } from "@preact/signals";
import { html } from "./html.js";

/** @type {import("@preact/signals").Signal<{id: number, tone: string, text: string}[]>} */
const notes = signal([]);
let last = 0;

/** @param {string} text @param {"good" | "bad"} [tone] */
export function say(text, tone = "good") {
  const id = ++last;
  notes.value = [...notes.peek().slice(-3), { id, tone, text }];
  if (tone === "good") setTimeout(() => dismiss(id), 6000);
}

function dismiss(id) {
  notes.value = notes.peek().filter((note) => note.id !== id);
}

/** Do `work`, and say how it ended. @param {string} done @param {() => Promise<unknown>} work @returns {Promise<boolean>} */
export async function attempt(done, work) {
  try {
    await work();
    if (done) say(done);
    return true;
  } catch (error) {
    const remedy = error.remedy ? ` ${error.remedy}` : "";
    say(`${error.message}.${remedy}`.replace("..", "."), "bad");
    return false;
  }
}

export function Notes() {
  return html`<div class="toasts" role="status" aria-live="polite">
    ${notes.value.map(
      (note) => html`<div key=${note.id} class="toast ${note.tone}">
        <span class="grow">${note.text}</span>
        <button class="plain" aria-label="Dismiss" onClick=${() => dismiss(note.id)}>✕</button>
      </div>`,
    )}
  </div>`;
}
