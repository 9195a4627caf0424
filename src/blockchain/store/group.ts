// The lines that calls come to which are written together: one behind the other, whole calls or nothing of them. Writes nothing.
import { OpDbusError } from '../../errors.js'
import type { Block, Draft } from '../block.js'
import { lineOf, lineText } from '../line.js'
import type { Location } from '../ports.js'
import type { Tip } from './tip.js'

/** What one call wants appended: drafts, or blocks of another copy of this chain. */
export type Wanted = { readonly drafts: readonly Draft[] } | { readonly blocks: readonly Block[] }

/** What became of one call: its blocks, or why it is left out. */
export type Outcome = { readonly blocks: readonly Block[] } | { readonly fault: unknown }

export interface Group {
  /** One for each call. */
  readonly outcomes: readonly Outcome[]
  readonly blocks: readonly Block[]
  readonly locations: readonly Location[]
  readonly bytes: Buffer
  /** The end of the chain behind them. */
  readonly tip: Tip
}

export function countOf(wanted: Wanted): number {
  return 'drafts' in wanted ? wanted.drafts.length : wanted.blocks.length
}

/**
 * One append to the disk, however many calls it answers: each line says how many follow (`more`), so that after a loss of power all of them
 * are there or none. Nobody was answered before all were. `now`: what the headers of new blocks say, Unix milliseconds.
 */
export function groupOf(calls: readonly Wanted[], tip: Tip, now: number): Group {
  const left = new Map<number, Outcome>()
  for (;;) {
    const attempt = new Attempt(tip, now)
    const total = calls.reduce((sum, call, at) => sum + (left.has(at) ? 0 : countOf(call)), 0)
    const before = left.size
    const outcomes = calls.map((call, at): Outcome => {
      const out = left.get(at)
      if (out !== undefined) return out
      try {
        return { blocks: attempt.add(call, total) }
      } catch (fault) {
        // Each line says how many follow: without this call, those are others.
        left.set(at, { fault })
        return { fault }
      }
    })
    if (left.size === before) return attempt.group(outcomes)
  }
}

class Attempt {
  readonly #blocks: Block[] = []
  readonly #locations: Location[] = []
  readonly #texts: string[] = []
  readonly #now: number
  #tip: Tip
  #length = 0

  constructor(tip: Tip, now: number) {
    this.#tip = tip
    this.#now = now
  }

  /** @throws OpDbusError INVALID_INPUT, CONFLICT */
  add(call: Wanted, total: number): readonly Block[] {
    if ('blocks' in call) {
      this.#continues(call.blocks)
      for (const block of call.blocks) this.#put(block, lineText(block, total - this.#blocks.length - 1))
      return call.blocks
    }
    const own: Block[] = []
    for (const draft of call.drafts) {
      const place = { number: this.#tip.count, previous: this.#tip.hash, timestamp: this.#now }
      const { block, text } = lineOf(draft, place, total - this.#blocks.length - 1)
      this.#put(block, text)
      own.push(block)
    }
    return Object.freeze(own)
  }

  group(outcomes: readonly Outcome[]): Group {
    const bytes = Buffer.allocUnsafe(this.#length)
    let at = 0
    for (const text of this.#texts) at += bytes.write(text, at)
    return { outcomes, blocks: this.#blocks, locations: this.#locations, bytes, tip: this.#tip }
  }

  #continues(blocks: readonly Block[]): void {
    let { count, hash } = this.#tip
    for (const block of blocks) {
      if (block.number !== count || block.header.previous !== hash) {
        throw new OpDbusError(
          'CONFLICT',
          `block ${block.number} does not continue this chain, which has ${count} blocks`,
          {
            details: { block: block.number, size: this.#tip.count },
          },
        )
      }
      count++
      hash = block.hash
    }
  }

  #put(block: Block, text: string): void {
    const { segment, bytes: offset, count } = this.#tip
    const length = Buffer.byteLength(text)
    this.#texts.push(text)
    this.#length += length
    this.#blocks.push(block)
    this.#locations.push(locationOf(block, segment, offset, length - 1))
    const { hash, header } = block
    this.#tip = { segment, bytes: offset + length, count: count + 1, hash, timestamp: header.timestamp }
  }
}

/** `bytes`: without the line end. */
export function locationOf(block: Block, segment: number, offset: number, bytes: number): Location {
  return { number: block.number, hash: block.hash, segment, offset, bytes, timestamp: block.header.timestamp }
}
