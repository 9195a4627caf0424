// The texts in a piece of a segment, read out of the bytes without parsing whole lines: a hint where to look, several times faster than blocks.
// Says of every line that is not written exactly as the chain writes it that it does not know. Opens no file, and trusts nothing.
import type { BlockFilter } from './reports.js'

/** What a line has for a text. */
export type RawText =
  /** It does not fit the filter. */
  | 'other'
  /** Its body was pruned. */
  | 'pruned'
  /** Nobody can say without reading the block. */
  | 'unknown'
  /** Its text does not hold what is looked for. */
  | 'without'
  | { readonly text: string }

const HASH = '"[0-9a-f]{64}"'
const STRING = '"[^"\\\\]*(?:\\\\.[^"\\\\]*)*"'
/** A header as `headerJson` of line.ts writes it. */
const HEADER = new RegExp(
  `\\{"header":\\{"bytes":\\d+,"content":${HASH},"data":${HASH},"metadata":${HASH},"number":(\\d+),"operation":(${STRING}),` +
    `"plugin":(${STRING}),"previous":${HASH},"text":${HASH},"timestamp":(-?\\d+),"version":1\\}(,"body":\\{)?`,
  'y',
)
const TEXT_NAME = '"text":'
/** The last member of a body, and so of nearly the whole line. */
const TEXT = new RegExp(`${TEXT_NAME}(${STRING})\\}(?:,"more":\\d+)?\\}\\n`, 'y')
const LINE_END = '\n'
const MORE = ',"more":'

/** The lines of one piece, in order. */
export class RawTexts {
  readonly #bytes: string
  readonly #filter: BlockFilter
  readonly #plugin: string | undefined
  readonly #operation: string | undefined
  /** There is no filter. */
  readonly #takesAll: boolean
  /** What may be part of what is looked for; undefined: anything. */
  readonly #next: readonly Next[] | undefined
  #at = 0

  /** `pattern`: see `TextPattern.bytes`; undefined where every text is to be given. */
  constructor(piece: Buffer, filter: BlockFilter, pattern: RegExp | undefined) {
    this.#bytes = piece.toString('latin1')
    this.#filter = filter
    this.#plugin = rawName(filter.plugin)
    this.#operation = rawName(filter.operation)
    this.#takesAll = Object.values(filter).every(value => value === undefined)
    this.#next = pattern && [
      new Next(this.#bytes, (bytes, at) => {
        pattern.lastIndex = at
        return pattern.exec(bytes)?.index ?? -1
      }),
      // What any character may be written as. By themselves they are found much faster than by an expression.
      ...['\\u', '\\/'].map(way => new Next(this.#bytes, (bytes, at) => bytes.indexOf(way, at))),
    ]
  }

  /** The next line, which should be that of block `number`; undefined behind the last. */
  next(number: number): RawText | undefined {
    const start = this.#at
    const bytes = this.#bytes
    if (start >= bytes.length) return undefined
    const end = bytes.indexOf(LINE_END, start) + 1
    this.#at = end === 0 ? bytes.length : end
    // Most lines have no byte of it anywhere, and need not be taken apart.
    if (this.#takesAll && end > 0 && !this.#mayMatch(start, end)) return bodyBefore(bytes, end)
    HEADER.lastIndex = start
    const header = HEADER.exec(bytes)
    if (header === null || end === 0 || HEADER.lastIndex > end || Number(header[1]) !== number) return 'unknown'
    const bodyAt = HEADER.lastIndex
    const [, , operation, plugin, timestamp, body] = header
    const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = this.#filter
    const time = Number(timestamp)
    if (!(time >= since && time < until)) return 'other'
    if (!isNamed(plugin!, this.#plugin) || !isNamed(operation!, this.#operation)) return 'other'
    if (body === undefined) return 'pruned'
    const at = bytes.lastIndexOf(TEXT_NAME, end)
    TEXT.lastIndex = at
    const text = at < bodyAt ? null : TEXT.exec(bytes)
    if (text === null || TEXT.lastIndex !== end) return 'unknown'
    if (!this.#mayMatch(at, end)) return 'without'
    const value = stringIn(text[1]!)
    return value === undefined ? 'unknown' : { text: value }
  }

  #mayMatch(from: number, end: number): boolean {
    if (this.#next === undefined) return true
    for (const next of this.#next) if (next.from(from) < end) return true
    return false
  }
}

/** Of a line in which nothing matches: whether it has a body, by its last member. */
function bodyBefore(bytes: string, end: number): RawText {
  let at = end - 3
  if (bytes[at] !== '}') at = bytes.lastIndexOf(MORE, end) - 1
  if (bytes[at] !== '}') return 'unknown'
  if (bytes[at - 1] === '"') return 'without'
  return bytes[at - 1] === '1' ? 'pruned' : 'unknown'
}

/** Where something stands next. Asked for places in ascending order, it looks at each byte once. */
class Next {
  readonly #bytes: string
  readonly #find: (bytes: string, at: number) => number
  #found = -1

  /** `find`: from `at` on, or -1. */
  constructor(bytes: string, find: (bytes: string, at: number) => number) {
    this.#bytes = bytes
    this.#find = find
  }

  /** Behind the end where it stands nowhere any more. */
  from(at: number): number {
    if (this.#found < at) {
      const found = this.#find(this.#bytes, at)
      this.#found = found < 0 ? this.#bytes.length : found
    }
    return this.#found
  }
}

function rawName(name: string | undefined): string | undefined {
  return name === undefined ? undefined : Buffer.from(JSON.stringify(name)).toString('latin1')
}

/** `raw`: as it stands in a line, in quotes. */
function isNamed(raw: string, wanted: string | undefined): boolean {
  if (wanted === undefined || raw === wanted) return true
  // The same name may be written in other ways.
  return raw.includes('\\') && rawName(stringIn(raw)) === wanted
}

/** What a string of JSON says, whose bytes are given; undefined where it is none. */
function stringIn(raw: string): string | undefined {
  try {
    return JSON.parse(Buffer.from(raw, 'latin1').toString('utf8')) as string
  } catch {
    return undefined
  }
}
