// Strings that are kept for long. Pure.

/**
 * The same string with characters of its own. V8 cuts a longer substring as a window onto its parent: a line of a large
 * file, kept as a key, would keep the whole file in memory. Up to 12 characters it copies anyway.
 */
export function flat(text: string): string {
  return text.length > 12 ? (JSON.parse(JSON.stringify(text)) as string) : text
}
