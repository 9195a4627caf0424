// Composition root of the embedding worker on Node, which is a process, or a thread where none may be started: names the
// backends and serves the worker to who started it. Its twin is web/worker.ts.

import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { type ExitGate, gated } from '../backends/exit-gate.js'
import { ortNode } from '../backends/ort-node.js'
import { ortWasm } from '../backends/ort-web.js'
import { starterEndpoint, tellReady } from '../backends/process-node.js'
import { END, nodeEndpoint, spawnNodeWorker } from '../backends/worker-node.js'
import { embedWorker } from '../embedder/engine/embed-worker.js'
import { serve } from '../embedder/link.js'
import { isUnchanged } from '../hub/model-folder.js'
import { ownFile } from './own-files.js'

parentPort?.on('message', message => {
  if (message === END) process.exit(0)
})

const gate = workerData as ExitGate | null
const backends = [ortNode('cuda'), ortNode('webgpu'), ortNode('cpu'), ortWasm()]

serve(parentPort ? nodeEndpoint(parentPort) : starterEndpoint(), push =>
  embedWorker(
    {
      backends: gate ? gated(backends, gate) : backends,
      readText: file => readFile(file.path, 'utf8'),
      isUnchanged,
      yieldToEventLoop: () => setImmediate(),
      clock: { monotonic: () => performance.now() },
      spawnTokenizer: () => spawnNodeWorker(pathToFileURL(ownFile('node-tokenizer.js')), 'op-dbus tokenizer'),
    },
    push,
  ),
)
if (!parentPort) tellReady()
