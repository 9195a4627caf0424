// Blocks whose text holds some words: the newest, or those that hold the rarest. Looks through the bytes of the segments, newest segment first,
// and reads what it found as any block is read. Memory grows with what is asked for alone; knows no vector.
import { throwIfAborted } from '../errors.js'
import type { Block } from './block.js'
import { fits } from './filter.js'
import type { BlockReader } from './ports.js'
import { RawTexts } from './raw-texts.js'
import type { BlockFilter } from './reports.js'
import { sound } from './sound.js'
import { literalPattern, type TextPattern, wordPatterns } from './text-pattern.js'

export interface TextMatches {
  readonly blocks: readonly Block[]
  /** Blocks that fit the filter and were looked at: older ones are not where enough were found. */
  readonly searched: number
  /** Blocks that fit the filter, of the same stretch, whose text was pruned. */
  readonly pruned: number
}

/** Blocks at the end that are looked at first, one by one, since the newest often are what is wanted. */
const FIRST_BLOCKS = 256

/** How a segment is looked through: `holds` is asked of each text that may match, `found` told of each that does. */
interface Look {
  readonly filter: BlockFilter
  readonly bytes: RegExp | undefined
  /** What of it the text holds, as bits; 0: nothing. */
  holds(text: string): number
  found(number: number, held: number): void
  readonly signal: AbortSignal | undefined
}

interface Counts {
  searched: number
  pruned: number
}

/**
 * The newest `k` whose text holds `text`, newest first, whatever its case (simple case folding of Unicode), white space as any other.
 * @throws OpDbusError CHAIN_DAMAGED, STORE, ABORTED
 */
export async function searchText(
  store: BlockReader,
  text: string,
  k: number,
  filter: BlockFilter,
  signal?: AbortSignal,
  first = FIRST_BLOCKS,
): Promise<TextMatches> {
  const pattern = literalPattern(text)
  const { whole } = pattern
  const bytes = anyOf([pattern])
  const counts = { searched: 0, pruned: 0 }
  const blocks: Block[] = []
  const size = store.size()
  const start = Math.max(0, size - first)
  const newest: Block[] = []
  for await (const piece of store.scan(start, size)) {
    throwIfAborted(signal)
    for (const block of piece) {
      if (!fits(block.header, filter)) continue
      counts[block.body === undefined ? 'pruned' : 'searched']++
      if (block.body !== undefined && whole.test(block.body.text)) newest.push(block)
    }
  }
  for (const block of newest.reverse().slice(0, k)) blocks.push(sound(block))
  for (const segment of blocks.length < k ? newestFirst(store, start) : []) {
    const numbers: number[] = []
    await lookThrough(store, segment, counts, {
      filter,
      bytes,
      holds: text => (whole.test(text) ? 1 : 0),
      found: number => void numbers.push(number),
      signal,
    })
    while (numbers.length > 0 && blocks.length < k) {
      const block = blockOf(store, numbers.pop()!, filter)
      if (block !== undefined && whole.test(block.body!.text)) blocks.push(block)
    }
    if (blocks.length === k) break
  }
  return { blocks, ...counts }
}

/**
 * The `k` whose texts hold the rarest words of `text`, best first, of equals the newer: the sum over the words that a text holds of how
 * rare they are among all that fit (the inverse document frequency of BM25: Robertson and Zaragoza, 2009, section 3.3). Looks at every block.
 * @throws OpDbusError CHAIN_DAMAGED, STORE, ABORTED
 */
