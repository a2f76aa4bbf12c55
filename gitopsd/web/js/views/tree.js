// The objects of an application and what they own, as an outline: it stays readable at thousands of objects.
import { html, useMemo, useSignal } from "../html.js";
import { Ago, Choice, Empty, Loaded, Scroll, State } from "../parts.js";
import { route, setQuery } from "../router.js";
import { tone, worst } from "../states.js";
import { objectId } from "./overview.js";

const ROW = 36;
const GROUPED_FROM = 6; // objects of one kind below one owner

/**
 * @typedef {object} Twig
 * @property {string} id
 * @property {any} node of the API; null for a group
 * @property {string} title
 * @property {string} kind
 * @property {import("../states.js").Tone} tone the worst of it and all below
 * @property {Twig[]} below
 */

/** @param {{state: any, app: any}} props `state` of loading what the API says of the tree */
export function Tree({ state, app }) {
  return html`<${Loaded} state=${state}>${(tree) => html`<${Outline} tree=${tree} app=${app} />`}<//>`;
}

function Outline({ tree, app }) {
  const { query } = route.value;
  const only = query.get("only") ?? "";
  const text = (query.get("find") ?? "").toLowerCase();
  const closed = useSignal(new Map()); // id → whether it is closed, where a person said so
  const roots = useMemo(() => twigs(tree, app), [tree, app]);
  const flip = (twig, shut) => (closed.value = new Map(closed.value).set(twig.id, !shut));
  const rows = flat(roots, { only, text, closed: closed.value });
  const count = (tree.nodes ?? []).length;
  return html`
    <div class="bar">
      <input type="search" aria-label="Find objects" placeholder="Kind or name" value=${query.get("find") ?? ""} onInput=${(event) => setQuery({ find: event.currentTarget.value })} />
      <${Choice} label="Which objects" options=${[["", "All"], ["wrong", "What is wrong"]]} at=${only} pick=${(value) => setQuery({ only: value })} />
      <button onClick=${() => (closed.value = new Map(every(roots).map((twig) => [twig.id, true])))}>Close all</button>
      <button onClick=${() => (closed.value = new Map(every(roots).map((twig) => [twig.id, false])))}>Open all</button>
      <span class="soft" role="status">${count} objects</span>
    </div>
    ${!rows.length && html`<${Empty}>${only ? "Nothing is wrong." : "There is nothing here."}<//>`}
    ${rows.length > 0 && html`<div class="tree page grow"><${Scroll} items=${rows} height=${ROW} label="Objects" role="tree" item=${(row, _index, style) => html`<${Line} key=${row.twig.id} row=${row} style=${style} flip=${flip} />`} /></div>`}`;
}

function Line({ row: { twig, depth, shut }, style, flip }) {
  const { node } = twig;
  const open = () => node && setQuery({ object: objectId(node) }, { replace: false });
  const key = (event) => event.key === "Enter" && open();
  return html`<div class="row" role="treeitem" aria-level=${depth + 1} aria-expanded=${twig.below.length ? (shut ? "false" : "true") : undefined} aria-selected="false" style=${{ ...style, "--row": `${ROW}px` }} onKeyDown=${key}>
    <span class="twig">
      ${Array.from({ length: depth }, () => html`<span class="guide"></span>`)}
      ${twig.below.length > 0 ? html`<button class="fold-button" aria-label=${shut ? "Open" : "Close"} onClick=${() => flip(twig, shut)}>${shut ? "▸" : "▾"}</button>` : html`<span class="guide" style="border:0;width:24px"></span>`}
      <span class="kind small">${twig.kind}</span>
      ${node ? html`<button class="link cut" onClick=${open} title=${twig.title}>${twig.title}</button>` : html`<span class="cut">${twig.title}</span>`}
    </span>
    <span>${node?.sync && html`<${State} word=${node.sync} />`}</span>
    <span>${node?.health?.status ? html`<${State} word=${node.health.status} title=${node.health.message} />` : !node && html`<${State} word=${`worst of ${twig.below.length}`} tone=${twig.tone} />`}</span>
    <span class="soft small">${node?.createdAt && html`<${Ago} at=${node.createdAt} suffix="" />`}</span>
  </div>`;
}

const refId = (ref) => objectId(ref);

/** @returns {Twig[]} */
export function twigs(tree, app) {
  const verdicts = new Map((app.status?.resources ?? []).map((each) => [objectId(each), each]));
  const nodes = new Map();
  for (const node of tree.nodes ?? []) {
    const id = objectId(node);
    const verdict = verdicts.get(id);
    verdicts.delete(id);
    nodes.set(id, { ...node, sync: verdict?.status });
  }
  for (const [id, each] of verdicts) nodes.set(id, { ...each, sync: each.status, health: { status: "Missing", message: "not in the cluster" } });
  const below = new Map();
  const roots = [];
  for (const [id, node] of nodes) {
    const owner = (node.parentRefs ?? []).map(refId).find((each) => nodes.has(each));
    if (owner === undefined) roots.push(id);
    else (below.get(owner) ?? below.set(owner, []).get(owner)).push(id);
  }
  const built = roots.map((id) => grown(id, nodes, below, new Set()));
  const orphans = (tree.orphanedNodes ?? []).map((node) => leaf(node));
  const all = grouped(built, "roots");
  return orphans.length ? [...all, group("orphans", "Not of any application", "", orphans)] : all;
}

/** @returns {Twig} */
function leaf(node) {
  return { id: objectId(node), node, title: node.name, kind: node.kind, tone: own(node), below: [] };
}

const own = (node) => worst([node.sync ? tone(node.sync) : "good", node.health?.status ? tone(node.health.status) : "good"]);

function grown(id, nodes, below, above) {
  const twig = leaf(nodes.get(id));
  if (above.has(id)) return twig;
  const inner = new Set(above).add(id);
  twig.below = grouped((below.get(id) ?? []).map((each) => grown(each, nodes, below, inner)), id);
  twig.tone = worst([twig.tone, ...twig.below.map((each) => each.tone)]);
  return twig;
}

/** Put many objects of one kind below one line. */
function grouped(list, owner) {
  const kinds = new Map();
  for (const twig of list) (kinds.get(twig.kind) ?? kinds.set(twig.kind, []).get(twig.kind)).push(twig);
  return [...kinds.entries()]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([kind, found]) => {
      found.sort((one, other) => (one.title < other.title ? -1 : 1));
      return found.length < GROUPED_FROM ? found : [group(`${owner}#${kind}`, `${found.length} objects`, kind, found)];
    });
}

const group = (id, title, kind, below) => ({ id, node: null, title, kind, tone: worst(below.map((each) => each.tone)), below });

function every(list) {
  return list.flatMap((twig) => (twig.below.length ? [twig, ...every(twig.below)] : []));
}

function flat(roots, { only, text, closed }) {
  const rows = [];
  const wanted = (twig) => (!text || `${twig.kind} ${twig.title}`.toLowerCase().includes(text) || twig.below.some(wanted)) && (only !== "wrong" || twig.tone !== "good");
  const walk = (twig, depth) => {
    if (!wanted(twig)) return;
    const said = closed.get(twig.id);
    const shut = twig.below.length > 0 && (said ?? (!text && only !== "wrong" && twig.node === null && twig.below.length > 50));
    rows.push({ twig, depth, shut });
    if (!shut) for (const each of twig.below) walk(each, depth + 1);
  };
  for (const twig of roots) walk(twig, 0);
  return rows;
}
