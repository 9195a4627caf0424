// Composition root of a tokenizer thread on Node: lends it files and hands it to comlink.

import { readFile } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { expose } from 'comlink'
import { END, nodeEndpoint } from '../backends/worker-node.js'
import { tokenizerThread } from '../embedder/worker/tokenizer-thread.js'
import { isUnchanged } from '../hub/model-folder.js'

if (!parentPort) throw new Error('node-tokenizer runs as a worker thread only')

parentPort.on('message', message => {
  if (message === END) process.exit(0)
})

expose(tokenizerThread({ readText: file => readFile(file.path, 'utf8'), isUnchanged }), nodeEndpoint(parentPort))
