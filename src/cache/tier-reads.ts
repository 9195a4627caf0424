// How a tier reads: many ids as one question, what is yet to be written first, and nothing believed before a look. Never rejects:
// what could not be looked at is `skipped`, with a reason.
import type { CallOptions, Key, LentMemory, Load, SkipReason } from '../ports.js'
import { isUint8Array } from '../realms.js'
import { Breaker } from './breaker.js'
import { unseal } from './sealed-value.js'
import type { TierParts, Wanted } from './tier-parts.js'
import { within } from './within.js'

/** A hit with the rest of its life. */
export interface Found<V> {
  readonly value: V
  readonly ttlMs?: number | undefined
}

export interface TierReadsOptions<V> extends TierParts<V> {
  /** What was set and is not known to have arrived. */
  pending(key: Key): Uint8Array | undefined
}

/** What is asked for, and which of it only the medium can tell. */
interface Question<V> {
  readonly wanted: readonly Wanted[]
  readonly loads: Load<Found<V>>[]
  readonly keys: Key[]
  /** Where in `wanted` and `loads` each key belongs. */
  readonly places: number[]
}

/** How much an answer that took longer than those before counts: this thread may have been busy. */
const SHARE = 0.1
/** A read that takes so many times what is usual counts as this much: it waited for something else. */
const MOST_USUAL = 4
/** By how much what is usual moves towards each question: a running median, after a few of them. */
const STEP = 1.2
const MISS: Load<never> = { kind: 'miss' }

export class TierReads<V> {
  readonly #options: TierReadsOptions<V>
  readonly #breaker: Breaker
  #answerMs: number | undefined
  /** What a value takes in most questions; infinite after the first, which is like no other. */
  #usualMicros: number | undefined
  /** Questions of this turn. */
  #asked: { question: Question<V>; ms: number | undefined; answered: () => void }[] = []

  constructor(options: TierReadsOptions<V>) {
    this.#options = options
    this.#breaker = new Breaker(options.clock, options.store)
  }

  /** Whether the medium is left alone now. */
  get paused(): boolean {
    return this.#breaker.open
  }

  /** Of a medium that answers without a promise: keeps the thread until everything is read. */
  getManySync(wanted: readonly Wanted[], lent?: LentMemory): Load<Found<V>>[] {
    const { store, clock } = this.#options
    const question = this.#question(wanted)
    const { keys } = question
    if (keys.length === 0) return question.loads
    const began = clock.monotonic()
    try {
      const found =
        keys.length > 1 && store.getManySync ? store.getManySync(keys, lent) : keys.map(key => store.getSync!(key))
      this.#spent(clock.monotonic() - began, found)
      this.#answer(question, found)
    } catch (error) {
      this.#skip(question, this.failed(error))
    }
    return question.loads
  }

  /** What is asked for in one turn goes to the medium as one question. */
  getMany(wanted: readonly Wanted[], ms = this.#options.policy.readTimeoutMs): Promise<Load<Found<V>>[]> {
    const question = this.#question(wanted)
    if (question.keys.length === 0) return Promise.resolve(question.loads)
    return new Promise(resolve => {
      this.#asked.push({ question, ms, answered: () => resolve(question.loads) })
      if (this.#asked.length === 1) queueMicrotask(() => void this.#ask())
    })
  }

  /** The same of what was asked before and may be there by now: what is not counts once. */
  async getManyAgain(wanted: readonly Wanted[], ms?: number): Promise<Load<Found<V>>[]> {
    const loads = await this.getMany(wanted, ms)
    for (const { kind } of loads) if (kind === 'miss') this.#options.counts.misses--
    return loads
  }

  /** Whether it would be found. Not counted; false when the medium cannot be asked. */
  async has(id: string): Promise<boolean> {
    return (await this.peek(id)) !== undefined
  }

  /** What would be found. Not counted; undefined when the medium cannot be asked. */
  async peek(id: string): Promise<Found<V> | undefined> {
    try {
      const key = this.#options.codec.key(id)
      const pending = this.#options.pending(key)
      if (pending === undefined && !this.#breaker.enter()) return undefined
      const [found] = pending ? [pending] : await this.#read([key])
      if (pending === undefined) this.#breaker.succeeded()
      return this.#decode(id, key, found)
    } catch (error) {
      this.failed(error)
      return undefined
    }
  }

  failed(error: unknown): SkipReason {
    this.#breaker.failed()
    return this.#options.faults.failed('read', error)
  }

  /** What the medium takes to answer a question, ms; 0 before it is known. */
  get answerMs(): number {
    return this.#answerMs ?? 0
  }

  #took(ms: number): void {
    const before = this.#answerMs ?? ms
    this.#answerMs = ms < before ? ms : (1 - SHARE) * before + SHARE * ms
  }

  #spent(ms: number, found: readonly unknown[]): void {
    const { times } = this.#options
    let had = 0
    for (const one of found) if (one !== undefined) had++
    times.spentMicros += 1000 * ms
    if (had === 0) return
    const micros = (1000 * ms) / found.length
    const usual = this.#usualMicros
    // The first question opens files, and finds nothing in the memory of the system: the next ones are what a read is like.
    this.#usualMicros = usual === undefined ? Number.POSITIVE_INFINITY : nearer(usual, Math.max(1, micros))
    if (usual === undefined) return
    times.reads += had
    times.readMicros += had * Math.min(micros, MOST_USUAL * this.#usualMicros)
  }

  /** Answers what needs no medium: what is yet to be written, and all of it while the medium is left alone. */
  #question(wanted: readonly Wanted[]): Question<V> {
    const { codec, pending } = this.#options
    const question: Question<V> = { wanted, loads: new Array(wanted.length), keys: [], places: [] }
    for (let place = 0; place < wanted.length; place++) {
      const one = wanted[place]!
      try {
        one.key ??= codec.key(one.id)
        const bytes = pending(one.key)
        if (bytes === undefined) {
          question.keys.push(one.key)
          question.places.push(place)
        } else question.loads[place] = this.#count(this.#decode(one.id, one.key, bytes))
      } catch (error) {
        question.loads[place] = this.#skipped(this.failed(error))
      }
    }
    if (question.keys.length > 0 && !this.#breaker.enter()) {
      this.#skip(question, 'breaker')
      question.keys.length = 0
    }
    return question
  }

