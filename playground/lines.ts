// A pasted text as lines to embed. Pure.

/** More would fill the memory of a phone with vectors (512 floats each). */
export const MOST_LINES = 10_000

const LINE_ENDS = '\n\r\u2028\u2029'

export interface Lines {
  readonly lines: readonly string[]
  /** Lines beyond {@link MOST_LINES} that were left out. */
  readonly left: number
}

/**
 * The lines that hold anything, as they are: only their line ends go. Those beyond `most` are counted and not made: this
 * runs at each key that is pressed.
 */
export function parseLines(text: string, most = MOST_LINES): Lines {
  const lines: string[] = []
  let left = 0
  const visible = /\S/g
  const lineEnd = new RegExp(`[${LINE_ENDS}]`, 'g')
  for (let from = 0; ; ) {
    const first = find(visible, text, from)
    if (first < 0) return { lines, left }
    const end = find(lineEnd, text, first)
    const to = end < 0 ? text.length : end
    if (lines.length < most) lines.push(text.slice(beginningOf(text, first, from), to))
    else left++
    from = to
  }
}

/** Where a pattern of one character is found from `from` on, without making a text of it; -1 for nowhere. */
function find(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return pattern.test(text) ? pattern.lastIndex - 1 : -1
}

/** Of the line that `at` is in, not before `from`. */
function beginningOf(text: string, at: number, from: number): number {
  let start = at
  while (start > from && !LINE_ENDS.includes(text.charAt(start - 1))) start--
  return start
}

/** What a line looks like in a table: short, and with control characters made visible. */
export function shown(line: string, most = 240): string {
  // Direction marks would turn the text around them; the table must read as it is written.
  const plain = line.slice(0, most).replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\u00b7')
  return line.length > most ? `${plain.toWellFormed()}…` : plain.toWellFormed()
}
