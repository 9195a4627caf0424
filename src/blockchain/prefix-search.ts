// Leaves by the beginning of their hash: a walk over the lowest level of a tree. Opens no file.
import { yieldToEventLoop } from '../cache/yield-to-event-loop.js'
import { HASH_BYTES } from './merkle.js'
import { TILE, type TreeLevels } from './tree-levels.js'

/** Leaves between turns of the event loop: to look at, and to check. */
const AT_ONCE = 32 * TILE
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
  const matches = matcherOf(prefix)
  for (let from = 0; from < size && numbers.length < limit; ) {
    const bytes = levels.unchecked(from, Math.min(AT_ONCE, size - from))
    for (let at = 0; at < bytes.length && numbers.length < limit; at += HASH_BYTES) {
      if (matches(bytes, at)) numbers.push(from + at / HASH_BYTES)
    }
    from += bytes.length / HASH_BYTES
    await yieldToEventLoop()
  }
  if (numbers.length > 0) return { numbers, checked }
  for (let leaf = checked; leaf < size; leaf += TILE) {
    levels.check(leaf)
    if (leaf % CHECKED_AT_ONCE === 0) await yieldToEventLoop()
  }
  return { numbers, checked: Math.max(checked, size - (size % TILE)) }
}

function matcherOf(prefix: string): (bytes: Buffer, at: number) => boolean {
  const digits = prefix.toLowerCase()
  const whole = Buffer.from(digits.slice(0, digits.length - (digits.length % 2)), 'hex')
  // An odd last digit is the upper half of a byte.
  const half = digits.length % 2 === 1 ? Number.parseInt(digits.at(-1)!, 16) : undefined
  return (bytes, at) => {
    for (let i = 0; i < whole.length; i++) if (bytes[at + i] !== whole[i]) return false
    return half === undefined || bytes[at + whole.length]! >> 4 === half
  }
}
