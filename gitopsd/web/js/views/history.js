// What was synced, when, by whom, and what came of it.
import { html, useState } from "../html.js";
import { get, segment } from "../api.js";
import { changesOf } from "../fleet.js";
import { Ago, Dialog, Empty, Loaded, State, useLoaded } from "../parts.js";
import { span } from "../times.js";
import { askRollback } from "../verbs.js";
import { short } from "../why.js";

export function HistoryTab({ name }) {
  const [open, setOpen] = useState(null);
  const state = useLoaded((signal) => get(`applications/${segment(name)}/syncs`, signal), [name, changesOf(name)]);
  return html`<${Loaded} state=${state}>${({ items }) => {
    if (!items.length) return html`<${Empty}>Nothing was synced yet.<//>`;
    return html`<div class="framed"><table class="sheet">
      <thead><tr><th>Sync</th><th>Result</th><th>Revision</th><th>When</th><th class="hide-small">Took</th><th class="hide-small">By</th><th><span class="visually-hidden">What to do</span></th></tr></thead>
      <tbody>${[...items].reverse().map((entry) => html`<tr key=${entry.id}>
        <td><button class="link" onClick=${() => setOpen(entry.id)}>${entry.id}</button></td>
        <td><${State} word=${entry.phase} /><br /><span class="soft small">${entry.message}</span></td>
        <td><code>${short(entry.revision ?? entry.revisions?.[0] ?? "")}</code></td>
        <td><${Ago} at=${entry.deployedAt} /></td>
        <td class="hide-small">${span(entry.durationSeconds)}</td>
        <td class="hide-small">${entry.initiatedBy?.username ?? "automated sync"}</td>
        <td>${entry.phase === "Succeeded" && html`<button onClick=${() => askRollback(name, entry)}>Roll back …</button>`}</td>
      </tr>`)}</tbody>
    </table></div>
    ${open !== null && html`<${OneSync} name=${name} id=${open} close=${() => setOpen(null)} />`}`;
  }}<//>`;
}

function OneSync({ name, id, close }) {
  const state = useLoaded((signal) => get(`applications/${segment(name)}/syncs/${id}`, signal), [name, id]);
  return html`<${Dialog} kind="drawer" label=${`Sync ${id}`} close=${close}>
    <header><h2 class="grow">Sync ${id} of ${name}</h2><button class="plain" aria-label="Close" onClick=${close}>✕</button></header>
    <div class="body"><${Loaded} state=${state}>${(sync) => html`
      <p><${State} word=${sync.phase} /> ${sync.message}</p>
      <div class="framed"><table class="sheet">
        <thead><tr><th>Object</th><th>Phase, wave</th><th>Result</th></tr></thead>
        <tbody>${(sync.resources ?? []).map((each) => html`<tr>
          <td>${each.kind} ${each.name}<br /><span class="soft small">${each.namespace ?? ""}</span></td>
          <td>${each.syncPhase ?? ""}${each.wave === undefined ? "" : `, ${each.wave}`}</td>
          <td>${html`<${State} word=${each.status || each.hookPhase} />`}${each.message && html`<br /><span class="small">${each.message}</span>`}</td>
        </tr>`)}</tbody>
      </table></div>`}<//></div>
  <//>`;
}
