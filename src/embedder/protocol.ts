// What crosses between the caller's thread and the embedding worker. Types alone.

import type { Device } from '../ports.js'
import type { DevicePlan, Opened } from './devices/order.js'
import type { WireError } from './link.js'
import type { ModelSpec } from './model/spec.js'

export interface WorkerConfig extends DevicePlan {
  readonly spec: ModelSpec
  /** Threads that a session on the CPU may use. */
  readonly threads: number
  /** Threads that may tokenise for a session on a GPU. */
  readonly tokenizers: number
  /** Padded tokens in a batch, where the caller has chosen them; otherwise each device's own are found by measuring. */
  readonly maxBatchTokens?: number
  /** What earlier workers found. */
  readonly batchTokens?: Readonly<Partial<Record<Device, number>>>
}

/** The budget that measuring led to. */
export interface BudgetChoice {
  readonly device: Device
  /** Padded tokens in a batch. */
  readonly tokens: number
}

/** One finished batch: row `i` of `matrix` (`ids.length x dims`, row-major) belongs to `ids[i]`. */
export interface BatchResult {
  readonly ids: readonly number[]
  readonly matrix: Float32Array
  readonly tokens: readonly number[]
  readonly truncated: readonly boolean[]
  readonly failed: readonly { readonly id: number; readonly error: WireError }[]
  /** What computed them. */
  readonly device: Device
  /** Another device serves from here on, and why. */
  readonly opened?: Opened
  /** The device's token budget was found. */
  readonly chosen?: BudgetChoice
}

/** What the caller's thread has for the worker: `texts[i]` goes by `ids[i]`; for `dropped` nobody waits any more. */
export interface Work {
  readonly ids: readonly number[]
  readonly texts: readonly string[]
  readonly dropped: readonly number[]
}

/** What the worker serves; what it pushes are finished batches, `readonly BatchResult[]`. */
export interface EmbedWorker {
  /** Opens the model on the first device of the plan that can. Once per worker. */
  open(config: WorkerConfig): Promise<Opened>
  /** Hands texts over. Every text's outcome is pushed once, unless it was dropped. */
  submit(work: Work): void
}
