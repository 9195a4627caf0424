// What can be done with what is cached: search, a map, and the comparison of devices. Draws nothing.
import { batch, effect, signal } from '@preact/signals'
import { isOpDbusError, messageOf } from '../src/errors.js'
import { bytes } from '../src/format.js'
import { type DeviceWish, openEngine } from './engine.js'
import { comparisonLines } from './examples.js'
import { failureOf } from './failures.js'
import type { MapView, Near, Neighbour } from './near.js'
import type { Session } from './session.js'

export interface Found {
  readonly query: string
  readonly neighbours: readonly Neighbour[]
}

export interface Measured {
  readonly name: string
  /** Texts per second; undefined where it did not run. */
  readonly rate: number | undefined
  /** Why it did not run, or what it ran. */
  readonly note: string
}

/** Lines that a search shows: the page keeps room for them. */
const FOUND = 6
/** Texts that each device computes in the comparison. */
const COMPARED = 32
/** Look-ups of the cached case: many, since one is shorter than a tick of the page's clock. */
const CACHED_ROUNDS = 200
const CACHED = 'cached'
/** WASM runs everywhere, and soon; a GPU driver in software may take long. */
const DEVICES = [
  ['wasm', 'WASM'],
  ['webgpu', 'WebGPU'],
] as const

export class Tools {
  readonly found = signal<Found | undefined>(undefined)
  readonly searching = signal(false)
  /** Why a search failed; empty while none did. */
  readonly problem = signal('')
  /** Search and map have no thread to run in. The next use tries to start one. */
  readonly lost = signal(false)
  readonly map = signal<MapView | undefined>(undefined)
  /** The text around which neighbours are shown on the map. */
  readonly centre = signal<Found | undefined>(undefined)
  readonly measured = signal<readonly Measured[]>([])
  readonly measuring = signal('')
  /** How long the map took when it was last laid out, in ms. */
  layoutMs = 0
  #near: Promise<Near> | undefined
  /** What the index followed last: of which caches, and what memory held. */
  #followed: { readonly opened: number; readonly held: readonly string[] } = { opened: 0, held: [] }
  #drawing = false
  #stale = false
  #stop: AbortController | undefined
  #stopSearch: AbortController | undefined

  readonly #session: Session

  constructor(session: Session) {
    this.#session = session
    effect(() => {
      session.forgotten.value
      this.stopSearching()
      batch(() => {
        this.found.value = undefined
        this.centre.value = undefined
        this.map.value = undefined
        this.problem.value = ''
      })
    })
  }

