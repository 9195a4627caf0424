// Who computes what, for one tier over a medium that processes share: asks it, all that is asked for in one turn as one question, and lets
// go of every claim again, also of one that is answered when nobody waits for it any more. Computes nothing.
import type { CallOptions, Key, Store, Timer } from '../ports.js'
import type { LookUp } from './look-up.js'
import { within } from './within.js'

export interface TierClaimsOptions {
  readonly store: Store
  readonly timer: Timer
  /** Resolves when what was computed so far has reached the medium, or could not. */
  readonly written: () => Promise<void>
  /** The medium could not say. */
  readonly failed: (error: unknown) => void
}

/** Look-ups of one question, and who waits for what was said of them. */
interface Asked<V> {
  readonly lookUps: readonly LookUp<V>[]
  readonly ms: number | undefined
  readonly answered: (ours: readonly LookUp<V>[]) => void
}

export class TierClaims<V> {
  readonly #options: TierClaimsOptions
  /** Questions of this turn. */
  #asked: Asked<V>[] = []
  /** Keys of this turn that this process does not compute any more. */
  #released: Key[] = []
  /** Claims and releases that have begun. */
  readonly #underWay = new Set<Promise<void>>()

  constructor(options: TierClaimsOptions) {
    this.#options = options
  }

  /** Those that this process is to compute: all of them where the medium does not say so within `ms`. Does not reject. */
  claim(lookUps: readonly LookUp<V>[], ms: number | undefined): Promise<readonly LookUp<V>[]> {
    return new Promise(answered => {
      this.#asked.push({ lookUps, ms, answered })
      if (this.#asked.length === 1) queueMicrotask(() => void this.#ask())
    })
  }

  /** Resolves when nothing is claimed or let go of any more. What is claimed then stays so until its look-up is over. */
  async ended(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  async #ask(): Promise<void> {
    const { store, timer, failed } = this.#options
    const asked = this.#asked
    this.#asked = []
    const keys = asked.flatMap(({ lookUps }) => lookUps.map(({ key }) => key!))
    // They were all read before in one turn, so that they have about the same time left.
    const ms = asked.every(one => one.ms !== undefined) ? Math.max(...asked.map(one => one.ms!)) : undefined
    // Of a medium that was too late: what it says when nobody waits any more.
    let claims: Promise<readonly boolean[]> | undefined
    try {
      const claim = (call?: CallOptions) => {
        claims = new Promise(settle => settle(store.claimMany!(keys, call)))
        this.#follow(claims)
        return claims
      }
      const claimed = await within(ms, claim, timer)
      let from = 0
      for (const { lookUps, answered } of asked) {
        const said = claimed.slice(from, from + lookUps.length)
        from += lookUps.length
        answered(lookUps.filter((lookUp, i) => said[i] !== false && this.#take(lookUp)))
      }
    } catch (error) {
      failed(error)
      for (const { lookUps, answered } of asked) answered(lookUps)
      if (claims) this.#follow(claims.then(claimed => this.#release(keys.filter((_, i) => claimed[i] === true))))
    }
  }

  /** True. */
  #take(lookUp: LookUp<V>): boolean {
    if (lookUp.over) this.#letGo(lookUp.key!)
    else lookUp.letGo = () => this.#letGo(lookUp.key!)
    return true
  }

  /** Once what was computed has arrived: who waits for it looks for the value when it may be computed again. */
  #letGo(key: Key): void {
    this.#released.push(key)
    if (this.#released.length > 1) return
    this.#follow(
      Promise.resolve().then(async () => {
        const keys = this.#released
        this.#released = []
        await this.#options.written()
        await this.#release(keys)
      }),
    )
  }

  async #release(keys: readonly Key[]): Promise<void> {
    try {
      if (keys.length > 0) await this.#options.store.releaseMany?.(keys)
    } catch {
      // They end by themselves.
    }
  }

  /** It is waited for before the medium is closed. */
  #follow(work: Promise<unknown>): void {
    const done: Promise<void> = work.then(
      () => void this.#underWay.delete(done),
      () => void this.#underWay.delete(done),
    )
    this.#underWay.add(done)
  }
}
