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
 * @property {number} changes heard of since the page was opened
 * @property {string} text in which a search looks, in small letters
 */

const TELL_EVERY_MS = 200; // what changes faster nobody reads
const FIRST_PAGE = 200; // rows that are seen before all others are there

/** @type {Map<string, Row>} */
const known = new Map();
/** @type {string[] | null} of `known`, sorted; null where one came or went */
let names = null;
const version = signal(0);
let resting = false; // views were told a moment ago
let news = false; // since then

/** "opening", "live", or "lost" while the daemon says nothing. */
export const connection = signal("opening");

/** Whether the first list is complete. */
export const complete = signal(false);

/** @type {import("@preact/signals").ReadonlySignal<Row[]>} by name */
export const rows = computed(() => {
  version.value;
  names ??= [...known.keys()].sort();
  return names.map((name) => /** @type {Row} */ (known.get(name)));
});

/** @param {string} name @returns {number} how often it changed, as far as is known: follows changes when read in a view */
export function changesOf(name) {
  version.value;
  return known.get(name)?.changes ?? 1; // before the list comes, it is taken to be as the list will say
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
    const listed = new Set();
    let page = { limit: `${FIRST_PAGE}`, continue: "" };
    for (;;) {
      const query = new URLSearchParams({ fields: `metadata.continue,${fieldsBelow("items.")}`, ...page });
      const list = await (await request("GET", `api/v1/applications?${query}`, undefined, abort)).json();
      if (mine !== told) return; // the stream was opened anew meanwhile
      for (const app of list.items) {
        listed.add(app.metadata.name);
        if (!mine.has(app.metadata.name)) put(app);
      }
      announce();
      if (!list.metadata.continue) break;
      page = { limit: "0", continue: list.metadata.continue };
    }
    for (const name of known.keys()) if (!listed.has(name) && !mine.has(name)) drop(name);
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
        if (result.type === "DELETED") drop(name);
        else put(result.application, 1);
        told.add(name);
        announce();
      },
      lost: () => (connection.value = "lost"),
    },
    abort,
  );
}

/** @param {any} app an Application @param {number} before how many changes of an unknown one were heard of */
function put(app, before = 0) {
  const old = known.get(app.metadata.name);
  if (!old) names = null;
  known.set(app.metadata.name, { ...rowFrom(app), changes: (old?.changes ?? before) + 1 });
}

function drop(name) {
  names = null;
  known.delete(name);
}

/** Tell views at once, and then a few times a second, however many changes come. */
function announce() {
  news = true;
  if (resting) return;
  news = false;
  resting = true;
  version.value += 1; // not with the next frame: where nobody looks there may be none
  setTimeout(() => {
    resting = false;
    if (news) announce();
  }, TELL_EVERY_MS);
}

/** @param {any} app an Application @returns {Omit<Row, "changes">} */
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
