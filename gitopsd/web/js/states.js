// The words for how things are, with the tone of each. A tone is a colour and a mark; the word always stands beside.

/** @typedef {"good" | "busy" | "warn" | "bad" | "unknown"} Tone */

/** @type {Record<string, Tone>} */
const TONES = {
  Synced: "good",
  OutOfSync: "warn",
  Healthy: "good",
  Progressing: "busy",
  Degraded: "bad",
  Suspended: "busy",
  Missing: "warn",
  Unknown: "unknown",
  Running: "busy",
  Terminating: "busy",
  Succeeded: "good",
  Failed: "bad",
  Error: "bad",
  Successful: "good",
  SyncFailed: "bad",
  Pruned: "good",
  PruneSkipped: "warn",
};

export const SYNC = ["OutOfSync", "Unknown", "Synced"];
export const HEALTH = ["Degraded", "Missing", "Progressing", "Suspended", "Unknown", "Healthy"];

/** @param {string} word @returns {Tone} */
export const tone = (word) => TONES[word] ?? "unknown";

const WORST = ["bad", "warn", "unknown", "busy", "good"];

/** @param {Tone[]} tones @returns {Tone} the one that needs a person most */
export const worst = (tones) => /** @type {Tone} */ (WORST.find((each) => tones.includes(/** @type {Tone} */ (each))) ?? "good");
