// What the log signed last, as it stands in its file: for numbers that people read. Whoever relies on it checks the signature.
import { join } from 'node:path'
import { readSmall } from '../../fs/files.js'

/** In the chain's folder. There is one wherever there is a key: without it nobody can tell what was signed. */
export const CHECKPOINT = 'checkpoint'

/** A C2SP checkpoint begins with the log's name and its size, a line each; undefined where there is none. */
export function lastSigned(dir: string): { readonly origin: string; readonly size: number } | undefined {
  const [origin, size] = (readSmall(join(dir, CHECKPOINT), 65_536) ?? '').split('\n')
  return origin && /^\d{1,15}$/.test(size ?? '') ? { origin, size: Number(size) } : undefined
}
