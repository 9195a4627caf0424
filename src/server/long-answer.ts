// Long lists of rows as parts of text, each made when the one before it has been taken: making them holds nobody up, and all of the text
// never lies in memory at once. Short ones are one text. Knows no form of an answer.
import { Readable } from 'node:stream'

export interface RowsOfText {
  readonly count: number
  /** Numbers of a row. */
  readonly dims: number
  /** About how many bytes one number is. */
  readonly bytesOfNumber: number
  /** One row, in ASCII. Throws for none: rows are checked before. */
  readonly textOf: (row: number) => string
  /** What stands before the rows and after them. */
  readonly before: string
  readonly after: string
}

/** Bytes up to which an answer is made at once: some tens of texts as decimal numbers. */
const SHORT = 2 ** 20
/** Numbers of a part, which as decimals take some milliseconds. */
const PART = 2 ** 13

/** Whether they are too long to be made at once. One row never is: it may lie where the next request puts its own. */
export function isLong({ count, dims, bytesOfNumber }: RowsOfText): boolean {
  return count > 1 && count * dims * bytesOfNumber > SHORT
}

export function wholeText({ count, textOf, before, after }: RowsOfText): string {
  let rows = ''
  for (let row = 0; row < count; row++) rows += row === 0 ? textOf(row) : `,${textOf(row)}`
  return `${before}${rows}${after}`
}

/** The same, bit by bit. Whoever has it destroys it when nobody reads on. */
export function textInParts(rows: RowsOfText): Readable {
  // The next part is made while one is being sent.
  return Readable.from(parts(rows), { highWaterMark: 1 })
}

async function* parts({ count, dims, textOf, before, after }: RowsOfText): AsyncGenerator<Buffer> {
  const step = Math.max(1, Math.floor(PART / dims))
  for (let from = 0; from < count; from += step) {
    await turn()
    let text = from === 0 ? before : ','
    const end = Math.min(from + step, count)
    for (let row = from; row < end; row++) text += row === from ? textOf(row) : `,${textOf(row)}`
    yield Buffer.from(end === count ? text + after : text, 'latin1')
  }
}

let turns: Promise<void> = Promise.resolve()

/** Resolves one after another, each in a round of the event loop of its own: however many answers are made, a round makes one part. */
function turn(): Promise<void> {
  turns = turns.then(() => new Promise(setImmediate))
  return turns
}
