// The embedding worker as on a machine with a GPU: what it takes for one computes on the CPU. Bundled for the worker tests.
import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import { ortNode } from '../../src/backends/ort-node.js'
import { END, nodeEndpoint, spawnNodeWorker } from '../../src/backends/worker-node.js'
import { embedWorker } from '../../src/embedder/engine/embed-worker.js'
import { serve } from '../../src/embedder/link.js'
import { isUnchanged } from '../../src/hub/model-folder.js'
import type { BackendFactory } from '../../src/ports.js'

parentPort!.on('message', message => {
  if (message === END) process.exit(0)
})

const cpu = ortNode('cpu')
const gpu: BackendFactory = {
  device: 'cuda',
  open: async (file, options) => ({ ...(await cpu.open(file, options)), device: 'cuda' }),
}

serve(nodeEndpoint(parentPort!), push =>
  embedWorker(
    {
      backends: [gpu],
      readText: file => readFile(file.path, 'utf8'),
      isUnchanged,
      yieldToEventLoop: () => setImmediate(),
      clock: { monotonic: () => performance.now() },
      spawnTokenizer: () => spawnNodeWorker(new URL('./counting-tokenizer.js', import.meta.url)),
    },
    push,
  ),
)
