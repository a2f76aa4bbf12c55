// All applications as the stream tells of them: a row each, with what lists and totals show.
import { computed, signal } from "@preact/signals";
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
 * @property {number} resources
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

/** Follow the fleet until `abort`; the list of an earlier connection stays until the new one is complete. */
export function followFleet(abort) {
  let told = new Set();
  let first = true; // until all that is there was told: the first sign of life after it says so
  let beats = 0;
  return follow(
    "api/v1/stream/applications",
    {
      opened: () => ((told = new Set()), (first = true), (beats = 0), (connection.value = "live")),
      event: ({ result }) => {
        if (!result) return;
        const name = result.application.metadata.name;
        if (result.type === "DELETED") known.delete(name);
        else known.set(name, rowFrom(result.application));
        if (first) told.add(name);
        announce();
      },
      beat: () => {
        beats += 1;
        if (beats < 2 || !first) return;
        first = false;
        for (const name of known.keys()) if (!told.has(name)) known.delete(name);
        complete.value = true;
        announce();
      },
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
    resources: status.resources?.length ?? 0,
    text: [metadata.name, spec.project, cluster, spec.destination?.namespace, source.repoURL, source.path, source.chart]
      .filter(Boolean)
      .join(" ")
      .toLowerCase(),
  };
}
