// The clusters: whether they answer, how old what is known of each is, and what cannot be read.
import { html } from "../html.js";
import { get } from "../api.js";
import { Ago, Empty, Loaded, State, useLoaded } from "../parts.js";
import { href } from "../router.js";
import { now } from "../times.js";

const LOOK_EVERY_MS = 10_000;

export function Clusters() {
  const round = Math.floor(now.value / LOOK_EVERY_MS);
  const state = useLoaded((signal) => get("clusters", signal), [round]);
  return html`<div class="page"><h1>Clusters</h1><${Loaded} state=${state}>${({ items }) => {
    if (!items.length) return html`<${Empty}>No cluster is declared. See clusters in the settings.<//>`;
    return html`<div class="cards">${items.map((each) => html`<${Cluster} key=${each.name} cluster=${each} />`)}</div>`;
  }}<//></div>`;
}

function Cluster({ cluster }) {
  const { connectionState: connection, info } = cluster;
  const cache = info.cacheInfo ?? {};
  return html`<section class="card stack">
    <h2>${cluster.name} <${State} word=${connection.status} /></h2>
    ${connection.message && html`<p class="problem">${connection.message}</p>`}
    ${info.lease && html`<p class="warn">${info.lease}</p>`}
    <dl class="facts">
      <dt>Server</dt><dd>${cluster.server}</dd>
      <dt>Version</dt><dd>${cluster.serverVersion || "–"}</dd>
      <dt>Applications</dt><dd><a href=${href(["applications"], { cluster: cluster.name })}>${info.applicationsCount}</a></dd>
      <dt>Objects</dt><dd>${cache.resourcesCount} of ${cache.apisCount} kinds</dd>
      <dt>Heard of all</dt><dd><${Ago} at=${cache.lastCacheSyncTime} /></dd>
    </dl>
    ${(cache.failing ?? []).length > 0 && html`<details open><summary class="bad">${cache.failing.length} kinds cannot be read</summary><ul>${cache.failing.map((each) => html`<li><strong>${each.kind}</strong> ${each.message}</li>`)}</ul></details>`}
    <details><summary>${(cache.watches ?? []).length} watches</summary>
      <table class="sheet"><thead><tr><th>Kind</th><th>Objects</th><th>Heard</th></tr></thead>
      <tbody>${(cache.watches ?? []).map((each) => html`<tr><td>${each.kind}${each.namespace ? ` in ${each.namespace}` : ""}${each.lastError && html`<br /><span class="small bad">${each.lastError}</span>`}</td><td>${each.resourcesCount}</td><td><${Ago} at=${each.lastHeardAt} suffix="" /></td></tr>`)}</tbody></table>
    </details>
  </section>`;
}
