// How many padded tokens a batch may hold: found by trying, on batches that run anyway. Reads no clock and runs nothing.

import type { Device } from '../../ports.js'
import { isGpu } from '../devices/order.js'
import type { BudgetChoice } from '../protocol.js'

/** Budgets that are tried, in padded tokens, and the one that is begun with. */
const CANDIDATES = {
  cpu: { budgets: [256, 512, 1024, 2048, 4096], first: 1024 },
  gpu: { budgets: [1024, 2048, 4096, 8192, 16_384], first: 4096 },
} as const
/** Rounds in which every candidate is measured once. Its fastest run counts: whatever disturbs one makes it slower. */
const ROUNDS = 3
/** After the second round a candidate dearer than the best by this factor is out. */
const WORSE = 1.15
/** Full batches after which a candidate is out unmeasured: these texts do not fill it, or one alone is longer. */
const TRIES = 12
/** Of candidates this close to the best the smallest is taken: small batches answer earlier. */
const CLOSE = 1.05
/** Full batches after which it is all measured anew: what was found on a busy machine does not hold for ever. */
const AGAIN = 500

/** A batch that ran. */
export interface RanBatch {
  readonly device: Device
  /** What it was cut by, as {@link BatchBudget.next} said. */
  readonly budget: number
  /** Tokens that waited when it was cut, its own included. */
  readonly queued: number
  /** Rows times width. */
  readonly padded: number
  readonly ms: number
}

export interface BudgetOptions {
  /** The caller's own choice: nothing is tried. */
  readonly fixed?: number
  /** What an earlier worker found: that is begun with, and not measured soon. */
  readonly known?: Readonly<Partial<Record<Device, number>>>
}

/** The budgets of one model on whatever devices serve it, each measured for itself. */
export class BatchBudget {
  readonly #options: BudgetOptions
  readonly #searches = new Map<Device, Search>()

  constructor(options: BudgetOptions = {}) {
    this.#options = options
  }

  /** What the next batch may hold, where `queued` tokens wait. A candidate is tried only if it can be filled. */
  next(device: Device, queued: number): number {
    return this.#options.fixed ?? this.#search(device).next(queued)
  }

  /** The most that {@link next} may say now: so many tokens should be ready. */
  most(device: Device): number {
    return this.#options.fixed ?? this.#search(device).most
  }

  /** Notes what a batch took. Answers whenever a device's budget is found. */
  ran(batch: RanBatch): BudgetChoice | undefined {
    const { device } = batch
    if (this.#options.fixed !== undefined) return undefined
    const search = this.#search(device)
    return search.ran(batch) ? { device, tokens: search.best } : undefined
  }

  #search(device: Device): Search {
    let search = this.#searches.get(device)
    if (!search) {
      const { budgets, first } = CANDIDATES[isGpu(device) ? 'gpu' : 'cpu']
      const known = this.#options.known?.[device]
      search = new Search(budgets, known ?? first, known !== undefined)
      this.#searches.set(device, search)
    }
    return search
  }
}

/** Goes round the candidates, so that a machine that is busy for a while disturbs all of them alike. */
class Search {
  readonly #budgets: readonly number[]
  /** Still in the race, in the order in which they are tried: the best so far, those below it, those above it. */
  #candidates: readonly number[] = []
  /** Milliseconds of a padded token, the least seen, by candidate. */
  readonly #cost = new Map<number, number>()
  #at = 0
  #round = 0
  #tries = 0
  #best: number
  /** Full batches since the budget was found. */
  #since = 0

  constructor(budgets: readonly number[], best: number, found: boolean) {
    this.#budgets = budgets
    this.#best = best
    if (!found) this.#begin()
  }

  /** The best so far. */
  get best(): number {
    return this.#best
  }

  get most(): number {
    return Math.max(this.#best, this.#candidate ?? 0)
  }

  next(queued: number): number {
    const candidate = this.#candidate
    return candidate !== undefined && queued >= candidate ? candidate : this.#best
  }

  /** True when the budget was found just now. */
  ran({ budget, queued, padded, ms }: RanBatch): boolean {
    // A batch that the queue could not fill says nothing about what is best for full ones.
    if (queued < budget) return false
    const candidate = this.#candidate
    if (candidate === undefined) {
      if (++this.#since >= AGAIN) this.#begin()
      return false
    }
    // What a budget cuts is more than half of it, unless the texts ran out or one alone is longer.
    if (budget === candidate && padded > budget / 2 && padded <= budget && ms > 0) {
      this.#cost.set(candidate, Math.min(this.#cost.get(candidate) ?? Infinity, ms / padded))
      this.#best = this.#choose()
      this.#move(this.#at + 1)
    } else if (++this.#tries >= TRIES) {
      this.#candidates = this.#candidates.filter(other => other !== candidate)
      this.#move(this.#at)
    }
    return this.#candidate === undefined
  }

  /** Undefined when the budget is found. */
  get #candidate(): number | undefined {
    return this.#candidates[this.#at]
  }

  #begin(): void {
    const best = this.#best
    const below = this.#budgets.filter(budget => budget < best).reverse()
    this.#candidates = [best, ...below, ...this.#budgets.filter(budget => budget > best)]
    this.#cost.clear()
    this.#at = 0
    this.#round = 0
    this.#since = 0
  }

  #move(to: number): void {
    this.#tries = 0
    this.#at = to
    if (to < this.#candidates.length) return
    this.#round++
    if (this.#round >= 2) this.#dropWorse()
    const [, other] = this.#candidates
    const over = this.#round >= ROUNDS || other === undefined
    // Past the last: nothing is tried any more.
    this.#at = over ? this.#candidates.length : 0
  }

  #dropWorse(): void {
    const limit = WORSE * Math.min(...this.#cost.values())
    this.#candidates = this.#candidates.filter(budget => this.#cost.get(budget)! <= limit)
  }

  #choose(): number {
    const limit = CLOSE * Math.min(...this.#cost.values())
    return Math.min(...[...this.#cost.keys()].filter(budget => this.#cost.get(budget)! <= limit))
  }
}
