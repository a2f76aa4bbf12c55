// Signing in: with an account, or with a token.
import { html, useEffect, useState } from "../html.js";
import { Choice, Problem } from "../parts.js";
import { signIn, signInByToken, signOnProvider } from "../session.js";

const SSO_PROBLEMS = {
  refused: { message: "The provider did not let you in.", remedy: "Try again, or ask whoever runs it; the daemon's log has the reason." },
  unreachable: { message: "The provider cannot be reached.", remedy: "Try again later, or sign in with an account." },
};

export function Login() {
  const [way, setWay] = useState("account");
  const came = new URLSearchParams(window.location.search).get("sso") ?? "";
  const [error, setError] = useState(/** @type {{message: string, remedy: string} | null} */ (SSO_PROBLEMS[came] ?? null));
  const [provider, setProvider] = useState("");
  useEffect(() => void signOnProvider().then(setProvider), []);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setBusy(true);
    setError(way === "token" ? await byToken(given.get("token")) : await signIn(given.get("username"), given.get("password")));
    setBusy(false);
  };
  return html`<main class="login stack">
    <h1>gitopsd</h1>
    <p class="soft">Git says what should be; here is what is.</p>
    ${provider && html`<p><button class="primary" onClick=${() => window.location.assign(signOnAddress())}>Sign in with ${provider}</button></p>`}
    <${Choice} label="How" options=${[["account", "Account"], ["token", "Token"]]} at=${way} pick=${setWay} />
    ${error && html`<${Problem} error=${error} />`}
    <form onSubmit=${submit}>
      ${way === "token"
        ? html`<label class="field">Token<input name="token" type="password" required autocomplete="off" /></label>`
        : html`<label class="field">Name<input name="username" required autocomplete="username" autocapitalize="none" /></label>
            <label class="field">Password<input name="password" type="password" required autocomplete="current-password" /></label>`}
      <button class="primary" disabled=${busy}>Sign in</button>
    </form>
  </main>`;
}

async function byToken(value) {
  if (await signInByToken(value)) return null;
  return { message: "The daemon does not know this token.", remedy: "It may have expired, or belong to another daemon." };
}

/** Where the provider is asked; it sends the browser back to the page that was wanted. */
function signOnAddress() {
  const address = new URL("auth/login", document.baseURI);
  const wanted = new URL(window.location.href);
  wanted.searchParams.delete("sso");
  address.searchParams.set("return_url", wanted.pathname + wanted.search);
  return address.href;
}
