// Which model serves: the one asked for, found here or else fetched, or with leave the next lower level. Reads files,
// opens no model; what downloads is loaded only when something is missing.

import { isOpDbusError } from '../../errors.js'
import { offlineError } from '../../hub/advice.js'
import { downloadPlace, folderAt, isPath } from '../../hub/cache.js'
import type { PullProgress, pullModel } from '../../hub/download.js'
import { findModel, type HubOptions, locateModel, modelAt } from '../../hub/find.js'
import { isHubId } from '../../hub/names.js'
import type { Retry } from '../../hub/retry.js'
import type { Call } from '../../ports.js'
import { type Level, Levels, levelOf, type ResolvedModel } from './levels.js'
import type { ModelOverrides, ModelSpec } from './spec.js'
import { knownModel } from './table.js'

export interface ModelRequest extends Call {
  readonly hub: HubOptions
  /** They hold for the model asked for and the levels below it; the built-in model keeps its own dtype. */
  readonly overrides?: Pick<ModelOverrides, 'dtype' | 'dimensions' | 'pooling'>
  /** Nothing is fetched. */
  readonly offline?: boolean
  /** A level that cannot serve gives way to the next lower one. */
  readonly fallback?: boolean
  /** Called while a model is fetched. */
  readonly onProgress?: (progress: PullProgress) => void
  /** Called while a fetch waits for its next try. */
  readonly onRetry?: (retry: Retry) => void
  /**
   * Opens the model and lets go of it or keeps it; rejects where it cannot be opened. Asked only with `fallback`: the
   * level must be chosen before the first vector, since each has a space of its own.
   */
  readonly probe?: (spec: ModelSpec) => Promise<void>
}

/** Brings a model to this machine: `pullModel` of hub/download.ts, unless a test plays it. */
export type Pull = typeof pullModel

/**
 * One for a process: a level that gave way stays away until the process ends, so that no two of its parts embed in
 * different spaces under one name.
 */
export class ModelManager {
  readonly #pull: Pull
  readonly #levels = new Levels()

  constructor(pull: Pull = async (...call) => (await import('../../hub/download.js')).pullModel(...call)) {
    this.#pull = pull
  }

  /**
   * The model that serves under `name`: `builtin`, a level, a folder, or a hub id. What is not on this machine is fetched
   * from the hub if `name` is a level or a hub id (`org/name`); a bare word or a path never is.
   * Rejects with what finding or fetching the model says: MODEL_NOT_FOUND, UNSUPPORTED_MODEL, DOWNLOAD, STORE,
   * INVALID_INPUT, ABORTED. With `fallback`, only when the built-in model cannot serve either.
   */
  resolve(name: string, request: ModelRequest): Promise<ResolvedModel> {
    const level = levelOf(name)
    if (!request.fallback || level === undefined) return this.#plain(name, request)
    return this.#levels.choose(level, {
      variant: request.overrides?.dtype,
      bring: ranAs => this.#bring(ranAs, below(level, ranAs, request)),
      probe: request.probe,
    })
  }

  async #plain(name: string, request: ModelRequest): Promise<ResolvedModel> {
    return { spec: await this.#bring(name, request), ranAs: name, gaveWay: [] }
  }

  /** The spec of one model: from this machine, else from the hub. */
  async #bring(
    name: string,
    { hub, overrides, offline, onProgress, onRetry, signal }: ModelRequest,
  ): Promise<ModelSpec> {
    try {
      return await findModel(name, hub, overrides)
    } catch (error) {
      if (offline && isOnHub(name) && isOpDbusError(error, 'MODEL_NOT_FOUND')) {
        throw offlineError(knownModel(name)?.hubId ?? name, downloadPlace(hub))
      }
      const fetch = !offline && isOnHub(name) && isIncomplete(error)
      // A folder of the user's own is as the user left it.
      if (!fetch || (await locateModel(name, hub)) === folderAt(name, hub)) throw error
      const dtype = overrides?.dtype ?? knownModel(name)?.dtype
      const { path } = await this.#pull(name, hub, { signal, dtype, onProgress, onRetry })
      return modelAt(name, path, hub, overrides)
    }
  }
}

/** A dtype that was asked of a level is not one that the built-in model must have. */
function below(asked: Level, ranAs: string, request: ModelRequest): ModelRequest {
  if (ranAs !== 'builtin' || asked === 'builtin') return request
  return { ...request, overrides: { ...request.overrides, dtype: undefined } }
}

/** A level, or a name with an organisation: a bare word may be anything, a path is a path. */
function isOnHub(name: string): boolean {
  return knownModel(name)?.hubId !== undefined || (name.includes('/') && !isPath(name) && isHubId(name))
}

/** Not here, or only in part: other tools fetch a model without its ONNX file. */
function isIncomplete(error: unknown): boolean {
  if (isOpDbusError(error, 'MODEL_NOT_FOUND')) return true
  return isOpDbusError(error, 'UNSUPPORTED_MODEL') && error.details.missing === true
}
