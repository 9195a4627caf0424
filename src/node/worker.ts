// Composition root of the embedding worker on Node: names the backends and hands the worker to comlink.

import { readFile } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { parentPort } from 'node:worker_threads'
import { expose } from 'comlink'
import { ortNode } from '../backends/ort-node.js'
import { ortWasm } from '../backends/ort-web.js'
import { END, nodeEndpoint, spawnNodeWorker } from '../backends/worker-node.js'
import { isUnchanged } from '../embedder/hub/files.js'
import { embedWorker } from '../embedder/worker/embed-worker.js'
import { ownFile } from './own-files.js'

if (!parentPort) throw new Error('node-worker runs as a worker thread only')

parentPort.on('message', message => {
  if (message === END) process.exit(0)
})

expose(
  embedWorker({
    backends: [ortNode('cuda'), ortNode('webgpu'), ortNode('cpu'), ortWasm()],
    readText: file => readFile(file.path, 'utf8'),
    isUnchanged,
    turn: () => setImmediate(),
    clock: { monotonic: () => performance.now() },
    spawnTokenizer: () => spawnNodeWorker(pathToFileURL(ownFile('node-tokenizer.js')), 'op-dbus tokenizer'),
  }),
  nodeEndpoint(parentPort),
)
