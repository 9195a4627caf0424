// The package's worker with a GPU that computes on WebAssembly and then spoils it, as `/mode.txt` says: `wrong` vectors, `losing`
// itself once the check is passed, `refusing` to open in ONNX Runtime's words, or `lacking` in workers. Bundled for the tests of the web root.
import { readyMessage } from '../../src/backends/worker-web.js'
import { serve } from '../../src/embedder/link.js'
import type { Backend, BackendFactory } from '../../src/ports.js'
import { VERSION } from '../../src/version.js'
import { pageEndpoint, workerGlobals } from '../../src/web/worker-globals.js'
import { pageWorker } from '../../src/web/worker-host.js'
import type { PageWorker } from '../../src/web/worker-protocol.js'

function rigged(factories: readonly BackendFactory[]): readonly BackendFactory[] {
  const wasm = factories.find(factory => factory.device === 'wasm')!
  const gpu: BackendFactory = {
    device: 'webgpu',
    async open(file, options) {
      const mode = await modeNow()
      if (mode === 'refusing') throw new Error('[WebGPU] Kernel failed: no adapter limits')
      const backend = await wasm.open(file, options)
      return { ...backend, device: 'webgpu', run: mode === 'wrong' ? wrong(backend) : losing(backend) }
    },
  }
  return [gpu, wasm]
}

async function modeNow(): Promise<string> {
  return (await (await fetch(new URL('/mode.txt', location.origin))).text()).trim()
}

/** Numbers of about the right size. */
function wrong(backend: Backend): Backend['run'] {
  return async batch => {
    const { vectors, pooled } = await backend.run(batch)
    return { vectors: vectors.map((x, i) => x * (i % 2 === 0 ? 1 : -1)), pooled }
  }
}

/** A text of three tokens or fewer loses the device; the check has none so short. */
function losing(backend: Backend): Backend['run'] {
  return async batch => {
    if (batch.rows === 1 && batch.width <= 3) throw new Error('the device was lost')
    return backend.run(batch)
  }
}

serve(pageEndpoint, push => {
  const worker = pageWorker({ ...workerGlobals(), wrap: rigged }, push)
  return {
    ...worker,
    async probeGpu() {
      if ((await modeNow()) === 'lacking') return { reason: 'the browser offers no GPU (no adapter)' }
      return { name: 'rigged', software: false }
    },
    // A GPU serves only where it is faster, which is not for the machine's load to decide here.
    async probeDevice(job) {
      if ((await modeNow()) !== 'losing') return worker.probeDevice(job)
      return { device: job.device, works: true, textsPerSecond: 2, cpuTextsPerSecond: 1 }
    },
  } satisfies PageWorker
})
postMessage(readyMessage(VERSION))
