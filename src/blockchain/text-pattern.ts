// What a text has to hold: as a pattern on the text itself, and as one on the bytes of its JSON that misses none. Pure.

/** Any white space, with a comma before it or not: lists put the lines of a text side by side so. */
const GAP = /,?\s+/gu
/** In a text, where the words of a query have a gap. */
const GAP_IN_TEXT = ',?\\s+'
/** What begins and ends with a letter or a digit, and has no white space. */
const WORDS = /[\p{L}\p{N}](?:\S*[\p{L}\p{N}])?/gu
/** Words of a query that are looked for: each has a bit. */
const MOST_WORDS = 30

export interface TextPattern {
  /** On the text. */
  readonly whole: RegExp
  /**
   * On the bytes of a line, as Latin-1: what matches in no byte of a text's JSON matches in no part of that text, where the JSON has no
   * `\u` and no `\/`. Undefined where it would match everywhere.
   */
  readonly bytes: string | undefined
}

/** The query as it is, whatever its case (simple case folding of Unicode) and however its words are set apart. */
export function literalPattern(query: string): TextPattern {
  const parts = query.split(GAP)
  const whole = new RegExp(parts.map(escaped).join(GAP_IN_TEXT), 'iu')
  const longest = parts.reduce((best, part) => (part.length > best.length ? part : best))
  return { whole, bytes: longest === '' ? undefined : bytesOf(longest) }
}

/** Its words, and the query as it is, which counts as the rarest of them. */
export function wordPatterns(query: string): TextPattern[] {
  const words = new Set(query.toLowerCase().match(WORDS) ?? [])
  const single = [...words].slice(0, MOST_WORDS - 1).map((word): TextPattern => {
    return { whole: new RegExp(`(?<![\\p{L}\\p{N}])${escaped(word)}(?![\\p{L}\\p{N}])`, 'iu'), bytes: bytesOf(word) }
  })
  return [...single, literalPattern(query)]
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

/** A pattern on Latin-1 that finds the UTF-8 bytes of everything that is `text` but for its case, as JSON writes it. */
function bytesOf(text: string): string {
  return Array.from(text, char => {
    const ways = alike(char).map(way => escaped(latin1(JSON.stringify(way).slice(1, -1))))
    return ways.length === 1 ? ways[0]! : `(?:${ways.join('|')})`
  }).join('')
}

function latin1(text: string): string {
  return Array.from(new TextEncoder().encode(text), byte => String.fromCharCode(byte)).join('')
}

const known = new Map<string, readonly string[]>()

/** All characters that an expression without regard to case takes for this one: the engine itself is asked. */
function alike(char: string): readonly string[] {
  let ways = known.get(char)
  if (ways === undefined) {
    ways = everyCharacter().match(new RegExp(escaped(char), 'giu')) ?? [char]
    if (known.size > 1000) known.clear()
    known.set(char, ways)
  }
  return ways
}

let every: string | undefined

/** The planes in which there are letters with a case. */
function everyCharacter(): string {
  if (every === undefined) {
    const parts: string[] = []
    for (let from = 0; from < 0x20000; from += 0x800) {
      // Halves of pairs are no characters.
      if (from < 0xd800 || from >= 0xe000)
        parts.push(String.fromCodePoint(...Array.from({ length: 0x800 }, (_, i) => from + i)))
    }
    every = parts.join('')
  }
  return every
}
