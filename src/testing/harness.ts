// What the store contract needs of a store's test, and what each of its rules works with. Knows no store.
import type { Key, Store } from '../ports.js'
import { bytesOf, keyOf } from './entries.js'

/** One place to store in: a folder, a database, a Map. Fresh and empty when made. */
export interface Medium {
  /** A store on this medium. May be called again: after a close, or for a second store at the same time. */
  open(): Store | Promise<Store>
  /** Removes every trace. Called after the stores that were opened are closed. */
  remove?(): void | Promise<void>
  /**
   * Makes what `from` was told so far visible to the other stores on this medium, as time would (flushes it, moves an
   * injected clock). Absent: it is visible at once.
   */
  settle?(from: Store): void | Promise<void>
}

/** What a store may not be able to do. Each carries the reason that the report shows. */
export interface Skips {
  /** Answers at once through `getSync`. */
  readonly sync?: string | undefined
  /** A store opened later on the same medium finds what an earlier one wrote. */
  readonly persistence?: string | undefined
  /** Two stores open at once on one medium see each other's changes. */
  readonly shared?: string | undefined
}

/** How the suite comes by a store. */
export interface StoreHarness {
  medium(): Medium | Promise<Medium>
  /** Length of every value, for a store of fixed length. Absent: lengths from 0 to 70,000 bytes are used. */
  readonly valueBytes?: number | undefined
  /** A value of the store's own kind (JSON, say); equal for equal `n`, different for different `n`. Wins over `valueBytes`. */
  value?(n: number): Uint8Array
  readonly skips?: Skips | undefined
  /** How many entries it keeps for certain, where it keeps a budget; 300 unless told. */
  readonly capacity?: number | undefined
  /** Random sequences of calls that are compared with a Map; 40 unless told. */
  readonly runs?: number | undefined
}

export const LENGTHS = [1, 0, 3, 16, 1000, 4096, 70_000]

/** What a rule works with; everything that it opened is closed and removed when it ends. */
export class Bench {
  readonly #harness: StoreHarness
  readonly #undo: (() => unknown)[] = []

  constructor(harness: StoreHarness) {
    this.#harness = harness
  }

  value(n: number): Uint8Array {
    const { value, valueBytes } = this.#harness
    return value ? value.call(this.#harness, n) : bytesOf(n, valueBytes ?? LENGTHS[n % LENGTHS.length]!)
  }

  async medium(): Promise<Medium> {
    const medium = await this.#harness.medium()
    this.#undo.push(() => medium.remove?.())
    return medium
  }

  async open(medium?: Medium): Promise<Store> {
    const store = await (medium ?? (await this.medium())).open()
    this.#undo.push(() => store.close())
    return store
  }

  /** Items with the keys and values of these numbers. */
  items(...ns: number[]): (readonly [Key, Uint8Array])[] {
    return ns.map(n => [keyOf(n), this.value(n)] as const)
  }

  async end(): Promise<void> {
    while (this.#undo.length > 0) await this.#undo.pop()!()
  }
}

/** The keys that a store lists, each with the length of its value. */
export async function listed(store: Store): Promise<Map<Key, number>> {
  const seen = new Map<Key, number>()
  for await (const { key, bytes } of store.list()) {
    if (seen.has(key)) throw new Error(`list told ${key} twice`)
    seen.set(key, bytes)
  }
  return seen
}
