// Log lines from standard input, and those that resemble nothing that was seen before.
//
//   journalctl -o cat | node examples/log-pipeline.mjs              learns from 100 lines, then tells what is unlike all of them
//   node examples/log-pipeline.mjs --learn 1000 --below 0.7 < app.log
//
// With patterns, lines that differ only in an id, an address or a time are one template and cost one vector. Memory is bounded:
// the index holds one vector for each template, not for each line.
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { openCaches } from 'op-dbus'
import { openKernels, VectorIndex } from 'op-dbus/kernels'

const { values } = parseArgs({
  options: { learn: { type: 'string', default: '100' }, below: { type: 'string', default: '0.6' } },
})
const [learn, below] = [Number(values.learn), Number(values.below)]
const BATCH = 256

const caches = await openCaches({ patterns: 'template' })
/** @type {VectorIndex | undefined} */
let index
let seen = 0
let computed = 0

/** @param {string[]} lines */
async function take(lines) {
  const { matrix, dims, sources, templates = [] } = await caches.embeddings.embedMany(lines)
  computed += sources.filter(source => source === 'computed').length
  index ??= new VectorIndex(await openKernels(), { dims })
  for (const [row, line] of lines.entries()) {
    seen++
    const template = templates[row] ?? line
    if (index.has(template)) continue
    const vector = matrix.subarray(row * dims, (row + 1) * dims)
    const [nearest] = await index.nearest(vector, 1)
    // What is told once is known from then on.
    await index.set(template, vector)
    if (seen > learn && nearest && nearest.score < below) {
      console.log(`${nearest.score.toFixed(2)}  ${line}\n      nearest: ${nearest.id}`)
    }
  }
}

const batch = []
for await (const line of createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY })) {
  if (line.trim() !== '') batch.push(line)
  if (batch.length === BATCH) await take(batch.splice(0))
}
if (batch.length > 0) await take(batch)

const percent = Math.round((100 * (seen - computed)) / (seen || 1))
console.error(`${seen} lines, ${index?.size ?? 0} templates, ${percent} % of the vectors from the cache`)
await caches.close()
