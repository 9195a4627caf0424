// Loads embeddings into memory by their names on disk, before anybody asks for them: in the order in which they lie, in short turns, within
// what memory has room for. Computes nothing, and counts nothing as a look-up.
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import type { Opened } from '../../caches/embedding-parts.js'
import { decodeVec, vecBytes } from '../../caches/embedding-record.js'
import type { Clock, Embedding } from '../../ports.js'
import type { SegmentStore } from '../../stores/segments.js'
import { countOf, NAME_BYTES, NameTable } from './names.js'
import { WarmTier } from './warm-tier.js'

/** What it is read from. */
export type AheadStore = Pick<SegmentStore, 'placesOf' | 'visitPackedSync' | 'packedRow' | 'stands'>

/** How long it keeps the thread at once, ms: ten thousand take some twenty such turns, so that few of the first requests find a cold memory. */
const TURN_MS = 0.25
/** Names that are looked for in the index in one turn, and records that are read in one call at first. */
const PLACED = 256
const FIRST_READ = 16
const MOST_READ = 512
/** Names that are moved in one turn. */
const MOVED = 4096
/** Digests of texts worked out in one turn. */
const DIGESTED = 256

export interface LoadAhead {
  readonly entries: number
  readonly bytes: number
  readonly ms: number
  /** Names of what is not there: deleted, let go, of another space. */
  readonly gone: number
  /** What memory had already, and names that were given twice. */
  readonly there: number
  readonly stoppedBy?: 'bytes' | 'time' | 'clear' | 'close' | 'error'
  /** What the disk said. */
  readonly error?: unknown
}

export interface LoadAheadCall {
  readonly clock: Pick<Clock, 'monotonic'>
  /** How long it may take, ms. */
  readonly budgetMs: number
  readonly signal?: AbortSignal | undefined
}

/** What is to be loaded. */
export interface AheadNames {
  /** Packed. */
  readonly names: Uint8Array
  /** Of each name, how many were used after it. Absent: as many as stand before it. */
  readonly ranks?: Uint32Array
  /** They are in the order in which their records lie, or nearly. */
  readonly inFileOrder?: boolean
}

/**
 * Loads what bears these names: those that were used last, where there is not room for all. What is asked for meanwhile goes before it. What the
 * disk says is told (`error`), and what was loaded by then stays.
 */
export async function loadAhead(
  opened: Opened,
  store: AheadStore,
  names: AheadNames,
  call: LoadAheadCall,
): Promise<LoadAhead> {
  const ahead = aheadOf(opened, store)
  // One at a time: numbers hold until the next plan.
  const before = underWay.get(ahead)
  const loading = (async () => {
    await before
    return load(opened, ahead, store, names, call)
  })()
  underWay.set(ahead, loading)
  return loading
}

const underWay = new WeakMap<WarmTier<Embedding>, Promise<unknown>>()

async function load(
  opened: Opened,
  ahead: WarmTier<Embedding>,
  store: AheadStore,
  wanted: AheadNames,
  { clock, budgetMs, signal }: LoadAheadCall,
): Promise<LoadAhead> {
  const began = clock.monotonic()
  const { clears } = ahead
  const inMemory = await memoryNames(opened)
  const known = new NameTable(countOf(inMemory))
  known.addAll(inMemory)
  const { memory } = opened.cache
  const { names, ranks, all } = firstOf(wanted, memory.capacity)
  const turns = new Turns(clock)
  const plan = await ahead.plan(names, ranks, known, () => turns.turn())
  memory.fitWarm()
  const reading = new Reading(store, ahead, plan, clock, turns)
  let stoppedBy: LoadAhead['stoppedBy'] = !all || ahead.awaited < countOf(plan.names) ? 'bytes' : undefined
  let error: unknown
  try {
    if (wanted.inFileOrder) reading.asTheyCome()
    else await reading.inFileOrder()
    while (reading.goesOn) {
      if (signal?.aborted || clock.monotonic() - began > budgetMs) {
        stoppedBy = signal?.aborted ? 'close' : 'time'
        break
      }
      reading.next()
      await turns.turn()
    }
  } catch (thrown) {
    stoppedBy = 'error'
    error = thrown
  }
  reading.leave()
  const isCleared = ahead.clears !== clears
  if (isCleared) stoppedBy = 'clear'
  const { entries, gone } = reading
  return {
    entries,
    bytes: entries * ahead.entryBytes,
    gone,
    there: isCleared ? 0 : countOf(names) - countOf(plan.names),
    ms: clock.monotonic() - began,
    ...(stoppedBy && { stoppedBy }),
    ...(stoppedBy === 'error' && { error }),
  }
}

