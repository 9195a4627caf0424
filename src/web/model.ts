// What computes in a page: finds the model, chooses the devices, stands the worker behind the Embedder port. Part of the web root.
import type { ServingModel } from '../caches/embedding-cache.js'
import type { Config } from '../config.js'
import { deviceOrder } from '../embedder/devices/order.js'
import { type ModelSpec, readModelSpec } from '../embedder/model/spec.js'
import { knownModel } from '../embedder/model/table.js'
import { WorkerEmbedder } from '../embedder/worker/client.js'
import type { Opened } from '../embedder/worker/protocol.js'
import { OpDbusError } from '../errors.js'
import type { Call, Embedder, Store } from '../ports.js'
import { type Assets, readAssets } from './assets.js'
import { DeviceBook } from './devices.js'
import { Downloads } from './downloads.js'
import { hubModel } from './hub.js'
import { type KnownFile, webFolder } from './model-folder.js'
import type { OpenOptions, Places } from './options.js'
import { probeGpu, startWorker, timer, usableThreads, webClock, webHash } from './page.js'
import type { FileRef, Shelf } from './shelf.js'
import type { Notice } from './worker-protocol.js'

/** Where the built-in model lies among the assets. */
const BUILTIN = 'models/builtin/'

export interface OpenModelCall extends Call, Pick<OpenOptions, 'onDownload'> {
  readonly places: Places
  readonly shelf: Shelf
  readonly warn: (message: string) => void
  /** Keeps what devices proved. */
  readonly verdicts: Store | undefined
}

/** The embedder of `config.model`. Reads its small files; a model of a hub is fetched whole when it is not there. */
export async function openModel(
  config: Config,
  call: OpenModelCall,
): Promise<{ readonly embedder: Embedder; readonly model: ServingModel }> {
  const { model: name } = config
  if (name === 'none') throw new OpDbusError('DISABLED', 'embedding is switched off (model "none")')
  // A name that is no device is told now; whether the device works, when the first text needs it.
  deviceOrder(config.device, 'web')
  const assets = await readAssets(call.places, call.shelf, call)
  const downloads = new Downloads(call.onDownload)
  const spec = await readSpec(name, config, assets, downloads, call)
  return {
    embedder: workerFor(spec, config, assets, downloads, call),
    model: { asked: name, serves: name, gaveWay: [] },
  }
}

/** From the same small files as everywhere, so that the space is the same as everywhere. */
async function readSpec(name: string, config: Config, assets: Assets, downloads: Downloads, call: OpenModelCall) {
  const { dtype, dimensions, pooling, offline } = config
  const { shelf, places, signal, warn } = call
  const known = knownModel(name)
  const files: ReadonlyMap<string, KnownFile> =
    name === 'builtin'
      ? assets.folder(BUILTIN)
      : await hubModel(name, {
          hub: places.hub,
          shelf,
          spawn: () => startWorker(assets, notice => onNotice(notice, downloads, warn)),
          dtype,
          offline,
          signal,
        })
  return readModelSpec(webFolder(known?.hubId ?? name, files, shelf, { signal }), {
    dtype: dtype ?? known?.dtype,
    maxTokens: known?.maxTokens,
    dimensions,
    pooling,
  })
}

/** A worker for one model, started by the first text. */
function workerFor(
  spec: ModelSpec,
  config: Config,
  assets: Assets,
  downloads: Downloads,
  call: OpenModelCall,
): WorkerEmbedder {
  const { shelf, warn, verdicts } = call
  const threads = usableThreads(config.threads)
  const spawn = () => startWorker(assets, notice => onNotice(notice, downloads, warn))
  const book = new DeviceBook({
    spawn,
    probe: probeGpu,
    files: one => [...modelFiles(one), assets.ort('webgpu').wasm],
    ownReference: async one => {
      const file = one.id === 'builtin' ? assets.file(`${BUILTIN}op-dbus-reference.json`) : undefined
      return file && JSON.parse(await shelf.text(file))
    },
    store: verdicts,
    threads,
    clock: webClock,
    hash: webHash,
    timer,
  })
  let serving: Opened | undefined
  return new WorkerEmbedder({
    spec,
    spawn,
    plan: () => book.plan(config.device, spec),
    threads,
    workers: config.workers ?? 1,
    timer,
    maxQueue: config.maxQueue,
    idleUnloadMs: config.idleUnloadMs,
    onOpen(opened) {
      void book.passed(opened.device, spec)
      if (serving && serving.device !== opened.device) tellChange(serving, opened, warn)
      else if (!serving) tellRefused(opened, config, warn)
      serving = opened
    },
  })
}

function modelFiles({ files: { model, tokenizer, tokenizerConfig } }: ModelSpec): FileRef[] {
  const all = [model, tokenizer, ...(tokenizerConfig ? [tokenizerConfig] : [])]
  return all.map(({ path, sha256 }) => ({ url: path, digest: sha256 }))
}

function onNotice(notice: Notice, downloads: Downloads, warn: (message: string) => void): void {
  if (notice.opDbus === 'warning') warn(notice.message)
  else downloads.saw(notice)
}

function tellChange(before: Opened, { device, tried }: Opened, warn: (message: string) => void): void {
  const lost = tried.find(attempt => attempt.device === before.device)
  warn(`embedding on ${device} from here on: ${before.device} ${lost?.reason ?? 'is gone'}`)
}

/** A browser without a GPU, or with a slow one, is nothing to complain of: `stats` tells. A GPU that computes wrong is. */
function tellRefused({ device, tried }: Opened, { device: choice }: Config, warn: (message: string) => void): void {
  const gpu = tried.find(attempt => attempt.device === 'webgpu')
  if (choice !== 'auto' || !gpu || /adapter|WebGPU|software|slower/.test(gpu.reason)) return
  warn(`embedding on ${device}: webgpu ${gpu.reason}`)
}
