// The package's worker without the trial of a GPU, whose minutes in software tell nothing that a smaller model does not.
// Bundled for the test that compares vectors.
import { expose } from 'comlink'
import { readyMessage } from '../../src/backends/worker-web.js'
import { VERSION } from '../../src/version.js'
import { workerGlobals } from '../../src/web/worker-globals.js'
import { pageWorker } from '../../src/web/worker-host.js'
import type { PageWorker } from '../../src/web/worker-protocol.js'

const worker: PageWorker = {
  ...pageWorker(workerGlobals()),
  probeDevice: async ({ device }) => ({ device, works: true }),
}
expose(worker)
postMessage(readyMessage(VERSION))
