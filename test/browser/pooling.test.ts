// A page's GPU pools by itself: the vectors are Node's, and a fraction of the bytes comes back. In software, so nothing is timed.
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { ortNode } from '../../src/backends/ort-node.js'
import { runBatch, type VectorSpec } from '../../src/embedder/devices/run-batch.js'
import { largestDifference, miniLm, noMiniLm } from '../embedder/node-embedder.js'
import { encodeGraph, writeModel } from '../embedder/tiny-model.js'
import { temporaryFolder } from '../support.js'
import { ROOT, useBrowser, useBundle } from './harness.js'
import type { PageRun, PageVectors } from './pooling-entry.js'

vi.setConfig({ testTimeout: 180_000 })

const bundle = useBundle(
  { pooling: 'test/browser/pooling-entry.ts' },
  { conditions: ['onnxruntime-web-use-extern-wasm'] },
)
const browser = useBrowser()

const [DIMS, IDS] = [64, 100]

/** One layer of attention without weights: enough that padding would show, were it not masked. */
function smallEncoder(): Uint8Array {
  const output = { name: 'last_hidden_state', type: 'float32' as const, shape: ['batch', 'sequence', DIMS] }
  return encodeGraph(
    graph => {
      const table = Float32Array.from({ length: IDS * DIMS }, (_, i) => Math.sin(i * 1.7) + 0.3 * Math.cos(i * 0.11))
      const tokens = graph.node('tokens', 'Gather', [graph.constant('table', table, [IDS, DIMS]), 'input_ids'])
      const turned = graph.node('turned', 'Transpose', [tokens], { perm: [0, 2, 1] })
      const scores = graph.node('scores', 'Mul', [graph.node('dot', 'MatMul', [tokens, turned]), graph.float(0.125)])
      const padding = graph.node('padding', 'Sub', [graph.float(1), graph.toFloat32('mask', 'attention_mask')])
      const bias = graph.node('bias', 'Mul', [padding, graph.float(-10_000)])
      const masked = graph.node('masked', 'Add', [scores, graph.node('wide', 'Unsqueeze', [bias, graph.ints(1)])])
      const context = graph.node('context', 'MatMul', [graph.node('shares', 'Softmax', [masked]), tokens])
      graph.node(output.name, 'Add', [context, tokens])
    },
    [output],
  )
}

const texts = (rows: number, longest: number, ids: number) =>
  Array.from({ length: rows }, (_, row) =>
    Array.from({ length: 2 + ((row * 7) % (longest - 1)) }, (_, i) => 1 + ((row * 31 + i * 17) % (ids - 1))),
  )

async function compare(folder: string, spec: VectorSpec, batch: readonly (readonly number[])[]) {
  const cpu = await ortNode('cpu').open({ model: join(folder, 'model.onnx') }, { threads: 1 })
  const folders = { '/': bundle.dir(), '/model/': folder, '/ort/': join(ROOT, 'node_modules/onnxruntime-web/dist') }
  const server = await browser.serve({ folders })
  const page = await browser.openPage(server.url)
  const items = batch.map(ids => ({ ids }))
  const { matrix: onNode } = await runBatch(cpu, spec, items, new Float64Array(spec.dims))
  const inPage = (pools: boolean) =>
    page.call<PageVectors>('/pooling.js', 'vectorsOf', { spec, texts: batch, pools } satisfies PageRun)
  const [before, after] = [await inPage(false), await inPage(true)]
  expect(after.unpooled).toBeUndefined()
  const [apart, off] = [before, after].map(({ matrix }) => largestDifference(matrix, onNode))
  const width = Math.max(...batch.map(ids => ids.length))
  console.log(
    `${spec.pooling}, ${batch.length} texts of up to ${width} tokens, ${spec.dims} dims: ${before.readBack} bytes read back where the page pools, ${after.readBack} where the GPU does; against Node ${apart!.toExponential(1)} and ${off!.toExponential(1)}`,
  )
  expect(apart).toBeLessThanOrEqual(1e-5)
  expect(off).toBeLessThanOrEqual(1e-5)
  expect(before.readBack).toBe(4 * batch.length * width * spec.dims)
  expect(after.readBack).toBe(4 * batch.length * spec.dims)
  await cpu.close()
}

it('as many vectors come back as there are texts', async () => {
  const folder = writeModel(temporaryFolder(), { 'model.onnx': smallEncoder() })
  const spec = { dims: DIMS, hiddenDims: DIMS, pooling: 'mean' as const, normalize: true, padId: 0 }
  await compare(folder, spec, texts(12, 20, IDS))
})

// In software a few tokens take many seconds.
it.skipIf(process.env.OP_DBUS_TEST_WEBGPU !== 'all' || noMiniLm !== undefined)('so of MiniLM', async () => {
  const spec = { dims: 384, hiddenDims: 384, pooling: 'mean' as const, normalize: true, padId: 0 }
  await compare(join(miniLm, 'onnx'), spec, texts(3, 6, 20_000))
})
