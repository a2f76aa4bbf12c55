// Who did what.
import { html } from "../html.js";
import { get } from "../api.js";
import { Ago, Empty, Loaded, useLoaded } from "../parts.js";
import { href } from "../router.js";

export function Audit() {
  const state = useLoaded((signal) => get("audit", signal), []);
  return html`<div class="page"><h1>Audit</h1><div class="bar"><button onClick=${state.again}>Read anew</button></div><${Loaded} state=${state}>${({ items }) => {
    if (!items.length) return html`<${Empty}>Nobody has done anything yet.<//>`;
    return html`<div class="framed"><table class="sheet">
      <thead><tr><th>When</th><th>Who</th><th>From</th><th>What</th><th>Result</th><th>Application</th><th>Details</th></tr></thead>
      <tbody>${items.map((each) => html`<tr key=${each.id}>
        <td><${Ago} at=${each.at} /></td><td>${each.username}</td><td class="small">${each.address ?? ""}</td><td>${each.verb}</td><td>${each.result === "refused" ? html`<strong>refused</strong>` : "done"}</td>
        <td>${each.application && html`<a href=${href(["applications", each.application])}>${each.application}</a>`}</td>
        <td class="small">${each.detail || each.right || ""}</td>
      </tr>`)}</tbody>
    </table></div>`;
  }}<//></div>`;
}
