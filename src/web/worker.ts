// Root of the embedding worker in browsers: serves it to the page. Becomes worker.js, a module that needs no other. Its twin is
// node/worker.ts.
import { readyMessage } from '../backends/worker-web.js'
import { serve } from '../embedder/link.js'
import { VERSION } from '../version.js'
import { pageEndpoint, workerGlobals } from './worker-globals.js'
import { pageWorker } from './worker-host.js'

serve(pageEndpoint, push => pageWorker(workerGlobals(), push))
postMessage(readyMessage(VERSION))
