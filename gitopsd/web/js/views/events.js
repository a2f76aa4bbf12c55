// What the cluster's controllers said of an object.
import { html } from "../html.js";
import { get, segment } from "../api.js";
import { Ago, Empty, Loaded, State, useLoaded } from "../parts.js";

/** @param {{name: string, object: {group: string, kind: string, namespace: string, name: string}}} props */
export function Events({ name, object }) {
  const query = new URLSearchParams({ group: object.group, kind: object.kind, namespace: object.namespace, resourceName: object.name });
  const state = useLoaded((signal) => get(`applications/${segment(name)}/events?${query}`, signal), [name, `${query}`]);
  return html`<${Loaded} state=${state}>${({ items }) => {
    if (!items?.length) return html`<${Empty}>The cluster keeps no event of it.<//>`;
    return html`<div class="framed"><table class="sheet">
      <thead><tr><th>When</th><th>What</th><th>Said</th><th>By</th></tr></thead>
      <tbody>${items.map((each) => html`<tr key=${each.metadata?.uid}>
        <td><${Ago} at=${each.lastTimestamp ?? each.eventTime ?? each.metadata?.creationTimestamp} />${each.count > 1 && html`<br /><span class="soft small">${each.count} times</span>`}</td>
        <td><${State} word=${each.reason ?? ""} tone=${each.type === "Warning" ? "warn" : "unknown"} /></td>
        <td>${each.message}</td>
        <td class="small soft">${each.source?.component ?? each.reportingComponent ?? ""}</td>
      </tr>`)}</tbody>
    </table></div>`;
  }}<//>`;
}
