// One application: why it is as it is, and everything that is known of it.
import { html, useEffect, useState } from "../html.js";
import { get, segment } from "../api.js";
import { edit } from "../editor.js";
import { changesOf } from "../fleet.js";
import { useKeys } from "../keys.js";
import { Act, Ago, Empty, Loaded, Mark, State, Tabs, useLoaded } from "../parts.js";
import { go, href, route, setQuery } from "../router.js";
import { account } from "../session.js";
import { askConfirm, askDelete, askSync, askTerminate, refresh } from "../verbs.js";
import { revisionOf, short, why } from "../why.js";
import { Differences } from "./differences.js";
import { DriftTable } from "./drift.js";
import { HistoryTab } from "./history.js";
import { ObjectDrawer } from "./object.js";
import { Overview } from "./overview.js";
import { Tree } from "./tree.js";
import { Yaml } from "../yaml.js";

const TABS = [
  ["", "Overview"],
  ["tree", "Tree"],
  ["differences", "Differences"],
  ["history", "History"],
  ["drift", "Drift"],
  ["yaml", "YAML"],
];

/** Load the application anew whenever the stream tells of it. */
function useApplication(name) {
  const changes = changesOf(name);
  const [gone, setGone] = useState(false);
  const state = useLoaded((signal) => get(`applications/${segment(name)}`, signal), [name, changes]);
  useEffect(() => setGone(state.error?.status === 404), [state.error]);
  return { state, gone };
}

export function ApplicationView({ name }) {
  const { state, gone } = useApplication(name);
  const { query } = route.value;
  const tab = query.get("tab") ?? "";
  const inTree = tab === "tree";
  const tree = useLoaded(inTree ? (signal) => get(`applications/${segment(name)}/resource-tree`, signal) : null, [name, inTree, changesOf(name)]);
  const app = state.value;
  const to = (id) => href(["applications", name], { tab: id });
  useKeys({
    s: () => askSync([name]),
    r: () => refresh([name]),
    d: () => go(to("differences")),
    t: () => go(to("tree")),
    y: () => go(to("yaml")),
    Escape: () => (query.get("object") ? setQuery({ object: "" }) : go(href(["applications"]))),
  });
  if (gone) return html`<${Empty}><h1>There is no application ${name}</h1><p>It was deleted, or you may not see it. <a href=${href(["applications"])}>All applications</a></p><//>`;
  return html`<div class=${inTree ? "page fixed" : "page"}>
    <${Loaded} state=${state}>${() => html`
      <${Head} app=${app} />
      <${Tabs} tabs=${TABS} at=${tab} to=${to} />
      <${Tab} tab=${tab} app=${app} name=${name} tree=${tree} />
      ${query.get("object") && html`<${ObjectDrawer} name=${name} id=${query.get("object")} app=${app} close=${() => setQuery({ object: "" })} />`}
    `}<//>
  </div>`;
}

function Tab({ tab, app, name, tree }) {
  switch (tab) {
    case "tree":
      return html`<${Tree} state=${tree} app=${app} />`;
    case "differences":
      return html`<${Differences} name=${name} />`;
    case "history":
      return html`<${HistoryTab} name=${name} />`;
    case "drift":
      return html`<${DriftTable} query=${{ application: name }} />`;
    case "yaml":
      return html`${app.status?.gitopsd?.declaredByApi ? html`<div class="bar"><button onClick=${() => edit(app)}>Change …</button></div>` : html`<p class="soft">Git declares it: it is changed there.</p>`}
        <${Yaml} value=${{ apiVersion: app.apiVersion, kind: app.kind, metadata: app.metadata, spec: app.spec }} />`;
    default:
      return html`<${Overview} app=${app} />`;
  }
}

const ASKED = ["sync", "update", "delete"];

/** Why each of `ASKED` may not be done; "" where it may, and while nobody has said. */
function useRefusals(app) {
  const object = `${app.spec.project}/${app.metadata.name}`;
  const state = useLoaded(
    async (signal) => Promise.all(ASKED.map((action) => get(`account/can-i/applications/${action}/${object}`, signal))),
    [object, account.value],
  );
  const refusals = (state.value ?? []).map((each, index) => (each.value === "yes" ? "" : `You may not: applications, ${ASKED[index]}, ${object}`));
  return Object.fromEntries(ASKED.map((action, index) => [action, refusals[index] ?? ""]));
}

function Head({ app }) {
  const { name } = app.metadata;
  const no = useRefusals(app);
  const status = app.status ?? {};
  const reason = why(app);
  const running = status.operationState?.phase === "Running";
  const waits = (status.operationState?.syncResult?.resources ?? []).some((each) => each.reason === "Kept");
  return html`
    <div class="bar">
      <h1>${name}</h1>
      <span class="pill ${"unknown"}">${status.gitopsd?.cluster ?? app.spec.destination?.name ?? app.spec.destination?.server ?? ""}</span>
      <${State} word=${status.sync?.status ?? "Unknown"} />
      <${State} word=${status.health?.status ?? "Unknown"} title=${status.health?.message ?? ""} />
      <span class="soft small">${short(revisionOf(app))} · compared <${Ago} at=${status.reconciledAt} /></span>
      <span class="grow"></span>
      <${Act} kind="primary" no=${no.sync} act=${() => askSync([name])}>Sync …<//>
      <button onClick=${() => refresh([name])}>Refresh</button>
      <button onClick=${() => refresh([name], { hard: true })} title="Fetch and render anew, too">Hard refresh</button>
      ${running && html`<${Act} kind="danger" no=${no.sync} act=${() => askTerminate(name)}>End the sync …<//>`}
      <${Act} kind="danger" no=${no.delete} act=${() => askDelete(name)}>Delete …<//>
    </div>
    <div class="why ${reason.tone}" role="status">
      <${Mark} tone=${reason.tone} />
      <p class="grow">${reason.text}</p>
      ${waits && html`<${Act} no=${no.update} act=${() => askConfirm(name)}>Approve deletions …<//>`}
      ${reason.next === "sync" && html`<${Act} no=${no.sync} act=${() => askSync([name])}>Sync …<//>`}
    </div>`;
}
