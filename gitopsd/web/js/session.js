// Who is signed in: by a cookie that no script reads, or by a token that this tab keeps and no address shows.
import { signal } from "@preact/signals";

const KEY = "gitopsd.token";
const API = "api/v1/session";

/** The name of who is signed in; "" while nobody is, null until it is known. @type {import("@preact/signals").Signal<string | null>} */
export const account = signal(null);

const OURS = "gitopsd"; // the issuer of the daemon's own sessions

let token = "";
let vouchedFor = false; // by a provider

/** What a request carries to show who sends it; nothing where the browser adds a cookie. @returns {Record<string, string>} */
export const proof = () => (token ? { Authorization: `Bearer ${token}` } : {});

/** Find out who is signed in: by the address (`#token=…`, as the demo prints it), by this tab's token, by a cookie. */
export async function restore() {
  // What follows "#" is never sent to a server; it goes from the address at once.
  const given = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (given) window.history.replaceState(null, "", window.location.pathname + window.location.search);
  token = given ?? sessionStorage.getItem(KEY) ?? "";
  const name = await whoami();
  keep(name ? token : "");
  account.value = name;
}

/** Sign in with a token of the settings, of an account or of a project's role. @returns {Promise<boolean>} */
export async function signInByToken(value) {
  token = value;
  const name = await whoami();
  if (!name) token = "";
  else keep(value);
  account.value = name;
  return Boolean(name);
}

/**
 * Sign in with a password. The answer's cookie is what counts, where the browser takes it; else this tab keeps the token.
 *
 * @returns {Promise<{message: string, remedy: string} | null>} what is wrong
 */
export async function signIn(username, password) {
  const response = await fetch(new URL(API, document.baseURI), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password }),
    cache: "no-store",
  }).catch(() => null);
  const told = await response?.json().catch(() => null);
  if (!response?.ok) {
    if (!told) return { message: "The daemon cannot be reached.", remedy: "See that it runs." };
    return { message: told.message ?? "That was refused.", remedy: told.remedy ?? "" };
  }
  token = "";
  let name = await whoami();
  if (!name) {
    token = told.token;
    name = await whoami();
    keep(token);
  }
  account.value = name;
  return null;
}

/** The name of the provider of single sign-on; "" where there is none. @returns {Promise<string>} */
export async function signOnProvider() {
  const response = await fetch(new URL("api/v1/settings", document.baseURI), { cache: "no-store" }).catch(() => null);
  const told = response?.ok ? await response.json().catch(() => ({})) : {};
  return told.oidcConfig?.name ?? "";
}

/** Sign out: a session of the daemon's ends for good, a token is forgotten. */
export async function signOut() {
  const headers = { ...proof(), "Content-Type": "application/json" };
  if (vouchedFor) {
    window.location.assign(new URL("auth/logout", document.baseURI)); // the provider's session ends, too
    return;
  }
  forget();
  await fetch(new URL(API, document.baseURI), { method: "DELETE", headers }).catch(() => null);
}

/** Forget who is signed in, as the daemon does not know them any more. */
export function forget() {
  keep("");
  account.value = "";
}

function keep(value) {
  token = value;
  if (value) sessionStorage.setItem(KEY, value);
  else sessionStorage.removeItem(KEY);
}

async function whoami() {
  const response = await fetch(new URL(`${API}/userinfo`, document.baseURI), { headers: proof(), cache: "no-store" }).catch(() => null);
  const told = response?.ok ? await response.json().catch(() => ({})) : {};
  vouchedFor = Boolean(told.loggedIn) && told.iss !== OURS;
  return told.loggedIn ? told.username : "";
}
