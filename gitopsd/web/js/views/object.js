// One object: what Git says, what is live, where they differ and who wrote it.
import { html, useState } from "../html.js";
import { get, segment } from "../api.js";
import { changesOf } from "../fleet.js";
import { Ago, Choice, Dialog, Empty, Facts, Loaded, Problem, State, useLoaded } from "../parts.js";
import { LineDiff, Yaml, useYaml } from "../yaml.js";
import { askSync, objectQuery } from "../verbs.js";
import { Actions } from "./actions.js";
import { Events } from "./events.js";
import { Logs, hasLogs } from "./logs.js";
import { objectId } from "./overview.js";

/** Read target and live state of every object of an application; the cluster is asked now. */
export const useManaged = (name) => useLoaded((signal) => get(`applications/${segment(name)}/managed-resources`, signal), [name, changesOf(name)]);

export function ObjectDrawer({ name, id, app, close }) {
  const [group, kind, namespace, object] = id.split("/");
  const state = useManaged(name);
  const verdict = (app.status?.resources ?? []).find((each) => objectId(each) === id);
  return html`<${Dialog} kind="drawer" label=${`${kind} ${object}`} close=${close}>
    <header>
      <h2 class="grow cut"><span class="soft">${kind}</span> ${object} <span class="soft small">${namespace}</span></h2>
      ${verdict && html`<${State} word=${verdict.status} />`}
      ${verdict?.health && html`<${State} word=${verdict.health.status} title=${verdict.health.message} />`}
      ${verdict && html`<button onClick=${() => askSync([name], [{ group, kind, namespace, name: object }])}>Sync …</button>`}
      <button class="plain" aria-label="Close" onClick=${close}>✕</button>
    </header>
    <div class="body stack">
      <${Actions} name=${name} app=${app} which=${{ group, kind, namespace, name: object }} />
      ${verdict?.reason && html`<p>${verdict.reason}</p>`}
      ${verdict?.health?.message && html`<p>${verdict.health.message}</p>`}
      <${Loaded} state=${state}>${(managed) => {
        const item = managed.items.find((each) => objectId(each) === id);
        return item ? html`<${States} name=${name} item=${item} />` : html`<${Child} name=${name} id=${id} />`;
      }}<//>
    </div>
  <//>`;
}

/** What is known of an object that Git does not declare. */
function Child({ name, id }) {
  const state = useLoaded((signal) => get(`applications/${segment(name)}/resource-tree`, signal), [name, id]);
  const [tab, setTab] = useState("about");
  const [group, kind, namespace, object] = id.split("/");
  const which = { group, kind, namespace, name: object };
  return html`<${Loaded} state=${state}>${(tree) => {
    const node = [...(tree.nodes ?? []), ...(tree.orphanedNodes ?? [])].find((each) => objectId(each) === id);
    if (!node) return html`<${Empty}>It is not in the cluster any more.<//>`;
    return html`
    <${Choice} label="What is shown" options=${[["about", "About"], ["live", "Live"], ...MORE(kind)]} at=${tab} pick=${setTab} />
    ${tab === "live" && html`<${LiveObject} name=${name} which=${which} />`}
    ${tab === "events" && html`<${Events} name=${name} object=${which} />`}
    ${tab === "logs" && html`<${LogsOf} name=${name} which=${which} />`}
    ${tab === "about" && html`<${Facts} rows=${[
      ["Made by", (node.parentRefs ?? []).map((each) => `${each.kind} ${each.name}`).join(", ") || "nobody that is known"],
      ["Created", html`<${Ago} at=${node.createdAt} />`],
      ["Health", node.health && html`<${State} word=${node.health.status} />`],
      ["Said", node.health?.message],
      ["Images", node.images?.join(", ")],
      ...(node.info ?? []).map((each) => [each.name, each.value]),
    ]} /><p class="soft">Git does not declare it: its owner made it.</p>`}`;
  }}<//>`;
}

const MORE = (kind) => [["events", "Events"], ...(hasLogs(kind) ? [["logs", "Logs"]] : [])];

/** Read one live object from its cluster. */
function useLive(name, which) {
  const query = objectQuery(which);
  return useLoaded(async (signal) => JSON.parse((await get(`applications/${segment(name)}/resource?${query}`, signal)).manifest), [name, query]);
}

function LiveObject({ name, which }) {
  return html`<${Loaded} state=${useLive(name, which)}>${(live) => html`<${Yaml} value=${withoutManagers(live)} />`}<//>`;
}

