// Who is signed in: a bearer token that this tab keeps, and that no address shows.
import { signal } from "@preact/signals";

const KEY = "gitopsd.token";

/** The token of this tab; "" while nobody is signed in. */
export const token = signal(sessionStorage.getItem(KEY) ?? "");

/** @param {string} value the token that the daemon took */
export function signIn(value) {
  sessionStorage.setItem(KEY, value);
  token.value = value;
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  token.value = "";
}

/** Take the token of `#token=…`, as the demo prints it: what follows "#" is never sent to a server. */
export function takeFromAddress() {
  const given = new URLSearchParams(window.location.hash.slice(1)).get("token");
  if (!given) return;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  signIn(given);
}
