// A cache of plugins' answers that lives in simulated time, with and without prediction. Runs the predictors themselves, over a fake plugin.
import { Diagnostics, type PrefetchedEvent } from '../../../src/diagnostics.js'
import type { Timer } from '../../../src/ports.js'
import { Budget } from '../../../src/tuning/predict/budget.js'
import { Predictor } from '../../../src/tuning/predict/predictor.js'
import { QueryForesight } from '../../../src/tuning/predict/queries.js'

/** Time in ms that passes from one thing to be done to the next. What promises do in between is waited for. */
export class Time {
  now = 0
  #due: { at: number; run: () => void }[] = []

  readonly clock = { now: () => this.now, monotonic: () => this.now }

  readonly timer: Timer = (ms, run) => {
    const one = { at: this.now + ms, run }
    this.#due.push(one)
    return () => {
      this.#due = this.#due.filter(other => other !== one)
    }
  }

  async until(at: number): Promise<void> {
    for (;;) {
      const next = this.#due.reduce<{ at: number; run: () => void } | undefined>(
        (one, other) => (one === undefined || other.at < one.at ? other : one),
        undefined,
      )
      if (next === undefined || next.at > at) break
      this.#due = this.#due.filter(other => other !== next)
      this.now = Math.max(this.now, next.at)
      next.run()
      await settled()
    }
    this.now = Math.max(this.now, at)
  }

  after(ms: number): Promise<void> {
    return new Promise(resolve => this.timer(ms, resolve))
  }
}

/** What has been settled is told to whoever waits. */
async function settled(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve()
}

export interface Ask {
  readonly at: number
  readonly id: string
  /** What was held of it goes before. */
  readonly invalidates?: boolean
}

export interface Simulated {
  /** ms that each ask waited. */
  readonly waits: readonly number[]
  /** ms of the plugin, for whomever. */
  readonly computedMs: number
  readonly computations: number
  readonly events: readonly PrefetchedEvent[]
  readonly warnings: readonly string[]
  readonly states: readonly ReturnType<Predictor['state']>[]
}

/** Plays `asks`, in order of time, against plugins that take `costMs(id, n)`; `mode` off: a plain cache with a TTL. */
export async function play(
  asks: readonly Ask[],
  {
    ttlMs,
    costMs,
    mode,
  }: { ttlMs: number; costMs: (id: string, n: number) => number; mode: 'off' | 'conservative' | 'eager' },
): Promise<Simulated> {
  const time = new Time()
  const events: PrefetchedEvent[] = []
  const warnings: string[] = []
  const diagnostics = new Diagnostics({ onWarning: message => warnings.push(message) })
  diagnostics.on('prefetched', event => events.push(event))
  const held = new Map<string, number>()
  const underWay = new Map<string, { promise: Promise<void>; stale: boolean }>()
  let computedMs = 0
  let computations = 0
  const leftMs = (id: string) => {
    const left = (held.get(id) ?? 0) - time.now
    return left > 0 ? left : undefined
  }
  const budget = new Budget()
  const parts = { cache: 'queries', budget, clock: time.clock, diagnostics } as const
  const refresh = new Predictor({ ...parts, name: 'refresh-ahead' })
  const successors = mode === 'eager' ? new Predictor({ ...parts, name: 'query-successors' }) : undefined
  const foresight =
    mode === 'off'
      ? undefined
      : new QueryForesight({ ...time, clock: time.clock, timer: time.timer, budget, refresh, successors, leftMs })
  const compute = (id: string, signal?: AbortSignal) => {
    const one = { stale: false, promise: Promise.resolve() }
    const began = time.now
    const ms = costMs(id, computations++)
    computedMs += ms
    one.promise = time.after(ms).then(() => {
      if (underWay.get(id) === one) underWay.delete(id)
      foresight?.computed(id, 1000 * (time.now - began), ttlMs)
      if (!one.stale) held.set(id, time.now + ttlMs)
      if (signal?.aborted) throw new Error('aborted')
    })
    underWay.set(id, one)
    return one.promise
  }
  const waits: number[] = []
  for (const [i, { at, id, invalidates }] of asks.entries()) {
    // What is asked for in one turn comes before whatever waits for the next.
    if (at > time.now) await time.until(at)
    if (invalidates) {
      held.delete(id)
      const one = underWay.get(id)
      if (one) one.stale = true
      underWay.delete(id)
      foresight?.dropped(id)
    }
    if (leftMs(id) !== undefined) {
      foresight?.hit(id)
      waits[i] = 0
      continue
    }
    foresight?.missed(id, signal => (underWay.has(id) ? undefined : compute(id, signal)), false)
    void (underWay.get(id)?.promise ?? compute(id)).then(
      () => (waits[i] = time.now - at),
      () => (waits[i] = time.now - at),
    )
    await settled()
  }
  await time.until(time.now + 10 * ttlMs)
  foresight?.close()
  const states = [refresh, ...(successors ? [successors] : [])].map(predictor => predictor.state())
  return { waits, computedMs, computations, events, warnings, states }
}
