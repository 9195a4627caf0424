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
  /** Measure where the time goes: {@link BatchResult.times}. */
  readonly timed?: boolean
  /** What earlier workers found. */
  readonly batchTokens?: Readonly<Partial<Record<Device, number>>>
}

/** The budget that measuring led to. */
export interface BudgetChoice {
  readonly device: Device
  /** Padded tokens in a batch. */
  readonly tokens: number
}

/** Where a worker's time went since its model was opened, in ms of its thread, and what it did in it. */
export interface WorkTimes {
  /** Texts to tokens in this thread; what other threads do of that is not in it. */
  readonly tokenizing: number
  /** Cutting batches, and filling their buffers. */
  readonly packing: number
  /** In the backend. */
  readonly running: number
  /** From what the backend answered to finished vectors. */
  readonly pooling: number
  /** Handing results over to the runtime, which sends them. */
  readonly answering: number
  /** Without a batch although texts were there: their tokens were awaited. */
  readonly starved: number
  /** Without any text. */
  readonly idle: number
  readonly batches: number
  readonly rows: number
  /** Rows times width, summed over batches. */
  readonly paddedTokens: number
}

/**
 * Finished rows: row `i` of `matrix` (`numbers.length x dims`, row-major) belongs to `numbers[i]`. Beside the matrix plain arrays:
 * between processes each typed one costs as much as hundreds of numbers, and most batches have fewer.
 */
export interface BatchResult {
  readonly numbers: readonly number[]
  readonly matrix: Float32Array<ArrayBuffer>
  readonly tokens: readonly number[]
  /** 1 where a text was cut. */
  readonly truncated: readonly number[]
  readonly failed: readonly FailedRows[]
  /** What computed them. */
  readonly device: Device
  /** What the batch took in the worker. Absent where nothing was computed. */
  readonly ms?: number
  /** Another device serves from here on, and why. */
  readonly opened?: Opened
  /** The device's token budget was found. */
  readonly chosen?: BudgetChoice
  /** Where the configuration asks for it. */
  readonly times?: WorkTimes
}

/** Rows that failed for the same reason. */
export interface FailedRows {
  readonly numbers: readonly number[]
  readonly error: WireError
}

/** What the caller's thread has for the worker: `texts[i]` goes by `numbers[i]`; for `dropped` nobody waits any more. */
export interface Work {
  /** Ascending, and above all that came before. */
  readonly numbers: readonly number[]
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
