// Why an application is as it is: one sentence, and the next step. Pure: from the Application that the API shows.
import { span } from "./times.js";

/**
 * @typedef {{tone: import("./states.js").Tone, text: string, next?: "sync" | "refresh" | "confirm" | "terminate"}} Why
 * @param {any} app an Application
 * @returns {Why}
 */
export function why(app) {
  const status = app.status ?? {};
  const rules = [deleting, running, conditions, unknown, outOfSync, unhealthy, stale];
  for (const rule of rules) {
    const reason = rule(app, status, status.gitopsd ?? {});
    if (reason) return reason;
  }
  const revision = short(revisionOf(app));
  return { tone: "good", text: revision ? `Live is as Git says at ${revision}.` : "Live is as Git says." };
}

/** @param {any} app @returns {string} the revision that was compared, of the first source */
export const revisionOf = (app) => app.status?.sync?.revision ?? app.status?.sync?.revisions?.[0] ?? "";

/** @param {string} revision */
export const short = (revision) => (/^[0-9a-f]{40,64}$/.test(revision) ? revision.slice(0, 8) : revision);

function deleting(app) {
  if (!app.metadata.deletionTimestamp) return null;
  return { tone: "busy", text: "It is being deleted, with what it made." };
}

function running(_app, status, ours) {
  const operation = status.operationState;
  if (operation?.phase !== "Running" && operation?.phase !== "Terminating") return null;
  const progress = ours.progress;
  const step = progress ? ` ${progress.done} of ${progress.of} done, now ${progress.phase ?? ""}${wave(progress)}.` : "";
  const waits = operation.message ? ` ${sentence(operation.message)}` : "";
  return { tone: "busy", text: `A sync is under way.${step}${waits}`, next: "terminate" };
}

const wave = (progress) => (progress.wave === undefined ? "" : ` wave ${progress.wave}`);

function conditions(_app, status, ours) {
  const list = (status.conditions ?? []).filter((each) => !/Warning$/.test(each.type));
  if (!list.length) return null;
  const more = list.length > 1 ? ` (and ${list.length - 1} more)` : "";
  const again = ours.failing?.tries ? ` Tried ${ours.failing.tries} times.` : "";
  return { tone: "bad", text: sentence(list[0].message) + more + again, next: "refresh" };
}

function unknown(_app, status, ours) {
  if (status.sync?.status !== "Unknown" && status.sync?.status !== undefined) return null;
  const reason = ours.waiting || (ours.stale ?? [])[0] || status.health?.message || "it was not compared yet";
  return { tone: "unknown", text: `Whether live is as Git says is not known: ${reason}.`.replace("..", "."), next: "refresh" };
}

function outOfSync(app, status, ours) {
  if (status.sync?.status !== "OutOfSync") return null;
  const differing = ours.differing ?? { count: 0, first: [], pruning: false };
  const what = `${count(differing.count, "object")} ${differing.count === 1 ? "is" : "are"} not as Git says`;
  const more = differing.count - differing.first.length;
  const named = differing.count ? ` (${differing.first.join(", ")}${more ? ` and ${more} more` : ""})` : "";
  if (ours.waiting) return { tone: "warn", text: `${what}${named}. ${sentence(ours.waiting)}`, next: "sync" };
  const automated = app.spec?.syncPolicy?.automated;
  if (!automated || automated.enabled === false) {
    return { tone: "warn", text: `${what}${named}. Nothing is done by itself: automated sync is off.`, next: "sync" };
  }
  if (status.operationState?.phase === "Failed" || status.operationState?.phase === "Error") {
    return { tone: "bad", text: `${what}${named}. The last sync failed: ${sentence(status.operationState.message)}`, next: "sync" };
  }
  if (differing.pruning && !automated.prune) return { tone: "warn", text: `${what}${named}. Deleting is off: automated.prune is not set.`, next: "sync" };
  if (!automated.selfHeal) return { tone: "warn", text: `${what}${named}. Changes made in the cluster are left: selfHeal is off.`, next: "sync" };
  return { tone: "busy", text: `${what}${named}. A sync follows by itself.` };
}

function unhealthy(_app, status, ours) {
  const health = status.health?.status;
  if (!health || health === "Healthy") return null;
  const first = ours.unhealthy;
  const cause = first ? ` ${first.kind} ${first.name}: ${sentence(first.message || health)}` : ` ${sentence(status.health.message ?? "")}`;
  const tones = { Degraded: "bad", Missing: "warn", Progressing: "busy", Suspended: "busy" };
  return { tone: tones[health] ?? "unknown", text: `Live is as Git says, and ${health}.${cause}`.trimEnd() };
}

function stale(_app, _status, ours) {
  if (!ours.stale?.length) return null;
  return { tone: "unknown", text: `What is shown may be old: ${sentence(ours.stale[0])}`, next: "refresh" };
}

const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

function sentence(text) {
  const whole = text.trim();
  return whole && !/[.!?…]$/.test(whole) ? `${whole}.` : whole;
}

/** @param {any} app @param {number} nowMs @returns {string} how old what is known of it is; "" where nobody knows */
export function knownSince(app, nowMs) {
  const at = app.status?.reconciledAt;
  return at ? span((nowMs - Date.parse(at)) / 1000) : "";
}
