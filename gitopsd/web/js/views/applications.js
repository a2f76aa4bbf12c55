// All applications: found by search and filters, sorted, several chosen at once.
import { html, useComputed, useSignal } from "../html.js";
import { writeNew } from "../editor.js";
import { complete, rows } from "../fleet.js";
import { useKeys } from "../keys.js";
import { Ago, Choice, Empty, Scroll, State, useNarrow } from "../parts.js";
import { go, href, route, setQuery } from "../router.js";
import { HEALTH, SYNC } from "../states.js";
import { askSync, refresh } from "../verbs.js";
import { short } from "../why.js";

/** @type {[string, string, string[]?][]} */
const FILTERS = [
  ["sync", "Sync", SYNC],
  ["health", "Health", HEALTH],
  ["project", "Project"],
  ["cluster", "Cluster"],
  ["namespace", "Namespace"],
  ["automated", "Automated sync", ["on", "off"]],
];
const SORTS = { name: "Name", project: "Project", cluster: "Cluster", sync: "Sync", health: "Health", why: "Why" };
const MOST_OPTIONS = 500;
const ROW = 44;
const NARROW_ROW = 88;

function matches(query) {
  const wanted = (query.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const labels = wanted.filter((word) => word.includes("="));
  const words = wanted.filter((word) => !word.includes("="));
  const fields = FILTERS.map(([field]) => [field, query.get(field) ?? ""]).filter(([, value]) => value);
  return (row) =>
    words.every((word) => row.text.includes(word)) &&
    labels.every((word) => hasLabel(row, word)) &&
    fields.every(([field, value]) => (field === "automated" ? row.automated === (value === "on") : row[field] === value));
}

function hasLabel(row, text) {
  const cut = text.indexOf("=");
  return (row.labels[text.slice(0, cut)] ?? "").toLowerCase() === text.slice(cut + 1);
}

function ordered(list, query) {
  const field = query.get("sort") ?? "name";
  if (!(field in SORTS)) return list;
  const down = query.get("order") === "desc" ? -1 : 1;
  const value = field === "why" ? (row) => row.tone + row.why.text : field === "health" ? (row) => HEALTH.indexOf(row.health) : field === "sync" ? (row) => SYNC.indexOf(row.sync) : (row) => row[field];
  return [...list].sort((one, other) => {
    const [left, right] = [value(one), value(other)];
    return (left < right ? -1 : left > right ? 1 : one.name < other.name ? -1 : 1) * down;
  });
}

export function Applications() {
  const { query } = route.value;
  const list = useComputed(() => ordered(rows.value.filter(matches(route.value.query)), route.value.query));
  const chosen = useSignal(new Set());
  const at = useSignal(-1);
  const tiles = query.get("view") === "tiles";
  const narrow = useNarrow();
  const items = list.value;
  const index = Math.min(at.value, items.length - 1);
  const names = chosen.value.size ? items.filter((row) => chosen.value.has(row.name)).map((row) => row.name) : [];
  const toggle = (name) => {
    const next = new Set(chosen.value);
    if (!next.delete(name)) next.add(name);
    chosen.value = next;
  };
  // Keys may come faster than the page is drawn: they go by what is so now.
  const current = () => list.value[Math.min(at.value, list.value.length - 1)]?.name;
  const meant = () => {
    const some = list.value.filter((row) => chosen.value.has(row.name)).map((row) => row.name);
    return some.length ? some : [current()].filter(Boolean);
  };
  const open = (tab) => current() && go(href(["applications", current()], { tab }));
  useKeys({
    j: () => (at.value = Math.min(at.value + 1, list.value.length - 1)),
    k: () => (at.value = Math.max(Math.min(at.value, list.value.length - 1) - 1, 0)),
    Enter: () => open(""),
    x: () => current() && toggle(current()),
    s: () => askSync(meant()),
    r: () => meant().length && refresh(meant()),
    d: () => open("differences"),
    t: () => open("tree"),
    Escape: () => (chosen.value = new Set()),
  });
  return html`<div class="page fixed">
    <div class="bar"><h1 class="grow">Applications</h1><button onClick=${writeNew}>New …</button></div>
    <${Filters} query=${query} shown=${items.length} tiles=${tiles} />
    ${names.length > 0 && html`<${Chosen} names=${names} clear=${() => (chosen.value = new Set())} />`}
    ${!items.length && html`<${Empty}>${rows.value.length ? "Nothing matches. " : complete.value ? "No application is declared yet." : "Loading …"}${rows.value.length > 0 && html`<button class="link" onClick=${() => go(href(["applications"]))}>Show all</button>`}<//>`}
    ${items.length > 0 && (tiles ? html`<${Tiles} items=${items} at=${index} />` : html`<div class="apps page grow"><${Table} ...${{ items, index, chosen: chosen.value, toggle, query, narrow }} /></div>`)}
  </div>`;
}

function Filters({ query, shown, tiles }) {
  const options = useComputed(() => {
    const found = {};
    for (const [field, , words] of FILTERS) {
      found[field] = words ?? [...new Set(rows.value.map((row) => row[field]))].filter(Boolean).sort().slice(0, MOST_OPTIONS);
    }
    return found;
  });
  return html`<div class="bar">
    <input type="search" aria-label="Search" placeholder="Name, cluster, repository, label=value" value=${query.get("q") ?? ""} onInput=${(event) => setQuery({ q: event.currentTarget.value })} />
    ${FILTERS.map(
      ([field, title]) => html`<select aria-label=${title} value=${query.get(field) ?? ""} onChange=${(event) => setQuery({ [field]: event.currentTarget.value })}>
        <option value="">${title}: all</option>
        ${options.value[field].map((word) => html`<option value=${word}>${title}: ${word}</option>`)}
      </select>`,
    )}
    <span class="soft" role="status">${shown} of ${rows.value.length}</span>
    <span class="grow"></span>
    <${Choice} label="Shown as" options=${[["", "Table"], ["tiles", "Tiles"]]} at=${tiles ? "tiles" : ""} pick=${(view) => setQuery({ view })} />
  </div>`;
}

function Chosen({ names, clear }) {
  return html`<div class="bar" role="group" aria-label="Chosen">
    <strong>${names.length} chosen</strong>
    <button class="primary" onClick=${() => askSync(names)}>Sync …</button>
    <button onClick=${() => refresh(names)}>Refresh</button>
    <button class="plain" onClick=${clear}>Choose none</button>
  </div>`;
}

function Table({ items, index, chosen, toggle, query, narrow }) {
  const sort = query.get("sort") ?? "name";
  const down = query.get("order") === "desc";
  const order = (field) => (sort !== field ? "" : down ? ", descending" : ", ascending");
  const column = (field) => html`<span>
    <button aria-label=${`Sort by ${SORTS[field]}${order(field)}`} onClick=${() => setQuery({ sort: field, order: sort === field && !down ? "desc" : "" })}>
      ${SORTS[field]} ${sort === field ? (down ? "↓" : "↑") : ""}
    </button>
  </span>`;
  const head = html`<div class="row head"><span></span>${Object.keys(SORTS).map(column)}</div>`;
  return html`<${Scroll} items=${items} height=${narrow ? NARROW_ROW : ROW} head=${head} label="Applications" at=${index}
    item=${(row, number, style) => html`<div key=${row.name} role="listitem" class="row ${number === index ? "at" : ""}" style=${style}>
      <input type="checkbox" aria-label=${`Choose ${row.name}`} checked=${chosen.has(row.name)} onChange=${() => toggle(row.name)} />
      <a class="name cut" title=${row.name} href=${href(["applications", row.name])}>${row.name}</a>
      <span class="cut" title=${row.project}>${row.project}</span>
      <span class="cut soft" title=${`${row.cluster} / ${row.namespace}`}>${row.cluster}</span>
      <${State} word=${row.sync} />
      <${State} word=${row.health} />
      <span class="cut ${row.tone === "good" ? "soft" : ""}" title=${row.why.text}>${row.why.text}</span>
    </div>`} />`;
}

function Tiles({ items, at }) {
  return html`<${Scroll} items=${items} height=${132} least=${270} gap=${10} label="Applications" at=${at}
    item=${(row, number, style) => html`<div key=${row.name} role="listitem" class="tile ${row.tone} ${number === at ? "at" : ""}" style=${style}>
      <a class="name cut" title=${row.name} href=${href(["applications", row.name])}>${row.name}</a>
      <span class="soft small cut" title=${`${row.cluster} / ${row.namespace}`}>${row.cluster} / ${row.namespace}</span>
      <span class="soft small cut" title=${row.repo}>${row.repo.replace(/^https?:\/\//, "")} ${short(row.revision)}</span>
      <span><${State} word=${row.sync} /> <${State} word=${row.health} /></span>
      <span class="small soft cut" title=${row.why.text}>${row.tone === "good" ? html`compared <${Ago} at=${row.reconciledAt} />` : row.why.text}</span>
    </div>`} />`;
}
