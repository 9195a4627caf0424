// What was answered when: the hit rate of the last minute, and times by source. No clock of its own.
import type { Source } from '../src/public.js'

export interface Event {
  /** Milliseconds on the caller's clock. */
  readonly at: number
  readonly source: Source
  /** How long one text took. */
  readonly ms: number
  /** Texts that this event stands for. */
  readonly count: number
  /** A model was loaded for it: its time is no text's. */
  readonly cold?: boolean
}

const WINDOW_MS = 60_000

/** The most events kept: older ones go first. */
const MOST = 1_500

export class History {
  #events: Event[] = []

  add(event: Event): void {
    this.#events.push(event)
    // Cut in large steps: shifting an array one by one would cost its length each time.
    if (this.#events.length > 2 * MOST) this.#events = this.#events.slice(-MOST)
  }

  clear(): void {
    this.#events = []
  }

  /** Nothing was added since it was last cleared. */
  get empty(): boolean {
    return this.#events.length === 0
  }

  /** Events of the minute before `now`, oldest first. */
  since(now: number): readonly Event[] {
    return this.#events.filter(event => event.at > now - WINDOW_MS && event.at <= now).slice(-MOST)
  }

  /** Those of {@link since} whose time is that of a text. */
  timed(now: number): readonly Event[] {
    return this.since(now).filter(event => !event.cold)
  }

  /**
   * The hit rate of the minute before each second of the last minute: `[seconds ago (negative), rate or null]`, oldest
   * first. Null before the first look-up, and everywhere if the last minute had none.
   */
  rates(now: number, steps = 60): { readonly seconds: number[]; readonly rates: (number | null)[] } {
    const seconds: number[] = []
    const rates: (number | null)[] = []
    const quiet = this.recent(now).all === 0
    for (let step = -steps; step <= 0; step++) {
      const at = now + (step * WINDOW_MS) / steps
      let [hits, all] = [0, 0]
      for (const event of this.#events) {
        if (event.at > at || event.at <= at - WINDOW_MS) continue
        all += event.count
        if (event.source !== 'computed') hits += event.count
      }
      seconds.push((step * WINDOW_MS) / steps / 1000)
      rates.push(all > 0 && !quiet ? hits / all : null)
    }
    return { seconds, rates }
  }

  /** Hits and look-ups of the minute before `now`. */
  recent(now: number): { readonly hits: number; readonly all: number } {
    let [hits, all] = [0, 0]
    for (const { at, source, count } of this.#events) {
      if (at <= now - WINDOW_MS || at > now) continue
      all += count
      if (source !== 'computed') hits += count
    }
    return { hits, all }
  }
}

/** Middle of some numbers; undefined for none. */
export function median(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
