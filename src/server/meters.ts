// To be written by its owner (ops): plain counts of what the daemon does, read by `/metrics`, `/api/stats` and `/events`. Knows no library.
import type { Device, Source } from '../ports.js'
import type { Latency } from './api.js'

/** How many rows of one request came from where. */
export type RowCounts = { [S in Source]: number }

export interface Meters {
  /** A request was answered: by route pattern (`/v1/embeddings`), never by address. */
  answered(route: string, status: number, micros: number): void
  /** Rows of one embedding request. `micros`: from the question to the answer. `tokens`: as `usage` tells them. */
  embedded(model: string, rows: Readonly<RowCounts>, micros: number, tokens: number): void
  /** A request waits, or does not any more. */
  waiting(change: 1 | -1): void
  readonly rows: Readonly<RowCounts>
  readonly rowsPerSecond: number
  latency(source: Source): Latency
  savedSeconds(): number
  readonly requests: {
    readonly total: number
    readonly refused: number
    readonly failed: number
    readonly inHand: number
  }
  /** Prometheus' text form. */
  metrics(): Promise<string>
}
export type { Device }
