// What computes what no tier has: many ids as one, told row by row. Knows no cache.
import type { Loading } from './look-up.js'

/** Where the rows of a computation are told: each once, unless it was dropped. */
export interface LoadSink<V> {
  /** Value `i` is that of the id with the number `rows[i]`. */
  loaded(rows: ArrayLike<number>, values: readonly V[]): void
  failed(rows: readonly number[], error: unknown): void
}

/** Begins to compute `ids`, which are distinct. What it throws, all rows fail with. */
export type Loader<V> = (ids: readonly string[], sink: LoadSink<V>) => Loading

/** Computes one id. `signal` fires when nobody waits any more. */
export type LoadOne<V> = (id: string, signal: AbortSignal) => Promise<V>

/** Ids computed each by itself. */
export function loadEach<V>(load: LoadOne<V>): Loader<V> {
  return (ids, sink) => {
    const controllers = ids.map(() => new AbortController())
    ids.forEach((id, row) => {
      // What throws at once is a rejection like any other.
      new Promise<V>(settle => settle(load(id, controllers[row]!.signal))).then(
        value => sink.loaded([row], [value]),
        (error: unknown) => sink.failed([row], error),
      )
    })
    return {
      drop(rows, reason) {
        for (const row of rows) controllers[row]!.abort(reason)
      },
    }
  }
}
