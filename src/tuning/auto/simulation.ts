// One setting simulated over a sample of the keys: which of them memory would hold, and what that would save. Holds no key of its own.
import type { EvictionPolicy } from '../../cache/eviction.js'
import type { KeyRows } from './key-rows.js'
import type { Setting } from './settings.js'

export class Simulation {
  readonly bit: number
  setting: Setting
  /** Microseconds. */
  saved = 0
  readonly #rows: KeyRows
  /** Entries that a policy is told at most that there is room for. */
  readonly #mostRows: number
  #policy: EvictionPolicy
  #count = 0
  #used = 0
  /** Of the keys, the part that is simulated: so much of the bounds is there. */
  #part = 1

  /** `bit`: what stands for it among who holds a row. */
  constructor(rows: KeyRows, bit: number, setting: Setting, policy: EvictionPolicy, mostRows: number) {
    this.#rows = rows
    this.bit = bit
    this.setting = setting
    this.#policy = policy
    this.#mostRows = mostRows
  }

  holds(row: number): boolean {
    return (this.#rows.holders[row]! & this.bit) !== 0
  }

  hit(row: number, worth: number): void {
    this.saved += worth
    this.#policy.hit(row)
  }

  /** Takes it in, where it is not larger than all; gives others up for it. */
  put(row: number): void {
    const bytes = this.#rows.bytes[row]!
    if (bytes > this.setting.bytes) return
    this.#makeRoom(1, bytes)
    this.#take(row)
  }

  /** An entry that it holds takes so much more now, or less. */
  reweigh(by: number): void {
    this.#used += by
    if (by > 0) this.#makeRoom(0, 0)
  }

  /** It is deleted, or too old. */
  drop(row: number): void {
    this.#policy.removed(row)
    this.#leave(row)
  }

  /** Of the keys only that part is simulated from now on; those that are not have gone. */
  sample(part: number): void {
    this.#part = part
    this.fit()
    this.#makeRoom(0, 0)
  }

  /** Another setting from now on; `policy` where that is another. */
  change(setting: Setting, policy: EvictionPolicy | undefined): void {
    if (policy) {
      const held = this.slots().reverse()
      this.#policy = policy
      for (const row of held) this.#added(row)
    }
    this.setting = setting
    this.saved = 0
    this.sample(this.#part)
  }

  /** Begins with what another holds, as far as it has room. */
  fill(other: Simulation): void {
    this.#part = other.#part
    // The last to be given up first; the policy hears of them the other way round, as they came.
    const fitting: number[] = []
    let bytes = 0
    for (const row of other.slots()) {
      bytes += this.#rows.bytes[row]!
      if (fitting.length + 1 > this.#entries() || bytes > this.setting.bytes * this.#part) break
      fitting.push(row)
    }
    for (const row of fitting.reverse()) this.#take(row)
    this.fit()
  }

  /** Holds nothing from now on. */
  empty(): void {
    for (const row of this.slots()) this.#leave(row)
  }

  /** Tells the policy how many entries there is room for, by their mean size. */
  fit(): void {
    const mean = this.#count > 0 ? this.#used / this.#count : 1
    const room = Math.min(this.#entries(), (this.setting.bytes / mean) * this.#part)
    this.#policy.resize(Math.max(1, Math.floor(Math.min(room, this.#mostRows))))
  }

  /** The last to be given up first. */
  slots(): number[] {
    return [...this.#policy.slots()]
  }

  /** A part of few entries is still one. */
  #entries(): number {
    return Math.max(1, this.setting.entries * this.#part)
  }

  #makeRoom(entries: number, bytes: number): void {
    const most = this.#entries() - entries
    const mostBytes = this.setting.bytes * this.#part - bytes
    // Of a sample one entry stays, or comes, though it be larger than the part.
    const least = this.#part < 1 ? 1 - entries : 0
    while (this.#count > most || (this.#used > mostBytes && this.#count > least)) {
      const victim = this.#policy.victim()
      if (victim === undefined) return
      this.#leave(victim)
    }
  }

  #take(row: number): void {
    this.#rows.hold(row, this.bit)
    this.#count++
    this.#used += this.#rows.bytes[row]!
    this.#added(row)
  }

  #added(row: number): void {
    const { hash, bytes, cost } = this.#rows
    this.#policy.added(row, hash[row]!, bytes[row]!, cost[row]!)
  }

  #leave(row: number): void {
    this.#count--
    this.#used -= this.#rows.bytes[row]!
    this.#rows.release(row, this.bit)
  }
}
