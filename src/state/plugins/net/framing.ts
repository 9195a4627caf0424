// Cuts a stream of bytes into JSON messages by the depth of their brackets. RFC 7047 puts nothing between messages: replies follow one
// another without a newline, and a chunk may end anywhere, also within a character. Knows nothing of what the messages say.
import { messageOf } from '../../../errors.js'
import type { JsonValue } from '../../../json/json.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Makes messages of chunks. What throws leaves it unusable: the stream is not what it should be, and no later byte can be trusted. */
export class MessageFramer {
  #held: Uint8Array[] = []
  #heldBytes = 0
  #depth = 0
  #inString = false
  #escaped = false

  /** A message of more than `maxBytes` is an error. */
  constructor(readonly maxBytes: number) {}

  /** Whether bytes of a message that is not complete are held. */
  get partial(): boolean {
    return this.#heldBytes > 0
  }

  /** The messages that are complete with `chunk`, parsed. @throws Error where the bytes are no JSON objects, or too many. */
  push(chunk: Uint8Array): JsonValue[] {
    const messages: JsonValue[] = []
    let from = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === BACKSLASH) this.#escaped = true
        else if (byte === QUOTE) this.#inString = false
      } else if (byte === QUOTE) {
        if (this.#depth === 0) throw notAMessage(byte)
        this.#inString = true
      } else if (byte === 0x7b || byte === 0x5b) {
        if (this.#depth++ === 0) {
          if (byte === 0x5b) throw notAMessage(byte)
          from = at
        }
      } else if (byte === 0x7d || byte === 0x5d) {
        if (this.#depth === 0) throw notAMessage(byte)
        if (--this.#depth === 0) {
          this.#hold(chunk.subarray(from, at + 1))
          messages.push(this.#take())
          from = at + 1
        }
      } else if (this.#depth === 0) {
        if (!isSpace(byte)) throw notAMessage(byte)
        from = at + 1
      }
    }
    if (this.#depth > 0) this.#hold(chunk.subarray(from))
    return messages
  }

  #hold(bytes: Uint8Array): void {
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    if (this.#heldBytes > this.maxBytes) throw new Error(`it sent a message of more than ${this.maxBytes} bytes`)
  }

  #take(): JsonValue {
    const bytes = this.#held.length === 1 ? (this.#held[0] as Uint8Array) : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    try {
      return parseExact(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    } catch (error) {
      throw new Error(`it sent what is not JSON: ${messageOf(error)}`)
    }
  }
}

/** A whole string, or a whole number: digits within either are never taken for a number of their own. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g

/** `JSON.parse`, but for integers that no double holds: those are decimal strings, where JSON.parse would round them. */
export function parseExact(text: string): JsonValue {
  if (!/\d{16}/.test(text)) return JSON.parse(text)
  // A text that is no JSON must not become some by the quotes that are put in.
  const rounded = JSON.parse(text)
  let found = false
  const exact = text.replace(TOKEN, token => {
    if (token.length < 16 || token[0] === '"' || /[.eE]/.test(token) || Number.isSafeInteger(Number(token)))
      return token
    found = true
    return `"${token}"`
  })
  return found ? JSON.parse(exact) : rounded
}

const isSpace = (byte: number) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09

const notAMessage = (byte: number) =>
  new Error(`it sent what is no message: a byte 0x${byte.toString(16).padStart(2, '0')} where one should begin`)
