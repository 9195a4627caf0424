// The lines of a chain, one after the other: what is a block, whether each follows the one before, and what stands in a wrong place. Goes on
// after every fault. Looks at lines alone: what is derived from them is compared elsewhere.
import { messageOf } from '../../errors.js'
import { plural, visible } from '../../format.js'
import { type Block, MAX_LINE_BYTES } from '../block.js'
import { bodyFault } from '../footprint.js'
import { lineText, readLine } from '../line.js'
import type { RawLine } from '../ports.js'
import type { Faults } from './faults.js'

/** A line that is a block. */
export interface Seen {
  readonly block: Block
  readonly line: Pick<RawLine, 'segment' | 'offset' | 'length'>
  readonly more: number
}

export interface WalkOptions {
  readonly faults: Faults
  /** Every byte of a line, and bodies, too. */
  readonly full: boolean
  /** Told of the blocks of complete appends, in the order of their numbers; numbers may be left out where there are faults. */
  readonly onBlock: (seen: Seen) => void
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class ChainWalk {
  readonly #faults: Faults
  readonly #full: boolean
  readonly #onBlock: (seen: Seen) => void
  /** The number that the next block should have. */
  #expected = 0
  /** Lines since the last block that are none. */
  #unreadable = 0
  /** The block that stands directly before. */
  #before: Seen | undefined
  /** A block that names another before it than stands there: the next one tells which of the two is wrong. */
  #broken: Seen | undefined
  /** Numbered too high: the next block tells whether others are missing, or this one has no business here. */
  #ahead: Seen | undefined
  /** Blocks that stand behind their place, as long as they follow one another. */
  #astray: { from: number; to: number; after: number } | undefined
  /** The last line had no line end. */
  #torn: RawLine | undefined
  /** Blocks of an append whose last line has not come yet. */
  #open: Seen[] = []

  constructor({ faults, full, onBlock }: WalkOptions) {
    this.#faults = faults
    this.#full = full
    this.#onBlock = onBlock
  }

  take(line: RawLine): void {
    if (this.#torn) {
      const torn = this.#torn
      this.#torn = undefined
      this.#faults.add('line', this.#here, `${placeOf(torn)} has no line end`)
      this.#line(torn)
    }
    if (line.torn) this.#torn = line
    else this.#line(line)
  }

  /** Blocks that were reached, with those of an append whose end is not there. */
  get lines(): number {
    return this.#expected
  }

  /** There are no more lines. `more`: the chain has grown since they were read. `acknowledged`: blocks that a writer said are there. */
  end({ more, acknowledged = 0 }: { readonly more: boolean; readonly acknowledged?: number | undefined }): void {
    if (this.#ahead) this.#accept(this.#ahead)
    this.#endAstray()
    this.#tellBroken(undefined)
    const begun = this.#open[0]?.block.number ?? (this.#torn && this.#here)
    if (begun !== undefined && !more) {
      const what =
        begun < acknowledged
          ? `the end of the chain was cut off here: ${plural(acknowledged, 'block was', 'blocks were')} acknowledged`
          : 'an append was cut off here before it was acknowledged: the next writer removes it'
      this.#faults.add('tail', begun, what)
    }
  }

  /** The number that a block at this place should have. */
  get #here(): number {
    return this.#expected + this.#unreadable
  }

  #line(line: RawLine): void {
    let seen: Seen
    try {
      seen = this.#read(line)
    } catch (error) {
      const why = error instanceof RangeError ? 'is nested too deep' : visible(messageOf(error))
      this.#unread(line, why)
      return
    }
    this.#placed(seen)
  }

  #read({ bytes, length, segment, offset }: RawLine): Seen {
    if (length > MAX_LINE_BYTES) throw new Error(`is longer than ${MAX_LINE_BYTES >> 20} MiB`)
    let text: string
    try {
      text = utf8.decode(bytes)
    } catch {
      throw new Error('is not UTF-8')
    }
    const { block, more } = readLine(text)
    if (this.#full) this.#compare(block, more, text)
    return { block, more, line: { segment, offset, length } }
  }

