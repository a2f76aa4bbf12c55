// What can be done to one live object: its actions, and that it is deleted. A button that one may not use says why.
import { html } from "../html.js";
import { get, segment } from "../api.js";
import { changesOf } from "../fleet.js";
import { Act, useLoaded } from "../parts.js";
import { account } from "../session.js";
import { askAction, askErase, objectQuery } from "../verbs.js";

/** @param {import("../verbs.js").ObjectName} which */
const rightsOf = (which, actions) => [
  ...actions.map((each) => `action/${which.group}/${which.kind}/${each.name}`),
  `delete/${which.group}/${which.kind}/${which.namespace}/${which.name}`,
];

export function Actions({ name, app, which }) {
  const object = `${app.spec.project}/${name}`;
  const state = useLoaded(
    async (signal) => {
      const { actions } = await get(`applications/${segment(name)}/resource/actions?${objectQuery(which)}`, signal);
      const rights = rightsOf(which, actions);
      const answers = await Promise.all(rights.map((right) => get(`account/can-i/applications/${segment(right)}/${object}`, signal)));
      return { actions, refusals: answers.map((each, index) => (each.value === "yes" ? "" : `You may not: applications, ${rights[index]}, ${object}`)) };
    },
    [name, objectQuery(which), account.value, changesOf(name)],
  );
  if (!state.value) return null; // it is not live, or nobody knows yet
  const { actions, refusals } = state.value;
  return html`<div class="bar" role="group" aria-label="Actions">
    ${actions.map((each, index) => html`<${Act} no=${refusals[index] || (each.disabled ? "It would change nothing just now" : "")} act=${() => askAction(name, which, each)}>${titleOf(each)} …<//>`)}
    <${Act} kind="danger" no=${refusals[actions.length]} act=${() => askErase(name, which)}>Delete …<//>
  </div>`;
}

export const titleOf = (action) => action.displayName || action.name[0].toUpperCase() + action.name.slice(1).replaceAll("-", " ");
