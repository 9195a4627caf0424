// What a child process of the worker tests imports: the main side of the embedder, bundled.
export { spawnNodeWorker } from '../../src/backends/worker-node.js'
export { embedText } from '../../src/embedder/client/embed-text.js'
export { WorkerEmbedder } from '../../src/embedder/client/worker-embedder.js'
export { findModel } from '../../src/hub/find.js'