  #compare(block: Block, more: number, text: string): void {
    const { number, header, body } = block
    const wanted = lineText(block, more)
    if (wanted.length !== text.length + 1 || !wanted.startsWith(text)) {
      const at = firstDifference(wanted, text)
      this.#faults.add('line', number, `its line is not written as blocks are, from character ${at} on`)
    }
    const fault = body && bodyFault(header, body)
    if (fault !== undefined) this.#faults.add('body', number, fault)
  }

  #unread(line: RawLine, why: string): void {
    if (this.#ahead) this.#accept(this.#ahead)
    this.#endAstray()
    this.#faults.add('line', this.#here, `${placeOf(line)} ${why}`)
    this.#tellBroken(undefined)
    this.#before = undefined
    this.#unreadable++
    this.#flush()
  }

  #placed(seen: Seen): void {
    if (this.#ahead) this.#resolve(this.#ahead, seen.block.number)
    const { number } = seen.block
    if (number < this.#expected) this.#isAstray(number)
    else if (number > this.#here) this.#ahead = seen
    else this.#accept(seen)
  }

  /** What the next number tells of a block that is numbered too high. */
  #resolve(ahead: Seen, next: number): void {
    const { number } = ahead.block
    const here = this.#here
    this.#ahead = undefined
    if (next !== here && next !== here + 1) {
      this.#accept(ahead)
      return
    }
    // The chain goes on as if that block were not there, or were the one that belongs there.
    this.#faults.add('sequence', next === here ? number : here, `block ${number} stands where block ${here} belongs`)
    if (next === here) return
    this.#tellBroken(undefined)
    this.#before = undefined
    this.#unreadable++
    this.#flush()
  }

  #isAstray(number: number): void {
    if (this.#astray?.to === number - 1) {
      this.#astray.to = number
      return
    }
    this.#endAstray()
    this.#astray = { from: number, to: number, after: this.#expected - 1 }
  }

  #endAstray(): void {
    if (this.#astray === undefined) return
    const { from, to, after } = this.#astray
    const who = from === to ? `block ${from} stands` : `blocks ${from} to ${to} stand`
    this.#faults.add('sequence', from, `${who} behind block ${after}: twice, or out of place`)
    this.#astray = undefined
  }

  #accept(seen: Seen): void {
    const { number, header } = seen.block
    this.#ahead = undefined
    this.#endAstray()
    if (number > this.#here) this.#missing(this.#here, number)
    const before = this.#before
    const broken = before !== undefined && before.block.hash !== header.previous
    this.#tellBroken(broken)
    if (broken) this.#broken = seen
    this.#append(before, seen)
    this.#before = seen
    this.#expected = number + 1
    this.#unreadable = 0
  }

  #missing(from: number, next: number): void {
    const who = next - from === 1 ? `block ${from} is missing` : `blocks ${from} to ${next - 1} are missing`
    this.#faults.add('sequence', from, `${who}: block ${next} stands in ${next - from === 1 ? 'its' : 'their'} place`)
    this.#tellBroken(undefined)
    this.#before = undefined
    this.#flush()
  }

  /** `next`: whether the block behind the broken link is named wrongly as well; undefined where nobody can tell. */
  #tellBroken(next: boolean | undefined): void {
    const broken = this.#broken
    if (broken === undefined) return
    this.#broken = undefined
    const { number, header } = broken.block
    const named = `block ${number} names ${header.previous.slice(0, 16)}… as the block before it`
    if (next !== true) this.#faults.add('hash', number - 1, `it is not the block that was appended: ${named}`)
    if (next !== false) {
      const message = `${named}, which is not what block ${number - 1} is: one of the two was changed`
      this.#faults.add('link', number, message)
    }
  }

  /** Whether appends are whole; a pruned line has forgotten how many followed it. */
  #append(before: Seen | undefined, seen: Seen): void {
    const promised = before?.more ?? 0
    if (promised > 0 && seen.more !== promised - 1 && seen.block.body !== undefined) {
      const message = `its line says that ${plural(promised, 'line', 'lines')} of its append follow, the next one ${seen.more}`
      this.#faults.add('line', seen.block.number - 1, message)
    }
    this.#open.push(seen)
    if (seen.more === 0) this.#flush()
  }

  #flush(): void {
    for (const seen of this.#open) this.#onBlock(seen)
    this.#open = []
  }
}

function placeOf({ segment, offset }: RawLine): string {
  return `the line at byte ${offset} of timing/${String(segment).padStart(12, '0')}.jsonl`
}

/** From 1. */
function firstDifference(one: string, other: string): number {
  let at = 0
  while (at < one.length && one[at] === other[at]) at++
  return at + 1
}
