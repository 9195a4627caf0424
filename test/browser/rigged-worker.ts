// The package's worker with a GPU that computes on WebAssembly and then spoils it, as `/mode.txt` says: `wrong` vectors, or
// `losing` itself once the check is passed. Bundled for the tests of the web root.
import { expose } from 'comlink'
import type { Backend, BackendFactory } from '../../src/ports.js'
import { pageWorker } from '../../src/web/worker-host.js'
import { isSetup, type Setup } from '../../src/web/worker-protocol.js'

const setup = new Promise<Setup>(resolve => {
  addEventListener('message', ({ data }) => {
    if (isSetup(data)) resolve(data)
  })
})

function rigged(factories: readonly BackendFactory[]): readonly BackendFactory[] {
  const wasm = factories.find(factory => factory.device === 'wasm')!
  const gpu: BackendFactory = {
    device: 'webgpu',
    async open(file, options) {
      const mode = (await (await fetch('/mode.txt')).text()).trim()
      const backend = await wasm.open(file, options)
      return { ...backend, device: 'webgpu', run: mode === 'wrong' ? wrong(backend) : losing(backend) }
    },
  }
  return [gpu, { ...wasm, open: async (...call) => slowed(await wasm.open(...call)) }]
}

/** A GPU serves only where it is faster, and this one must whatever the machine does meanwhile. */
function slowed(backend: Backend): Backend {
  return {
    ...backend,
    async run(batch) {
      await new Promise(resolve => setTimeout(resolve, 50))
      return backend.run(batch)
    },
  }
}

/** Numbers of about the right size. */
function wrong(backend: Backend): Backend['run'] {
  return async batch => (await backend.run(batch)).map((x, i) => x * (i % 2 === 0 ? 1 : -1))
}

/** A text of three tokens or fewer loses the device; the check has none so short. */
function losing(backend: Backend): Backend['run'] {
  return async batch => {
    if (batch.rows === 1 && batch.width <= 3) throw new Error('the device was lost')
    return backend.run(batch)
  }
}

expose(pageWorker({ setup, caches: globalThis.caches, tell: notice => postMessage(notice), wrap: rigged }))
