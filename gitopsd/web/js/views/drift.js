// What was changed in clusters behind Git's back, by whom, and what became of it.
import { html } from "../html.js";
import { get } from "../api.js";
import { Ago, Choice, Empty, Loaded, State, useLoaded } from "../parts.js";
import { href, route, setQuery } from "../router.js";
import { now, span } from "../times.js";

export function DriftView() {
  const { query } = route.value;
  const asked = { ...(query.get("open") ? { open: "true" } : {}), ...(query.get("since") ? { since: query.get("since") } : {}) };
  return html`<div class="page">
    <h1>Drift</h1>
    <div class="bar">
      <${Choice} label="Which" options=${[["", "All"], ["true", "Still so"]]} at=${query.get("open") ?? ""} pick=${(open) => setQuery({ open })} />
      <${Choice} label="Since" options=${[["", "Ever"], ["1h", "1 h"], ["24h", "24 h"], ["7d", "7 d"]]} at=${query.get("since") ?? ""} pick=${(since) => setQuery({ since })} />
    </div>
    <${DriftTable} query=${asked} app />
  </div>`;
}

const LOOK_EVERY_MS = 5000;

export function DriftTable({ query, app = false }) {
  const text = new URLSearchParams(query).toString();
  const state = useLoaded((signal) => get(`drift?${text}`, signal), [text, Math.floor(now.value / LOOK_EVERY_MS)]);
  return html`<${Loaded} state=${state}>${({ items, metadata }) => {
    if (!items.length) return html`<${Empty}>Nothing was changed behind Git's back.<//>`;
    return html`<div class="framed"><table class="sheet">
      <thead><tr>${app && html`<th>Application</th>`}<th>Object</th><th>Field</th><th>From → to</th><th>Who</th><th>When</th><th class="hide-small">Was so for</th><th>Ended</th></tr></thead>
      <tbody>${items.map((each) => html`<tr key=${each.id}>
        ${app && html`<td><a href=${href(["applications", each.application], { tab: "drift" })}>${each.application}</a><br /><span class="soft small">${each.cluster}</span></td>`}
        <td>${each.kind} ${each.name}</td>
        <td><code>${each.path}</code></td>
        <td><code>${shown(each.old)} → ${shown(each.new)}</code></td>
        <td>${each.writer || "–"}<br /><span class="soft small">${each.class}</span></td>
        <td><${Ago} at=${each.beganAt} /></td>
        <td class="hide-small">${span(each.durationSeconds)}</td>
        <td>${each.end ? each.end : html`<${State} word="still so" tone="warn" />`}</td>
      </tr>`)}</tbody>
    </table></div>
    ${metadata.continue && html`<p class="soft">The newest ${items.length} are shown. <code>gitopsd drift list</code> has all.</p>`}`;
  }}<//>`;
}

const shown = (value) => (value === null || value === undefined ? "nothing" : typeof value === "string" ? value : JSON.stringify(value));
