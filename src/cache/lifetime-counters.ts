// Counts that outlive a process: one small document per writer, summed when read, folded when its writer has gone.
// Losing a count is allowed; counting twice is not.
import type { Clock, Key, Store } from '../ports.js'

/** Names to numbers that only grow, such as `embeddings.hits`. */
export type Tally = Readonly<Record<string, number>>

/** A store whose writes can also happen at once, for the exit of a process. */
export interface CounterStore extends Store {
  getSync(key: Key): Uint8Array | undefined
  setSync(key: Key, value: Uint8Array): void
}

export interface LifetimeCountersOptions {
  readonly store: CounterStore
  readonly clock: Clock
  /** This writer's document, a random name. */
  readonly key: Key
  /** Who writes here, and whether another writer still runs: `unknown` where its process id says nothing to us. */
  readonly process: { readonly pid: number; readonly place: string; livenessOf(writer: Writer): Liveness }
  /** What this process counted since it began. */
  readonly read: () => Tally
}

/** A process id, and in which boot, pid namespace and host it counts. */
interface Writer {
  readonly pid: number
  readonly place: string
}

type Liveness = 'alive' | 'dead' | 'unknown'

interface Page {
  readonly pid: number
  /** The place of `pid`. Builds before 0.1.0 wrote the boot alone, which is no place of anybody's: such pages go by their age. */
  readonly bootId: string
  readonly updatedAt: number
  readonly counts: Tally
}

/** The own page is replaced this often while it changes, in ms. */
export const COUNTERS_FLUSH_MS = 10_000
/** The page of a writer whom we cannot look up, untouched for this long, has no writer any more, in ms. */
const ABANDONED_MS = 10 * 60_000

export class LifetimeCounters {
  readonly #options: LifetimeCountersOptions
  /** Counts taken over from writers that have gone; part of the own page. */
  #inherited: Tally = {}
  /** Counts of ours that another process has taken over with our page: they are in its page now, and must not be in ours. */
  #given: Tally = {}
  #written: Tally | undefined

  constructor(options: LifetimeCountersOptions) {
    this.#options = options
  }

  /** Every writer's counts together, this one's as they are now. */
  async totals(): Promise<Tally> {
    const pages = await this.#pages()
    const others = pages.filter(([key]) => key !== this.#options.key).map(([, page]) => page.counts)
    return [this.#own(), ...others].reduce((sum, counts) => add(sum, counts), {})
  }

  /** Writes the own page if anything changed, after taking over the pages of writers that have gone. */
  async flush(): Promise<void> {
    if (!this.#changed()) return
    const { store, key } = this.#options
    for (const [other, page] of await this.#pages()) {
      if (other === key || !this.#gone(page)) continue
      // Only one process sees the removal succeed, and only that one takes the counts.
      if ((await store.deleteMany([other])) === 1) this.#inherited = add(this.#inherited, page.counts)
    }
    this.flushSync()
  }

  /** Writes the own page at once, without looking at those of others. For the exit of a process. */
  flushSync(): void {
    if (!this.#changed()) return
    const { store, key, process, clock } = this.#options
    if (this.#written !== undefined && store.getSync(key) === undefined) {
      // Somebody thought us gone and took over what we had written: from here on we tell only what came since.
      this.#given = add(this.#given, this.#written)
      this.#written = undefined
    }
    const counts = this.#own()
    const page: Page = { pid: process.pid, bootId: process.place, updatedAt: clock.now(), counts }
    store.setSync(key, new TextEncoder().encode(JSON.stringify(page)))
    this.#written = counts
  }

  #own(): Tally {
    return add(add(this.#inherited, this.#options.read()), this.#given, -1)
  }

  #changed(): boolean {
    const own = this.#own()
    return Object.keys(own).some(name => own[name] !== (this.#written?.[name] ?? 0))
  }

  #gone(page: Page): boolean {
    const { process, clock } = this.#options
    const liveness = process.livenessOf({ pid: page.pid, place: page.bootId })
    return liveness === 'dead' || (liveness === 'unknown' && clock.now() - page.updatedAt > ABANDONED_MS)
  }

  async #pages(): Promise<[Key, Page][]> {
    const { store } = this.#options
    const keys: Key[] = []
    for await (const { key } of store.list()) keys.push(key)
    const found = await store.getMany(keys)
    return keys.flatMap((key, i): [Key, Page][] => {
      const page = found[i] && parsePage(found[i])
      return page ? [[key, page]] : []
    })
  }
}

function parsePage(bytes: Uint8Array): Page | undefined {
  try {
    const page = JSON.parse(new TextDecoder().decode(bytes)) as Page
    const sound = Number.isInteger(page.pid) && typeof page.bootId === 'string' && Number.isFinite(page.updatedAt)
    return sound && Object.values(page.counts).every(Number.isFinite) ? page : undefined
  } catch {
    return undefined
  }
}

function add(a: Tally, b: Tally, sign = 1): Tally {
  const sum: Record<string, number> = { ...a }
  for (const [name, count] of Object.entries(b)) {
    sum[name] = (sum[name] ?? 0) + sign * count
  }
  return sum
}
