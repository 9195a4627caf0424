// Composition root of a tokenizer thread on Node: lends it files and serves it to who started it.

import { readFile } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { END, nodeEndpoint } from '../backends/worker-node.js'
import { tokenizerThread } from '../embedder/engine/tokenizer-thread.js'
import { serve } from '../embedder/link.js'
import { isUnchanged } from '../hub/model-folder.js'

if (!parentPort) throw new Error('node-tokenizer runs as a worker thread only')

parentPort.on('message', message => {
  if (message === END) process.exit(0)
})

serve(nodeEndpoint(parentPort), () => tokenizerThread({ readText: file => readFile(file.path, 'utf8'), isUnchanged }))