/** Those of the names that were used last. */
function firstOf({ names, ranks }: AheadNames, most: number): { names: Uint8Array; ranks: Uint32Array; all: boolean } {
  const count = countOf(names)
  if (count <= most) return { names, ranks: ranks ?? inTurn(count), all: true }
  if (ranks === undefined) return { ...firstOf({ names: names.subarray(0, NAME_BYTES * most) }, most), all: false }
  const some = new Uint8Array(NAME_BYTES * most)
  const theirs = new Uint32Array(most)
  let next = 0
  for (let i = 0; i < count; i++) {
    if (ranks[i]! >= most) continue
    some.set(names.subarray(NAME_BYTES * i, NAME_BYTES * (i + 1)), NAME_BYTES * next)
    theirs[next++] = ranks[i]!
  }
  return { names: some, ranks: theirs, all: false }
}

/** 0, 1 and so on. */
function inTurn(count: number): Uint32Array<ArrayBuffer> {
  const numbers = new Uint32Array(count)
  for (let i = 0; i < count; i++) numbers[i] = i
  return numbers
}

/** What memory has for entries that are loaded ahead; made with the first. */
function aheadOf({ cache, embedder, keyOf }: Opened, store: AheadStore): WarmTier<Embedding> {
  const { bytes, valueAt } = store.packedRow
  const { memory } = cache
  if (memory.warm instanceof WarmTier) return memory.warm as WarmTier<Embedding>
  const { dims } = embedder
  const nothing: Embedding = { vector: new Float32Array(dims), tokens: 0, truncated: false, device: 'cpu' }
  // As much as an entry with a text of 64 characters, which is how long its name is.
  const entryBytes = memory.bytesOf('x'.repeat(64), nothing)
  const ahead = new WarmTier<Embedding>({
    keyOf: keyOf!,
    rowBytes: bytes,
    stands: (key, row) => store.stands(key, row),
    decode: row => decodeVec(row.subarray(valueAt, valueAt + vecBytes(dims)), dims),
    entryBytes,
  })
  memory.warm = ahead
  return ahead
}

/** Entries of memory that were loaded ahead: how many were asked for since. */
export function usedAhead({ cache }: Opened): number {
  return cache.memory.warm instanceof WarmTier ? cache.memory.warm.used : 0
}

/** Names on disk of what memory holds, packed, those first that it would give up last. */
async function memoryNames({ cache, keyOf }: Opened): Promise<Uint8Array> {
  const ids: string[] = []
  cache.eachEntry(Number.POSITIVE_INFINITY, id => ids.push(id))
  const names = Buffer.alloc(NAME_BYTES * ids.length)
  for (let i = 0; i < ids.length; i++) {
    names.write(keyOf!(ids[i]!), NAME_BYTES * i, 'hex')
    if (i % DIGESTED === DIGESTED - 1) await yieldToEventLoop()
  }
  return names
}

/**
 * What memory holds, as a list: the last used first, then what was loaded ahead and not asked for yet, then `rest`, which is packed. At most
 * `most` names, in the order in which `store` is best read. What is not on disk any more is left out.
 */
export async function hotNames(
  opened: Opened,
  store: AheadStore,
  rest: Uint8Array,
  most: number,
): Promise<{ readonly names: Uint8Array; readonly ranks: Uint32Array }> {
  const { warm: ahead } = opened.cache.memory
  const loaded = ahead instanceof WarmTier ? ahead.names() : new Uint8Array()
  const own = await memoryNames(opened)
  const all = Buffer.concat([own, loaded, rest])
  const table = new NameTable(Math.min(most, countOf(all)))
  for (let from = 0; from < countOf(all); from += MOVED) {
    table.addAll(all.subarray(NAME_BYTES * from, NAME_BYTES * (from + MOVED)))
    await yieldToEventLoop()
  }
  // What is still on its way to the disk comes last.
  const later: number[] = []
  const noteLater = (which: number) => {
    if (which < countOf(own)) later.push(which)
  }
  const placed = await fileOrder(store, table.names, noteLater, yieldToEventLoop)
  const order = new Uint32Array(placed.length + later.length)
  order.set(placed)
  order.set(later, placed.length)
  const names = new Uint8Array(NAME_BYTES * order.length)
  for (let i = 0; i < order.length; i++) {
    const from = NAME_BYTES * order[i]!
    names.set(table.names.subarray(from, from + NAME_BYTES), NAME_BYTES * i)
    if (i % MOVED === MOVED - 1) await yieldToEventLoop()
  }
  // Those that were left out have no rank.
  const rankOf = new Uint32Array(table.count)
  for (const which of order) rankOf[which] = 1
  for (let which = 0, rank = 0; which < rankOf.length; which++) if (rankOf[which] === 1) rankOf[which] = rank++
  return { names, ranks: order.map(which => rankOf[which]!) }
}

