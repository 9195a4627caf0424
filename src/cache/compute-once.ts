// One computation for each key among processes that share a medium, where computing is dear: who claims a key computes it, the others
// look for its value until it is there. Nobody waits long for one who died. Computes nothing itself; knows no medium.
import type { Clock, Load } from '../ports.js'
import type { LookUp } from './look-up.js'
import type { StoreTier } from './store-tier.js'
import type { Found } from './tier-reads.js'

export interface ComputeOnceActs<V> {
  /** Takes what the tier said of these, and returns those that it did not answer. */
  found(lookUps: readonly LookUp<V>[], loads: readonly Load<Found<V>>[]): readonly LookUp<V>[]
  compute(lookUps: readonly LookUp<V>[]): void
}

/** How soon it is looked whether another process has finished, and how seldom after a while, ms. */
const FIRST_LOOK_MS = 10
const LAST_LOOK_MS = 100
/** So many times what computing them here would take is waited for others, ms at least and at most. */
const PATIENCE = 4
const LEAST_WAIT_MS = 500
const MOST_WAIT_MS = 10_000
/** To claim, and to look once more. */
const QUESTIONS = 2
/** So many times what these take has computing to take. */
const WORTH = 2
/** How much a computation that took longer than those before counts: the first of a process loads the model as well. */
const SHARE = 0.1

export class ComputeOnce<V> {
  /** Of the tier. */
  readonly number: number
  readonly #tier: StoreTier<V>
  readonly #above: number
  readonly #clock: Pick<Clock, 'monotonic'>
  /** What a text takes to compute, ms; undefined before any was, and then it may take long. */
  #cost: number | undefined

  private constructor(number: number, tier: StoreTier<V>, above: number, clock: Pick<Clock, 'monotonic'>) {
    this.number = number
    this.#tier = tier
    this.#above = above
    this.#clock = clock
  }

  /** Undefined where no tier is shared by processes that could compute the same. */
  static over<V>(tiers: readonly StoreTier<V>[], clock: Pick<Clock, 'monotonic'>): ComputeOnce<V> | undefined {
    const number = tiers.findIndex(tier => tier.claims && tier.policy.claimAboveMs !== undefined)
    const tier = tiers[number]
    return tier && new ComputeOnce(number, tier, tier.policy.claimAboveMs!, clock)
  }

  /** Whether it pays to ask others first, of look-ups that the tiers did not answer, and whether there is time, of what began `began`. */
  pays(lookUps: readonly LookUp<V>[], began: number): boolean {
    if (!this.#tier.claims || !lookUps.some(lookUp => lookUp.hasMissed(this.number))) return false
    const { answerMs, policy } = this.#tier
    const left = (policy.readTimeoutMs ?? Number.POSITIVE_INFINITY) - (this.#clock.monotonic() - began)
    if (left < QUESTIONS * answerMs) return false
    if (this.#cost === undefined) return true
    return this.#cost >= this.#above && this.#cost * lookUps.length >= WORTH * QUESTIONS * answerMs
  }

  /** A text took so long to compute, ms. */
  took(ms: number): void {
    this.#cost = this.#cost === undefined || ms < this.#cost ? ms : (1 - SHARE) * this.#cost + SHARE * ms
  }

  /**
   * Look-ups that the tier missed: each is found, or computed here, or over because nobody waits for it any more. What they have waited
   * for the tier since `began`, and wait now to hear that nobody is at it, is together no more than one look at the tier may take.
   */
  async run(lookUps: readonly LookUp<V>[], began: number, { found, compute }: ComputeOnceActs<V>): Promise<void> {
    const now = () => this.#clock.monotonic()
    const { readTimeoutMs } = this.#tier.policy
    const until = now() + this.#patience(lookUps.length)
    let by = readTimeoutMs === undefined ? undefined : began + readTimeoutMs
    let rest = lookUps
    for (let pause = FIRST_LOOK_MS; ; pause = Math.min(2 * pause, LAST_LOOK_MS)) {
      const left = () => (by === undefined ? readTimeoutMs : by - now())
      const ours = new Set(await this.#tier.claim(rest, left()))
      // Whoever had a claim before has written the value before it let go, so only now it is seen.
      const open = found(rest, await this.#tier.getManyAgain(rest, left())).filter(({ over }) => !over)
      compute(open.filter(lookUp => ours.has(lookUp)))
      rest = open.filter(lookUp => !ours.has(lookUp))
      if (rest.length > 0 && now() < until) await this.#tier.pause(pause)
      else break
      rest = rest.filter(({ over }) => !over)
      by = undefined
    }
    compute(rest)
  }

  #patience(texts: number): number {
    const cost = this.#cost ?? MOST_WAIT_MS
    return Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, PATIENCE * cost * texts))
  }
}
