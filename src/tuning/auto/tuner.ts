// Moves memory between caches and switches their policies, within the bytes that they started with together. One change at a time: each is tried,
// and taken back where it did not pay. Knows no clock but the one it is handed, and no cache but by `TunableMemory`.
import type { NewPolicy, PolicyName } from '../../cache/eviction.js'
import type { Clock } from '../../ports.js'
import type { AutoState, TuningChange } from '../report.js'
import { alternatives, gain, type Move, moves, type Switch, switches } from './decide.js'
import { Patience } from './patience.js'
import { moveReason, type Reason, switchReason } from './reasons.js'
import { type Setting, sameSetting, type Watched } from './settings.js'
import { isOn, TunedCache } from './tuned-cache.js'

export interface AutoTunerOptions {
  readonly caches: readonly Watched[]
  readonly policies: Readonly<Partial<Record<PolicyName, NewPolicy>>>
  readonly clock: Clock
  /** Told of each change, after it was made. */
  readonly changed?: (change: TuningChange) => void
}

/** A period ends after a second, where there were enough requests, and else as soon as there are a few after ten. */
const SHORT_MS = 1000
const LONG_MS = 10_000
const ENOUGH_REQUESTS = 2000
const FEW_REQUESTS = 100

/** What has to be won, of all that requests would cost without memory, and in so many periods in a row. */
const MOVE_GAIN = 0.002
const MOVE_PERIODS = 2
/** With fewer requests it changes nothing. */
export const LEAST_REQUESTS = MOVE_PERIODS * FEW_REQUESTS
/** The same of a policy, of what the requests to that cache would cost. */
const SWITCH_GAIN = 0.01
const SWITCH_PERIODS = 3

/** Periods that a change is tried for: at least, and at most where what has grown is not full yet. */
const TRIAL = 2
const LONG_TRIAL = 8
/** A change has not paid where it saves less than before by more than this part of all costs; what is less may be chance. */
const NOISE = 0.003
/** The same where the cache itself saves less than its simulation says, by so much more than it did before. */
const DOUBT = 0.05

/**
 * Never worse than the start: where all changes so far have saved less than the setting of the start would have, by more than the first part of
 * all costs, that is what is set again, until what was lost is less than the second part.
 */
const MOST_BEHIND = 0.01
const RECOVERED = 0.005
/** What was long ago counts less: half after about 350 periods. */
const MEMORY = 1 - 1 / 500

/** Changes that are remembered. */
const MOST_CHANGES = 100

interface Trial {
  /** What is not tried again soon if it does not pay. */
  readonly key: string
  readonly before: ReadonlyMap<TunedCache, Setting>
  readonly grown: TunedCache | undefined
  readonly gap: number
  periods: number
}

export class AutoTuner {
  readonly #options: AutoTunerOptions
  readonly #policies: readonly PolicyName[]
  #caches: readonly TunedCache[] = []
  #waiting: readonly Watched[]
  readonly #changes: TuningChange[] = []
  #changeCount = 0
  #on = true
  #failed: string | undefined
  #patience = new Patience()
  #trial: Trial | undefined
  #began: number
  #seconds = 1
  /** Since the start, fading: what was saved more than the setting of the start would have, and what all requests would have cost. */
  #won = 0
  #total = 0
  #resting = false
  /** Of all costs, what simulations of the settings as they are save more than the caches do. */
  #gap = 0

  constructor(options: AutoTunerOptions) {
    this.#options = options
    this.#policies = Object.keys(options.policies) as PolicyName[]
    this.#waiting = options.caches
    this.#began = options.clock.monotonic()
    this.#join()
  }

  /** What all caches that are on may hold together. */
  get budgetBytes(): number {
    return this.#caches.reduce((sum, { start }) => sum + start.bytes, 0)
  }

  /** To be called about once a second; a period ends now and then, and then something may be changed. */
  moment(): void {
    this.#join()
    if (this.#caches.filter(cache => cache.nextMoment()).length > 0) {
      this.#leaveOut()
      this.#beginAnew()
    }
    const now = this.#options.clock.monotonic()
    const sampled = this.#caches.reduce((sum, cache) => sum + cache.sampled, 0)
    const elapsed = now - this.#began
    const over = (elapsed >= SHORT_MS && sampled >= ENOUGH_REQUESTS) || (elapsed >= LONG_MS && sampled >= FEW_REQUESTS)
    if (!over) return
    this.#began = now
    this.#seconds = elapsed / 1000
    this.#endPeriod()
  }

