// What the application is, what was done last, and what it says of itself.
import { html } from "../html.js";
import { Ago, Facts, State } from "../parts.js";
import { href } from "../router.js";
import { short } from "../why.js";

export function Overview({ app }) {
  const { spec, status = {} } = app;
  const sources = spec.sources ?? (spec.source ? [spec.source] : []);
  return html`<div class="stack">
    <${Conditions} conditions=${status.conditions ?? []} />
    <div class="columns">
      <section class="card"><h2>Where</h2><${Facts} rows=${where(app)} /></section>
      ${sources.map((source, index) => html`<section class="card"><h2>${sources.length > 1 ? `Source ${index + 1}` : "Source"}</h2><${Facts} rows=${sourceRows(source, status, index)} /></section>`)}
      <section class="card"><h2>How it syncs</h2><${Facts} rows=${policy(spec)} /></section>
      ${status.operationState && html`<section class="card"><h2>Last sync</h2><${Operation} operation=${status.operationState} ours=${status.gitopsd ?? {}} /></section>`}
      <${Links} app=${app} />
    </div>
    <${Resources} name=${app.metadata.name} resources=${status.resources ?? []} />
  </div>`;
}

function Conditions({ conditions }) {
  return conditions.map(
    (each) => html`<div class="why ${/Warning$/.test(each.type) ? "warn" : "bad"}"><strong>${each.type}</strong><p class="grow">${each.message}</p></div>`,
  );
}

/** @param {any} app */
const where = ({ spec, status = {}, metadata }) => [
  ["Project", html`<a href=${href(["projects"], { name: spec.project })}>${spec.project}</a>`],
  ["Cluster", status.gitopsd?.cluster ?? spec.destination?.name],
  ["Server", spec.destination?.server],
  ["Namespace", spec.destination?.namespace],
  ["Labels", Object.entries(metadata.labels ?? {}).map(([key, value]) => `${key}=${value}`).join(", ")],
  ["Git was read", status.gitopsd?.epochAt && html`<${Ago} at=${status.gitopsd.epochAt} />`],
  ["Cluster said something", status.gitopsd?.watchAgeSeconds !== undefined && `${Math.round(status.gitopsd.watchAgeSeconds)} s before this was asked`],
];

const sourceRows = (source, status, index) => [
  ["Repository", source.repoURL],
  ["Path", source.path],
  ["Chart", source.chart],
  ["Target", source.targetRevision ?? "HEAD"],
  ["Revision", html`<code>${short(status.sync?.revisions?.[index] ?? status.sync?.revision ?? "")}</code>`],
  ["Rendered by", status.sourceTypes?.[index] ?? status.sourceType],
  ["Ref", source.ref],
  ["Value files", source.helm?.valueFiles?.join(", ")],
  ["Parameters", source.helm?.parameters?.map((each) => `${each.name}=${each.value}`).join(", ")],
  ["Images", source.kustomize?.images?.join(", ")],
];

function policy(spec) {
  const automated = spec.syncPolicy?.automated;
  const on = automated && automated.enabled !== false;
  const mark = (value) => (value ? "on" : "off");
  return [
    ["Automated", mark(on)],
    ["Prune", on && mark(automated.prune)],
    ["Self-heal", on && mark(automated.selfHeal)],
    ["Options", spec.syncPolicy?.syncOptions?.join(", ")],
    ["Retries", spec.syncPolicy?.retry?.limit],
  ];
}

export function Operation({ operation, ours }) {
  const by = operation.operation?.initiatedBy;
  const failed = (operation.syncResult?.resources ?? []).filter((each) => each.status === "SyncFailed" || each.hookPhase === "Failed");
  return html`<${Facts} rows=${[
      ["Phase", html`<${State} word=${operation.phase} />`],
      ["Said", operation.message],
      ["Progress", ours.progress && `${ours.progress.done} of ${ours.progress.of}`],
      ["Begun", html`<${Ago} at=${operation.startedAt} />`],
      ["Ended", operation.finishedAt && html`<${Ago} at=${operation.finishedAt} />`],
      ["By", by?.username ?? (by?.automated ? "automated sync" : "")],
    ]} />
    ${failed.map((each) => html`<div class="problem"><strong>${each.kind} ${each.name}</strong> ${each.message}</div>`)}`;
}

const LINK = "link.argocd.argoproj.io/";

function Links({ app }) {
  const found = Object.entries(app.metadata.annotations ?? {})
    .filter(([key, value]) => key.startsWith(LINK) && /^https?:\/\//i.test(value))
    .map(([key, value]) => [key.slice(LINK.length), value]);
  if (!found.length) return null;
  return html`<section class="card" aria-label="Links"><h2>Links</h2><ul>${found.map(([title, value]) => html`<li><a href=${value} target="_blank" rel="noopener noreferrer nofollow">${title}</a></li>`)}</ul></section>`;
}

function Resources({ name, resources }) {
  return html`<section aria-label="Objects"><h2>Objects <span class="soft">${resources.length}</span></h2>
    <div class="framed"><table class="sheet">
      <thead><tr><th>Kind</th><th>Name</th><th class="hide-small">Namespace</th><th>Sync</th><th>Health</th></tr></thead>
      <tbody>${resources.slice(0, 200).map((each) => html`<tr>
        <td>${each.kind}</td>
        <td><a href=${href(["applications", name], { object: objectId(each) })}>${each.name}</a>${each.reason && html`<br /><span class="soft small">${each.reason}</span>`}</td>
        <td class="hide-small">${each.namespace ?? ""}</td>
        <td><${State} word=${each.status} />${each.requiresPruning && html`<br /><span class="small warn">not in Git</span>`}</td>
        <td>${each.health && html`<${State} word=${each.health.status} title=${each.health.message} />`}</td>
      </tr>`)}</tbody>
    </table></div>
    ${resources.length > 200 && html`<p class="soft">and ${resources.length - 200} more: see the tree</p>`}
  </section>`;
}

/** The text by which an address names an object of an application. */
export const objectId = ({ group = "", kind, namespace = "", name }) => [group, kind, namespace, name].join("/");
