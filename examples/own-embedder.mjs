// An embedder of one's own: vectors by hashing the letters of a text, three at a time. No model, no download, no worker.
// Similar spellings get similar vectors, which is enough to find typing errors and near-duplicates.
//
//   node examples/own-embedder.mjs "Created contianer 100" "Created container 100" "Deleted volume 7"
//
// Prints where the vector of each text came from, and how like the first text it is.
import { openCaches } from 'op-dbus'

const DIMS = 256

/** @param {string} text */
function vectorOf(text) {
  const vector = new Float32Array(DIMS)
  const padded = `  ${text.toLowerCase()}  `
  for (let i = 0; i + 3 <= padded.length; i++) {
    let hash = 2166136261
    for (let j = i; j < i + 3; j++) hash = Math.imul(hash ^ padded.charCodeAt(j), 16777619)
    vector[(hash >>> 1) % DIMS] += hash & 1 ? 1 : -1
  }
  const length = Math.hypot(...vector) || 1
  return vector.map(value => value / length)
}

const caches = await openCaches({
  embedder: {
    // Change the name whenever the vectors change: it is what keeps old ones from answering.
    space: 'letters-by-three@1',
    dims: DIMS,
    // One row for each text, in order. With an API in place of a loop, hand `signal` on to fetch.
    embed: async (texts, { signal }) => {
      const rows = new Float32Array(texts.length * DIMS)
      for (const [row, text] of texts.entries()) {
        signal.throwIfAborted()
        rows.set(vectorOf(text), row * DIMS)
      }
      return rows
    },
  },
})

const texts = process.argv.slice(2)
const { matrix, sources } = await caches.embeddings.embedMany(texts)
for (const [row, text] of texts.entries()) {
  let cosine = 0
  for (let i = 0; i < DIMS; i++) cosine += matrix[i] * matrix[row * DIMS + i]
  console.log(`${cosine.toFixed(2)}  ${sources[row].padEnd(8)}  ${text}`)
}
await caches.close()
