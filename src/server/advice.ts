// The advice of `op-dbus cache tune`, for whoever asks the daemon: worked out for all who ask at once, and not again for a while.
import type { AdviceReport, NoAdvice } from '../tuning/report.js'

type Advice = AdviceReport | NoAdvice

export interface AdvisorParts {
  /** Works the advice out, on a thread of its own. */
  readonly advise: () => Promise<Advice>
  /** Monotonic, ms. */
  readonly now: () => number
  /** Resolves after so many ms; does not keep the process alive. */
  readonly wait: (ms: number) => Promise<void>
}

/** An advice is good for so long, ms, and for so many times as long as it took: of a long trace that is more. */
const FRESH_MS = 60_000
const FRESH_TIMES = 20
/** Who asks waits so long for one; then for the next question, ms. */
const PATIENCE_MS = 2_000

export class Advisor {
  readonly #parts: AdvisorParts
  /** `until`: it is good before that. */
  #last: { readonly advice: Advice; readonly until: number } | undefined
  #underWay: Promise<void> | undefined
  /** Grows when what was worked out, or is being, is of no use any more. */
  #era = 0

  constructor(parts: AdvisorParts) {
    this.#parts = parts
  }

  /** What is known: an older one where the new one takes its time. Never rejects. */
  async advice(): Promise<Advice> {
    const { now, wait } = this.#parts
    if (this.#last === undefined || now() >= this.#last.until) {
      this.#underWay ??= this.#workOut()
      await Promise.race([this.#underWay, wait(PATIENCE_MS)])
    }
    return (
      this.#last?.advice ?? {
        available: false,
        reason: 'The advice is being worked out from the trace: it is here in a moment.',
      }
    )
  }

  /** What is recorded has changed: the next question has it worked out anew. */
  forget(): void {
    this.#era++
    this.#last = undefined
    this.#underWay = undefined
  }

  async #workOut(): Promise<void> {
    const era = this.#era
    const { now } = this.#parts
    const from = now()
    const advice = await this.#parts.advise().catch(
      (): NoAdvice => ({
        available: false,
        reason: 'The trace could not be read. On this machine `op-dbus cache tune` says why.',
      }),
    )
    if (era !== this.#era) return
    this.#last = { advice, until: now() + Math.max(FRESH_MS, FRESH_TIMES * (now() - from)) }
    this.#underWay = undefined
  }
}
