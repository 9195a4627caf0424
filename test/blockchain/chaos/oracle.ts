// Keeps what the writers were told and what readers saw, whatever died meanwhile, and says what in a chain does not agree with it.
import type { Event, Look, Told } from './child.js'
import { type OnDisk, readDisk } from './disk.js'

type Outcome = 'under way' | 'acknowledged' | 'failed' | 'uncertain'

/** Whether there may be blocks of calls that nobody had told of. */
export type Later = 'none' | 'possible'

interface Call {
  readonly names: readonly string[]
  outcome: Outcome
}

export class Oracle {
  readonly faults: string[] = []
  readonly #calls = new Map<string, Call>()
  /** By number: what was acknowledged, or was seen by a reader. */
  readonly #known = new Map<number, Told>()
  #acknowledged = 0

  /** Blocks that were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged
  }

  /** Blocks that are known to be there. */
  get size(): number {
    return this.#known.size
  }

  /** What a look from now on has to find; a reader that follows may see more meanwhile. */
  known(): ReadonlyMap<number, Told> {
    return new Map(this.#known)
  }

  get failed(): number {
    return [...this.#calls.values()].filter(({ outcome }) => outcome === 'failed' || outcome === 'uncertain').length
  }

  /** For {@link Start.onEvent}: in the order in which a process told. `codes`: what an append may fail with here. */
  readonly hear = (event: Event, codes: readonly string[] = ['STORE']): void => {
    if (event.kind === 'started') this.#calls.set(event.call, { names: event.names, outcome: 'under way' })
    if (event.kind === 'seen') this.#know(event.block, 'a reader saw')
    if (event.kind === 'failed') {
      this.#calls.get(event.call)!.outcome = event.uncertain ? 'uncertain' : 'failed'
      if (!codes.includes(event.code)) this.faults.push(`an append failed with ${event.code}: ${event.message}`)
    }
    if (event.kind === 'acknowledged') {
      const call = this.#calls.get(event.call)!
      call.outcome = 'acknowledged'
      this.#acknowledged += event.blocks.length
      if (event.blocks.map(([, , name]) => name).join() !== call.names.join())
        this.faults.push(`${event.call} was answered with other blocks`)
      for (const block of event.blocks) this.#know(block, 'was acknowledged:')
    }
  }

  /** What the machine had told by now; what it does later is no promise to somebody who pulled the plug. */
  copy(): Oracle {
    const copy = new Oracle()
    for (const [call, { names, outcome }] of this.#calls) copy.#calls.set(call, { names, outcome })
    for (const [number, told] of this.#known) copy.#known.set(number, told)
    copy.#acknowledged = this.#acknowledged
    return copy
  }

  /** Looks at the files themselves, and at what the library says of them in a new process. */
  check(data: string, known: ReadonlyMap<number, Told>, looks: readonly Look[], later: Later = 'none'): void {
    const disk = readDisk(data)
    this.faults.push(...disk.faults)
    this.#checkBlocks(disk.blocks, later)
    for (const look of looks) this.#checkLook(look, known, disk)
    // From now on these have been seen.
    for (const block of disk.blocks) this.#know(block, 'lies on the disk')
  }

  #checkLook({ blocks, verdict, size }: Look, known: ReadonlyMap<number, Told>, disk: OnDisk): void {
    if (size !== blocks.length || verdict.size !== size) {
      this.faults.push(`a reader has ${blocks.length} blocks, size says ${size}, verify ${verdict.size}`)
    }
    const other = blocks.find(([number, hash]) => disk.blocks[number]?.[1] !== hash)
    if (other !== undefined) this.faults.push(`a reader has another block ${other[0]} than the disk`)
    for (const { kind, message } of verdict.faults) if (kind !== 'tail') this.faults.push(`verify: ${kind}: ${message}`)
    if (blocks.length === disk.blocks.length && verdict.root !== undefined && verdict.root !== disk.root)
      this.faults.push('verify has another root')
    for (const [number, told] of known) {
      const there = blocks[number]
      if (there?.[1] !== told[1])
        this.faults.push(`a reader has ${there === undefined ? 'no' : 'another'} block ${number}`)
    }
  }

  #checkBlocks(blocks: readonly Told[], later: Later): void {
    for (const [number, told] of this.#known) {
      const there = blocks[number]
      if (there === undefined) this.faults.push(`block ${number} (${told[2]}) is lost: ${blocks.length} are left`)
      else if (there[1] !== told[1]) this.faults.push(`block ${number} was ${told[2]}, and is ${there[2]}`)
    }
    const places = new Map<string, number>()
    for (const [number, , name] of blocks) {
      if (places.has(name)) this.faults.push(`${name} is there twice: ${places.get(name)} and ${number}`)
      places.set(name, number)
    }
    for (const [name, { names, outcome }] of this.#calls) {
      const there = names.flatMap(each => places.get(each) ?? [])
      const first = there[0] ?? 0
      if (
        there.length > 0 &&
        (there.length < names.length || there.some((number, index) => number !== first + index))
      ) {
        this.faults.push(`${name} is there in part: ${there.length} of ${names.length}`)
      }
      if (outcome === 'failed' && there.length > 0) this.faults.push(`${name} failed, and is there`)
      if (outcome === 'acknowledged' && there.length === 0)
        this.faults.push(`${name} was acknowledged, and is not there`)
      for (const each of names) places.delete(each)
    }
    if (later === 'possible') return
    for (const name of places.keys()) if (!name.endsWith(' probe')) this.faults.push(`${name} was written by nobody`)
  }

  #know(told: Told, how: string): void {
    const before = this.#known.get(told[0])
    if (before !== undefined && before[1] !== told[1]) {
      this.faults.push(`block ${told[0]} was ${before[2]}, and ${how} ${told[2]}`)
    }
    this.#known.set(told[0], told)
  }
}
