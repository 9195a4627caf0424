// A byte stream as lines of text, with constant memory. Decides nothing about what the lines mean.
import { OpDbusError } from '../errors.js'

/** A line longer than this is taken for a mistake (a binary file), in UTF-16 units. */
const MAX_LINE = 16 * 2 ** 20

/**
 * Lines without their `\n` or `\r\n`; the last one need not have one. Empty lines count: row n belongs to line n.
 * Bytes that are not UTF-8 become U+FFFD.
 * @throws OpDbusError INVALID_INPUT for a line over MAX_LINE
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8')
  let rest: string[] = []
  let pending = 0
  let number = 1
  const take = (text: string): string => {
    const line = rest.length > 0 ? rest.join('') + text : text
    rest = []
    pending = 0
    number++
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
  const keep = (text: string): void => {
    if (text === '') return
    rest.push(text)
    pending += text.length
    if (pending > MAX_LINE) throw tooLong(number)
  }
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true })
    let from = 0
    for (let to = text.indexOf('\n'); to >= 0; to = text.indexOf('\n', from)) {
      yield take(text.slice(from, to))
      from = to + 1
    }
    keep(text.slice(from))
  }
  keep(decoder.decode())
  if (pending > 0) yield take('')
}

const NEW_LINE = 0x0a

/** The same lines as bytes, for whoever has to tell what is not UTF-8; a `\r` at their end stays. @throws as {@link linesOf} */
export async function* byteLinesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = []
  let pending = 0
  let number = 1
  for await (const chunk of chunks) {
    let from = 0
    for (let to = chunk.indexOf(NEW_LINE); to >= 0; to = chunk.indexOf(NEW_LINE, from)) {
      yield Buffer.concat([...rest, chunk.subarray(from, to)])
      rest = []
      pending = 0
      number++
      from = to + 1
    }
    rest.push(chunk.subarray(from))
    pending += chunk.length - from
    if (pending > MAX_LINE) throw tooLong(number)
  }
  if (pending > 0) yield Buffer.concat(rest)
}

/** Nothing but blanks, as JSON has them. */
export function isBlank(line: Uint8Array): boolean {
  return line.every(byte => byte === 0x20 || byte === 0x09 || byte === 0x0d)
}

function tooLong(number: number): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `line ${number} is longer than ${MAX_LINE} characters: is this a text file?`)
}
