// All objects of an application that are not as Git says.
import { html } from "../html.js";
import { Empty, Loaded, State } from "../parts.js";
import { ObjectDifferences, useManaged } from "./object.js";
import { objectId } from "./overview.js";

export function Differences({ name }) {
  const state = useManaged(name);
  return html`<${Loaded} state=${state}>${({ items }) => {
    const differing = items.filter((item) => item.modified || item.status === "OutOfSync");
    if (!differing.length) return html`<${Empty}>All ${items.length} objects are as Git says.<//>`;
    return html`<div class="stack">${differing.map((item) => html`<section class="card" key=${objectId(item)}>
      <h2><span class="soft">${item.kind}</span> ${item.name} <${State} word="OutOfSync" /></h2>
      <${ObjectDifferences} item=${item} />
    </section>`)}</div>`;
  }}<//>`;
}
