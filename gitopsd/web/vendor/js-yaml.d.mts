// What the UI uses of js-yaml.
export function load(text: string): unknown;
export function dump(value: unknown, options?: { lineWidth?: number; noRefs?: boolean }): string;
