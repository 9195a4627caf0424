// Where models come from on Node: folders of this machine, else a hub. Part of the Node root; opens no model, and loads what
// downloads only when something is missing. Its twin is web/model-source.ts.

import type { ModelOverrides, ModelSpec } from '../embedder/model/spec.js'
import { knownModel } from '../embedder/model/table.js'
import { isOpDbusError } from '../errors.js'
import type { PullProgress, pullModel } from '../hub/download.js'
import { offlineError, type Retry } from '../hub/error-messages.js'
import { findModel, locateModel, modelAt } from '../hub/find.js'
import { isHubId } from '../hub/names.js'
import { downloadPlace, folderAt, type HubOptions, isPath } from '../hub/places.js'
import type { CallOptions } from '../ports.js'

/** Brings a model to this machine: `pullModel` of hub/download.ts, unless a test plays it. */
export type Pull = typeof pullModel

export interface ModelSourceOptions {
  readonly hub: HubOptions
  /** Nothing is fetched. */
  readonly offline?: boolean
  /** Called while a model is fetched. */
  readonly onProgress?: (progress: PullProgress) => void
  /** Called while a fetch waits for its next try. */
  readonly onRetry?: (retry: Retry) => void
  readonly pull?: Pull
}

/**
 * The spec of `name`: `builtin`, a level, a folder, or a hub id. What is not on this machine is fetched from the hub if `name`
 * is a level or a hub id (`org/name`); a bare word or a path never is.
 * Rejects with MODEL_NOT_FOUND, UNSUPPORTED_MODEL, DOWNLOAD, STORE, INVALID_INPUT or ABORTED.
 */
export async function specOf(
  name: string,
  overrides: ModelOverrides,
  { hub, offline, onProgress, onRetry, pull = pullLater }: ModelSourceOptions,
  { signal }: CallOptions = {},
): Promise<ModelSpec> {
  try {
    return await findModel(name, hub, overrides)
  } catch (error) {
    if (offline && isOnHub(name) && isOpDbusError(error, 'MODEL_NOT_FOUND')) {
      throw offlineError(knownModel(name)?.hubId ?? name, downloadPlace(hub).dir)
    }
    const fetch = !offline && isOnHub(name) && isIncomplete(error)
    // A folder of the user's own is as the user left it.
    if (!fetch || (await locateModel(name, hub)) === folderAt(name, hub)) throw error
    const dtype = overrides.dtype ?? knownModel(name)?.dtype
    const { path } = await pull(name, hub, { signal, dtype, onProgress, onRetry })
    return modelAt(name, path, hub, overrides)
  }
}

const pullLater: Pull = async (...call) => (await import('../hub/download.js')).pullModel(...call)

/** A level, or a name with an organisation: a bare word may be anything, a path is a path. */
function isOnHub(name: string): boolean {
  return knownModel(name)?.hubId !== undefined || (name.includes('/') && !isPath(name) && isHubId(name))
}

/** Not here, or only in part: other tools fetch a model without its ONNX file. */
function isIncomplete(error: unknown): boolean {
  if (isOpDbusError(error, 'MODEL_NOT_FOUND')) return true
  return isOpDbusError(error, 'UNSUPPORTED_MODEL') && error.details.missing === true
}
