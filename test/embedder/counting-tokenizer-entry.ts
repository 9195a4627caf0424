// The tokenizer thread, which counts its texts in the environment that all threads share, and dies when told to.
import { readFile } from 'node:fs/promises'
import { parentPort } from 'node:worker_threads'
import { END, nodeEndpoint } from '../../src/backends/worker-node.js'
import { type TokenizerThread, tokenizerThread } from '../../src/embedder/engine/tokenizer-thread.js'
import { serve } from '../../src/embedder/link.js'
import { isUnchanged } from '../../src/hub/model-folder.js'

parentPort!.on('message', message => {
  if (message === END) process.exit(0)
})

serve(nodeEndpoint(parentPort!), (): TokenizerThread => {
  const thread = tokenizerThread({ readText: file => readFile(file.path, 'utf8'), isUnchanged })
  return {
    open: thread.open,
    tokenize(texts) {
      if (process.env.OP_DBUS_TEST_TOKENIZERS === 'die') {
        process.env.OP_DBUS_TEST_TOKENIZERS = 'died'
        process.exit(7)
      }
      process.env.OP_DBUS_TEST_TOKENIZED = `${Number(process.env.OP_DBUS_TEST_TOKENIZED ?? 0) + texts.length}`
      return thread.tokenize(texts)
    },
  }
})
