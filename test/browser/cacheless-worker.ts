// The package's worker in a browser that gives it no Cache API. Bundled for the test of what is told of that.
import { readyMessage } from '../../src/backends/worker-web.js'
import { serve } from '../../src/embedder/link.js'
import { VERSION } from '../../src/version.js'
import { pageEndpoint, workerGlobals } from '../../src/web/worker-globals.js'
import { pageWorker } from '../../src/web/worker-host.js'

serve(pageEndpoint, push => pageWorker({ ...workerGlobals(), caches: undefined }, push))
postMessage(readyMessage(VERSION))
