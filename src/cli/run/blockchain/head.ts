// Checkpoints that somebody saved, and the keys to check them with, out of their files.
import { readWhole } from '../../input.js'
import type { Terminal } from '../../terminal.js'

/** Bytes; a signed checkpoint has some hundred, and there may be one for each day of many years. */
const LONGEST = 1024 * 1024

/** @throws OpDbusError INVALID_INPUT where the file cannot be read */
export async function savedHead(path: string | undefined, terminal: Terminal): Promise<string | undefined> {
  return path === undefined ? undefined : textOf(path, terminal)
}

/** Verifier keys, a line each, or one as it is. @throws OpDbusError INVALID_INPUT where the file cannot be read */
export async function verifierKeys(
  path: string | undefined,
  terminal: Terminal,
): Promise<readonly string[] | undefined> {
  if (path === undefined) return undefined
  const text = VERIFIER_KEY.test(path) ? path : await textOf(path, terminal)
  return text.split('\n').filter(line => line.trim() !== '')
}

const VERIFIER_KEY = /^[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/

async function textOf(path: string, terminal: Terminal): Promise<string> {
  return new TextDecoder().decode(await readWhole(path, LONGEST, terminal.signal))
}
