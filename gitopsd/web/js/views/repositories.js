// The repositories: when each was read last, and what went wrong.
import { html } from "../html.js";
import { get } from "../api.js";
import { Empty, Loaded, State, useLoaded } from "../parts.js";
import { href } from "../router.js";
import { now, span } from "../times.js";

export function Repositories() {
  const state = useLoaded((signal) => get("repositories", signal), [Math.floor(now.value / 10_000)]);
  return html`<div class="page"><h1>Repositories</h1><${Loaded} state=${state}>${({ items }) => {
    if (!items.length) return html`<${Empty}>No application reads a repository yet.<//>`;
    return html`<div class="framed"><table class="sheet">
      <thead><tr><th>Repository</th><th>State</th><th>Read</th><th class="hide-small">Size</th></tr></thead>
      <tbody>${items.map((each) => html`<tr key=${each.repo}>
        <td><a href=${href(["applications"], { q: each.repo })}>${each.repo}</a></td>
        <td><${State} word=${each.connectionState.status} />${each.connectionState.message && html`<br /><span class="small">${each.connectionState.message}</span>`}</td>
        <td>${each.gitopsd?.epochAgeSeconds === undefined ? "never" : `${span(each.gitopsd.epochAgeSeconds)} ago`}</td>
        <td class="hide-small">${Math.round((each.gitopsd?.sizeBytes ?? 0) / 1024)} kB</td>
      </tr>`)}</tbody>
    </table></div>`;
  }}<//></div>`;
}
