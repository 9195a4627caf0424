// Traces of several processes as one list in the order of time, at the part of the keys that is in all of them. Pure.
import { type OneRequest, RequestList } from './request-list.js'
import { KEY_SPAN, type Requests, type Trace } from './requests.js'

/**
 * Holds the requests a second time while it lasts. `cache`: those of this place in CACHE_ORDER alone. `keeps`: those that it says yes to alone; it
 * is handed one object, filled anew.
 */
export function mergeTraces(
  traces: readonly Trace[],
  cache?: number,
  keeps: (one: Readonly<OneRequest>) => boolean = () => true,
): { readonly requests: Requests; readonly rate: number } {
  const rate = Math.min(1, ...traces.map(trace => trace.rate))
  const threshold = rate * KEY_SPAN
  const list = new RequestList()
  const queue = new Queue(traces.map(trace => trace.requests))
  const one = { at: 0, cache: 0, key: 0, bytes: 0, tokens: 0, cost: 0, micros: 0, outcome: 0 }
  for (let next = queue.next(); next !== undefined; next = queue.next()) {
    const { requests, row } = next
    one.key = requests.key[row]!
    one.cache = requests.cache[row]!
    if (one.key >= threshold || (cache !== undefined && one.cache !== cache)) continue
    one.at = requests.at[row]!
    one.bytes = requests.bytes[row]!
    one.tokens = requests.tokens[row]!
    one.cost = requests.cost[row]!
    one.micros = requests.micros[row]!
    one.outcome = requests.outcome[row]!
    if (keeps(one)) list.push(one)
  }
  return { requests: list.finish(), rate }
}

interface Head {
  readonly requests: Requests
  /** Of equal times the first list goes first. */
  readonly place: number
  row: number
}

/** A binary heap of lists by the time of their next request. */
class Queue {
  readonly #heap: Head[] = []
  #last: Head | undefined

  constructor(lists: readonly Requests[]) {
    for (const [place, requests] of lists.entries())
      if (requests.length > 0) this.#heap.push({ requests, place, row: 0 })
    for (let i = this.#heap.length >> 1; i >= 0; i--) this.#sink(i)
  }

  /** The next request, good until the next call. */
  next(): Readonly<Head> | undefined {
    const last = this.#last
    if (last) {
      // It is on top still.
      if (++last.row === last.requests.length) {
        const end = this.#heap.pop()!
        if (this.#heap.length > 0) this.#heap[0] = end
      }
      this.#sink(0)
    }
    this.#last = this.#heap[0]
    return this.#last
  }

  #sink(from: number): void {
    const heap = this.#heap
    for (let i = from; ; ) {
      let first = i
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && before(heap[child]!, heap[first]!)) first = child
      if (first === i) return
      const moved = heap[i]!
      heap[i] = heap[first]!
      heap[first] = moved
      i = first
    }
  }
}

function before(one: Head, other: Head): boolean {
  const [a, b] = [one.requests.at[one.row]!, other.requests.at[other.row]!]
  return a < b || (a === b && one.place < other.place)
}
