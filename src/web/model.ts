// What computes in a page, handed to embedder/open-model.ts: the models, devices and workers of this browser. Part of the web root;
// decides nothing itself. Its twin is node/model.ts.

import type { Opened } from '../embedder/devices/order.js'
import { unavailable } from '../embedder/devices/order.js'
import { DeviceSelector } from '../embedder/devices/selector.js'
import type { Levels } from '../embedder/model/levels.js'
import {
  type ModelHost,
  type ModelRuntime,
  type OpenedModel,
  type OpenModelCall,
  openModel as open,
} from '../embedder/open-model.js'
import type { Store } from '../ports.js'
import { readAssets } from './assets.js'
import { webDevices } from './devices.js'
import { Downloads } from './downloads.js'
import type { FileCache } from './file-cache.js'
import { filesOf, ownReference, specOf } from './model-source.js'
import type { WebOptions } from './options.js'
import { probeGpu, timer, usableThreads, webClock, webHash } from './runtime.js'
import type { WorkerScript } from './start-worker.js'

export interface PageParts {
  readonly levels: Levels
  readonly script: WorkerScript
  readonly fileCache: FileCache
  /** Keeps what devices proved. */
  readonly verdicts: Store | undefined
}

/** The embedder of `config.model`. Rejects as `openModel` of embedder/open-model.ts does, and with DOWNLOAD. */
export function openModel(options: WebOptions, parts: PageParts, call: OpenModelCall): Promise<OpenedModel> {
  const { config } = options
  const runtime: ModelRuntime = {
    name: 'web',
    levels: parts.levels,
    timer,
    prepare: () => prepare(options, parts, call),
    complaint: opened => complaint(opened, config.device),
  }
  return open(config, runtime, call)
}

/** Reads the manifest of the assets, and looks for a GPU where only that would do. */
async function prepare(
  { config, places, onDownload }: WebOptions,
  parts: PageParts,
  { warn, signal }: OpenModelCall,
): Promise<ModelHost> {
  const { script, fileCache, verdicts } = parts
  const assets = await readAssets(places, fileCache, { signal, timer })
  const downloads = new Downloads(onDownload)
  const startWorker = () =>
    script.start(assets, fileCache, {
      onNotice(notice) {
        if (notice.opDbus === 'warning') fileCache.warnOnce(notice.message)
        else downloads.saw(notice)
      },
      warn,
    })
  const threads = usableThreads(config.threads)
  const runtime = webDevices({
    spawn: startWorker,
    probe: probeGpu,
    files: spec => [...filesOf(spec), assets.ort('webgpu').wasm],
    ownReference: spec => ownReference(spec, assets, fileCache),
    threads,
    timer,
  })
  const gone = config.device === 'webgpu' ? await runtime.absent('webgpu', false) : undefined
  const useless = gone === undefined ? undefined : unavailable([{ device: 'webgpu', reason: gone, kind: 'absent' }])
  const source = { assets, hub: places.hub, fileCache, startWorker, offline: config.offline, useless }
  return {
    devices: new DeviceSelector({ runtime, store: verdicts, clock: webClock, hash: webHash }),
    threads,
    workers: 1,
    useless,
    specOf: (name, overrides, called) => specOf(name, overrides, source, called),
    startWorker,
  }
}

/** A browser without a GPU, or with a slow one, is nothing to complain of: `stats` tells. A GPU that fails is. */
function complaint({ device, tried }: Opened, choice: string): string | undefined {
  const gpu = tried.find(attempt => attempt.device === 'webgpu')
  return choice === 'auto' && gpu?.kind === 'failed' ? `embedding on ${device}: webgpu ${gpu.reason}` : undefined
}
