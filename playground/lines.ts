// A pasted text as lines to embed. Pure.

/** More would fill the memory of a phone with vectors (512 floats each). */
export const MOST_LINES = 10_000

export interface Lines {
  readonly lines: readonly string[]
  /** Lines beyond {@link MOST_LINES} that were left out. */
  readonly left: number
}

/** The lines that hold anything, as they are: only their line ends go. */
export function parseLines(text: string, most = MOST_LINES): Lines {
  const lines: string[] = []
  let left = 0
  for (const line of text.split(/\r\n|[\n\r\u2028\u2029]/)) {
    if (line.trim() === '') continue
    if (lines.length < most) lines.push(line)
    else left++
  }
  return { lines, left }
}

/** What a line looks like in a table: short, and with control characters made visible. */
export function shown(line: string, most = 240): string {
  // Direction marks would turn the text around them; the table must read as it is written.
  const plain = line.slice(0, most).replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\u00b7')
  return line.length > most ? `${plain.toWellFormed()}…` : plain.toWellFormed()
}
