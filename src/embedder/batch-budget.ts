// How many padded tokens a batch may hold: found by trying, on batches that run anyway. Reads no clock and runs nothing.

import type { Device } from '../ports.js'
import { isGpu } from './devices.js'

/** Budgets that are tried, in padded tokens, and the one that is begun with. */
const CANDIDATES = {
  cpu: { budgets: [256, 512, 1024, 2048, 4096], first: 1024 },
  gpu: { budgets: [1024, 2048, 4096, 8192, 16_384], first: 4096 },
} as const
/** Measurements of a candidate; the fastest counts, since whatever disturbs one makes it slower. */
const RUNS = 3
/** Full batches after which a candidate is left as it is: these texts do not fill it, or not at all. */
const TRIES = 12
/** A candidate dearer than the best by this factor ends the search in its direction. */
const WORSE = 1.15
/** Of candidates this close to the best the smallest is taken: small batches answer earlier. */
const CLOSE = 1.05

/** The budget that measuring led to. */
export interface BudgetChoice {
  readonly device: Device
  /** Padded tokens in a batch. */
  readonly tokens: number
}

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
  readonly fixed?: number | undefined
  /** What an earlier worker found. */
  readonly known?: Readonly<Partial<Record<Device, number>>> | undefined
}

/** The budgets of one model on whatever devices serve it; a device that takes over is measured anew. */
export class BatchBudget {
  readonly #options: BudgetOptions
  readonly #searches = new Map<Device, Search>()

  constructor(options: BudgetOptions = {}) {
    this.#options = options
  }

  /** What the next batch may hold, where `queued` tokens wait. A candidate is tried only if it can be filled. */
  next(device: Device, queued: number): number {
    return this.#set(device) ?? this.#search(device).next(queued)
  }

  /** The most that {@link next} may say now: so many tokens should be ready. */
  most(device: Device): number {
    return this.#set(device) ?? this.#search(device).most
  }

  /** Notes what a batch took. Answers once per device: when its budget is found. */
  ran(batch: RanBatch): BudgetChoice | undefined {
    const { device } = batch
    if (this.#set(device) !== undefined) return undefined
    const search = this.#search(device)
    return !search.settled && search.ran(batch) ? { device, tokens: search.best } : undefined
  }

  #set(device: Device): number | undefined {
    return this.#options.fixed ?? this.#options.known?.[device]
  }

  #search(device: Device): Search {
    const search = this.#searches.get(device) ?? new Search(CANDIDATES[isGpu(device) ? 'gpu' : 'cpu'])
    this.#searches.set(device, search)
    return search
  }
}

/** Walks from the first candidate down, then up, in each direction until it gets worse. */
class Search {
  readonly #budgets: readonly number[]
  readonly #first: number
  /** Milliseconds of a padded token, the least seen, by candidate. */
  readonly #cost = new Map<number, number>()
  #step: 1 | -1 = -1
  /** Index of the candidate that is tried; undefined when the budget is found. */
  #at: number | undefined
  #runs = 0
  #tries = 0
  #best: number

  constructor({ budgets, first }: { readonly budgets: readonly number[]; readonly first: number }) {
    this.#budgets = budgets
    this.#first = budgets.indexOf(first)
    this.#at = this.#first
    this.#best = first
  }

  get settled(): boolean {
    return this.#at === undefined
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

  /** True when the budget is found. */
  ran({ budget, queued, padded, ms }: RanBatch): boolean {
    const candidate = this.#candidate
    // A batch that the queue could not fill says nothing about what is best for full ones.
    if (candidate === undefined || queued < budget) return false
    this.#tries++
    // What a budget cuts is more than half of it, unless the texts ran out or one alone is longer.
    if (budget === candidate && padded > budget / 2 && padded <= budget && ms > 0) {
      this.#runs++
      this.#cost.set(candidate, Math.min(this.#cost.get(candidate) ?? Infinity, ms / padded))
      this.#best = this.#choose()
    }
    if (this.#runs >= RUNS || this.#tries >= TRIES) this.#move()
    return this.settled
  }

  get #candidate(): number | undefined {
    return this.#at === undefined ? undefined : this.#budgets[this.#at]
  }

  #move(): void {
    const cost = this.#cost.get(this.#candidate!)
    this.#runs = 0
    this.#tries = 0
    // One that cannot be filled ends its direction too; the first has none.
    const on = this.#at === this.#first || (cost !== undefined && cost <= WORSE * this.#least())
    if (on && this.#go(this.#at! + this.#step)) return
    if (this.#step === -1) {
      this.#step = 1
      if (this.#go(this.#first + 1)) return
    }
    this.#at = undefined
  }

  #go(to: number): boolean {
    if (this.#budgets[to] === undefined) return false
    this.#at = to
    return true
  }

  #least(): number {
    return Math.min(...this.#cost.values())
  }

  #choose(): number {
    const limit = CLOSE * this.#least()
    return this.#budgets.find(budget => (this.#cost.get(budget) ?? Infinity) <= limit)!
  }
}