function LogsOf({ name, which }) {
  return html`<${Loaded} state=${useLive(name, which)}>${(live) => {
    const pod = which.kind === "Pod" ? live.spec : live.spec?.template?.spec;
    return html`<${Logs} name=${name} object=${which} containers=${(pod?.containers ?? []).map((each) => each.name)} />`;
  }}<//>`;
}

const parsed = (text) => (text && text !== "null" ? JSON.parse(text) : null);

function States({ name, item }) {
  const [tab, setTab] = useState(item.modified || item.differences?.length ? "differences" : "live");
  const live = parsed(item.liveState);
  return html`
    <${Choice} label="What is shown" options=${[["differences", `Differences (${item.differences?.length ?? 0})`], ["live", "Live"], ["target", "In Git"], ["owners", "Who owns what"], ...(live ? MORE(item.kind) : [])]} at=${tab} pick=${setTab} />
    ${tab === "differences" && html`<${ObjectDifferences} item=${item} />`}
    ${tab === "live" && (live ? html`<${Yaml} value=${withoutManagers(live)} />` : html`<${Empty}>It is not in the cluster.<//>`)}
    ${tab === "target" && (parsed(item.targetState) ? html`<${Yaml} value=${parsed(item.targetState)} />` : html`<${Empty}>Git does not have it: it would be pruned.<//>`)}
    ${tab === "owners" && html`<${Owners} live=${live} />`}
    ${tab === "events" && html`<${Events} name=${name} object=${item} />`}
    ${tab === "logs" && html`<${LogsOf} name=${name} which=${item} />`}`;
}

function withoutManagers(live) {
  const { managedFields: _, ...metadata } = live.metadata;
  return { ...live, metadata };
}

export function ObjectDifferences({ item }) {
  const [sides, setSides] = useState(false);
  const [all, setAll] = useState(false);
  const predicted = parsed(item.predictedLiveState) ?? parsed(item.targetState);
  const live = parsed(item.normalizedLiveState);
  const left = useYaml(live);
  const right = useYaml(predicted);
  const differences = item.differences ?? [];
  return html`<div class="stack">
    ${item.reason && html`<p>${item.reason}</p>`}
    ${differences.length > 0 && html`<div class="framed"><table class="sheet">
      <thead><tr><th>Field</th><th>Live</th><th>In Git</th><th>Why</th></tr></thead>
      <tbody>${differences.map((each) => html`<tr>
        <td><code>${each.path}</code></td>
        <td><code>${shown(each.live)}</code></td>
        <td><code>${shown(each.target ?? each.predicted)}</code></td>
        <td>${each.why}${(each.writers ?? []).map((writer) => html`<br /><span class="soft small">${writer.certain ? "" : "perhaps "}${writer.manager} <${Ago} at=${writer.time} /></span>`)}</td>
      </tr>`)}</tbody>
    </table></div>`}
    <div class="bar">
      <${Choice} label="Shape" options=${[[false, "Inline"], [true, "Side by side"]]} at=${sides} pick=${setSides} />
      <label class="check"><input type="checkbox" checked=${all} onChange=${(event) => setAll(event.currentTarget.checked)} />Also what is alike</label>
    </div>
    ${left === right ? html`<p class="soft">An apply would change nothing.</p>` : html`<${LineDiff} live=${left} target=${right} all=${all} sides=${sides} />`}
  </div>`;
}

const shown = (value) => (value === null || value === undefined ? "–" : typeof value === "string" ? value : JSON.stringify(value));

function Owners({ live }) {
  if (!live) return html`<${Problem} error=${{ message: "It is not in the cluster.", remedy: "" }} />`;
  const managers = live.metadata.managedFields ?? [];
  return html`<div class="framed"><table class="sheet">
    <thead><tr><th>Manager</th><th>By</th><th>When</th><th>Fields</th></tr></thead>
    <tbody>${managers.map((each) => html`<tr><td>${each.manager}</td><td>${each.operation} ${each.subresource ?? ""}</td><td><${Ago} at=${each.time} /></td><td><code>${fields(each.fieldsV1 ?? {}).slice(0, 40).join(", ")}</code></td></tr>`)}</tbody>
  </table></div>`;
}

/** The leaves of managed fields, as paths. */
function fields(tree, path = "") {
  const found = [];
  for (const [key, inner] of Object.entries(tree)) {
    if (key === ".") continue;
    const step = key.startsWith("f:") ? `.${key.slice(2)}` : `[${key.slice(2)}]`;
    const deeper = Object.keys(inner).filter((each) => each !== ".");
    found.push(...(deeper.length ? fields(inner, path + step) : [path + step]));
  }
  return found;
}
