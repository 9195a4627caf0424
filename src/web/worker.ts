// Root of the embedding worker in browsers: hands it to comlink. Becomes worker.js, a module that needs no other.
import { expose } from 'comlink'
import { READY } from '../backends/worker-web.js'
import { pageWorker } from './worker-host.js'
import { isSetup, type Setup } from './worker-protocol.js'

const setup = new Promise<Setup>(resolve => {
  addEventListener('message', ({ data }) => {
    if (isSetup(data)) resolve(data)
  })
})

expose(
  pageWorker({
    setup,
    caches: globalThis.caches,
    tell: notice => postMessage(notice),
  }),
)
postMessage(READY)
