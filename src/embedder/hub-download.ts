// Pulls one model from the hub into the Hugging Face cache: which files, one lock, verified bytes, a record. Loads no model.

import { OpDbusError } from '../errors.js'
import type { Call } from '../ports.js'
import type { HubOptions } from './hub-cache.js'
import type { Dtype } from './models.js'

/** Bytes over all files of the pull. */
export interface PullProgress {
  readonly file: string
  readonly done: number
  readonly total: number
}

export interface PullOptions extends Call {
  readonly onProgress?: ((progress: PullProgress) => void) | undefined
  /** Take what the hub has now, and record that; default: the commit that was recorded. */
  readonly update?: boolean | undefined
  /** Which weights. Default: those of the level, else fp32. */
  readonly dtype?: Dtype | undefined
}

/** A model that is on this machine now, every file verified. */
export interface PulledModel {
  readonly id: string
  readonly commit: string
  /** The snapshot's folder. */
  readonly path: string
  /** Of all its files. */
  readonly bytes: number
  /** Of those that were not there before. */
  readonly downloaded: number
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[]
}

/**
 * Brings the model `name` (a level or a hub id) to this machine.
 * Rejects with DOWNLOAD (`details.why`), MODEL_NOT_FOUND, UNSUPPORTED_MODEL, STORE, INVALID_INPUT, ABORTED.
 */
export async function pullModel(name: string, _hub: HubOptions, _options: PullOptions = {}): Promise<PulledModel> {
  throw new OpDbusError('DOWNLOAD', `cannot download ${name}`, { details: { why: 'offline' } })
}
