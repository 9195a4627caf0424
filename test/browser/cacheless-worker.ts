// The package's worker in a browser that gives it no Cache API. Bundled for the test of what is told of that.
import { expose } from 'comlink'
import { readyMessage } from '../../src/backends/worker-web.js'
import { VERSION } from '../../src/version.js'
import { workerGlobals } from '../../src/web/worker-globals.js'
import { pageWorker } from '../../src/web/worker-host.js'

expose(pageWorker({ ...workerGlobals(), caches: undefined }))
postMessage(readyMessage(VERSION))
