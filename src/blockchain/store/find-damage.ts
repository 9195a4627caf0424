// What of a damaged chain is sound: how far its blocks follow one another, which bodies are not what was written, and which segments would
// have to be written anew. Reads every line, believes nothing, and changes nothing.
import { throwIfAborted } from '../../errors.js'
import { plural } from '../../format.js'
import { MAX_LINE_BYTES } from '../block.js'
import { bodyFault } from '../footprint.js'
import { lineText, type ReadLine, readLine } from '../line.js'
import type { RawLine } from '../ports.js'
import { Bodies, UNANNOUNCED } from '../verify/bodies.js'
import { Faults } from '../verify/faults.js'
import { ChainWalk } from '../verify/walk.js'
import { type Head, HeadFile } from './head-file.js'
import { type Layout, type Segment, segmentsIn } from './layout.js'
import { rawLines } from './raw-lines.js'

export interface Damage {
  readonly faults: Faults
  /** Blocks that stay: each follows the one before, and their append is whole or was acknowledged. */
  readonly size: number
  /** Lines there are, whatever is in them. */
  readonly lines: number
  /** Blocks that were acknowledged; undefined where nobody says. */
  readonly acknowledged: number | undefined
  /** Of the blocks that stay, those whose bodies are not what their headers say. */
  readonly bodies: readonly number[]
  /** Of the blocks that stay, those that have no body, which none of them announces. */
  readonly missing: readonly number[]
  /** Segments that hold a block that stays: as they are, and those that are to be written anew. */
  readonly whole: readonly Segment[]
  readonly anew: readonly Segment[]
  /** Anything but bodies is damaged. */
  readonly isCut: boolean
}

export interface FindCall {
  readonly signal?: AbortSignal | undefined
  /** Lines that were looked at. */
  readonly onProgress?: ((done: number) => void) | undefined
}

/** For whoever holds the lock. @throws OpDbusError STORE, ABORTED */
export async function findDamage(layout: Layout, { signal, onProgress }: FindCall): Promise<Damage> {
  const file = new HeadFile(layout.head)
  const head = file.read()
  file.forget()
  const segments = segmentsIn(layout)
  const faults = new Faults()
  // What verify would tell; what is to be done goes by what is sound, and by nothing else.
  const walk = new ChainWalk({ faults, full: false, onBlock: () => {} })
  const sound = new SoundLines(head, faults)
  for await (const piece of rawLines(layout, undefined)) {
    throwIfAborted(signal)
    for (const item of piece) {
      if ('fault' in item) {
        faults.add('sequence', undefined, item.fault)
        continue
      }
      walk.take(item)
      sound.take(item)
    }
    onProgress?.(sound.lines)
  }
  walk.end({ more: false, acknowledged: head?.size })
  return sound.end(segments)
}

interface Before {
  readonly read: ReadLine
  readonly text: string
  readonly segment: number
}

/** Lines from the first on, as long as each is a block that follows the one before. */
class SoundLines {
  readonly #head: Head | undefined
  readonly #faults: Faults
  /** Sound blocks so far; the last of them, and one that names another block before it than that. */
  #good = 0
  #last: Before | undefined
  #suspect: Before | undefined
  #ended = false
  /** By a line that has its end: no append was cut off there. */
  #isBroken = false
  #lines = 0
  /** Blocks up to the last end of an append, and up to the one before that. */
  #whole = 0
  #wholeBefore = 0
  readonly #bodies: number[] = []
  readonly #gone = new Bodies()
  readonly #segments = new Set<number>()
  /** Segments with a line that is not written as blocks are, by the number of the first such block. */
  readonly #misspelt = new Map<number, number>()

  constructor(head: Head | undefined, faults: Faults) {
    this.#head = head
    this.#faults = faults
  }

  get lines(): number {
    return this.#lines
  }

