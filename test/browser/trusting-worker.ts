// The package's worker without the probing of a GPU, whose minutes in software tell nothing that a smaller model does not.
// Bundled for the test that compares vectors.
import { readyMessage } from '../../src/backends/worker-web.js'
import { serve } from '../../src/embedder/link.js'
import { VERSION } from '../../src/version.js'
import { pageEndpoint, workerGlobals } from '../../src/web/worker-globals.js'
import { pageWorker } from '../../src/web/worker-host.js'
import type { PageWorker } from '../../src/web/worker-protocol.js'

serve(pageEndpoint, push => {
  const worker = pageWorker(workerGlobals(), push)
  return { ...worker, probeDevice: async ({ device }) => ({ device, works: true }) } satisfies PageWorker
})
postMessage(readyMessage(VERSION))