  state(): AutoState {
    return {
      on: this.#on,
      ...(this.#failed !== undefined && { failed: this.#failed }),
      budgetBytes: this.budgetBytes,
      usedBytes: this.#caches.reduce((sum, cache) => sum + cache.usedBytes, 0),
      shares: Object.fromEntries(this.#caches.map(({ name, now: { bytes, policy } }) => [name, { bytes, policy }])),
      changes: [...this.#changes].reverse(),
    }
  }

  /**
   * Ends for good, and puts everything back to where it started. True where that went well; else some caches stay as they are, within the budget.
   */
  giveUp(reason: string): boolean {
    this.#failed = reason
    try {
      this.#apply(this.#starts(), () => 'the tuner gave up', true)
      return true
    } catch {
      // What it gave up over may be one of the caches.
      return this.#caches.every(cache => sameSetting(cache.now, cache.start))
    } finally {
      this.close()
    }
  }

  /** Caches stay as they are. */
  close(): void {
    this.#on = false
    for (const cache of this.#caches) cache.close()
  }

  /** Caches that are on now, and were not before: the size of vectors is known with the first one. */
  #join(): void {
    const { policies, clock } = this.#options
    const on = this.#waiting.filter(isOn)
    if (on.length === 0) return
    this.#waiting = this.#waiting.filter(one => !on.includes(one))
    const now = () => clock.monotonic()
    this.#caches = [...this.#caches, ...on.map(one => new TunedCache(one, { policies, now }))]
    this.#beginAnew()
  }

  /** A cache that somebody has switched off stays off, and what it had is no part of the budget. */
  #leaveOut(): void {
    for (const cache of this.#caches.filter(({ watched }) => !isOn(watched))) {
      cache.close()
      this.#waiting = [...this.#waiting, cache.watched]
      this.#caches = this.#caches.filter(one => one !== cache)
    }
  }

  #starts(): Map<TunedCache, Setting> {
    return new Map(this.#caches.map(cache => [cache, cache.start]))
  }

  /** Where it starts is another: nothing of before is compared with it. */
  #beginAnew(): void {
    // Somebody else has given bytes or taken them: who has lent what to whom is not known any more. Policies stay.
    if (sum(this.#caches, ({ now }) => now.bytes) !== this.budgetBytes) {
      const back = this.#caches.map(cache => [cache, cache.sized(cache.start.bytes)] as const)
      this.#apply(new Map(back), () => 'a cache was given another size', false)
    }
    this.#trial = undefined
    this.#won = 0
    this.#total = 0
    this.#patience = new Patience()
    this.#compare()
  }

  #endPeriod(): void {
    for (const cache of this.#caches) cache.endPeriod()
    this.#patience.nextPeriod()
    const total = sum(this.#caches, cache => cache.measured.total)
    const better = sum(this.#caches, cache => cache.saved(cache.now) - cache.saved(cache.start))
    this.#won = MEMORY * this.#won + better
    this.#total = MEMORY * this.#total + total
    const paying = moves(this.#caches, this.budgetBytes).filter(one => gain(one) > MOVE_GAIN * total)
    const policies = switches(this.#caches, this.#policies).filter(
      ({ cache, won }) => won > 0 && won >= SWITCH_GAIN * cache.measured.total,
    )
    this.#patience.seen([...paying.map(keyOfMove), ...policies.map(keyOfSwitch)])
    const changed = this.#guard() || this.#judge(total) || this.#change(paying, policies)
    if (!changed && this.#trial === undefined) this.#gap = 0.8 * this.#gap + 0.2 * this.#gapNow(total)
  }

  /** Of all costs: how much better the simulations say that it is than it is. */
  #gapNow(total: number): number {
    return total > 0 ? sum(this.#caches, cache => cache.saved(cache.now) - cache.measured.actual) / total : 0
  }

  #guard(): boolean {
    if (this.#resting) this.#resting = this.#won < -RECOVERED * this.#total
    else if (this.#won < -MOST_BEHIND * this.#total) {
      this.#resting = true
      if (this.#trial) this.#patience.failed(this.#trial.key)
      this.#trial = undefined
      return this.#apply(
        this.#starts(),
        () => 'all changes together saved less than the setting of the start would have',
        true,
      )
    }
    return this.#resting
  }

  /** True while a change is tried, and where it was taken back. */
  #judge(total: number): boolean {
    const trial = this.#trial
    if (trial === undefined) return false
    trial.periods++
    if (trial.periods < TRIAL) return true
    const better = sum([...trial.before], ([cache, before]) => cache.saved(cache.now) - cache.saved(before))
    const doubt = this.#gapNow(total) - trial.gap
    if (better < -NOISE * total || doubt > DOUBT) {
      this.#trial = undefined
      this.#patience.failed(trial.key)
      const part = (100 * (doubt > DOUBT ? doubt : -better / total)).toFixed(1)
      const why = `it saved ${part} points less than ${doubt > DOUBT ? 'was to be expected' : 'before'}`
      return this.#apply(trial.before, () => why, true)
    }
    if (trial.grown?.isFull === false && trial.periods < LONG_TRIAL) return true
    this.#trial = undefined
    if (better > 0) this.#patience.paid(trial.key)
    // What it was before is compared no longer, and the next change may be made at once.
    return false
  }

  /** The move or the policy that pays best, where one has paid for long enough. */
  #change(moving: readonly Move[], policies: readonly Switch[]): boolean {
    const move = best(
      moving.filter(one => this.#patience.has(keyOfMove(one), MOVE_PERIODS)),
      gain,
    )
    const policy = best(
      policies.filter(one => this.#patience.has(keyOfSwitch(one), SWITCH_PERIODS)),
      ({ won }) => won,
    )
    if (policy && policy.won > (move ? gain(move) : 0)) {
      const { cache } = policy
      const after = new Map([[cache, cache.sized(cache.now.bytes, policy.policy)]])
      this.#try(keyOfSwitch(policy), undefined, after, switchReason(policy, this.#seconds))
      return true
    }
    if (move === undefined) return false
    const { from, to, bytes } = move
    const after = new Map([
      [from, from.sized(from.now.bytes - bytes)],
      [to, to.sized(to.now.bytes + bytes)],
    ])
    this.#try(keyOfMove(move), to, after, moveReason(move, this.#seconds))
    return true
  }

  #try(key: string, grown: TunedCache | undefined, after: ReadonlyMap<TunedCache, Setting>, why: Reason): void {
    const before = new Map([...after.keys()].map(cache => [cache, cache.now]))
    this.#trial = { key, before, grown, gap: this.#gap, periods: 0 }
    this.#apply(after, why, false)
  }

  /** What shrinks goes first, so that there is never more than the budget. True where anything was changed. */
  #apply(settings: ReadonlyMap<TunedCache, Setting>, why: Reason, undone: boolean): boolean {
    const made = [...settings]
      .filter(([cache, setting]) => !sameSetting(cache.now, setting))
      .sort(([one, first], [other, second]) => first.bytes - one.now.bytes - (second.bytes - other.now.bytes))
    const at = this.#options.clock.now()
    for (const [cache, setting] of made) {
      const before = cache.now
      cache.set(setting)
      const change = { at, cache: cache.name, why: why(cache.name), undone }
      if (before.bytes !== setting.bytes) {
        this.#tell({ ...change, what: 'capacity', from: String(before.bytes), to: String(setting.bytes) })
      }
      if (before.policy !== setting.policy) {
        this.#tell({ ...change, what: 'policy', from: before.policy, to: setting.policy })
      }
    }
    if (made.length > 0) this.#compare()
    return made.length > 0
  }

  /** Has each shadow simulate what may come next, and what was. */
  #compare(): void {
    for (const cache of this.#caches) {
      const before = this.#trial?.before.get(cache)
      cache.compare([
        cache.start,
        ...(before ? [before] : []),
        ...alternatives(cache, this.budgetBytes, this.#policies),
      ])
    }
  }

  /** Changes so far, those that are not remembered any more included. */
  get changeCount(): number {
    return this.#changeCount
  }

  #tell(change: TuningChange): void {
    this.#changeCount++
    this.#changes.push(change)
    if (this.#changes.length > MOST_CHANGES) this.#changes.shift()
    this.#options.changed?.(change)
  }
}

const keyOfMove = ({ from, to }: Move): string => `${from.name}>${to.name}`
const keyOfSwitch = ({ cache, policy }: Switch): string => `${cache.name}:${policy}`

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0)
}

function best<T>(items: readonly T[], of: (item: T) => number): T | undefined {
  return items.reduce<T | undefined>(
    (most, item) => (most !== undefined && of(most) >= of(item) ? most : item),
    undefined,
  )
}
