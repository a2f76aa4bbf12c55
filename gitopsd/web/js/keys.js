// The keyboard: a palette for everything, and single keys where nothing is being written.
import { html, signal, useEffect, useLayoutEffect, useRef, useState } from "./html.js";
import { rows } from "./fleet.js";
import { Dialog, State } from "./parts.js";
import { go, href, route } from "./router.js";
import { askDelete, askSync, refresh } from "./verbs.js";

/** The text in the palette; null while it is closed. @type {import("@preact/signals").Signal<string | null>} */
export const palette = signal(null);
const help = signal(false);

/** What a view does with single keys: key → work. The view that is shown sets it. */
export const viewKeys = { current: /** @type {Record<string, () => void>} */ ({}) };

/** Let a view answer keys while it is shown. */
export function useKeys(keys) {
  useLayoutEffect(() => {
    viewKeys.current = keys;
    return () => {
      if (viewKeys.current === keys) viewKeys.current = {};
    };
  });
}

const GO = { f: [], a: ["applications"], c: ["clusters"], d: ["drift"], p: ["projects"] };
let prefix = false;

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      palette.value = palette.peek() === null ? "" : null;
      return;
    }
    const writing = event.target instanceof Element && event.target.closest("input, textarea, select, dialog");
    if (writing || palette.peek() !== null || event.ctrlKey || event.metaKey || event.altKey) return;
    if (prefix) {
      prefix = false;
      if (GO[event.key]) go(href(GO[event.key]));
      return;
    }
    const work = viewKeys.current[event.key] ?? COMMON[event.key];
    if (!work) return;
    event.preventDefault();
    work();
  });
}

const COMMON = {
  "/": () => (palette.value = ""),
  "?": () => (help.value = true),
  g: () => (prefix = true),
};

const HELP = [
  ["Ctrl K or /", "search, go, do"],
  ["g, then f, a, d, c, p", "Fleet, Applications, Drift, Clusters, Projects"],
  ["j, k", "next, previous"],
  ["Enter", "open"],
  ["x", "select"],
  ["s", "sync"],
  ["r", "refresh"],
  ["d", "differences"],
  ["t", "tree"],
  ["y", "YAML"],
  ["Esc", "close, or back"],
  ["?", "this list"],
];

export function Help() {
  if (!help.value) return null;
  const close = () => (help.value = false);
  return html`<${Dialog} label="Keys" close=${close}>
    <header><h2 class="grow">Keys</h2><button class="plain" aria-label="Close" onClick=${close}>✕</button></header>
    <div class="body"><dl class="facts">${HELP.map(([key, does]) => html`<dt><kbd>${key}</kbd></dt><dd>${does}</dd>`)}</dl></div>
  <//>`;
}

/** @type {[string, string[]][]} */
const VIEWS = [
  ["Fleet", []],
  ["Applications", ["applications"]],
  ["Drift", ["drift"]],
  ["Clusters", ["clusters"]],
  ["Repositories", ["repositories"]],
  ["Projects", ["projects"]],
  ["Audit", ["audit"]],
  ["Accounts", ["accounts"]],
];

/** What the palette offers for `text`, the best first. */
function offers(text) {
  const wanted = text.trim().toLowerCase();
  const [first, ...others] = wanted.split(/\s+/);
  const verb = VERBS[first];
  const named = verb ? others.join(" ") : wanted;
  const apps = rows.value.filter((row) => row.name.toLowerCase().includes(named));
  apps.sort((one, other) => rank(one.name, named) - rank(other.name, named));
  if (verb) return apps.slice(0, 30).map((row) => ({ title: `${verb.title} ${row.name}`, row, act: () => verb.act(row.name) }));
  const places = VIEWS.filter(([title]) => title.toLowerCase().includes(wanted)).map(([title, parts]) => ({ title, hint: "view", act: () => go(href(parts)) }));
  const words = wanted && Object.entries(VERBS).filter(([word]) => word.startsWith(wanted)).map(([word, { title }]) => ({ title: `${title} …`, hint: "write a name after it", keep: `${word} ` }));
  return [...(words || []), ...places, ...apps.slice(0, 30).map((row) => ({ title: row.name, row, act: () => go(href(["applications", row.name])) }))];
}

const rank = (name, wanted) => (name === wanted ? 0 : name.startsWith(wanted) ? 1 : 2);

const VERBS = {
  sync: { title: "Sync", act: (name) => askSync([name]) },
  refresh: { title: "Refresh", act: (name) => refresh([name]) },
  delete: { title: "Delete", act: askDelete },
  diff: { title: "Differences of", act: (name) => go(href(["applications", name], { tab: "differences" })) },
  tree: { title: "Tree of", act: (name) => go(href(["applications", name], { tab: "tree" })) },
  history: { title: "History of", act: (name) => go(href(["applications", name], { tab: "history" })) },
};

export function Palette() {
  return palette.value === null ? null : html`<${OpenPalette} />`;
}

function OpenPalette() {
  const text = palette.value;
  const [at, setAt] = useState(0);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const found = offers(text);
  const index = Math.min(at, found.length - 1);
  useEffect(() => list.current?.children[index]?.scrollIntoView({ block: "nearest" }), [index]);
  const close = () => (palette.value = null);
  const take = (offer) => {
    if (!offer) return;
    if (offer.keep) return void (palette.value = offer.keep);
    close();
    offer.act();
  };
  const key = (event) => {
    if (event.key === "ArrowDown") setAt(Math.min(index + 1, found.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(index - 1, 0));
    else if (event.key === "Enter") take(found[index]);
    else return;
    event.preventDefault();
  };
  return html`<${Dialog} kind="palette" label="Search or do" close=${close}>
    <input role="combobox" aria-expanded="true" aria-controls="offers" aria-activedescendant=${found.length ? `offer-${index}` : undefined}
      aria-label="Application, view, or verb" placeholder="Application, view, or: sync, refresh, diff …" value=${text} autofocus
      onInput=${(event) => ((palette.value = event.currentTarget.value), setAt(0))} onKeyDown=${key} />
    <ul id="offers" role="listbox" aria-label="Offers" ref=${list}>
      ${found.map(
        (offer, number) => html`<li id=${`offer-${number}`} role="option" aria-selected=${number === index ? "true" : "false"} onClick=${() => take(offer)}>
          <span class="grow cut">${offer.title}</span>
          ${offer.row ? html`<span class="soft small hide-small">${offer.row.cluster}</span><${State} word=${offer.row.sync} />` : html`<span class="soft small">${offer.hint}</span>`}
        </li>`,
      )}
      ${!found.length && html`<li role="option" aria-selected="false" class="soft">Nothing has that name.</li>`}
    </ul>
  <//>`;
}
