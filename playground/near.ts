// What lies near what among the cached: nearest by cosine, and a map in two dimensions. The arithmetic is in near-worker.ts.
import { type Remote, transfer, wrap } from 'comlink'
import type { NearWorker } from './near-worker.js'

export interface Neighbour {
  readonly text: string
  /** Cosine, -1 to 1. */
  readonly score: number
}

export interface MapView {
  readonly texts: readonly string[]
  /** `[x0, y0, x1, y1, …]`, a point a text. */
  readonly points: Float32Array
}

/** Follows what memory holds: each `follow` sends only what has changed. When its thread is lost, every call rejects. */
export class Near {
  readonly #worker = new Worker(new URL('./near-worker.js', import.meta.url), { type: 'module' })
  readonly #remote: Remote<NearWorker> = wrap(this.#worker)
  readonly #known = new Set<string>()
  readonly #lost: Promise<never>

  constructor() {
    this.#lost = new Promise((_resolve, reject) => {
      for (const type of ['error', 'messageerror']) {
        this.#worker.addEventListener(type, event => {
          this.#worker.terminate()
          reject(new NearLost((event as Partial<ErrorEvent>).message || 'near-worker.js could not be loaded'))
        })
      }
    })
    // Nobody may be waiting: the next call tells.
    this.#lost.catch(() => undefined)
  }

  get size(): number {
    return this.#known.size
  }

  /** `anew`: vectors may be others than before under the same texts. */
  async follow(entries: Iterable<readonly [string, Float32Array]>, anew = false): Promise<void> {
    const held = new Map(entries)
    const removed = [...this.#known].filter(text => anew || !held.has(text))
    const added = [...held.keys()].filter(text => anew || !this.#known.has(text))
    const dims = held.values().next().value?.length ?? 1
    if (removed.length === 0 && added.length === 0) return
    const matrix = new Float32Array(added.length * dims)
    for (const [i, text] of added.entries()) matrix.set(held.get(text)!, i * dims)
    for (const text of removed) this.#known.delete(text)
    for (const text of added) this.#known.add(text)
    // Calls are answered in their order, so who searches after this sees it done.
    await this.#orLost(this.#remote.change(removed, added, transfer(matrix, [matrix.buffer]), dims))
  }

  async nearest(query: Float32Array, count: number): Promise<Neighbour[]> {
    const found = await this.#orLost(this.#remote.nearest(query, count))
    return found.map(({ id, score }) => ({ text: id, score }))
  }

  project(): Promise<MapView> {
    return this.#orLost(this.#remote.project())
  }

  #orLost<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([answer, this.#lost])
  }
}

/** The thread could not be started, or has died: another one may do. */
export class NearLost extends Error {
  override readonly name = 'NearLost'
}
