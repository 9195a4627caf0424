// Loads embeddings into memory by their names on disk, before anybody asks for them: in the order in which they lie, in short turns, within
// what memory has room for. Computes nothing, and counts nothing as a look-up.
import { Scratch } from '../../cache/scratch.js'
import { WarmTier } from '../../cache/warm-tier.js'
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import type { OpenedEmbeddings } from '../../caches/embedding-cache.js'
import { EmbeddingPool } from '../../caches/embedding-pool.js'
import { decodeVec } from '../../caches/embedding-record.js'
import type { Clock, Embedding, Key } from '../../ports.js'
import type { SegmentStore } from '../../stores/segments.js'

/** What it is read from. */
export type AheadStore = Pick<SegmentStore, 'placesOf' | 'getManySync'>

/** How long it keeps the thread at once, ms: as long as a few requests. */
const TURN_MS = 0.5
/** Names that are looked for in the index in one turn, and records that are read in one call at first. */
const PLACED = 512
const FIRST_READ = 32
const MOST_READ = 512
/** Digests of texts worked out in one turn. */
const DIGESTED = 256

export interface LoadAhead {
  readonly entries: number
  readonly bytes: number
  readonly ms: number
  /** Names of what is not there: deleted, let go, of another space. */
  readonly gone: number
  /** What memory had already. */
  readonly there: number
  /** What there was room for and no time. */
  readonly left: readonly Key[]
  readonly stoppedBy?: 'bytes' | 'time' | 'close' | 'error'
  /** What the disk said. */
  readonly error?: unknown
}

export interface LoadAheadCall {
  readonly clock: Pick<Clock, 'monotonic'>
  /** How long it may take, ms. */
  readonly budgetMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Loads `keys`, the last used first: the first of them, where there is not room for all. What is asked for meanwhile goes before it.
 * What the disk says is told (`error`), and what was loaded by then stays.
 */
export async function loadAhead(
  opened: OpenedEmbeddings,
  store: AheadStore,
  keys: readonly Key[],
  { clock, budgetMs, signal }: LoadAheadCall,
): Promise<LoadAhead> {
  const began = clock.monotonic()
  const ahead = aheadOf(opened)
  const memory = opened.cache.memory
  const known = new Set(await memoryKeys(opened))
  const wanted = keys.filter(key => !known.has(key))
  ahead.plan(wanted)
  memory.fitAhead()
  const planned = wanted.filter(key => ahead.awaits(key))
  const reading = new Reading(store, ahead, opened.embedder.dims, clock)
  let stoppedBy: LoadAhead['stoppedBy'] = planned.length < wanted.length ? 'bytes' : undefined
  let error: unknown
  try {
    const inOrder = await reading.inFileOrder(planned)
    while (ahead.awaited > 0 && reading.at < inOrder.length) {
      if (signal?.aborted || clock.monotonic() - began > budgetMs) {
        stoppedBy = signal?.aborted ? 'close' : 'time'
        break
      }
      reading.next(inOrder)
      await reading.turn()
    }
  } catch (thrown) {
    stoppedBy = 'error'
    error = thrown
  }
  const left = planned.filter(key => ahead.awaits(key))
  for (const key of left) ahead.giveUp(key)
  const { entries, gone } = reading
  return {
    entries,
    bytes: entries * ahead.entryBytes,
    gone,
    there: keys.length - wanted.length,
    left,
    ms: clock.monotonic() - began,
    ...(stoppedBy && { stoppedBy }),
    ...(stoppedBy === 'error' && { error }),
  }
}

/** What memory has for entries that are loaded ahead; made with the first. */
function aheadOf({ cache, embedder, keyOf }: OpenedEmbeddings): WarmTier<Embedding> {
  const { memory } = cache
  if (memory.ahead instanceof WarmTier) return memory.ahead as WarmTier<Embedding>
  const { dims } = embedder
  const nothing: Embedding = { vector: new Float32Array(dims), tokens: 0, truncated: false, device: 'cpu' }
  // As much as an entry with a text of 64 characters, which is how long its name is.
  const entryBytes = memory.bytesOf('x'.repeat(64), nothing)
  const ahead = new WarmTier<Embedding>({ keyOf: keyOf!, pool: new EmbeddingPool(dims), entryBytes })
  memory.ahead = ahead
  return ahead
}

/** Entries of memory that were loaded ahead: how many were asked for since. */
export function usedAhead({ cache }: OpenedEmbeddings): number {
  return cache.memory.ahead instanceof WarmTier ? cache.memory.ahead.used : 0
}

/** Names on disk of what memory holds, those first that it would give up last; what was loaded ahead and not asked for yet comes last. */
export async function memoryKeys(opened: OpenedEmbeddings, most = Number.POSITIVE_INFINITY): Promise<Key[]> {
  const { cache, keyOf } = opened
  const ids: string[] = []
  cache.eachEntry(most, id => ids.push(id))
  const keys: Key[] = []
  for (let from = 0; from < ids.length; from += DIGESTED) {
    for (const id of ids.slice(from, from + DIGESTED)) keys.push(keyOf!(id))
    if (from + DIGESTED < ids.length) await yieldToEventLoop()
  }
  const { ahead } = cache.memory
  if (!(ahead instanceof WarmTier)) return keys
  const all = new Set(keys)
  for (const key of ahead.keys()) {
    if (all.size >= most) break
    all.add(key as Key)
  }
  return [...all]
}

/** What is read and put in, some at a time. */
class Reading {
  entries = 0
  gone = 0
  /** Where it is among what is read. */
  at = 0
  readonly #store: AheadStore
  readonly #ahead: WarmTier<Embedding>
  readonly #dims: number
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #scratch = new Scratch()
  #part = FIRST_READ
  #turnEnds: number

