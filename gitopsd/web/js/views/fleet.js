// The start: how all is, what needs a person, and where.
import { html, useComputed } from "../html.js";
import { complete, rows } from "../fleet.js";
import { Empty, Mark, State } from "../parts.js";
import { href } from "../router.js";
import { HEALTH, SYNC, tone, worst } from "../states.js";
import { askSync } from "../verbs.js";

const MOST_SHOWN = 30;
const ORDER = ["bad", "warn", "unknown"];

export function Fleet() {
  const list = rows.value;
  if (!list.length) return html`<h1>Fleet</h1><${Empty}>${complete.value ? "No application is declared yet. See declarations in the settings." : "Loading …"}<//>`;
  return html`<div class="stack">
    <h1>Fleet</h1>
    <div class="cards">
      <${Totals} title="Sync" field="sync" words=${SYNC} />
      <${Totals} title="Health" field="health" words=${HEALTH} />
      <${Freshness} />
    </div>
    <${Needs} />
    <${Matrix} />
  </div>`;
}

function Totals({ title, field, words }) {
  const list = rows.value;
  const counts = words.map((word) => [word, list.reduce((sum, row) => sum + (row[field] === word ? 1 : 0), 0)]).filter(([, count]) => count);
  return html`<section class="card" aria-label=${title}>
    <h2>${title}</h2>
    <div class="meter" aria-hidden="true">${counts.map(([word, count]) => html`<span class=${tone(word)} style=${{ flex: count }}></span>`)}</div>
    <dl class="totals">
      ${counts.map(([word, count]) => html`<dt><${State} word=${word} /></dt><dd><a href=${href(["applications"], { [field]: word })}>${count}</a></dd>`)}
    </dl>
  </section>`;
}

function Freshness() {
  const list = rows.value;
  const stale = list.filter((row) => row.stale).length;
  const running = list.filter((row) => row.phase === "Running").length;
  const manual = list.filter((row) => !row.automated).length;
  return html`<section class="card" aria-label="At work">
    <h2>At work</h2>
    <dl class="totals">
      <dt>Applications</dt><dd><a href=${href(["applications"])}>${list.length}</a></dd>
      <dt>Syncing now</dt><dd>${running}</dd>
      <dt>Synced by hand only</dt><dd>${manual}</dd>
      <dt class=${stale ? "unknown" : ""}>Known of before, not now</dt><dd>${stale}</dd>
    </dl>
  </section>`;
}

function Needs() {
  const waiting = useComputed(() => rows.value.filter((row) => ORDER.includes(row.tone)).sort((one, other) => ORDER.indexOf(one.tone) - ORDER.indexOf(other.tone)));
  const list = waiting.value;
  return html`<section aria-label="What needs a person">
    <h2>What needs a person <span class="soft">${list.length || ""}</span></h2>
    ${!list.length && html`<p class="state good"><${Mark} tone="good" /> Nothing: all is as Git says, and healthy.</p>`}
    ${list.length > 0 &&
    html`<div class="framed"><table class="sheet">
      <thead><tr><th>Application</th><th class="hide-small">Cluster</th><th>State</th><th>Why</th><th><span class="visually-hidden">What to do</span></th></tr></thead>
      <tbody>
        ${list.slice(0, MOST_SHOWN).map(
          (row) => html`<tr key=${row.name}>
            <td><a href=${href(["applications", row.name])}>${row.name}</a></td>
            <td class="hide-small">${row.cluster}</td>
            <td><${State} word=${row.sync} /><br /><${State} word=${row.health} /></td>
            <td>${row.why.text}</td>
            <td>${row.why.next === "sync" && html`<button onClick=${() => askSync([row.name])}>Sync …</button>`}</td>
          </tr>`,
        )}
      </tbody>
    </table></div>`}
    ${list.length > MOST_SHOWN && html`<p>and ${list.length - MOST_SHOWN} more</p>`}
  </section>`;
}

function Matrix() {
  const cells = useComputed(() => {
    const table = new Map();
    const projects = new Set();
    for (const row of rows.value) {
      projects.add(row.project);
      const line = table.get(row.cluster) ?? table.set(row.cluster, new Map()).get(row.cluster);
      const cell = line.get(row.project) ?? line.set(row.project, { count: 0, tones: [] }).get(row.project);
      cell.count += 1;
      cell.tones.push(row.tone);
    }
    return { table, projects: [...projects].sort() };
  });
  const { table, projects } = cells.value;
  const clusters = [...table.keys()].sort((one, other) => one.localeCompare(other, undefined, { numeric: true }));
  return html`<section aria-label="By cluster and project">
    <h2>By cluster and project</h2>
    <div class="framed" tabindex="0" role="region" aria-label="Clusters and projects"><table class="sheet matrix">
      <thead><tr><th>Cluster</th>${projects.map((project) => html`<th>${project}</th>`)}</tr></thead>
      <tbody>
        ${clusters.map(
          (cluster) => html`<tr key=${cluster}><th scope="row">${cluster || "–"}</th>${projects.map((project) => {
            const cell = table.get(cluster).get(project);
            if (!cell) return html`<td></td>`;
            const shade = worst(cell.tones);
            const title = `${cell.count} of ${project} in ${cluster}`;
            return html`<td><a class="pill ${shade}" title=${title} href=${href(["applications"], { cluster, project })}><span class="state"><${Mark} tone=${shade} />${cell.count}</span></a></td>`;
          })}</tr>`,
        )}
      </tbody>
    </table></div>
  </section>`;
}
