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
    if (pending > MAX_LINE) {
      throw new OpDbusError(
        'INVALID_INPUT',
        `line ${number} is longer than ${MAX_LINE} characters: is this a text file?`,
      )
    }
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
