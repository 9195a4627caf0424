// The body of a request, from its bytes to a value: bounded while it arrives, UTF-8 or refused, of a shape that is read in little time. Knows
// no route.
import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { FastifyBodyParser } from 'fastify'
import { HttpProblem } from './http-errors.js'
import { type Limits, tooLarge } from './limits.js'

/** Reads the body of a request that is in hand. */
export type JsonReader = (request: IncomingMessage, done: (error: Error | null, value?: unknown) => void) => void

/** Below this a body is read at once, whatever its shape. */
const SMALL = 2 ** 16
/** Names, and arrays and objects, in one body: an engine reads a million distinct names in seconds, and serves nobody meanwhile. */
const MOST_NAMES = 100_000
/** Values in lists: more than a request may have tokens. */
const MOST_VALUES = 500_000

/** `careful`: Fastify's own parser. */
export function jsonReader(careful: FastifyBodyParser<string>, limits: Pick<Limits, 'grow'>): JsonReader {
  return (request, done) => {
    collect(request, limits, (error, bytes) => {
      if (error !== null) return done(error)
      if (!isUtf8(bytes)) return done(refused('the body is not UTF-8, as JSON must be: encode it so'))
      if (bytes.length > SMALL && !isReadable(bytes)) {
        const message = `the body has too many parts: at most ${MOST_NAMES} fields, arrays and objects, and ${MOST_VALUES} values`
        return done(refused(message))
      }
      parse(careful, bytes.toString('utf8'), done)
    })
  }
}

/**
 * Text that names what would reach a prototype, and what is no JSON, goes to Fastify's own parser, which looks closely; the rest is the
 * engine's.
 */
function parse(careful: FastifyBodyParser<string>, text: string, done: Parameters<JsonReader>[1]): void {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // It looks at no request.
    void careful(undefined as never, text, done)
    return
  }
  // As it is written, or with letters escaped.
  const suspect = text.includes('__proto__') || text.includes('constructor') || text.includes('\\u00')
  if (!suspect) {
    done(null, value)
    return
  }
  void careful(undefined as never, text, (error, checked) => {
    // It is JSON, so that this is all that can be wrong with it.
    if (error === null) done(null, checked)
    else done(refused('the body has a field __proto__, or constructor with a prototype: such names are not taken'))
  })
}

/** All bytes of a body, in one buffer: many small chunks take no more room than one large. */
function collect(
  request: IncomingMessage,
  limits: Pick<Limits, 'grow'>,
  then: (error: Error | null, bytes: Buffer) => void,
): void {
  const { work } = request.passing!
  const most = work?.mostBytes ?? SMALL
  const said = Number(request.headers['content-length'] ?? 0)
  let bytes: Buffer = EMPTY
  let length = 0
  let counted = said
  const onData = (chunk: Buffer) => {
    const before = length
    length += chunk.length
    if (length > most) return end(tooLarge(most))
    if (length > counted && work !== undefined) {
      // In steps: nobody has to be told of each byte.
      const step = Math.max(length - counted, SMALL)
      counted += step
      try {
        limits.grow(work, step)
      } catch (error) {
        return end(error as Error)
      }
    }
    // Most come whole.
    if (before === 0) {
      bytes = chunk
      return
    }
    // The first one is not ours to write into.
    if (bytes.length < length || bytes.length === before) {
      const room = Buffer.allocUnsafeSlow(Math.max(length, said, 2 * before))
      bytes.copy(room, 0, 0, before)
      bytes = room
    }
    chunk.copy(bytes, before)
  }
  const onEnd = () => end(null)
  const onError = () => end(refused('the body ended before its time'))
  const end = (error: Error | null) => {
    request.off('data', onData).off('end', onEnd).off('error', onError)
    // What still comes is nobody's.
    if (error !== null) request.on('error', () => {}).resume()
    then(error, bytes.subarray(0, length))
  }
  request.on('data', onData).on('end', onEnd).on('error', onError)
}

const EMPTY = Buffer.alloc(0)

/** Whether JSON of these bytes is read in little time: counts what stands outside of strings. */
export function isReadable(bytes: Uint8Array): boolean {
  let names = 0
  let values = 0
  let quoted = false
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!
    if (quoted) {
      if (byte === BACKSLASH) i++
      else if (byte === QUOTE) quoted = false
    } else if (byte === QUOTE) quoted = true
    else if (byte === COMMA) values++
    else if (byte === COLON || byte === LIST || byte === OBJECT) {
      if (++names > MOST_NAMES) return false
    }
  }
  return values <= MOST_VALUES
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const LIST = 0x5b
const OBJECT = 0x7b

const UTF8 = /^\s*"?utf-?8"?\s*$/i

/**
 * Whether headers say that a body is JSON in UTF-8, as it is.
 * @throws HttpProblem 415, which says what it must be
 */
export function checkType(headers: IncomingMessage['headers']): void {
  const type = headers['content-type'] ?? ''
  if (type !== 'application/json') {
    if (!/^application\/json\s*(;|$)/i.test(type))
      throw unsupported(
        "the body must be JSON: send the header content-type: application/json (curl: -H 'content-type: application/json')",
      )
    const charset = /;\s*charset\s*=([^;]*)/i.exec(type)?.[1]
    if (charset !== undefined && !UTF8.test(charset))
      throw unsupported('the body must be in UTF-8: leave the charset out')
  }
  const coding = headers['content-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'identity') {
    throw unsupported('compressed bodies are not taken: send it without a content-encoding', {
      'accept-encoding': 'identity',
    })
  }
}

function refused(message: string): HttpProblem {
  return new HttpProblem(400, 'INVALID_INPUT', message)
}

function unsupported(message: string, headers: Readonly<Record<string, string>> = {}): HttpProblem {
  return new HttpProblem(415, 'INVALID_INPUT', message, { headers })
}
