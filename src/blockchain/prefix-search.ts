// Leaves by the beginning of their hash: a walk over the lowest level of a tree. Opens no file.
import { yieldToEventLoop } from '../cache/yield-to-event-loop.js'
import { HASH_BYTES } from './merkle.js'
import { TILE, type TreeLevels } from './tree-levels.js'

/** Leaves that are read together: 64 KiB, for which no memory is asked of the system each time. */
const AT_ONCE = 8 * TILE
/** Leaves between turns of the event loop: to look at, and to check. */
const LOOKED_AT_ONCE = 128 * TILE
const CHECKED_AT_ONCE = 8 * TILE

/**
 * The numbers of leaves below `size` whose hash begins with `prefix` (hexadecimal digits), at most `limit`. What it finds is for the caller
 * to look at; that there is none it says after it has checked the leaves from `checked` on, and answers how many are checked now.
 * @throws TreeDamage
 */
export async function numbersWithPrefix(
  levels: TreeLevels,
  prefix: string,
  { size, limit, checked }: { readonly size: number; readonly limit: number; readonly checked: number },
): Promise<{ numbers: number[]; checked: number }> {
  const numbers: number[] = []
  // No two blocks have one hash.
  const most = prefix.length === 2 * HASH_BYTES ? 1 : limit
  const matches = matcherOf(prefix)
  for (let from = 0; from < size && numbers.length < most; ) {
    const bytes = levels.unchecked(from, Math.min(AT_ONCE, size - from))
    for (const leaf of matches(bytes)) {
      numbers.push(from + leaf)
      if (numbers.length === most) break
    }
    from += bytes.length / HASH_BYTES
    if (from % LOOKED_AT_ONCE === 0) await yieldToEventLoop()
  }
  if (numbers.length > 0) return { numbers, checked }
  for (let leaf = checked; leaf < size; leaf += TILE) {
    levels.check(leaf)
    if (leaf % CHECKED_AT_ONCE === 0) await yieldToEventLoop()
  }
  return { numbers, checked: Math.max(checked, size - (size % TILE)) }
}

/**
 * Which of some leaves, 32 bytes each, begin with a prefix. Four bytes of each are compared at once, which almost all leaves differ in: a
 * million in some milliseconds.
 */
function matcherOf(prefix: string): (bytes: Buffer) => Generator<number> {
  const digits = prefix.toLowerCase()
  const mask = wordOf('f'.repeat(Math.min(digits.length, WORD_DIGITS)))
  const wanted = wordOf(digits.slice(0, WORD_DIGITS))
  return function* (bytes) {
    const { buffer, byteOffset, length } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
    const words = new Int32Array(buffer, byteOffset, length / 4)
    for (let at = 0; at < words.length; at += HASH_BYTES / 4) {
      if ((words[at]! & mask) !== wanted) continue
      if (bytes.toString('hex', 4 * at, 4 * at + HASH_BYTES).startsWith(digits)) yield (4 * at) / HASH_BYTES
    }
  }
}

const WORD_DIGITS = 8

/** Bytes in the order of the machine, as they come from a file. */
function wordOf(digits: string): number {
  return new Int32Array(new Uint8Array(Buffer.from(digits.padEnd(WORD_DIGITS, '0'), 'hex')).buffer)[0]!
}
