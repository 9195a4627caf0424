// What happened lately, for pictures and the list of events: texts a second out of counters, times of single look-ups, events in words.
// Bounded. No clock of its own.

import { SOURCES } from '../look/sources.js'
import type { Source } from '../src/public.js'
import type { DaemonStats, LiveLookup } from '../src/server/api.js'

export interface Rate {
  /** Unix ms, on the daemon's clock. */
  readonly at: number
  /** Texts a second since the one before. */
  readonly perSecond: number
}

export interface Dot {
  readonly at: number
  readonly source: Source
  readonly ms: number
}

/** How far back pictures go, ms. */
export const WINDOW_MS = 120_000
const MOST_DOTS = 1_500

export class History {
  readonly rates: Rate[] = []
  readonly dots: Dot[] = []
  #before: { readonly at: number; readonly rows: number; readonly started: number } | undefined

  takeStats({ now, started, rows }: Pick<DaemonStats, 'now' | 'started' | 'rows'>): void {
    const all = SOURCES.reduce((sum, source) => sum + rows[source], 0)
    const before = this.#before
    // Counters of a daemon that was started anew begin at 0.
    if (before && before.started === started && now > before.at) {
      this.rates.push({ at: now, perSecond: (1000 * Math.max(0, all - before.rows)) / (now - before.at) })
    } else if (before && before.started !== started) this.clear()
    this.#before = { at: now, rows: all, started }
    drop(this.rates, now)
  }

  /** `at`: when they were told of, on the daemon's clock. */
  takeLookups(lookups: readonly LiveLookup[], at: number): void {
    for (const { cache, source, micros } of lookups) {
      if (cache === 'embeddings' && source !== undefined) this.dots.push({ at, source, ms: micros / 1000 })
    }
    drop(this.dots, at)
    if (this.dots.length > MOST_DOTS) this.dots.splice(0, this.dots.length - MOST_DOTS)
  }

  clear(): void {
    this.rates.length = 0
    this.dots.length = 0
    this.#before = undefined
  }
}

function drop(list: { readonly at: number }[], now: number): void {
  const first = list.findIndex(one => one.at > now - WINDOW_MS)
  list.splice(0, first < 0 ? list.length : first)
}