  constructor(store: AheadStore, ahead: WarmTier<Embedding>, dims: number, clock: Pick<Clock, 'monotonic'>) {
    this.#store = store
    this.#ahead = ahead
    this.#dims = dims
    this.#clock = clock
    this.#turnEnds = clock.monotonic() + TURN_MS
  }

  /** Those of `keys` that are there, in the order in which they lie. */
  async inFileOrder(keys: readonly Key[]): Promise<Key[]> {
    const found: { readonly key: Key; readonly place: number }[] = []
    for (let from = 0; from < keys.length; from += PLACED) {
      const some = keys.slice(from, from + PLACED)
      const places = this.#store.placesOf(some)
      for (let i = 0; i < some.length; i++) {
        if (places[i]! > 0) found.push({ key: some[i]!, place: places[i]! })
        else this.#isGone(some[i]!)
      }
      await this.turn()
    }
    return found.sort((one, other) => one.place - other.place).map(({ key }) => key)
  }

  /** Reads the next ones and puts them in, within one turn: nobody clears or deletes in between. */
  next(inOrder: readonly Key[]): void {
    const some = inOrder.slice(this.at, this.at + this.#part)
    const began = this.#clock.monotonic()
    this.#scratch.reset()
    const values = this.#store.getManySync(some, this.#scratch)
    this.at += some.length
    for (let i = 0; i < some.length; i++) {
      const value = values[i] && decodeVec(values[i]!, this.#dims)
      if (value === undefined) this.#isGone(some[i]!)
      else if (this.#ahead.put(some[i]!, value)) this.entries++
    }
    // A cold disk takes a hundred times as long as a warm one.
    const took = this.#clock.monotonic() - began
    if (took < TURN_MS / 3) this.#part = Math.min(2 * this.#part, MOST_READ)
    else if (took > TURN_MS) this.#part = Math.max(1, this.#part >> 1)
  }

  /** Lets the event loop go on once the time of this turn is up. */
  async turn(): Promise<void> {
    if (this.#clock.monotonic() < this.#turnEnds) return
    await yieldToEventLoop()
    this.#turnEnds = this.#clock.monotonic() + TURN_MS
  }

  #isGone(key: Key): void {
    this.#ahead.giveUp(key)
    this.gone++
  }
}
