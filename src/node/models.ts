// Models on this machine, for `op-dbus models`: what is here, fetching one, where it lies, removing it. Part of the Node root.
import { readConfig } from '../config.js'
import { modelPlaces } from '../hub/cache.js'
import { type PulledModel, type PullOptions, pullModel as pull } from '../hub/download.js'
import { type HubOptions, modelPath as pathOf } from '../hub/find.js'
import { type Inventory, inventory, type RemoveOptions, removeModel as remove } from '../hub/inventory.js'
import { signalOf } from '../realms.js'
import { cacheDir, hubOptions, type OpenOptions } from './runtime.js'

export type { PulledModel, PullProgress } from '../hub/download.js'
export type { Inventory, LocalModel } from '../hub/inventory.js'
export { retryText } from '../hub/retry.js'

/** Every model that can be named here now, and the levels that would have to be fetched. */
export async function listModels(options: OpenOptions = {}): Promise<Inventory & { readonly folder: string }> {
  const { hub } = settingsFrom(options)
  return { ...(await inventory(hub)), folder: modelPlaces(hub)[0]?.dir ?? '(no home folder: set OP_DBUS_MODEL_DIR)' }
}

/** Fetches a level or a hub id; see `pullModel` in hub/download.ts for what it promises and rejects with. */
export async function pullModel(
  name: string,
  options: OpenOptions = {},
  call: Omit<PullOptions, 'dtype'> = {},
): Promise<PulledModel & { readonly from: string }> {
  const { hub, dtype } = settingsFrom(options)
  const pulled = await pull(name, hub, { ...call, signal: signalOf(call), dtype })
  return { ...pulled, from: hub.env.HF_ENDPOINT || 'https://huggingface.co' }
}

/** The folder of a model. Rejects with MODEL_NOT_FOUND. */
export async function modelPath(name: string, options: OpenOptions = {}): Promise<string> {
  return pathOf(name, settingsFrom(options).hub)
}

/** Removes a model from the cache; see `removeModel` in hub/inventory.ts. */
export async function removeModel(
  name: string,
  options: OpenOptions = {},
  call: RemoveOptions = {},
): Promise<{ readonly id: string; readonly path: string; readonly bytes: number }> {
  return remove(name, settingsFrom(options).hub, { ...call, signal: signalOf(call) })
}

function settingsFrom(options: OpenOptions): { readonly hub: HubOptions; readonly dtype: PullOptions['dtype'] } {
  const { embedder: _embedder, onDownload: _onDownload, onWarning = () => {}, ...settings } = options
  const config = readConfig(settings, process.env, onWarning)
  return { hub: hubOptions(config, cacheDir(config)), dtype: config.dtype }
}