  take(line: RawLine): void {
    this.#lines++
    if (this.#ended) return
    const found = this.#blockIn(line)
    this.#isBroken = line.torn !== true
    if (this.#suspect !== undefined) this.#judge(this.#suspect, found)
    else if (found === undefined || found.read.block.number !== this.#good) this.#ended = true
    else this.#follow(found)
  }

  #blockIn({ bytes, length, segment, offset, torn }: RawLine): Before | undefined {
    // A segment is called after its first block.
    const next = this.#suspect === undefined ? this.#good : this.#good + 1
    if (torn || length > MAX_LINE_BYTES || (offset === 0 && segment !== next)) return undefined
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    try {
      return { read: readLine(text), text, segment }
    } catch {
      return undefined
    }
  }

  #follow(found: Before): void {
    const { block, more } = found.read
    const promised = this.#last?.read.more ?? 0
    if (block.header.previous !== (this.#last?.read.block.hash ?? block.header.previous)) {
      this.#suspect = found
      return
    }
    if (this.#head?.size === block.number + 1 && this.#head.hash !== block.hash) {
      this.#faults.add('hash', block.number, 'it is not the one that was acknowledged')
      this.#ended = true
      return
    }
    if (promised > 0 && more !== promised - 1 && !this.#misspelt.has(found.segment)) {
      this.#misspelt.set(found.segment, block.number)
    }
    this.#look(found)
    this.#segments.add(found.segment)
    this.#good = block.number + 1
    this.#last = found
    if (more > 0) return
    this.#wholeBefore = this.#whole
    this.#whole = this.#good
  }

  #look({ read: { block, more }, text, segment }: Before): void {
    const { number, header, body } = block
    this.#gone.take(block)
    const fault = body && bodyFault(header, body)
    if (fault !== undefined) {
      this.#bodies.push(number)
      this.#faults.add('body', number, fault)
    } else if (`${text}\n` !== lineText(block, more)) {
      this.#faults.add('line', number, 'its line is not written as blocks are')
      if (!this.#misspelt.has(segment)) this.#misspelt.set(segment, number)
    }
  }

  /** One of two blocks was changed: the second, or the one before it, which nothing vouches for then but what was acknowledged. */
  #judge(suspect: Before, next: Before | undefined): void {
    this.#suspect = undefined
    this.#ended = true
    const { number, hash } = suspect.read.block
    const isNamed = next?.read.block.number === number + 1 && next.read.block.header.previous === hash
    const isHead = this.#head?.size === number + 1 && this.#head.hash === hash
    const isLast = next === undefined && this.#head?.size !== number + 1 && this.#head?.size !== number
    if (!isNamed && !isHead && !isLast) return
    this.#good--
    if (this.#whole > this.#good) this.#whole = this.#wholeBefore
  }

  end(segments: readonly Segment[]): Damage {
    if (this.#suspect !== undefined) this.#judge(this.#suspect, undefined)
    const acknowledged = this.#head?.size
    // Where nobody says what was acknowledged, whole lines in front of damage are taken to be.
    const sure = acknowledged ?? (this.#ended && this.#isBroken ? this.#good : 0)
    const size = Math.max(this.#whole, Math.min(this.#good, sure))
    if (acknowledged !== undefined && acknowledged > this.#good) {
      const missing = acknowledged - this.#good
      const were = `${plural(missing, 'block', 'blocks')} from here on ${missing === 1 ? 'was' : 'were'} acknowledged`
      this.#faults.add('sequence', this.#good, `${were}, and ${missing === 1 ? 'is' : 'are'} damaged or not there`)
    }
    const kept = segments.filter(({ first }) => first < size && this.#segments.has(first))
    const missing = [...this.#gone.unannounced(size)]
    for (const number of missing) this.#faults.add('body', number, UNANNOUNCED)
    // The last one ends where the chain does, and with the end of an append.
    const endsAsItIs = this.#lines === size && this.#whole === size
    const anew = kept.filter(({ first }, i) => {
      const misspelt = this.#misspelt.get(first)
      return (misspelt !== undefined && misspelt < size) || (i === kept.length - 1 && !endsAsItIs)
    })
    const beside = segments.filter(one => !kept.includes(one) && one.first !== size)
    return {
      faults: this.#faults,
      size,
      lines: this.#lines,
      acknowledged,
      bodies: this.#bodies.filter(number => number < size),
      missing,
      whole: kept.filter(one => !anew.includes(one)),
      anew,
      isCut: this.#lines > size || (acknowledged ?? 0) > size || anew.length > 0 || beside.length > 0,
    }
  }
}
