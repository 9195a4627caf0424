// A checkpoint that somebody saved, out of its file.
import { readWhole } from '../../input.js'
import type { Terminal } from '../../terminal.js'

/** Bytes; a signed checkpoint has some hundred, and a line for each witness. */
const LONGEST = 64 * 1024

/** @throws OpDbusError INVALID_INPUT where the file cannot be read */
export async function savedHead(path: string | undefined, terminal: Terminal): Promise<string | undefined> {
  if (path === undefined) return undefined
  return new TextDecoder().decode(await readWhole(path, LONGEST, terminal.signal))
}
