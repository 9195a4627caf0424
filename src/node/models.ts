// Models on this machine, for `op-dbus models`: what is here, fetching one, where it lies, removing it. Part of the Node root,
// which most use for its caches: what looks for models and fetches them is loaded by the first call.
import type { PulledModel, PullOptions } from '../hub/download.js'
import type { ModelInventory } from '../hub/find.js'
import { modelPlaces } from '../hub/places.js'
import type { RemoveOptions } from '../hub/store.js'
import { signalOf } from '../realms.js'
import { type OpenOptions, readOptions } from './options.js'

export type { Dtype as ModelDtype } from '../embedder/model/table.js'
export type { PulledModel, PullOptions as PullModelOptions, PullProgress } from '../hub/download.js'
export { type Retry as PullRetry, retryText } from '../hub/error-messages.js'
export type { LocalModel, ModelInventory } from '../hub/find.js'
export type { RemoveOptions as RemoveModelOptions } from '../hub/store.js'

/** Every model that can be named here now, and the levels that would have to be fetched. */
export async function listModels(options: OpenOptions = {}): Promise<ModelInventory & { readonly folder: string }> {
  const { hub } = readOptions(options)
  const { inventory } = await import('../hub/find.js')
  return { ...(await inventory(hub)), folder: modelPlaces(hub)[0]?.dir ?? '(no home folder: set OP_DBUS_MODEL_DIR)' }
}

/** Whether the model that `options` name can be opened without fetching anything. */
export async function isModelHere(options: OpenOptions = {}): Promise<boolean> {
  const { config, hub } = readOptions(options)
  const { findModel } = await import('../hub/find.js')
  const { model, dtype, dimensions, pooling } = config
  return findModel(model, hub, { dtype, dimensions, pooling }).then(
    () => true,
    () => false,
  )
}

/** Fetches a level or a hub id; see `pullModel` in hub/download.ts for what it promises and rejects with. */
export async function pullModel(
  name: string,
  options: OpenOptions = {},
  call: Omit<PullOptions, 'dtype'> = {},
): Promise<PulledModel & { readonly from: string }> {
  const { config, hub } = readOptions(options)
  const { pullModel: pull } = await import('../hub/download.js')
  const pulled = await pull(name, hub, { ...call, signal: signalOf(call), dtype: config.dtype })
  return { ...pulled, from: hub.env.HF_ENDPOINT || 'https://huggingface.co' }
}

/** The folder of a model. Rejects with MODEL_NOT_FOUND. */
export async function modelPath(name: string, options: OpenOptions = {}): Promise<string> {
  const { hub } = readOptions(options)
  const { modelPath: pathOf } = await import('../hub/find.js')
  return pathOf(name, hub)
}

/** Removes a model from the cache; see `removeModel` in hub/store.ts. */
export async function removeModel(
  name: string,
  options: OpenOptions = {},
  call: RemoveOptions = {},
): Promise<{ readonly id: string; readonly path: string; readonly bytes: number }> {
  const { hub } = readOptions(options)
  const { removeModel: remove } = await import('../hub/store.js')
  return remove(name, hub, { ...call, signal: signalOf(call) })
}
