// What computes on Node: finds the model, chooses the devices, stands the worker behind the Embedder port. Part of the Node root.
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import type { ServingModel } from '../caches/embedding-cache.js'
import type { Config } from '../config.js'
import type { DeviceBook } from '../embedder/devices/book.js'
import type { Opened } from '../embedder/devices/order.js'
import { deviceOrder } from '../embedder/devices/order.js'
import { ModelManager } from '../embedder/model/manager.js'
import type { ModelSpec } from '../embedder/model/spec.js'
import { OpDbusError } from '../errors.js'
import type { PullProgress } from '../hub/download.js'
import type { HubOptions } from '../hub/find.js'
import { retryText } from '../hub/retry.js'
import type { Call, Embedder, Space } from '../ports.js'
import { nodeDeviceBook } from './devices.js'
import { referenceFile } from './references.js'
import { hubOptions, spawnWorker, timer } from './runtime.js'

/** The repair for a native binding that npm left out because its install script failed or was not run. */
export const REPAIR = 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node'

/** One for the process: what gave way once stays away, so that no two caches of it differ in what `high` means. */
const models = new ModelManager()

export interface OpenModelCall extends Call {
  /** Where models are looked for, as it was when the caches were opened. */
  readonly hub: HubOptions
  readonly warn: (message: string) => void
  readonly onDownload?: (progress: PullProgress) => void
}

/**
 * The embedder of `config.model`; fetches what is missing, and loads no runtime yet unless a level may give way. `dir` is
 * the cache folder, where there is one.
 */
export async function openModel(
  config: Config,
  dir: string | undefined,
  call: OpenModelCall,
): Promise<{ readonly embedder: Embedder; readonly model: ServingModel }> {
  const { hub, warn, onDownload, signal } = call
  if (config.model === 'none') {
    throw new OpDbusError('DISABLED', 'embedding is switched off (model "none", or OP_DBUS_VECTOR_LEVEL=none)')
  }
  // A name that is no device is told now; whether the device works, when the first text needs it.
  deviceOrder(config.device, 'node')
  const book = deviceBook(config, dir)
  /** What the probe opened stays open: it is the one that will serve. */
  const probed = new Map<Space, Embedder>()
  const { spec, ranAs, gaveWay } = await models.resolve(config.model, {
    hub,
    overrides: { dtype: config.dtype, dimensions: config.dimensions, pooling: config.pooling },
    offline: config.offline,
    fallback: config.fallback,
    onProgress: onDownload,
    onRetry: retry => warn(`fetching ${config.model}: ${retryText(retry)}`),
    signal,
    async probe(candidate) {
      // These very files were opened on this machine before: a process whose texts are all cached need not do it again.
      const { proven = [] } = await book.plan(config.device, candidate, { signal })
      if (proven.length > 0) return
      const embedder = await workerFor(candidate, config, book, warn)
      try {
        await embedder.embed('Created container 100', { signal })
        probed.set(candidate.space, embedder)
      } catch (error) {
        await embedder.close()
        throw error
      }
    },
  })
  for (const { name, reason } of gaveWay) warn(`model ${name} gives way: ${reason}`)
  if (gaveWay.length > 0) {
    warn(`embedding with ${ranAs} (${spec.dims} dims) in place of ${config.model}: do not mix vectors of the two`)
  }
  const embedder = probed.get(spec.space) ?? (await workerFor(spec, config, book, warn))
  return { embedder, model: { asked: config.model, serves: ranAs, gaveWay } }
}

/** A worker for one model, started by the first text. */
async function workerFor(
  spec: ModelSpec,
  config: Config,
  book: DeviceBook,
  warn: (message: string) => void,
): Promise<Embedder> {
  const { WorkerEmbedder } = await import('../embedder/client/worker-embedder.js')
  const { usualWorkers } = await import('../embedder/client/worker-pool.js')
  const threads = config.threads ?? availableParallelism()
  let serving: Opened | undefined
  return new WorkerEmbedder({
    spec,
    spawn: spawnWorker,
    plan: call => book.plan(config.device, spec, call),
    threads,
    workers: config.workers ?? usualWorkers(threads),
    timer,
    maxQueue: config.maxQueue,
    idleUnloadMs: config.idleUnloadMs,
    onOpen(opened) {
      void book.passed(opened.device, spec)
      if (serving === undefined) tellFallback(opened, warn)
      else if (serving.device !== opened.device) tellChange(serving, opened, warn)
      serving = opened
    },
  })
}

/** What is known of this machine's devices, for this folder. */
export function deviceBook(config: Config, dir: string | undefined): DeviceBook {
  const { builtinDir } = hubOptions(config, dir)
  return nodeDeviceBook(dir, {
    gpuDevice: config.gpuDevice,
    threads: config.threads ?? availableParallelism(),
    referenceFile: spec => referenceFile(spec, dirname(builtinDir)),
  })
}

function tellChange(before: Opened, { device, tried }: Opened, warn: (message: string) => void): void {
  const lost = tried.find(attempt => attempt.device === before.device)
  warn(`embedding on ${device} from here on: ${before.device} ${lost?.reason ?? 'is gone'}`)
}

function tellFallback({ device, tried }: Opened, warn: (message: string) => void): void {
  const cpu = tried.find(attempt => attempt.device === 'cpu')
  if (device !== 'wasm' || cpu === undefined) return
  const repair = cpu.reason.includes('--allow-addons') ? '' : `. To repair: ${REPAIR}`
  warn(`embedding with WebAssembly, several times slower: ${cpu.reason}${repair}`)
}
