// All applications as the stream tells of them: a row each, with what lists and totals show.
import { computed, signal } from "@preact/signals";
import { request } from "./api.js";
import { follow } from "./stream.js";
import { worst, tone } from "./states.js";
import { revisionOf, why } from "./why.js";

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} project
 * @property {string} cluster name of the destination, or its server
 * @property {string} namespace
 * @property {string} repo
 * @property {string} revision
 * @property {string} sync
 * @property {string} health
 * @property {string} phase of its last operation
 * @property {boolean} automated
 * @property {boolean} stale
 * @property {Record<string, string>} labels
 * @property {import("./why.js").Why} why
 * @property {import("./states.js").Tone} tone
 * @property {string} reconciledAt
 * @property {string} text in which a search looks, in small letters
 */

/** @type {Map<string, Row>} */
const known = new Map();
const version = signal(0);
let announced = false;

/** "opening", "live", or "lost" while the daemon says nothing. */
export const connection = signal("opening");

/** Whether the first list is complete. */
export const complete = signal(false);

/** @type {import("@preact/signals").ReadonlySignal<Row[]>} by name */
export const rows = computed(() => {
  version.value;
  return [...known.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
});

/** @param {string} name @returns {Row | undefined} follows changes when read in a view */
export function rowOf(name) {
  version.value;
  return known.get(name);
}

/** What rows are made of. */
const FIELDS = [
  "metadata.name",
  "metadata.labels",
  "metadata.deletionTimestamp",
  "spec.project",
  "spec.source.repoURL",
  "spec.source.path",
  "spec.source.chart",
  "spec.sources.repoURL",
  "spec.destination",
  "spec.syncPolicy.automated",
  "status.sync.status",
  "status.sync.revision",
  "status.sync.revisions",
  "status.health",
  "status.conditions",
  "status.operationState.phase",
  "status.operationState.message",
  "status.reconciledAt",
  "status.gitopsd.cluster",
  "status.gitopsd.waiting",
  "status.gitopsd.stale",
  "status.gitopsd.failing",
  "status.gitopsd.progress",
  "status.gitopsd.differing",
  "status.gitopsd.unhealthy",
];
const fieldsBelow = (path) => FIELDS.map((field) => path + field).join(",");

/**
 * Follow the fleet until `abort`.
 *
 * The list comes compressed and at once, changes come by the stream, which is opened before: what it has said of an
 * application goes before the list. The rows of an earlier connection stay until the new list is there.
 */
export function followFleet(abort) {
  let told = new Set(); // of whom the stream has spoken since it was opened
  const opened = async () => {
    const mine = (told = new Set());
    connection.value = "live";
    const list = await (await request("GET", `api/v1/applications?fields=${fieldsBelow("items.")}`, undefined, abort)).json();
    if (mine !== told) return; // the stream was opened anew meanwhile
    const names = new Set(list.items.map((app) => app.metadata.name));
    for (const name of known.keys()) if (!names.has(name) && !mine.has(name)) known.delete(name);
    for (const app of list.items) if (!mine.has(app.metadata.name)) known.set(app.metadata.name, rowFrom(app));
    complete.value = true;
    announce();
  };
  return follow(
    `api/v1/stream/applications?resourceVersion=0&fields=result.type,${fieldsBelow("result.application.")}`,
    {
      opened,
      event: ({ result }) => {
        if (!result) return;
        const name = result.application.metadata.name;
        if (result.type === "DELETED") known.delete(name);
        else known.set(name, rowFrom(result.application));
        told.add(name);
        announce();
      },
      beat: () => {},
      lost: () => (connection.value = "lost"),
    },
    abort,
  );
}

/** Tell views once a frame, however many changes came. */
function announce() {
  if (announced) return;
  announced = true;
  requestAnimationFrame(() => {
    announced = false;
    version.value += 1;
  });
}

/** @param {any} app an Application @returns {Row} */
export function rowFrom(app) {
  const { spec = {}, status = {}, metadata } = app;
  const sync = status.sync?.status ?? "Unknown";
  const health = status.health?.status ?? "Unknown";
  const reason = why(app);
  const source = spec.source ?? spec.sources?.[0] ?? {};
  const automated = spec.syncPolicy?.automated;
  const cluster = status.gitopsd?.cluster || spec.destination?.name || spec.destination?.server || "";
  return {
    name: metadata.name,
    project: spec.project ?? "default",
    cluster,
    namespace: spec.destination?.namespace ?? "",
    repo: source.repoURL ?? "",
    revision: revisionOf(app),
    sync,
    health,
    phase: status.operationState?.phase ?? "",
    automated: Boolean(automated) && automated.enabled !== false,
    stale: Boolean(status.gitopsd?.stale?.length),
    labels: metadata.labels ?? {},
    why: reason,
    tone: worst([tone(sync), tone(health), reason.tone]),
    reconciledAt: status.reconciledAt ?? "",
    text: [metadata.name, spec.project, cluster, spec.destination?.namespace, source.repoURL, source.path, source.chart]
      .filter(Boolean)
      .join(" ")
      .toLowerCase(),
  };
}
