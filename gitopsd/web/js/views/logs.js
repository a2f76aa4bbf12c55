// What the containers of a Pod, or of the Pods below an object, write.
import { html, useEffect, useState } from "../html.js";
import { request, segment } from "../api.js";
import { Empty, Problem } from "../parts.js";
import { jsonLines } from "../stream.js";

const MOST_LINES = 5000; // the oldest go
const SHOW_EVERY_MS = 100;
const TAILS = ["100", "1000", "5000"];

/** Kinds below which Pods are. */
export const hasLogs = (kind) => ["Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job"].includes(kind);

/** @param {{name: string, object: {group: string, kind: string, namespace: string, name: string}, containers: string[]}} props */
export function Logs({ name, object, containers }) {
  const [asked, setAsked] = useState({ container: containers[0] ?? "", tailLines: TAILS[0], filter: "", previous: false, follow: object.kind === "Pod" });
  const [wrap, setWrap] = useState(true);
  const { lines, problem, open } = useLines(name, object, asked);
  const several = lines.some((line) => line.podName !== lines[0].podName);
  const set = (change) => setAsked({ ...asked, ...change });
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([lines.map((line) => line.content).join("\n")], { type: "text/plain" }));
    link.download = `${object.name}.log`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  const box = (label, at, change) => html`<label class="check"><input type="checkbox" checked=${at} onChange=${(event) => change(event.currentTarget.checked)} />${label}</label>`;
  return html`<div class="stack">
    <div class="bar">
      ${containers.length > 1 && html`<select aria-label="Container" value=${asked.container} onChange=${(event) => set({ container: event.currentTarget.value })}>${containers.map((each) => html`<option>${each}</option>`)}</select>`}
      <select aria-label="How many lines" value=${asked.tailLines} onChange=${(event) => set({ tailLines: event.currentTarget.value })}>${TAILS.map((each) => html`<option value=${each}>last ${each}</option>`)}</select>
      <input type="search" aria-label="Lines with" placeholder="Lines with …" onChange=${(event) => set({ filter: event.currentTarget.value })} />
      ${box("Follow", asked.follow, (follow) => set({ follow }))}
      ${box("Of the run before", asked.previous, (previous) => set({ previous }))}
      ${box("Wrap", wrap, setWrap)}
      <button onClick=${save} disabled=${!lines.length}>Save</button>
    </div>
    ${problem && html`<${Problem} error=${problem} />`}
    ${!lines.length && !problem && html`<${Empty}>${open ? "Nothing was written yet." : "Nothing was written."}<//>`}
    ${lines.length > 0 && html`<pre class="yaml ${wrap ? "wrap" : ""}" tabindex="0" aria-label="Log">${lines.map((line) => html`<span>${several && html`<b class="soft">${line.podName} </b>`}${`${line.content}\n`}</span>`)}</pre>`}
  </div>`;
}

function useLines(name, object, asked) {
  const [state, setState] = useState({ lines: /** @type {any[]} */ ([]), problem: /** @type {any} */ (null), open: true });
  const key = JSON.stringify([name, object, asked]);
  useEffect(() => {
    const abort = new AbortController();
    let lines = [];
    let resting = false;
    const show = (change = {}) => abort.signal.aborted || setState((old) => ({ ...old, lines: [...lines], ...change }));
    const read = async () => {
      const query = new URLSearchParams({ group: object.group, kind: object.kind, namespace: object.namespace, resourceName: object.name, tailLines: asked.tailLines, previous: String(asked.previous), follow: String(asked.follow) });
      if (asked.container) query.set("container", asked.container);
      if (asked.filter) query.set("filter", asked.filter);
      const response = await request("GET", `api/v1/applications/${segment(name)}/logs?${query}`, undefined, abort.signal);
      for await (const { result, error } of jsonLines(response)) {
        if (error) throw new Error(error.message);
        if (result.last) break;
        lines.push(result);
        if (lines.length > MOST_LINES) lines = lines.slice(-MOST_LINES);
        if (resting) continue;
        resting = true;
        setTimeout(() => ((resting = false), show()), SHOW_EVERY_MS);
      }
    };
    setState({ lines: [], problem: null, open: true });
    read().then(
      () => show({ open: false }),
      (problem) => show({ problem, open: false }),
    );
    return () => abort.abort();
  }, [key]);
  return state;
}
