// What crosses between the main thread and the embedding worker. Types, and the form in which errors travel.

import { ERROR_CODES, isOpDbusError, messageOf, OpDbusError } from '../../errors.js'
import type { Device, RefusalKind } from '../../ports.js'
import type { BudgetChoice } from '../batch-budget.js'
import type { Reference } from '../devices/self-check.js'
import type { ModelSpec } from '../model/spec.js'

/** Which devices a worker may open, and what is known of them already. */
export interface DevicePlan {
  /** In the order to be tried. */
  readonly devices: readonly Device[]
  /** Those of them that have proved themselves with this model on this machine: they serve without a new check. */
  readonly proven?: readonly Device[]
  /** Devices that are not tried, and why. */
  readonly refused?: readonly DeviceReason[]
  /** What a device must reproduce before it serves. */
  readonly reference?: Reference
  /** Which GPU, counted from 0. Default 0. */
  readonly gpuDevice?: number
}

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

/** Why a device does not serve. */
export interface DeviceReason {
  readonly device: Device
  readonly reason: string
  readonly kind: RefusalKind
}

/** Which device serves, and why those before it do not. */
export interface Opened {
  readonly device: Device
  readonly tried: readonly DeviceReason[]
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
