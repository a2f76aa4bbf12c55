// Light, dark, or as the system says; the choice is this browser's.
import { signal } from "@preact/signals";

const KEY = "gitopsd.theme";
const CHOICES = ["system", "light", "dark"];

const stored = localStorage.getItem(KEY) ?? "";

/** "system", "light" or "dark". */
export const theme = signal(CHOICES.includes(stored) ? stored : "system");

export function nextTheme() {
  theme.value = CHOICES[(CHOICES.indexOf(theme.peek()) + 1) % CHOICES.length];
  localStorage.setItem(KEY, theme.peek());
}

theme.subscribe((choice) => {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
});