export async function searchWords(
  store: BlockReader,
  text: string,
  k: number,
  filter: BlockFilter,
  signal?: AbortSignal,
): Promise<TextMatches> {
  const words = wordPatterns(text)
  const bytes = anyOf(words)
  const counts = { searched: 0, pruned: 0 }
  /** By which words they hold: how many texts do, and the newest of them. */
  const groups = new Map<number, { count: number; newest: number[] }>()
  for (const segment of newestFirst(store)) {
    const here = new Map<number, number[]>()
    await lookThrough(store, segment, counts, {
      filter,
      bytes,
      holds: text => words.reduce((held, { whole }, i) => (whole.test(text) ? held | (1 << i) : held), 0),
      found(number, held) {
        const numbers = here.get(held)
        if (numbers === undefined) here.set(held, [number])
        else numbers.push(number)
      },
      signal,
    })
    for (const [held, numbers] of here) {
      const { count, newest } = groups.get(held) ?? { count: 0, newest: [] }
      newest.push(...numbers.slice(-Math.max(1, k - newest.length)).reverse())
      groups.set(held, { count: count + numbers.length, newest: newest.slice(0, k) })
    }
  }
  const rarity = words.map((_, i) => {
    let holding = 0
    for (const [held, { count }] of groups) if (held & (1 << i)) holding += count
    return Math.log(1 + (counts.searched - holding + 0.5) / (holding + 0.5))
  })
  const ranked = Array.from(groups, ([held, { newest }]) => {
    const score = rarity.reduce((sum, rare, i) => (held & (1 << i) ? sum + rare : sum), 0)
    return newest.map(number => ({ number, score }))
  }).flat()
  ranked.sort((a, b) => b.score - a.score || b.number - a.number)
  const blocks: Block[] = []
  for (const { number } of ranked) {
    if (blocks.length === k) break
    const block = blockOf(store, number, filter)
    if (block !== undefined) blocks.push(block)
  }
  return { blocks, ...counts }
}

function anyOf(patterns: readonly TextPattern[]): RegExp | undefined {
  const bytes = patterns.map(pattern => pattern.bytes)
  return bytes.includes(undefined) ? undefined : new RegExp(bytes.join('|'), 'g')
}

/** A segment, and the number behind its last block that counts. */
interface Stretch {
  readonly first: number
  readonly end: number
  pieces(): AsyncIterable<Buffer>
}

/** The first `size` blocks, by default all that are acknowledged now, in segments, the newest first. */
function* newestFirst(store: BlockReader, size = store.size()): Generator<Stretch> {
  let end = size
  for (const { first, pieces } of store.segments()) {
    if (first < end) yield { first, end, pieces }
    end = Math.min(end, first)
  }
  // A segment is missing: whoever reads a block of it is told.
  if (end > 0) store.read(end - 1)
}

async function lookThrough(
  store: BlockReader,
  { first, end, pieces }: Stretch,
  counts: Counts,
  look: Look,
): Promise<void> {
  const { filter, bytes, holds, found, signal } = look
  let number = first
  for await (const piece of pieces()) {
    throwIfAborted(signal)
    const texts = new RawTexts(piece, filter, bytes)
    for (; number < end; number++) {
      let raw = texts.next(number)
      if (raw === undefined) break
      if (raw === 'unknown') raw = readText(store, number, filter)
      if (raw === 'other') continue
      counts[raw === 'pruned' ? 'pruned' : 'searched']++
      const held = typeof raw === 'string' ? 0 : holds(raw.text)
      if (held !== 0) found(number, held)
    }
    if (number >= end) return
  }
  // There are fewer lines than blocks: damage, or files that were exchanged meanwhile. The block itself says which.
  if (number < end) store.read(number)
}

function readText(store: BlockReader, number: number, filter: BlockFilter) {
  const block = store.read(number)
  if (block === undefined || !fits(block.header, filter)) return 'other'
  return block.body === undefined ? 'pruned' : { text: block.body.text }
}

/** The block itself; undefined where it was pruned meanwhile, or is another. @throws OpDbusError CHAIN_DAMAGED */
function blockOf(store: BlockReader, number: number, filter: BlockFilter): Block | undefined {
  const block = store.read(number)
  return block?.body === undefined || !fits(block.header, filter) ? undefined : sound(block)
}
