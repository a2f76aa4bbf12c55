// The accounts, their tokens, and one's own password.
import { html, useState } from "../html.js";
import { get, post, put, remove, segment } from "../api.js";
import { attempt } from "../feedback.js";
import { Ago, Empty, Loaded, useLoaded } from "../parts.js";
import { account } from "../session.js";

const DAY_S = 86_400;

export function Accounts() {
  const state = useLoaded((signal) => get("account", signal), [account.value]);
  return html`<div class="page stack">
    <h1>Accounts</h1>
    <p class="soft">Signed in as <strong>${account.value}</strong>.</p>
    <${Loaded} state=${state}>${({ items }) => {
      if (!items?.length) return html`<${Empty}>There is no account that you may see.<//>`;
      return html`<div class="columns">${items.map((each) => html`<${One} key=${each.name} item=${each} again=${state.again} />`)}</div>`;
    }}<//>
  </div>`;
}

function One({ item, again }) {
  const own = item.name === account.value;
  const canLogIn = item.capabilities.includes("login");
  return html`<section class="card stack" aria-label=${item.name}>
    <h2>${item.name} ${!item.enabled && html`<span class="pill unknown">disabled</span>`}</h2>
    <p class="soft">${item.capabilities.map((each) => ({ login: "may log in", apiKey: "may have tokens" })[each] ?? each).join(", ") || "lets nobody in"}</p>
    ${item.capabilities.includes("apiKey") && html`<${Tokens} item=${item} again=${again} />`}
    ${canLogIn && html`<${Password} name=${item.name} own=${own} />`}
  </section>`;
}

function Tokens({ item, again }) {
  const [made, setMade] = useState("");
  const make = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    const expiresIn = Number(given.get("days")) * DAY_S;
    await attempt("The token is made: it is shown once", async () => {
      const { token } = await post(`account/${segment(item.name)}/token`, { id: given.get("id"), expiresIn });
      setMade(token);
      form.reset();
    });
    again();
  };
  const end = async (id) => {
    await attempt(`The token ${id} counts no more`, () => remove(`account/${segment(item.name)}/token/${segment(id)}`));
    again();
  };
  return html`<div class="stack">
    ${(item.tokens ?? []).length > 0 && html`<div class="framed"><table class="sheet">
      <thead><tr><th>Token</th><th>Made</th><th>Used</th><th>Ends</th><th><span class="visually-hidden">What to do</span></th></tr></thead>
      <tbody>${item.tokens.map((token) => html`<tr key=${token.id}>
        <td>${token.id}</td><td><${Ago} at=${time(token.issuedAt)} /></td><td><${Ago} at=${time(token.lastUsedAt)} /></td>
        <td>${token.expiresAt ? new Date(token.expiresAt * 1000).toLocaleDateString() : "never"}</td>
        <td><button class="danger" onClick=${() => end(token.id)}>End</button></td>
      </tr>`)}</tbody>
    </table></div>`}
    ${made && html`<p class="why good"><span class="grow"><code>${made}</code></span><button onClick=${() => navigator.clipboard?.writeText(made)}>Copy</button></p>`}
    <form class="bar" onSubmit=${make}>
      <input name="id" aria-label="Name of the token" placeholder="Name, as github" />
      <select name="days" aria-label="How long it counts"><option value="30">30 days</option><option value="365">a year</option><option value="0">for ever</option></select>
      <button>Make a token</button>
    </form>
  </div>`;
}

const time = (seconds) => (seconds ? new Date(seconds * 1000).toISOString() : "");

function Password({ name, own }) {
  const change = (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const given = new FormData(form);
    attempt(`The password of ${name} is changed`, async () => {
      await put("account/password", { name, currentPassword: given.get("current") ?? "", newPassword: given.get("new") });
      form.reset();
    });
  };
  return html`<details><summary>Change the password</summary>
    <form class="stack" onSubmit=${change}>
      <input class="visually-hidden" autocomplete="username" value=${name} readonly tabindex="-1" aria-label="Account" />
      <label class="field">${own ? "The password of now" : "Your own password"}<input name="current" type="password" autocomplete="current-password" /></label>
      <label class="field">The new one<input name="new" type="password" required autocomplete="new-password" /></label>
      <button>Change it</button>
    </form>
  </details>`;
}
