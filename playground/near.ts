// What lies near what among the cached: nearest by cosine, and a map in two dimensions. The arithmetic is in near-worker.ts.
import type { NearAnswer, NearCall, NearCalls } from './near-worker.js'

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
  readonly #known = new Set<string>()
  /** Aborted, with a {@link NearLost}, when the thread is gone. */
  readonly #lost = new AbortController()

  constructor() {
    for (const type of ['error', 'messageerror']) {
      this.#worker.addEventListener(type, event => {
        this.#worker.terminate()
        const { message } = event as Partial<ErrorEvent>
        this.#lost.abort(new NearLost(message || 'near-worker.js could not be loaded'))
      })
    }
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
    await this.#ask('change', [removed, added, matrix, dims], [matrix.buffer])
  }

  async nearest(query: Float32Array, count: number): Promise<Neighbour[]> {
    const found = await this.#ask('nearest', [query, count])
    return found.map(({ id, score }) => ({ text: id, score }))
  }

  project(): Promise<MapView> {
    return this.#ask('project', [])
  }

  /** Each call has a port of its own for the answer. Rejects when the thread is, or gets, lost. */
  #ask<Name extends keyof NearCalls>(
    name: Name,
    args: Parameters<NearCalls[Name]>,
    transfer: Transferable[] = [],
  ): ReturnType<NearCalls[Name]> {
    const { port1, port2 } = new MessageChannel()
    const { signal } = this.#lost
    const answer = new Promise<unknown>((resolve, reject) => {
      const leave = () => reject(signal.reason)
      port1.onmessage = ({ data }: MessageEvent<NearAnswer>) => {
        port1.close()
        signal.removeEventListener('abort', leave)
        if ('error' in data) reject(new Error(data.error))
        else resolve(data.value)
      }
      if (signal.aborted) leave()
      signal.addEventListener('abort', leave)
    })
    const call: NearCall = { name, args, port: port2 }
    this.#worker.postMessage(call, [port2, ...transfer])
    return answer as ReturnType<NearCalls[Name]>
  }
}

/** The thread could not be started, or has died: another one may do. */
class NearLost extends Error {
  override readonly name = 'NearLost'
}