  /** Nearest among the cached to a text that is embedded for this. */
  async search(query: string): Promise<void> {
    if (query.trim() === '' || this.searching.peek()) return
    const stop = new AbortController()
    const { signal } = stop
    this.#stopSearch = stop
    batch(() => {
      this.searching.value = true
      this.problem.value = ''
      this.#session.fetched.value = undefined
    })
    try {
      const near = await this.#index()
      const { embeddings } = await this.#session.caches()
      const { vector } = await embeddings.getOrEmbed(query, { signal })
      const found = (await near.nearest(vector, FOUND + 1)).filter(one => one.text !== query)
      signal.throwIfAborted()
      this.found.value = { query, neighbours: found.slice(0, FOUND) }
      this.lost.value = false
      await Promise.all([this.#session.refresh(), this.#session.askFetches()])
    } catch (error) {
      if (!this.#noteLoss(error) && !signal.aborted) this.problem.value = failureOf(error, navigator.onLine).said
    } finally {
      this.searching.value = false
    }
  }

  stopSearching(): void {
    this.#stopSearch?.abort(new Error('stopped'))
  }

  /** Lays out the map anew; once more, if memory changed while it was being laid out. Never rejects. */
  async drawMap(): Promise<void> {
    this.#stale = true
    if (this.#drawing) return
    this.#drawing = true
    try {
      while (this.#stale) {
        this.#stale = false
        const { forgotten } = this.#session
        const of = forgotten.peek()
        const start = performance.now()
        const near = await this.#index()
        const map = near.size > 0 ? await near.project() : undefined
        this.layoutMs = performance.now() - start
        if (of === forgotten.peek()) this.map.value = map
        this.lost.value = false
      }
    } catch (error) {
      this.#noteLoss(error)
    } finally {
      this.#drawing = false
    }
  }

  /** The five nearest to a cached text, which `vector` is of. Never rejects. */
  async around(text: string, vector?: Float32Array): Promise<void> {
    const { forgotten } = this.#session
    const of = forgotten.peek()
    try {
      const near = await this.#index()
      const { embeddings } = await this.#session.caches()
      const own = vector ?? new Map(embeddings.entries()).get(text)
      if (!own) return
      const neighbours = (await near.nearest(own, 6)).filter(one => one.text !== text).slice(0, 5)
      if (of === forgotten.peek()) this.centre.value = { query: text, neighbours }
    } catch (error) {
      this.#noteLoss(error)
    }
  }

  async compare(): Promise<void> {
    if (this.measuring.peek() !== '') return
    const stop = new AbortController()
    this.#stop = stop
    const add = (one: Measured) => {
      this.measured.value = [...this.measured.peek(), one]
    }
    batch(() => {
      this.measured.value = []
      this.measuring.value = 'starting'
    })
    try {
      for (const [device, name] of DEVICES) {
        stop.signal.throwIfAborted()
        this.measuring.value = `running ${name}`
        await this.#measure(device, name, stop.signal, add)
      }
    } catch (error) {
      if (!stop.signal.aborted) add({ name: 'failed', rate: undefined, note: messageOf(error) })
    } finally {
      this.measuring.value = ''
      await this.#session.askFetches()
    }
  }

  stopComparing(): void {
    this.#stop?.abort(new Error('stopped'))
  }

  /** A device in caches of its own that keep nothing on disk: what the visitor cached stays as it is. */
  async #measure(device: DeviceWish, name: string, signal: AbortSignal, add: (one: Measured) => void): Promise<void> {
    const settings = { device, patterns: 'off', capacity: 2 * COMPARED, disk: false } as const
    const caches = await openEngine(settings, {
      onFetch: ({ done, total }) => {
        if (signal.aborted) return
        this.measuring.value =
          done < total ? `${name}: fetching ${bytes(done)} of ${bytes(total)}` : `${name}: loading the model`
      },
      onWarning: () => {},
    })
    const { embeddings } = caches
    try {
      const lines = comparisonLines(COMPARED)
      await embeddings.getOrEmbed('the model is loaded with this', { signal })
      this.measuring.value = `running ${name}`
      const start = performance.now()
      await embeddings.embedMany(lines, { signal })
      const computed = performance.now()
      add({ name, rate: rateOf(COMPARED, computed - start), note: `${COMPARED} texts computed` })
      if (this.measured.peek().some(one => one.name === CACHED)) return
      for (let round = 0; round < CACHED_ROUNDS; round++) for (const line of lines) embeddings.view(line)
      const ms = performance.now() - computed
      add({ name: CACHED, rate: rateOf(CACHED_ROUNDS * COMPARED, ms), note: 'the same texts from memory' })
    } catch (error) {
      signal.throwIfAborted()
      add({ name, rate: undefined, note: whyNot(error) })
    } finally {
      await caches.close()
    }
  }

  /** Holds what memory holds, as the session saw it last. Its code and its thread come with the first use. */
  async #index(): Promise<Near> {
    this.#near ??= import('./near.js').then(({ Near }) => new Near())
    try {
      const near = await this.#near
      const { embeddings } = await this.#session.caches()
      const { opened } = this.#session
      const { held } = this.#session.memory.peek()
      const before = this.#followed
      this.#followed = { opened, held }
      const anew = before.opened !== opened
      if (anew || before.held !== held) await near.follow(embeddings.entries(), anew)
      return near
    } catch (error) {
      this.#dropIndex()
      throw error
    }
  }

  /** The next use starts another thread, which knows nothing yet. */
  #dropIndex(): void {
    this.#near = undefined
    this.#followed = { opened: 0, held: [] }
  }

  /** True where the thread is what failed. What else fails shows when lines are embedded. */
  #noteLoss(error: unknown): boolean {
    if (!(error instanceof Error && error.name === 'NearLost')) return false
    this.#dropIndex()
    this.lost.value = true
    return true
  }
}

function rateOf(texts: number, ms: number): number {
  return (1000 * texts) / Math.max(ms, 0.001)
}

/** The reason of the one device that was asked for; else what was thrown, in a line. */
function whyNot(error: unknown): string {
  if (isOpDbusError(error, 'DEVICE_UNAVAILABLE') && Array.isArray(error.details.reasons)) {
    const [first] = error.details.reasons as { readonly reason?: string }[]
    if (first?.reason) return first.reason
  }
  return messageOf(error).split('\n')[0]!
}
