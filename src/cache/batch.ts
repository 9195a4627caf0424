// Many look-ups as one: distinct ids are looked up once, so many at a time, and each row is told as soon as it is known.
import { throwIfAborted } from '../errors.js'
import type { CallOptions, Clock, Source } from '../ports.js'
import { yieldToEventLoop } from './yield-to-event-loop.js'

/** A value and the tier that had it. The value is the shared one: copy it before handing it to a stranger. */
export interface Answer<V> {
  readonly value: V
  readonly source: Source
}

/** The ids of a batch, in order: an array, or something that makes each when it is asked for. May be asked twice. */
export interface Ids {
  readonly length: number
  at(index: number): string | undefined
}

/** Where a batch's results go: each index is told once, as soon as it is known, in any order. */
export interface BatchSink<V> {
  answer(index: number, answer: Answer<V>): void
  /** `index` asked for the same as `first`, which had to be computed and was told before. */
  same(index: number, first: number): void
  failed(index: number, error: unknown): void
}

export interface BatchCall extends CallOptions {
  /** How many loads of this call may be under way at once. Default 1,024. */
  readonly concurrency?: number
}

/** What a batch asks of the cache. */
export interface BatchParts<V> {
  lookUp(id: string): Answer<V> | Promise<Answer<V>>
  /** Marks an entry as used just now. */
  touch(id: string): void
  readonly clock: Clock
}

/** A long batch gives the event loop a turn at least this often, in ms. */
const TURN_MS = 5
const DEFAULT_CONCURRENCY = 1024

/** Runs a batch to its end. Rejects with ABORTED when the caller goes; rows that finished before were told. */
export async function runBatch<V>(ids: Ids, sink: BatchSink<V>, parts: BatchParts<V>, call: BatchCall): Promise<void> {
  const { clock } = parts
  const { signal, concurrency = DEFAULT_CONCURRENCY } = call
  const computed = new Map<string, Twins>()
  // Rows finish in any order, but are used in theirs: the first text of a batch is the first to be evicted.
  const settled = new Uint8Array(ids.length)
  let front = 0
  let underWay = 0
  let wake = () => {}
  const settle = async (twins: Twins, answer: Promise<Answer<V>>) => {
    underWay++
    const outcome = await answer.then(
      found => ({ found }),
      (error: unknown) => ({ error }),
    )
    if ('found' in outcome) {
      twins.state = 'answered'
      sink.answer(twins.first, outcome.found)
    } else {
      twins.error = outcome.error
      twins.state = 'failed'
      sink.failed(twins.first, outcome.error)
    }
    for (const index of twins.others) tellTwin(sink, index, twins)
    settled[twins.first] = 1
    for (; front < ids.length && settled[front] === 1; front++) parts.touch(ids.at(front)!)
    underWay--
    wake()
  }

  let turnAt = clock.monotonic() + TURN_MS
  for (let index = 0; index < ids.length; index++) {
    throwIfAborted(signal)
    const id = ids.at(index)!
    const twins = computed.get(id)
    if (twins !== undefined) {
      if (twins.state === 'waiting') twins.others.push(index)
      else tellTwin(sink, index, twins)
      settled[index] = 1
    } else {
      const answer = parts.lookUp(id)
      if (answer instanceof Promise) {
        const first: Twins = { first: index, others: [], state: 'waiting', error: undefined }
        computed.set(id, first)
        void settle(first, answer)
      } else {
        sink.answer(index, answer)
        if (front === index) front++
        else settled[index] = 1
      }
    }
    while (underWay >= concurrency) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    if (clock.monotonic() >= turnAt) {
      await yieldToEventLoop()
      turnAt = clock.monotonic() + TURN_MS
    }
  }
  while (underWay > 0) {
    await new Promise<void>(resolve => {
      wake = resolve
    })
  }
  throwIfAborted(signal)
}

/** The first index that had to compute an id, and those that asked for the same. */
interface Twins {
  readonly first: number
  readonly others: number[]
  state: 'waiting' | 'answered' | 'failed'
  error: unknown
}

function tellTwin<V>(sink: BatchSink<V>, index: number, twins: Twins): void {
  if (twins.state === 'answered') sink.same(index, twins.first)
  else sink.failed(index, twins.error)
}
