// The projects: what the applications of each may do.
import { html } from "../html.js";
import { get } from "../api.js";
import { rows } from "../fleet.js";
import { Facts, Loaded, useLoaded } from "../parts.js";
import { href, route } from "../router.js";

export function Projects() {
  const state = useLoaded((signal) => get("projects", signal), []);
  const only = route.value.query.get("name");
  return html`<div class="page"><h1>Projects</h1><${Loaded} state=${state}>${({ items }) => html`<div class="cards">
    ${items.filter((each) => !only || each.metadata.name === only).map((each) => html`<${Project} key=${each.metadata.name} project=${each} />`)}
  </div>`}<//>${only && html`<p><a href=${href(["projects"])}>All projects</a></p>`}</div>`;
}

function Project({ project: { metadata, spec } }) {
  const count = rows.value.filter((row) => row.project === metadata.name).length;
  const kinds = (list) => (list ?? []).map((each) => `${each.group || "core"}/${each.kind}`).join(", ");
  return html`<section class="card"><h2>${metadata.name}</h2><${Facts} rows=${[
    ["About", spec.description],
    ["Applications", html`<a href=${href(["applications"], { project: metadata.name })}>${count}</a>`],
    ["Repositories", (spec.sourceRepos ?? []).join(", ") || "none"],
    ["Destinations", (spec.destinations ?? []).map((each) => `${each.name ?? each.server} / ${each.namespace}`).join(", ") || "none"],
    ["Cluster kinds", kinds(spec.clusterResourceWhitelist)],
    ["Not these kinds", kinds([...(spec.clusterResourceBlacklist ?? []), ...(spec.namespaceResourceBlacklist ?? [])])],
    ["Only these kinds", kinds(spec.namespaceResourceWhitelist)],
    ["Windows", (spec.syncWindows ?? []).map((each) => `${each.kind} ${each.schedule} for ${each.duration}`).join("; ")],
    ["Roles", (spec.roles ?? []).map((each) => each.name).join(", ")],
  ]} /></section>`;
}
