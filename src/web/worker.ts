// Root of the embedding worker in browsers: hands it to comlink. Becomes worker.js, a module that needs no other. Its twin is
// node/worker.ts.
import { expose } from 'comlink'
import { readyMessage } from '../backends/worker-web.js'
import { VERSION } from '../version.js'
import { workerGlobals } from './worker-globals.js'
import { pageWorker } from './worker-host.js'

expose(pageWorker(workerGlobals()))
postMessage(readyMessage(VERSION))