/** Which of `names` is read first, and so on; of those that are not there `isGone` is told. */
async function fileOrder(
  store: AheadStore,
  names: Uint8Array,
  isGone: (which: number) => unknown,
  turn: () => Promise<void>,
): Promise<Uint32Array<ArrayBuffer>> {
  const total = countOf(names)
  // Where it lies and which it is, in one number: so they are put in order without an object for each.
  const found = new Float64Array(total)
  let count = 0
  for (let from = 0; from < total; from += PLACED) {
    const places = store.placesOf(names.subarray(NAME_BYTES * from, NAME_BYTES * (from + PLACED)))
    for (let i = 0; i < places.length; i++) {
      if (places[i]! > 0) found[count++] = places[i]! * total + from + i
      else isGone(from + i)
    }
    await turn()
  }
  return Uint32Array.from(found.subarray(0, count).sort(), place => place % total)
}

/** Short ones, and between them whoever waits goes on. */
class Turns {
  readonly #clock: Pick<Clock, 'monotonic'>
  #ends: number

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
    this.#ends = clock.monotonic() + TURN_MS
  }

  /** Ends this turn where its time is up. */
  async turn(): Promise<void> {
    if (this.#clock.monotonic() < this.#ends) return
    await yieldToEventLoop()
    this.#ends = this.#clock.monotonic() + TURN_MS
  }
}

/** What is planned, read and put in, some at a time. */
class Reading {
  entries = 0
  gone = 0
  readonly #store: AheadStore
  readonly #ahead: WarmTier<Embedding>
  readonly #names: Uint8Array
  /** The number of the first of them. */
  readonly #first: number
  readonly #clock: Pick<Clock, 'monotonic'>
  /** Which of the names are read, in this order, and how many were. */
  #order = new Uint32Array(0)
  #at = 0
  #part = FIRST_READ
  readonly #turns: Turns

  constructor(
    store: AheadStore,
    ahead: WarmTier<Embedding>,
    { names, first }: { readonly names: Uint8Array; readonly first: number },
    clock: Pick<Clock, 'monotonic'>,
    turns: Turns,
  ) {
    this.#store = store
    this.#ahead = ahead
    this.#names = names
    this.#first = first
    this.#clock = clock
    this.#turns = turns
  }

  get goesOn(): boolean {
    return this.#at < this.#order.length && this.#ahead.awaited > 0
  }

  /** They are in that order already, or nearly. */
  asTheyCome(): void {
    this.#order = inTurn(countOf(this.#names))
  }

  /** Finds those that are there, and the order in which they lie. */
  async inFileOrder(): Promise<void> {
    this.#order = await fileOrder(
      this.#store,
      this.#names,
      which => this.#isGone(which),
      () => this.#turns.turn(),
    )
  }

  readonly #put = (i: number, count: number, rows: Uint8Array): void => {
    this.entries += this.#ahead.put(this.#order.subarray(i, i + count), this.#first, rows)
  }

  /** Reads the next ones and puts them in, within one turn: nobody clears or deletes in between. */
  next(): void {
    const from = this.#at
    const to = Math.min(from + this.#part, this.#order.length)
    const began = this.#clock.monotonic()
    const all = this.#store.visitPackedSync(this.#names, this.#order, from, to, this.#put)
    this.#at = to
    for (let i = from; !all && i < to; i++) this.#isGone(this.#order[i]!)
    // A cold disk takes a hundred times as long as a warm one.
    const took = this.#clock.monotonic() - began
    if (took < TURN_MS / 3) this.#part = Math.min(2 * this.#part, MOST_READ)
    else if (took > TURN_MS) this.#part = Math.max(1, this.#part >> 1)
  }

  /** Puts nothing in any more. */
  leave(): void {
    for (let i = 0; this.#ahead.awaited > 0 && i < countOf(this.#names); i++) this.#ahead.giveUp(this.#first + i)
  }

  /** One that was not put in. If it is awaited no more, it was, or memory has it from somebody else meanwhile. */
  #isGone(which: number): void {
    const number = this.#first + which
    if (!this.#ahead.awaits(number)) return
    this.gone++
    this.#ahead.giveUp(number)
  }
}
