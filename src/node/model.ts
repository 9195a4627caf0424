// What computes on Node, handed to embedder/open-model.ts: this machine's models, devices and worker processes. Part of the Node
// root; decides nothing itself, and is loaded with the first text that memory does not have. Its twin is web/model.ts.

import { usualWorkers } from '../embedder/client/worker-pool.js'
import type { Opened } from '../embedder/devices/order.js'
import type { Levels } from '../embedder/model/levels.js'
import { type ModelRuntime, type OpenedModel, type OpenModelCall, openModel as open } from '../embedder/open-model.js'
import { type Retry, retryText } from '../hub/error-messages.js'
import { deviceSelector } from './devices.js'
import { specOf } from './model-source.js'
import type { NodeOptions } from './options.js'
import { timer, usableThreads } from './runtime.js'
import { startWorker } from './start-worker.js'

/** The repair for a native binding that npm left out because its install script failed or was not run. */
const REPAIR = 'ONNXRUNTIME_NODE_INSTALL=skip npm install onnxruntime-node'

/** The embedder of `config.model`; fetches what is missing. Rejects as `openModel` of embedder/open-model.ts does. */
export function openModel(options: NodeOptions, levels: Levels, call: OpenModelCall): Promise<OpenedModel> {
  const { config, dir, hub, onDownload } = options
  const threads = usableThreads(config.threads)
  const source = {
    hub,
    offline: config.offline,
    onProgress: onDownload,
    onRetry: (retry: Retry) => call.warn(`fetching ${config.model}: ${retryText(retry)}`),
  }
  const runtime: ModelRuntime = {
    name: 'node',
    levels,
    timer,
    prepare: async () => ({
      devices: deviceSelector(config, dir),
      threads,
      workers: usualWorkers(threads),
      specOf: (name, overrides, call) => specOf(name, overrides, source, call),
      startWorker,
    }),
    complaint,
  }
  return open(config, runtime, call)
}

function complaint({ device, tried }: Opened): string | undefined {
  const cpu = tried.find(attempt => attempt.device === 'cpu')
  if (device !== 'wasm' || cpu === undefined) return undefined
  const repair = cpu.reason.includes('--allow-addons') ? '' : `. To repair: ${REPAIR}`
  return `embedding with WebAssembly, several times slower: ${cpu.reason}${repair}`
}
