// Leaves by the beginning of their hash: a walk over the lowest level of a tree. Opens no file.
import { yieldToEventLoop } from '../cache/yield-to-event-loop.js'
import { HASH_BYTES } from './merkle.js'
import { TILE, type TreeLevels } from './tree-levels.js'

/** Leaves that are read together: 64 KiB, for which no memory is asked of the system each time. */
const AT_ONCE = 8 * TILE
/** Leaves between turns of the event loop: to look at, and to check. */
const LOOKED_AT_ONCE = 256 * TILE
const CHECKED_AT_ONCE = 8 * TILE
const HASH_WORDS = HASH_BYTES / 4

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
  const { word, mask, matches } = matcherOf(prefix)
  for (let from = 0; from < size && numbers.length < limit; ) {
    const bytes = levels.unchecked(from, Math.min(AT_ONCE, size - from))
    const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    for (let at = 0; at < words.length && numbers.length < limit; at += HASH_WORDS) {
      if ((words[at]! & mask) === word && matches(bytes, at * 4)) numbers.push(from + at / HASH_WORDS)
    }
    from += words.length / HASH_WORDS
    if (from % LOOKED_AT_ONCE === 0) await yieldToEventLoop()
  }
  if (numbers.length > 0) return { numbers, checked }
  for (let leaf = checked; leaf < size; leaf += TILE) {
    levels.check(leaf)
    if (leaf % CHECKED_AT_ONCE === 0) await yieldToEventLoop()
  }
  return { numbers, checked: Math.max(checked, size - (size % TILE)) }
}

/** `word` and `mask`: of the first four bytes, as the machine reads them, so that most hashes cost one comparison. */
function matcherOf(prefix: string): { word: number; mask: number; matches: (bytes: Buffer, at: number) => boolean } {
  const bytesOf = (digits: string) => Buffer.from(digits.padEnd(2 * HASH_BYTES, '0'), 'hex')
  const [wanted, masks] = [bytesOf(prefix), bytesOf('f'.repeat(prefix.length))]
  const first = (bytes: Buffer) => new Int32Array(new Uint8Array(bytes.subarray(0, 4)).buffer)[0]!
  return {
    word: first(wanted),
    mask: first(masks),
    matches: (bytes, at) => wanted.every((byte, i) => (bytes[at + i]! & masks[i]!) === byte),
  }
}
