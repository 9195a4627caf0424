// Starts the worker that embeds, from bytes that were checked. Part of the web root; knows nothing of what the worker computes.
// Its twin is node/start-worker.ts.
//
// No browser checks a worker's script by itself: `new Worker` has no `integrity`, and import maps do not reach workers. So its
// bytes are fetched and hashed like those of any other file, and run from a `blob:` address: what was checked is what runs.
// Where a Content-Security-Policy forbids that, the script is started from its own address once what is there was checked;
// the browser then fetches it a second time, mostly from its cache.
import { type WorkerStart, webWorkerHandle } from '../backends/worker-web.js'
import type { WorkerHandle } from '../ports.js'
import { VERSION } from '../version.js'
import type { Assets } from './assets.js'
import { addressed, type FileCache } from './file-cache.js'
import { scriptFault } from './script-fault.js'
import { isNotice, type Notice, type Setup } from './worker-protocol.js'

const FORBIDDEN =
  'checked and then fetched again by the browser: a Content-Security-Policy forbids to run the bytes that were checked (worker-src blob:)'

interface Listeners {
  onNotice(notice: Notice): void
  warn(message: string): void
}

/** The worker's script, for all workers of a page. */
export class WorkerScript {
  /** Once a policy has refused `blob:` this page does not ask again: each time would be reported to its owner. */
  #refused = false
  #checked: { readonly digest: string; readonly url: string } | undefined

  /** The worker among the assets, else the one that lies, or that a bundler has put, beside this module. */
  start(assets: Assets, fileCache: FileCache, { onNotice, warn }: Listeners): WorkerHandle {
    const file = assets.file('worker.js')
    const ours = file !== undefined && new URL(file.url).origin === location.origin
    const started = (worker: Worker) => {
      worker.addEventListener('message', ({ data }) => {
        if (isNotice(data)) onNotice(data)
      })
      return worker
    }
    const fromBytes: WorkerStart = async signal => {
      if (this.#refused) return undefined
      if (this.#checked?.digest !== file!.digest) {
        const bytes = await fileCache.bytes(file!, { signal })
        const url = URL.createObjectURL(new Blob([bytes], { type: 'text/javascript' }))
        this.#checked = { digest: file!.digest, url }
      }
      try {
        return started(new Worker(this.#checked.url, { type: 'module' }))
      } catch {
        // Some browsers throw where others tell the worker's listeners that there was an error.
        return undefined
      }
    }
    const fromAddress: WorkerStart = async signal => {
      if (!this.#refused) warn(`worker.js is started from ${file!.url}, ${FORBIDDEN}`)
      this.#refused = true
      await fileCache.check(file!, { signal })
      return started(new Worker(addressed(file!), { type: 'module' }))
    }
    // What a bundler has made of the script nobody can know; it says its version.
    const fromModule: WorkerStart = async () =>
      started(new Worker(new URL('./worker.js', import.meta.url), { type: 'module' }))

    const ways = [...(file ? [fromBytes] : []), ...(ours ? [fromAddress] : [fromModule])]
    const handle = webWorkerHandle({
      url: file?.url ?? 'beside the module',
      version: VERSION,
      ways,
      fault: () => scriptFault(ours ? addressed(file) : undefined, globalThis.crossOriginIsolated),
    })
    const ort = { wasm: assets.ort('wasm'), webgpu: assets.ort('webgpu') }
    handle.endpoint.postMessage({ opDbus: 'setup', ort, files: assets.files } satisfies Setup)
    return handle
  }
}
