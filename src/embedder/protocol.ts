// What crosses between the main thread and the embedding worker. Types, and the form in which errors travel.

import { ERROR_CODES, isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { Device } from '../ports.js'
import type { DevicePlan, Opened } from './devices/order.js'
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
export interface Part {
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

/** An OpDbusError as plain data: comlink would send only its message. */
export interface WireError {
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

export type OpenReply = { readonly opened: Opened } | { readonly error: WireError }

/** What the main thread has for the worker: `texts[i]` goes by `ids[i]`; for `dropped` nobody waits any more. */
export interface Work {
  readonly ids: readonly number[]
  readonly texts: readonly string[]
  readonly dropped: readonly number[]
}

/** The worker as comlink exposes it. */
export interface EmbedWorker {
  open(config: WorkerConfig): Promise<OpenReply>
  /**
   * Hands work over and waits for finished batches: one message each way for one text. A newer call sends the one that
   * still waits home with nothing, so at most one is held.
   */
  exchange(work: Work): Promise<readonly Part[]>
}

export function toWire(error: unknown): WireError {
  if (!isOpDbusError(error)) return { code: 'EMBEDDER_FAILED', message: messageOf(error), details: {} }
  return { code: error.code, message: error.message, details: error.details }
}

export function fromWire({ code, message, details }: WireError): OpDbusError {
  return new OpDbusError(ERROR_CODES.find(known => known === code) ?? 'EMBEDDER_FAILED', message, { details })
}
