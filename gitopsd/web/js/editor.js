// An application written as YAML: a new one, or one that the API declared.
import { html, signal, useEffect, useState } from "./html.js";
import { post, put, segment } from "./api.js";
import { attempt } from "./feedback.js";
import { Dialog, Problem } from "./parts.js";
import { go, href } from "./router.js";
import { parsed, useYaml } from "./yaml.js";

/** The Application that is being written, and whether it is new; null while none is. */
export const writing = signal(/** @type {{app: any, fresh: boolean} | null} */ (null));

const EMPTY = {
  apiVersion: "argoproj.io/v1alpha1",
  kind: "Application",
  metadata: { name: "" },
  spec: {
    project: "default",
    source: { repoURL: "", targetRevision: "HEAD", path: "." },
    destination: { name: "", namespace: "" },
    syncPolicy: { automated: { prune: true, selfHeal: true } },
  },
};

export const writeNew = () => (writing.value = { app: EMPTY, fresh: true });
export const edit = ({ apiVersion, kind, metadata, spec }) => (writing.value = { app: { apiVersion, kind, metadata, spec }, fresh: false });

export function Editor() {
  return writing.value && html`<${Open} ...${writing.value} />`;
}

function Open({ app, fresh }) {
  const begun = useYaml(app);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState(/** @type {{message: string, remedy?: string} | null} */ (null));
  useEffect(() => setText(begun), [begun]);
  const close = () => (writing.value = null);
  const save = async (event) => {
    event.preventDefault();
    let value;
    try {
      value = await parsed(text);
    } catch (error) {
      return setProblem({ message: `This is no YAML: ${error.message.split("\n")[0]}.` });
    }
    const name = value?.metadata?.name;
    if (!name) return setProblem({ message: "metadata.name is missing.", remedy: "Every application has a name." });
    setProblem(null);
    const asked = fresh ? () => post("applications", value) : () => put(`applications/${segment(app.metadata.name)}`, value);
    if (await attempt(fresh ? `${name} is declared` : `${name} is changed`, asked)) {
      close();
      go(href(["applications", name]));
    }
    return undefined;
  };
  const title = fresh ? "A new application" : `Change ${app.metadata.name}`;
  return html`<${Dialog} kind="wide" label=${title} close=${close}>
    <form onSubmit=${save}>
      <header><h2 class="grow">${title}</h2></header>
      <div class="body stack">
        ${problem && html`<${Problem} error=${problem} />`}
        <textarea class="code" aria-label="Application, as YAML" spellcheck=${false} rows="22" value=${text} onInput=${(event) => setText(event.currentTarget.value)}></textarea>
        <p class="soft small">It is kept by gitopsd, not in Git. What Git declares under the same name goes before it.</p>
      </div>
      <footer><button type="button" onClick=${close}>Cancel</button><button class="primary">${fresh ? "Declare it" : "Change it"}</button></footer>
    </form>
  <//>`;
}
