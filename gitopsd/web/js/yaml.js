// Manifests as YAML, and the lines in which two of them differ. Both libraries are loaded when first needed.
import { html, useEffect, useState } from "./html.js";

let yaml;
let lines;

/** @returns {Promise<(value: unknown) => string>} */
async function printer() {
  yaml ??= (await import("../vendor/js-yaml.mjs")).dump;
  return (value) => yaml(value, { lineWidth: 120, noRefs: true });
}

/** Read YAML. Rejects with an error whose message names the line. @param {string} text */
export async function parsed(text) {
  return (await import("../vendor/js-yaml.mjs")).load(text);
}

/** A value as YAML text; "" until the library is there. */
export function useYaml(value) {
  const [text, setText] = useState("");
  useEffect(() => {
    let here = true;
    printer().then((print) => here && setText(value === null || value === undefined ? "" : print(value)));
    return () => (here = false);
  }, [value]);
  return text;
}

export function Yaml({ value }) {
  const text = useYaml(value);
  const copy = () => navigator.clipboard?.writeText(text);
  return html`<div class="stack"><div class="bar"><button onClick=${copy}>Copy</button></div><pre class="yaml" tabindex="0">${text}</pre></div>`;
}

const CONTEXT = 3;

/** Parts of a comparison by lines: {kind: "same" | "add" | "del", lines: string[]}. */
export function useLineDiff(one, other) {
  const [parts, setParts] = useState([]);
  useEffect(() => {
    let here = true;
    (async () => {
      lines ??= (await import("../vendor/diff/diff/line.js")).diffLines;
      const found = lines(one, other).map((part) => ({
        kind: part.added ? "add" : part.removed ? "del" : "same",
        lines: part.value.replace(/\n$/, "").split("\n"),
      }));
      if (here) setParts(found);
    })();
    return () => (here = false);
  }, [one, other]);
  return parts;
}

/** The lines in which live differs from what it is to be; what is alike is folded unless `all`. */
export function LineDiff({ live, target, all, sides }) {
  const parts = useLineDiff(live, target);
  if (sides) return html`<${Sides} parts=${parts} all=${all} />`;
  return html`<pre class="yaml" tabindex="0">${parts.map((part) => html`<${Part} part=${part} all=${all} />`)}</pre>`;
}

function Part({ part, all }) {
  if (part.kind === "add") return part.lines.map((line) => html`<span class="add">+ ${line}</span>`);
  if (part.kind === "del") return part.lines.map((line) => html`<span class="del">- ${line}</span>`);
  return folded(part.lines, all).map((line) => (line === null ? html`<span class="fold">  ⋯</span>` : html`<span>${`  ${line}\n`}</span>`));
}

function Sides({ parts, all }) {
  const left = [];
  const right = [];
  const level = () => {
    while (left.length < right.length) left.push(html`<span> ${"\n"}</span>`);
    while (right.length < left.length) right.push(html`<span> ${"\n"}</span>`);
  };
  for (const part of parts) {
    if (part.kind === "add") right.push(...part.lines.map((line) => html`<span class="add">+ ${line}</span>`));
    else if (part.kind === "del") left.push(...part.lines.map((line) => html`<span class="del">- ${line}</span>`));
    else {
      level();
      const same = folded(part.lines, all).map((line) => (line === null ? html`<span class="fold">  ⋯</span>` : html`<span>${`  ${line}\n`}</span>`));
      left.push(...same);
      right.push(...same);
    }
  }
  level();
  return html`<div class="sides"><div><p class="soft small">Live</p><pre class="yaml" tabindex="0">${left}</pre></div><div><p class="soft small">As it is to be</p><pre class="yaml" tabindex="0">${right}</pre></div></div>`;
}

function folded(list, all) {
  if (all || list.length <= 2 * CONTEXT + 1) return list;
  return [...list.slice(0, CONTEXT), null, ...list.slice(-CONTEXT)];
}
