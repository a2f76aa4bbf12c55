// Where the page is: path and query are the whole state of a view, so that every view is a link.
import { signal } from "@preact/signals";

const base = new URL(document.baseURI).pathname;

function current() {
  const path = window.location.pathname;
  const inner = path.startsWith(base) ? path.slice(base.length) : path.slice(1);
  const parts = inner.split("/").filter(Boolean).map(decoded);
  return { parts, query: new URLSearchParams(window.location.search) };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @type {import("@preact/signals").Signal<{parts: string[], query: URLSearchParams}>} */
export const route = signal(current());

/** Return the address of a view. @param {string[]} parts @param {Record<string, string>} [query] empty values are left out */
export function href(parts, query = {}) {
  const kept = new URLSearchParams(Object.entries(query).filter(([, value]) => value));
  const text = kept.toString();
  return base + parts.map(encodeURIComponent).join("/") + (text ? `?${text}` : "");
}

export function go(address, { replace = false } = {}) {
  window.history[replace ? "replaceState" : "pushState"](null, "", address);
  route.value = current();
}

/** Change the query of this view; an empty value takes a field away. */
export function setQuery(changes, { replace = true } = {}) {
  const { parts, query } = route.peek();
  go(href(parts, { ...Object.fromEntries(query), ...changes }), { replace });
}

export function listen() {
  window.addEventListener("popstate", () => (route.value = current()));
  document.addEventListener("click", (event) => {
    const link = /** @type {HTMLAnchorElement | null} */ (event.target instanceof Element ? event.target.closest("a[href]") : null);
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.target || link.origin !== window.location.origin || !link.pathname.startsWith(base)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
}
