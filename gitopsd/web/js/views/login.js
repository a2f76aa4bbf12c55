// Signing in.
import { html, useState } from "../html.js";
import { request } from "../api.js";
import { Problem } from "../parts.js";
import { signIn } from "../session.js";

export function Login() {
  const [value, setValue] = useState("");
  const [error, setError] = useState(/** @type {{message: string, remedy?: string} | null} */ (null));
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await request("GET", "api/v1/projects", undefined, undefined, { Authorization: `Bearer ${value}` });
      signIn(value);
    } catch (problem) {
      setError(problem.status === 401 ? { message: "The daemon does not know this token.", remedy: "It is api.token of its settings." } : problem);
    }
    setBusy(false);
  };
  return html`<main class="login stack">
    <h1>gitopsd</h1>
    <p class="soft">Git says what should be; here is what is.</p>
    ${error && html`<${Problem} error=${error} />`}
    <form onSubmit=${submit}>
      <label class="field">Token<input type="password" required autocomplete="current-password" value=${value} onInput=${(event) => setValue(event.currentTarget.value)} /></label>
      <button class="primary" disabled=${busy || !value}>Sign in</button>
    </form>
  </main>`;
}
