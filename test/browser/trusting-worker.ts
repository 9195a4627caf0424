// The package's worker without the trial of a GPU, whose minutes in software tell nothing that a smaller model does not.
// Bundled for the test that compares vectors.
import { expose } from 'comlink'
import { READY } from '../../src/backends/worker-web.js'
import { pageWorker } from '../../src/web/worker-host.js'
import { isSetup, type PageWorker, type Setup } from '../../src/web/worker-protocol.js'

const setup = new Promise<Setup>(resolve => {
  addEventListener('message', ({ data }) => {
    if (isSetup(data)) resolve(data)
  })
})

const worker: PageWorker = {
  ...pageWorker({ setup, caches: globalThis.caches, tell: notice => postMessage(notice) }),
  tryDevice: async ({ device }) => ({ device, works: true }),
}
expose(worker)
postMessage(READY)
