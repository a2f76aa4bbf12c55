// Small parts that all views are made of.
import { html, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { tone as toneOf } from "./states.js";
import { now, span } from "./times.js";

const MARKS = {
  good: html`<path d="M3 8.5l3.2 3.2L13 4.8" />`,
  busy: html`<path d="M13.5 8A5.5 5.5 0 1 1 11 3.4" /><path d="M11 1v3H8" />`,
  warn: html`<path d="M8 2.2L14.5 13.5h-13z" /><path d="M8 6.5v3.2M8 11.6v.2" />`,
  bad: html`<circle cx="8" cy="8" r="6.2" /><path d="M5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8" />`,
  unknown: html`<circle cx="8" cy="8" r="6.2" /><path d="M6.2 6.2a1.9 1.9 0 1 1 2.6 1.8c-.6.2-.8.6-.8 1.2M8 11.4v.2" />`,
};

/** A state's mark. */
export function Mark({ tone, spin = false }) {
  return html`<svg class=${`${tone} ${spin ? "spin" : ""}`} viewBox="0 0 16 16" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${MARKS[tone]}</svg>`;
}

/** A state: mark, colour and word. */
export function State({ word, tone = toneOf(word), title = "" }) {
  const spins = word === "Progressing" || word === "Running" || word === "Syncing";
  return html`<span class="state ${tone}" title=${title || word}><${Mark} tone=${tone} spin=${spins} />${word}</span>`;
}

/** How long ago, with the exact time on hover. */
export function Ago({ at, suffix = " ago" }) {
  if (!at) return html`<span class="soft">–</span>`;
  const seconds = (now.value - Date.parse(at)) / 1000;
  const text = span(seconds);
  return html`<time datetime=${at} title=${new Date(at).toLocaleString()}>${text}${text === "now" ? "" : suffix}</time>`;
}

/** A list of terms; rows without a value are left out. */
export function Facts({ rows }) {
  const filled = rows.filter(([, value]) => value !== "" && value !== undefined && value !== null && value !== false);
  return html`<dl class="facts">${filled.map(([term, value]) => html`<dt>${term}</dt><dd>${value}</dd>`)}</dl>`;
}

export function Empty({ children }) {
  return html`<div class="empty">${children}</div>`;
}

/** What could not be read, with what to do. */
export function Problem({ error, again }) {
  return html`<div class="problem" role="alert">
    <strong>${error.message}</strong> ${error.remedy ?? ""}
    ${again && html` <button class="link" onClick=${again}>Try again</button>`}
  </div>`;
}

/** A button that says why it cannot be used, where `no` does. */
export function Act({ kind = "", no = "", act, children }) {
  return html`<button class=${kind} disabled=${Boolean(no)} title=${no || undefined} onClick=${act}>${children}</button>`;
}

export function Tabs({ tabs, at, to }) {
  return html`<div class="tabs" role="tablist">
    ${tabs.map(([id, title]) => html`<a role="tab" aria-selected=${id === at ? "true" : "false"} href=${to(id)}>${title}</a>`)}
  </div>`;
}

export function Choice({ label, options, at, pick }) {
  return html`<div class="seg" role="group" aria-label=${label}>
    ${options.map(([id, title]) => html`<button aria-pressed=${id === at ? "true" : "false"} onClick=${() => pick(id)}>${title}</button>`)}
  </div>`;
}

/**
 * A dialog above the page; Escape and a click beside it close it.
 * @param {{kind?: string, label: string, close: () => void, children?: any}} props
 */
export function Dialog({ kind = "", label, close, children }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useLayoutEffect(() => {
    if (!ref.current?.open) ref.current?.showModal(); // before the next key, which may be meant for it
  }, []);
  const beside = (event) => event.target === ref.current && close();
  const cancel = (event) => (event.preventDefault(), close());
  return html`<dialog ref=${ref} class=${kind} aria-label=${label} onCancel=${cancel} onMouseDown=${beside}>${children}</dialog>`;
}

/**
 * What `load` gives: {value, error, again}; loaded anew when `keys` change, and the old value stays meanwhile.
 *
 * @param {((signal: AbortSignal) => Promise<any>) | null} load null: not now
 */
export function useLoaded(load, keys) {
  const [state, setState] = useState(/** @type {{value: any, error: any}} */ ({ value: undefined, error: undefined }));
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (!load) return undefined;
    const abort = new AbortController();
    load(abort.signal).then(
      (value) => abort.signal.aborted || setState({ value, error: undefined }),
      (error) => abort.signal.aborted || setState((old) => ({ value: old.value, error })),
    );
    return () => abort.abort();
  }, [...keys, round]);
  return { ...state, again: () => setRound(round + 1) };
}

/** Show `show(value)` of what was loaded, or that it is loading, or what went wrong. */
export function Loaded({ state, children }) {
  if (state.value === undefined) return state.error ? html`<${Problem} error=${state.error} again=${state.again} />` : html`<${Empty}>Loading …<//>`;
  return html`${state.error && html`<${Problem} error=${state.error} again=${state.again} />`}${children(state.value)}`;
}

/**
 * A long list of which only what is seen is in the page. Items have one height, and flow in columns of `least` pixels.
 *
 * @param {{items: any[], height: number, least?: number, gap?: number, head?: any, label: string, role?: string, at?: number,
 *   item: (each: any, index: number, style: object) => any}} props
 */
export function Scroll({ items, height, least = 0, gap = 0, head, label, role = "list", at = -1, item }) {
  const ref = useRef(/** @type {any} */ (null));
  const [seen, setSeen] = useState({ top: 0, tall: 800, wide: 1000 });
  useLayoutEffect(() => {
    const box = ref.current;
    const look = () => setSeen({ top: box.scrollTop, tall: box.clientHeight, wide: box.clientWidth });
    const sizes = new ResizeObserver(look);
    sizes.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    look();
    return () => (sizes.disconnect(), box.removeEventListener("scroll", look));
  }, []);
  const columns = least ? Math.max(1, Math.floor((seen.wide - gap) / (least + gap))) : 1;
  useLayoutEffect(() => {
    if (at < 0) return;
    const box = ref.current;
    const top = Math.floor(at / columns) * (height + gap);
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + height + 40 > box.scrollTop + box.clientHeight) box.scrollTop = top + height + 40 - box.clientHeight;
  }, [at, columns]);
  const begin = Math.max(0, Math.floor(seen.top / (height + gap)) - 4) * columns;
  const end = Math.min(items.length, (Math.ceil((seen.top + seen.tall) / (height + gap)) + 4) * columns);
  const wide = columns > 1 || least ? (seen.wide - gap * (columns + 1)) / columns : undefined;
  const style = (index) => ({
    top: `${Math.floor(index / columns) * (height + gap) + gap}px`,
    height: `${height}px`,
    ...(wide === undefined ? {} : { left: `${gap + (index % columns) * (wide + gap)}px`, width: `${wide}px` }),
  });
  const whole = Math.ceil(items.length / columns) * (height + gap) + gap;
  return html`<div class="framed tall" ref=${ref} tabindex="0" role="region" aria-label=${label}>
    ${head}
    <div class="rows" role=${role} aria-label=${label} style=${{ height: `${whole}px` }}>
      ${items.slice(begin, end).map((each, index) => item(each, begin + index, style(begin + index)))}
    </div>
  </div>`;
}

/** Whether the page is narrow: follows the window. */
export function useNarrow() {
  const query = window.matchMedia("(max-width: 860px)");
  const [narrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const changed = () => setNarrow(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return narrow;
}
