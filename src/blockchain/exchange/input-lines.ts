// Bytes that come in pieces, as lines of text. Keeps one line at most, and no more of it than a block may have.
import { OpDbusError } from '../../errors.js'
import { MAX_LINE_BYTES } from '../block.js'

export interface InputLine {
  /** From 1. */
  readonly line: number
  /** Undefined where it is no text, and `fault` says why. */
  readonly text?: string
  readonly fault?: string
}

const NEWLINE = 10
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The last line may be without its end. Ends with the first fault. */
export async function* inputLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<InputLine> {
  let line = 1
  let begun: Uint8Array[] = []
  let begunBytes = 0
  const ended = (last: Uint8Array): InputLine => {
    const bytes = begun.length === 0 ? last : Buffer.concat([...begun, last])
    begun = []
    begunBytes = 0
    if (bytes.length > MAX_LINE_BYTES) return { line, fault: TOO_LONG }
    try {
      return { line, text: utf8.decode(bytes) }
    } catch {
      return { line, fault: 'is not UTF-8' }
    }
  }
  for await (const piece of source) {
    if (!(piece instanceof Uint8Array)) throw new OpDbusError('INVALID_INPUT', 'what is imported comes as bytes')
    let start = 0
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, start)) {
      yield ended(piece.subarray(start, at))
      start = at + 1
      line++
    }
    if (start === piece.length) continue
    begun.push(piece.subarray(start))
    begunBytes += piece.length - start
    if (begunBytes > MAX_LINE_BYTES) {
      yield { line, fault: TOO_LONG }
      return
    }
  }
  if (begunBytes > 0) yield ended(new Uint8Array())
}

const TOO_LONG = `is longer than ${MAX_LINE_BYTES >> 20} MiB`
