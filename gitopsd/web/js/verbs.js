// What one may do to applications. Each verb is written once; buttons, keys and the palette name it.
import { post, remove, get, segment } from "./api.js";
import { attempt } from "./feedback.js";
import { signal } from "./html.js";

/**
 * @typedef {{group: string, kind: string, namespace: string, name: string}} ObjectName
 * @typedef {{verb: "sync" | "delete" | "rollback" | "terminate" | "confirm" | "act" | "erase", names: string[], resources: ObjectName[], entry?: any, action?: any}} Question
 */

/** What is asked before something is done; null while nothing is. @type {import("@preact/signals").Signal<Question | null>} */
export const asking = signal(null);

/** @param {string[]} names @param {ObjectName[]} [resources] */
export const askSync = (names, resources = []) => names.length && (asking.value = { verb: "sync", names, resources });
export const askDelete = (name) => (asking.value = { verb: "delete", names: [name], resources: [] });
export const askRollback = (name, entry) => (asking.value = { verb: "rollback", names: [name], resources: [], entry });
export const askTerminate = (name) => (asking.value = { verb: "terminate", names: [name], resources: [] });
export const askConfirm = (name) => (asking.value = { verb: "confirm", names: [name], resources: [] });
export const askAction = (name, which, action) => (asking.value = { verb: "act", names: [name], resources: [which], action });
export const askErase = (name, which) => (asking.value = { verb: "erase", names: [name], resources: [which] });

/** How the API is told which object of an application is meant. @param {ObjectName} which */
export const objectQuery = ({ group, kind, namespace, name }) => `${new URLSearchParams({ group, kind, namespace, resourceName: name })}`;

const path = (name) => `applications/${segment(name)}`;

export const refresh = (names, { hard = false } = {}) =>
  attempt(names.length === 1 ? `${names[0]} was looked at anew` : `${names.length} applications were looked at anew`, () =>
    Promise.all(names.map((name) => get(`${path(name)}?refresh=${hard ? "hard" : "normal"}`))),
  );

export const sync = (names, { prune, dryRun, force, resources }) =>
  attempt(names.length === 1 ? `A sync of ${names[0]} has begun` : `${names.length} syncs have begun`, () =>
    Promise.all(
      names.map((name) =>
        post(`${path(name)}/sync`, {
          prune,
          dryRun,
          ...(resources.length ? { resources } : {}),
          ...(force ? { strategy: { hook: { force: true } } } : {}),
        }),
      ),
    ),
  );

export const rollback = (name, id, { prune }) => attempt(`${name} goes back to sync ${id}`, () => post(`${path(name)}/rollback`, { id, prune }));
export const terminate = (name) => attempt(`The sync of ${name} ends`, () => remove(`${path(name)}/operation`));
export const confirm = (name) => attempt(`The deletions of ${name} are approved`, () => post(`${path(name)}/confirm-deletion`));
export const erase = (name, { cascade }) => attempt(`${name} is being deleted`, () => remove(`${path(name)}?cascade=${cascade}`));

/** @param {string} name @param {ObjectName} which @param {string} action @param {Record<string, string>} params */
export const act = (name, which, action, params) =>
  attempt(`${action}: done to ${which.kind} ${which.name}`, () =>
    post(`${path(name)}/resource/actions/v2`, {
      group: which.group,
      kind: which.kind,
      namespace: which.namespace,
      resourceName: which.name,
      action,
      resourceActionParameters: Object.entries(params).map(([key, value]) => ({ name: key, value })),
    }),
  );

/** @param {string} name @param {ObjectName} which */
export const eraseObject = (name, which, { force, orphan }) =>
  attempt(`${which.kind} ${which.name} is being deleted`, () => remove(`${path(name)}/resource?${objectQuery(which)}&force=${force}&orphan=${orphan}`));
