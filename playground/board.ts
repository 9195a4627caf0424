// What was answered so far, as the panels draw it: rows, counts, times by source, the history of charts. Asks nothing.
import { batch, signal } from '@preact/signals'
import { largest } from '../look/heat.js'
import { SOURCES } from '../look/sources.js'
import { isOpDbusError, messageOf } from '../src/errors.js'
import type { Source } from '../src/public.js'
import { History, median } from './history.js'
import type { Outcome } from './look-up.js'
import { type Row, Rows } from './rows.js'
import type { Way } from './sources.js'

/** The latest times of one source: enough for a median, bounded. */
export const TIMES_KEPT = 200

interface Taken {
  /** A model was loaded for them. */
  readonly cold: boolean
  /** The way of what a source answers, as things are switched now. */
  readonly way: (source: Source) => Way
  /** When, in ms on the page's clock. */
  readonly wall: number
}

export class Board {
  readonly rows = new Rows()
  readonly counts = signal<Readonly<Partial<Record<Source, number>>>>({})
  /** The largest magnitude in any vector shown: what a heat strip's full colour means. */
  readonly scale = signal(0)
  /** Grows when something was answered: charts look at `history` then. */
  readonly answered = signal(0)
  readonly history = new History()
  readonly times: Partial<Record<Source, number[]>> = {}
  /** How long each line took when it was last computed. */
  readonly #computedMs = new Map<string, number>()
  /** Lines that a model was loaded for. */
  readonly #cold = new Set<string>()

  /**
   * Takes the outcomes of `chunk`, whose first line is row `at`. Throws what holds for every line and not for one alone.
   */
  take(at: number, chunk: readonly string[], outcomes: readonly Outcome[], { cold, way, wall }: Taken): void {
    const rows = outcomes.map((outcome, i) => rowOf(chunk[i]!, outcome, cold, way))
    const counts = { ...this.counts.peek() }
    const groups = new Map<Source, { count: number; ms: number }>()
    let scale = this.scale.peek()
    for (const { text, answer } of rows) {
      if (!answer) continue
      const { source, ms, vector } = answer
      scale = Math.max(scale, largest(vector))
      counts[source] = (counts[source] ?? 0) + 1
      const group = groups.get(source) ?? { count: 0, ms: 0 }
      groups.set(source, { count: group.count + 1, ms: group.ms + ms })
      if (cold) this.#cold.add(text)
      else this.#noteTime(text, source, ms)
    }
    for (const [source, { count, ms }] of groups) this.history.add({ at: wall, source, ms: ms / count, count, cold })
    batch(() => {
      this.rows.put(at, rows)
      this.counts.value = counts
      this.scale.value = scale
      this.answered.value++
    })
  }

  /** What computing `text` takes, without loading a model; undefined where not known. */
  computingMs(text: string): number | undefined {
    // Of a line that loaded the model what another one took: loading is no computing.
    return this.#computedMs.get(text) ?? (this.#cold.has(text) ? median(this.times.computed ?? []) : undefined)
  }

  /** Other caches answer from now on: counts and times of the ones before are not theirs. What is shown stays. */
  restart(): void {
    this.#computedMs.clear()
    this.#cold.clear()
    for (const source of SOURCES) delete this.times[source]
    batch(() => {
      this.counts.value = {}
      this.answered.value++
    })
  }

  clear(): void {
    this.history.clear()
    batch(() => {
      this.rows.begin([])
      this.scale.value = 0
      this.restart()
    })
  }

  #noteTime(text: string, source: Source, ms: number): void {
    const times = this.times[source] ?? []
    this.times[source] = times
    times.push(ms)
    if (times.length > TIMES_KEPT) times.shift()
    if (source === 'computed') this.#computedMs.set(text, ms)
  }
}

function rowOf(text: string, outcome: Outcome, cold: boolean, way: Taken['way']): Row {
  if ('answer' in outcome) return { text, answer: outcome.answer, way: way(outcome.answer.source), cold }
  // What holds for every line ends the run; what holds for one is said in its row.
  if (!isOpDbusError(outcome.error, 'EMBEDDER_FAILED')) throw outcome.error
  return { text, error: messageOf(outcome.error) }
}
