// What the UI uses of js-yaml.
export function dump(value: unknown, options?: { lineWidth?: number; noRefs?: boolean }): string;
