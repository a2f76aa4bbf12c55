// The frame around all views: who is signed in, where one can go, what the daemon says.
import { effect, html, render, useEffect, useState } from "./html.js";
import { Asking } from "./asking.js";
import { Editor } from "./editor.js";
import { Notes } from "./feedback.js";
import { connection, followFleet, rows } from "./fleet.js";
import { Help, Palette, listenToKeys, palette } from "./keys.js";
import { go, href, listen, route } from "./router.js";
import { account, restore, signOut } from "./session.js";
import { theme, nextTheme } from "./theme.js";
import { views } from "./views/index.js";

const NAVIGATION = [
  ["", "Fleet"],
  ["applications", "Applications"],
  ["drift", "Drift"],
  ["clusters", "Clusters"],
  ["repositories", "Repositories"],
  ["projects", "Projects"],
  ["audit", "Audit"],
  ["accounts", "Accounts"],
];

const assets = new URL("..", import.meta.url).pathname;

function App() {
  if (account.value === null) return null;
  if (!account.value) return html`<${views.login} /><${Notes} />`;
  return html`<${Shell} />`;
}

function Shell() {
  const [open, setOpen] = useState(false);
  const [name = ""] = route.value.parts;
  useEffect(() => {
    const abort = new AbortController();
    followFleet(abort.signal);
    return () => abort.abort();
  }, []);
  useEffect(() => {
    setOpen(false);
    document.getElementById("main")?.focus({ preventScroll: true });
  }, [route.value.parts.join("/")]);
  const View = views[name || "fleet"] ?? views.nowhere;
  return html`
    <a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), document.getElementById("main")?.focus())}>Skip to the view</a>
    <div class="shell">
      <aside class="side ${open ? "open" : ""}">
        <a class="brand" href=${href([])}><img src=${`${assets}icon.svg`} alt="" width="24" height="24" />gitopsd</a>
        <nav aria-label="Views">
          ${NAVIGATION.map(
            ([path, title]) => html`<a href=${href(path ? [path] : [])} aria-current=${name === path ? "page" : undefined}>
              ${title}${path === "applications" && html`<span class="count">${rows.value.length}</span>`}
            </a>`,
          )}
        </nav>
      </aside>
      <header class="top">
        <button class="menu-button" aria-expanded=${open ? "true" : "false"} onClick=${() => setOpen(!open)}>Menu</button>
        <button class="grow" onClick=${() => (palette.value = "")} title="Go to an application or do something">
          <span class="soft grow cut">Search or do …</span><kbd class="hide-small">Ctrl K</kbd>
        </button>
        <button onClick=${nextTheme} title="Light, dark, or as the system">${theme.value === "system" ? "Auto" : theme.value === "dark" ? "Dark" : "Light"}</button>
        <a class="button hide-small" href=${href(["accounts"])} title="Your account">${account.value}</a>
        <button onClick=${signOut}>Sign out</button>
      </header>
      <main class="main" id="main" tabindex="-1">
        ${connection.value === "lost" && html`<p class="banner" role="alert">The daemon does not answer. What is shown is from before; the page tries again by itself.</p>`}
        <${View} />
      </main>
    </div>
    <${Palette} /><${Help} /><${Asking} /><${Editor} /><${Notes} />`;
}

effect(() => {
  const title = route.value.parts.join(" · ");
  document.title = title ? `${title} · gitopsd` : "gitopsd";
});
restore();
listen();
listenToKeys();
const root = /** @type {HTMLElement} */ (document.getElementById("app"));
root.textContent = "";
render(html`<${App} />`, root);
if (route.peek().parts[0] === "login") go(href([]), { replace: true });
