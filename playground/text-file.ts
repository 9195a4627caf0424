// A visitor's file as text: no more of it than a page can hold, and nothing that is no text. Pure but for the reading.
import { bytes as byteCount } from '../src/format.js'

/** More is not read: a text area of this size is slow enough. */
export const MOST_BYTES = 4_000_000

export interface TakenFile {
  /** Undefined for what is no text. */
  readonly text: string | undefined
  /** What a visitor should know of it; empty where there is nothing to say. */
  readonly note: string
}

export async function readTextFile(file: File, most = MOST_BYTES): Promise<TakenFile> {
  const cut = file.size > most
  let bytes: Uint8Array
  try {
    bytes = new Uint8Array(await file.slice(0, most).arrayBuffer())
  } catch {
    return { text: undefined, note: `${file.name} could not be read.` }
  }
  const text = decoded(bytes, cut)
  if (text === undefined)
    return { text: undefined, note: `${file.name} is not a text file; the lines stay as they were.` }
  if (!cut) return { text, note: '' }
  // The last line may have been cut in its middle.
  const whole = text.slice(0, Math.max(text.lastIndexOf('\n'), 0)) || text
  return { text: whole, note: `Of ${file.name} the first ${byteCount(most)} of ${byteCount(file.size)} were read.` }
}

/** Undefined for what is no text. Texts are UTF-8, but for old ones of one byte a character. */
function decoded(bytes: Uint8Array, cut: boolean): string | undefined {
  const start = bytes.subarray(0, 4096)
  if (start.includes(0)) return undefined
  const text = new TextDecoder().decode(bytes)
  // A damaged text is UTF-8 all the same: most of it reads as such.
  const bad = text.match(/\ufffd/g)?.length ?? 0
  const good = text.match(/[^\x00-\x7f\ufffd]/g)?.length ?? 0
  if (bad <= good || valid(bytes, cut)) return text
  return start.some(isControl) ? undefined : new TextDecoder('windows-1252').decode(bytes)
}

/** Not those that a log holds: tabs, line ends, form feeds, the escape of terminal colours. */
function isControl(byte: number): boolean {
  return byte === 0x7f || (byte < 0x20 && byte !== 0x1b && (byte < 0x09 || byte > 0x0d))
}

/** `cut`: its last character may be. */
function valid(bytes: Uint8Array, cut: boolean): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: cut })
    return true
  } catch {
    return false
  }
}