  async #ask(): Promise<void> {
    const asked = this.#asked
    this.#asked = []
    const { clock, store } = this.#options
    const began = clock.monotonic()
    const isConnected = store.status?.state !== 'connecting'
    try {
      // Who has less time left than others of this turn waits with them.
      const ms = asked.reduce<number | undefined>((most, one) => one.ms && Math.max(most ?? 0, one.ms), undefined)
      const found = await this.#read(
        asked.flatMap(({ question }) => question.keys),
        ms,
      )
      const took = clock.monotonic() - began
      if (isConnected) this.#took(took)
      this.#spent(took, found)
      let from = 0
      for (const { question } of asked) {
        this.#answer(question, found.slice(from, from + question.keys.length))
        from += question.keys.length
      }
    } catch (error) {
      const why = this.failed(error)
      for (const { question } of asked) this.#skip(question, why)
    }
    for (const { answered } of asked) answered()
  }

  async #read(
    keys: readonly Key[],
    ms = this.#options.policy.readTimeoutMs,
  ): Promise<readonly (Uint8Array | undefined)[]> {
    const { store, timer } = this.#options
    return within(ms, (call?: CallOptions) => store.getMany(keys, call), timer).then(found => {
      if (Array.isArray(found) && found.length === keys.length) return found
      throw new Error(
        `it answered ${Array.isArray(found) ? found.length : 'no list of'} values for ${keys.length} keys`,
      )
    })
  }

  #answer({ wanted, loads, keys, places }: Question<V>, found: readonly (Uint8Array | undefined)[]): void {
    this.#breaker.succeeded()
    const room = this.#options.policy.sealed && new Room(found)
    for (let i = 0; i < keys.length; i++) {
      loads[places[i]!] = this.#count(this.#decode(wanted[places[i]!]!.id, keys[i]!, found[i], room))
    }
  }

  #skip({ loads, places }: Question<V>, why: SkipReason): void {
    for (const place of places) loads[place] = this.#skipped(why)
  }

  #skipped(why: SkipReason): Load<never> {
    this.#options.counts.skipped++
    return { kind: 'skipped', why }
  }

  #count(found: Found<V> | undefined): Load<Found<V>> {
    const { counts } = this.#options
    if (found === undefined) {
      counts.misses++
      return MISS
    }
    counts.hits++
    return { kind: 'hit', value: found }
  }

  /** The value in what a store answered, which is believed to be bytes only after a look. */
  #decode(id: string, key: Key, answer: unknown, room?: Room): Found<V> | undefined {
    if (answer === undefined || answer === null) return undefined
    const { codec, policy, counts, faults } = this.#options
    const { sealed } = policy
    const bytes = sealed
      ? isUint8Array(answer)
        ? unseal(sealed, key, answer, room?.take(answer.length))
        : undefined
      : (answer as Uint8Array)
    if (bytes !== undefined) {
      const found = codec.decode(id, bytes)
      if (!sealed || found === undefined || codec.isPossible?.(found.value) !== false) return found
    }
    counts.damaged++
    faults.tell('read', 'damaged', 'it answers with something that was not stored under that key')
    return undefined
  }
}

/** Memory for the copies of all values of a question: one allocation, where each by itself would keep the garbage collector busy. */
class Room {
  readonly #bytes: Uint8Array
  #next = 0

  constructor(found: readonly unknown[]) {
    let total = 0
    for (const value of found) if (isUint8Array(value)) total += rounded(value.length)
    this.#bytes = new Uint8Array(total)
  }

  /** Undefined where a value has grown since it was counted. */
  take(length: number): Uint8Array | undefined {
    const from = this.#next
    this.#next += rounded(length)
    return this.#next > this.#bytes.length ? undefined : this.#bytes.subarray(from, from + length)
  }
}

/** Numbers within a value are read where they lie. */
function rounded(length: number): number {
  return (length + 7) & ~7
}

/** A step from what was usual towards what was measured, and not beyond it. */
function nearer(usual: number, measured: number): number {
  if (usual === Number.POSITIVE_INFINITY) return measured
  return measured < usual ? Math.max(measured, usual / STEP) : Math.min(measured, usual * STEP)
}
