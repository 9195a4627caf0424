// What computes on Node: finds the model, chooses the devices, stands the worker behind the Embedder port. Part of the Node root.
import { availableParallelism } from 'node:os'
import type { Config } from './config.js'
import { deviceOrder } from './embedder/devices.js'
import { findModel } from './embedder/hub.js'
import type { Opened } from './embedder/protocol.js'
import { OpDbusError } from './errors.js'
import { hubOptions, spawnWorker, timer } from './node-runtime.js'
import type { Embedder } from './ports.js'

/** The repair for a native binding that npm left out because its install script failed or was not run. */
export const REPAIR = 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node'

/** The embedder of `config.model`; loads no runtime yet. `dir` is the cache folder, where there is one. */
export async function openModel(
  config: Config,
  dir: string | undefined,
  warn: (message: string) => void,
): Promise<Embedder> {
  if (config.model === 'none') {
    throw new OpDbusError('DISABLED', 'embedding is switched off (model "none", or OP_DBUS_VECTOR_LEVEL=none)')
  }
  const devices = deviceOrder(config.device, 'node')
  const spec = await findModel(config.model, hubOptions(config, dir))
  const { WorkerEmbedder } = await import('./embedder/worker-client.js')
  let told = false
  return new WorkerEmbedder({
    spec,
    spawn: spawnWorker,
    plan: async () => ({ devices }),
    threads: config.threads ?? availableParallelism(),
    timer,
    maxQueue: config.maxQueue,
    idleUnloadMs: config.idleUnloadMs,
    onOpen(opened) {
      if (!told) tellFallback(opened, warn)
      told = true
    },
  })
}

function tellFallback({ device, tried }: Opened, warn: (message: string) => void): void {
  const cpu = tried.find(attempt => attempt.device === 'cpu')
  if (device !== 'wasm' || cpu === undefined) return
  warn(`embedding with WebAssembly, several times slower: ${cpu.reason}. To repair: ${REPAIR}`)
}
