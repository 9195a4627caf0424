// The file of a checkpoint, in the chain's folder and in that of an export: what it is called, and how long it may be. Knows no signature.
import { join } from 'node:path'
import { readSmall } from '../../fs/files.js'

/** The head that was signed last. */
export const CHECKPOINT = 'checkpoint'
/** A head has some hundred bytes, and some more for each witness. */
export const MOST_BYTES = 65_536

/** Undefined where there is none, or what lies there is longer. @throws what the system says */
export function checkpointIn(dir: string): string | undefined {
  return readSmall(join(dir, CHECKPOINT), MOST_BYTES)
}

/** For numbers that people read: whoever relies on it checks the signature. Undefined where there is none. */
export function lastSigned(dir: string): { readonly origin: string; readonly size: number } | undefined {
  // C2SP tlog-checkpoint: the log's name and its size, a line each.
  const [origin, size] = (checkpointIn(dir) ?? '').split('\n')
  return origin && /^\d{1,15}$/.test(size ?? '') ? { origin, size: Number(size) } : undefined
}
