// The dialogs before something is done: what will happen, to what, and the choices there are.
import { html, useState } from "./html.js";
import { Dialog } from "./parts.js";
import { short } from "./why.js";
import * as verbs from "./verbs.js";
import { titleOf } from "./views/actions.js";

const close = () => (verbs.asking.value = null);

export function Asking() {
  const asked = verbs.asking.value;
  if (!asked) return null;
  const Form = { sync: Sync, delete: Erase, rollback: Rollback, terminate: Terminate, confirm: Confirm, act: Perform, erase: EraseObject }[asked.verb];
  return html`<${Form} key=${asked.verb + asked.names[0]} ...${asked} />`;
}

function Frame({ title, act, action, danger = false, ready = true, children }) {
  const submit = (event) => {
    event.preventDefault();
    close();
    action();
  };
  return html`<${Dialog} label=${title} close=${close}>
    <form onSubmit=${submit}>
      <header><h2 class="grow">${title}</h2></header>
      <div class="body stack">${children}</div>
      <footer>
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class=${danger ? "danger" : "primary"} disabled=${!ready}>${act}</button>
      </footer>
    </form>
  <//>`;
}

function Box({ label, at, set }) {
  return html`<label class="check"><input type="checkbox" checked=${at} onChange=${(event) => set(event.currentTarget.checked)} />${label}</label>`;
}

function Names({ names }) {
  return names.length === 1 ? html`<strong>${names[0]}</strong>` : html`<strong>${names.length} applications</strong>: ${names.slice(0, 8).join(", ")}${names.length > 8 ? " …" : ""}`;
}

function Sync({ names, resources }) {
  const [prune, setPrune] = useState(false);
  const [dryRun, setDryRun] = useState(false);
  const [force, setForce] = useState(false);
  const action = () => verbs.sync(names, { prune, dryRun, force, resources });
  return html`<${Frame} title="Sync" act=${dryRun ? "Try it" : "Sync"} action=${action}>
    <p>Bring live to what Git says: <${Names} names=${names} />.</p>
    ${resources.length > 0 && html`<p>Only ${resources.map((each) => `${each.kind} ${each.name}`).join(", ")}. Hooks do not run.</p>`}
    <div><${Box} label="Delete what Git no longer has (prune)" at=${prune} set=${setPrune} /></div>
    <div><${Box} label="Only try it: the API server says what would happen (dry run)" at=${dryRun} set=${setDryRun} /></div>
    <div><${Box} label="Delete and make anew what cannot be changed (force)" at=${force} set=${setForce} /></div>
  <//>`;
}

function Erase({ names: [name] }) {
  const [typed, setTyped] = useState("");
  const [cascade, setCascade] = useState(true);
  return html`<${Frame} title="Delete" act="Delete" danger ready=${typed === name} action=${() => verbs.erase(name, { cascade })}>
    <p>Delete the application <strong>${name}</strong>. What Git declares comes back at the next look.</p>
    <div><${Box} label="Delete its objects in the cluster first" at=${cascade} set=${setCascade} /></div>
    <label class="field">Write its name to go on<input value=${typed} autocomplete="off" onInput=${(event) => setTyped(event.currentTarget.value)} /></label>
  <//>`;
}

function Rollback({ names: [name], entry }) {
  const [prune, setPrune] = useState(false);
  const revision = short(entry.revision ?? entry.revisions?.[0] ?? "");
  return html`<${Frame} title="Roll back" act="Roll back" action=${() => verbs.rollback(name, entry.id, { prune })}>
    <p>Bring <strong>${name}</strong> to what sync ${entry.id} made live (${revision}). Automated sync must be off, else Git's state follows at once.</p>
    <div><${Box} label="Delete what that state does not have (prune)" at=${prune} set=${setPrune} /></div>
  <//>`;
}

function Terminate({ names: [name] }) {
  return html`<${Frame} title="End the sync" act="End it" danger action=${() => verbs.terminate(name)}>
    <p>End the sync of <strong>${name}</strong> that is under way. What it has applied stays.</p>
  <//>`;
}

function Confirm({ names: [name] }) {
  return html`<${Frame} title="Approve deletions" act="Approve" danger action=${() => verbs.confirm(name)}>
    <p>Approve the deletions of <strong>${name}</strong> that wait for a person.</p>
  <//>`;
}

function Perform({ names: [name], resources: [which], action }) {
  const asks = (action.params ?? []).map((each) => each.name);
  const [params, setParams] = useState(/** @type {Record<string, string>} */ ({}));
  const ready = asks.every((each) => params[each]);
  return html`<${Frame} title=${titleOf(action)} act=${titleOf(action)} ready=${ready} action=${() => verbs.act(name, which, action.name, params)}>
    <p>${titleOf(action)}: <strong>${which.kind} ${which.name}</strong> of ${name}. What Git sets comes back with the next sync, or at once where it heals itself.</p>
    ${asks.map((each) => html`<label class="field">${each}<input value=${params[each] ?? ""} autocomplete="off" onInput=${(event) => setParams({ ...params, [each]: event.currentTarget.value })} /></label>`)}
  <//>`;
}

function EraseObject({ names: [name], resources: [which] }) {
  const [force, setForce] = useState(false);
  const [orphan, setOrphan] = useState(false);
  return html`<${Frame} title="Delete" act="Delete" danger action=${() => verbs.eraseObject(name, which, { force, orphan })}>
    <p>Delete <strong>${which.kind} ${which.name}</strong> of ${name}, after what it owns. What Git has is made anew by the next sync.</p>
    <div><${Box} label="At once, without a grace period (force)" at=${force} set=${setForce} /></div>
    <div><${Box} label="Leave what it owns (orphan)" at=${orphan} set=${setOrphan} /></div>
  <//>`;
}
