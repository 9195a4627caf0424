// A visitor's file as text: no more of it than a page can hold, and nothing that is no text. Pure but for the reading.
import { bytes } from '../src/cli/render.js'

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
  let text: string
  try {
    text = await file.slice(0, most).text()
  } catch {
    return { text: undefined, note: `${file.name} could not be read.` }
  }
  if (isBinary(text)) return { text: undefined, note: `${file.name} is not a text file; the lines stay as they were.` }
  if (!cut) return { text, note: '' }
  // The last line may have been cut in its middle.
  const whole = text.slice(0, Math.max(text.lastIndexOf('\n'), 0)) || text
  return { text: whole, note: `Of ${file.name} the first ${bytes(most)} of ${bytes(file.size)} were read.` }
}

/** What a text never holds, or what decoding made of bytes that are none: in more than a tenth of its beginning. */
function isBinary(text: string): boolean {
  const start = text.slice(0, 4096)
  if (start.includes('\0')) return true
  const strange = start.split('\ufffd').length - 1
  return strange * 10 > start.length
}
