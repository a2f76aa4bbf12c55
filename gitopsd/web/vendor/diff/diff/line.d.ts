// What the UI uses of jsdiff.
export function diffLines(one: string, other: string): { value: string; added?: boolean; removed?: boolean }[];
