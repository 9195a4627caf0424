// The tuner of a running process: hands it the four caches, and tells what it changed. Decides nothing itself.
import type { TunableMemory } from '../../cache/memory-tap.js'
import type { Work } from '../../cache/savings.js'
import type { Config } from '../../config.js'
import type { Diagnostics } from '../../diagnostics.js'
import { messageOf } from '../../errors.js'
import type { CacheName, Clock, Timer, Warn } from '../../ports.js'
import type { Watched } from '../../tuning/auto/settings.js'
import { AutoTuner } from '../../tuning/auto/tuner.js'
import { USUAL_READ_MICROS } from '../../tuning/disk-reads.js'
import { POLICIES } from '../../tuning/policies.js'
import type { AutoState } from '../../tuning/report.js'
import { CACHE_ORDER } from '../../tuning/requests.js'

/** How often the tuner looks. */
const MOMENT_MS = 1000

export interface AutoTuningCall {
  readonly set: Readonly<Record<CacheName, TunableMemory & { work(): Pick<Work, 'reads' | 'readMicros'> }>>
  readonly config: Pick<Config, 'queryCacheTtl' | 'diffCacheTtl'>
  readonly clock: Clock
  readonly diagnostics: Diagnostics
  /** Must not keep the process alive. */
  readonly timer: Timer
}

export class AutoTuning {
  readonly #tuner: AutoTuner
  readonly #timer: Timer
  readonly #warn: Warn
  #cancel: (() => void) | undefined

  constructor({ set, config, clock, diagnostics, timer }: AutoTuningCall) {
    const ttls: Partial<Record<CacheName, number>> = { queries: config.queryCacheTtl, diffs: config.diffCacheTtl }
    const caches = CACHE_ORDER.map((name): Watched => {
      const ttl = ttls[name]
      return {
        name,
        memory: set[name],
        readMicros: () => {
          const { reads, readMicros } = set[name].work()
          return reads > 0 && readMicros > 0 ? readMicros / reads : USUAL_READ_MICROS
        },
        ...(ttl !== undefined && { ttlMs: 1000 * ttl }),
      }
    })
    this.#tuner = new AutoTuner({
      caches,
      policies: POLICIES,
      clock,
      changed: ({ at: _at, ...change }) => {
        if (diagnostics.tuned.heard) diagnostics.tuned.tell(change)
      },
    })
    this.#timer = timer
    this.#warn = diagnostics.warn
    this.#wait()
  }

  state(): AutoState {
    return this.#tuner.state()
  }

  /** Ends; the caches stay as they are. */
  async close(): Promise<void> {
    this.#cancel?.()
    this.#cancel = undefined
    this.#tuner.close()
  }

  #wait(): void {
    this.#cancel = this.#timer(MOMENT_MS, () => {
      try {
        this.#tuner.moment()
        this.#wait()
      } catch (error) {
        // Nobody is to lose an answer, or a process, over this.
        const reason = messageOf(error)
        const now = this.#tuner.giveUp(reason) ? 'are as they were set' : 'stay as they are now'
        this.#warn(`the tuner gave up, and the caches ${now}: ${reason}`, error)
      }
    })
  }
}
