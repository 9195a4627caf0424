// The nodes that a GPU session gets: on graphs of many operator sets they answer what pooling in plain loops answers, and a graph
// that cannot take them stays as it is. Run on the CPU, which takes the same nodes where it is told to.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import onnxProto from 'onnx-proto'
import type { InferenceSession } from 'onnxruntime-node'
import { afterEach, expect, test } from 'vitest'
import { openSession } from '../../src/backends/ort-io.js'
import { ortNode } from '../../src/backends/ort-node.js'
import { poolingNodes } from '../../src/backends/pooling-nodes.js'
import { runBatch } from '../../src/embedder/devices/run-batch.js'
import type { Backend, Pooling, TokenBatch } from '../../src/ports.js'
import { largestDifference, miniLm, miniLmCases, noMiniLm } from '../embedder/node-embedder.js'
import { encodeGraph, graphs } from '../embedder/tiny-model.js'
import { temporaryFolder } from '../support.js'

const { onnx } = onnxProto
const DIMS = 20
const IDS = 50
/** Tokens of the table whose vectors hold a NaN and an infinity. */
const [NAN, ENDLESS] = [IDS - 1, IDS - 2]
const FLOAT16 = 10
const BATCH = ['batch', 'sequence']

const open: Backend[] = []
afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close()
})

async function start(model: string | Uint8Array, pooling?: Pooling): Promise<Backend> {
  const backend = await ortNode('cpu').open({ model }, { threads: 1, pooling })
  open.push(backend)
  return backend
}

/** The vector of each token: numbers of many sizes, exact in half precision. */
const vectorOf = (id: number, d: number): number => {
  if (id === NAN && d === 3) return Number.NaN
  if (id === ENDLESS && d === 7) return Number.NEGATIVE_INFINITY
  return (((id * 31 + d * 17) % 41) - 20) * 2 ** ((id % 7) - 3)
}
const table = Float32Array.from({ length: IDS * DIMS }, (_, i) => vectorOf(Math.floor(i / DIMS), i % DIMS))

interface Made {
  readonly opset?: number
  readonly half?: boolean
  readonly inputs?: string[]
  /** Of the table, which is a value of the graph. */
  readonly tableName?: string
}

/** Token vectors by look-up, which is written alike in all operator sets. */
function lookUp({ opset = 17, half = false, inputs, tableName = 'table' }: Made = {}): Uint8Array {
  const output = { name: 'last_hidden_state', shape: [...BATCH, DIMS] }
  const bytes = encodeGraph(
    graph => {
      const found = ['Gather', [graph.constant(tableName, table, [IDS, DIMS]), 'input_ids']] as const
      if (half) graph.node(output.name, 'Cast', [graph.node('full', ...found)], { to: FLOAT16 })
      else graph.node(output.name, ...found)
    },
    [{ ...output, type: half ? 'float16' : 'float32' }],
    inputs,
  )
  return edited(bytes, model => {
    model.opsetImport[0]!.version = opset
  })
}

function edited(bytes: Uint8Array, edit: (model: import('onnx-proto').onnx.ModelProto) => void): Uint8Array {
  const model = onnx.ModelProto.decode(bytes)
  edit(model)
  return onnx.ModelProto.encode(model).finish()
}

const spec = (pooling: Pooling, normalize: boolean) => ({
  dims: DIMS,
  hiddenDims: DIMS,
  pooling,
  normalize,
  padId: NAN,
})
const ROWS = [[4], [5, 6, 7, 8, 9], [1, 2, 3], [10, 11, 12, 13, 14, 15, 16], [20, 20]].map(ids => ({ ids }))

test.each([9, 11, 12, 13, 17, 18, 21, 23].flatMap(opset => [false, true].map(half => ({ opset, half }))))(
  'operator set $opset, half precision: $half',
  async made => {
    const bytes = lookUp(made)
    for (const pooling of ['mean', 'cls'] as const) {
      const [plain, pooled] = [await start(bytes), await start(bytes, pooling)]
      expect(pooled.unpooled).toBeUndefined()
      for (const [dims, normalize] of [
        [DIMS, false],
        [DIMS, true],
        [7, true],
      ] as const) {
        const [one, other] = [plain, pooled].map(backend =>
          runBatch(backend, { ...spec(pooling, normalize), dims }, ROWS, new Float64Array(dims)),
        )
        const [expected, found] = [await one!, await other!]
        // What is not scaled is as large as 320.
        const unit = normalize ? 1 : Math.max(...expected.matrix.map(Math.abs))
        expect(largestDifference(found.matrix, expected.matrix) / unit).toBeLessThanOrEqual(1e-6)
        expect(found.kept).toEqual(ROWS)
      }
      expect((await pooled.run(batchOf([[1], [2], [3]]))).pooled).toBe(true)
    }
  },
)

function batchOf(ids: readonly (readonly number[])[], mask = ids.map(row => row.map(() => true))): TokenBatch {
  return {
    rows: ids.length,
    width: ids[0]!.length,
    inputIds: BigInt64Array.from(ids.flat(), BigInt),
    attentionMask: BigInt64Array.from(mask.flat(), BigInt),
  }
}

test('the mean over any tokens of any mask, a row without tokens is zeros, and padding is not looked at', async () => {
  const backends = [await start(lookUp({ opset: 12 }), 'mean'), await start(lookUp(), 'mean')]
  const row = (width: number) =>
    fc.array(fc.record({ id: fc.nat(ENDLESS - 1), real: fc.boolean() }), { minLength: width, maxLength: width })
  const rows = fc.integer({ min: 1, max: 12 }).chain(width => fc.array(row(width), { minLength: 1, maxLength: 6 }))
  await fc.assert(
    fc.asyncProperty(rows, async given => {
      // Padding that is no number must not show.
      const ids = given.map(row => row.map(({ id, real }, i) => (real ? id : [NAN, ENDLESS][i % 2]!)))
      const mask = given.map(row => row.map(({ real }) => real))
      const expected = ids.flatMap((row, r) => {
        const tokens = row.filter((_, i) => mask[r]![i])
        const mean = (d: number) => tokens.reduce((sum, id) => sum + vectorOf(id, d), 0) / Math.max(tokens.length, 1)
        return Array.from({ length: DIMS }, (_, d) => mean(d))
      })
      for (const backend of backends) {
        const { vectors: found } = await backend.run(batchOf(ids, mask))
        // The largest number of a token is 320.
        expect(largestDifference(found, Float32Array.from(expected)) / 320).toBeLessThanOrEqual(1e-6)
      }
    }),
    { numRuns: 60 },
  )
})

test('a NaN or an infinity in one token is found, and only in its own row', async () => {
  const pooled = await start(lookUp({ half: true }), 'mean')
  const items = [[1, 2], [3, NAN, 4], [ENDLESS], [5, 6, 7]].map(ids => ({ ids }))
  const { kept, notFinite } = await runBatch(pooled, spec('mean', true), items, new Float64Array(DIMS))
  expect(kept).toEqual([items[0], items[3]])
  expect(notFinite).toEqual([items[1], items[2]])
})

test.skipIf(noMiniLm !== undefined)('MiniLM pools by itself as its authors do beside it', async () => {
  const cases = miniLmCases().filter(({ ids }) => ids.length <= 40)
  const pooled = await start(join(miniLm, 'onnx/model.onnx'), 'mean')
  const dims = 384
  const items = cases.map(({ ids }) => ({ ids }))
  const whole = { ...spec('mean', true), dims, hiddenDims: dims, padId: 0 }
  const { matrix } = await runBatch(pooled, whole, items, new Float64Array(dims))
  const expected = Float32Array.from(cases.flatMap(({ vector }) => [...vector]))
  expect(largestDifference(matrix, expected)).toBeLessThanOrEqual(1e-6)
})

/** A graph whose weights lie in a file of their own, `model.onnx_data`. */
const apart = () =>
  edited(lookUp(), ({ graph }) => {
    const [weights] = graph!.initializer!
    weights!.rawData = new Uint8Array(0)
    weights!.dataLocation = onnx.TensorProto.DataLocation.EXTERNAL
    weights!.externalData = [onnx.StringStringEntryProto.create({ key: 'location', value: 'model.onnx_data' })]
  })

test('weights in a file of their own are found beside the model', async () => {
  const dir = temporaryFolder()
  const model = join(dir, 'model.onnx')
  writeFileSync(join(dir, 'model.onnx_data'), new Uint8Array(table.buffer))
  writeFileSync(model, apart())
  const pooled = await start(model, 'cls')
  expect(pooled.unpooled).toBeUndefined()
  const ids = [7, 9].map(id => [id, 8])
  expect([...(await pooled.run(batchOf(ids))).vectors]).toEqual(
    [7, 9].flatMap(id => Array.from({ length: DIMS }, (_, d) => vectorOf(id, d))),
  )
})

test.each(['mean', undefined] as const)(
  'weights that the hub keeps elsewhere, behind links, are found too (pooling: %s)',
  async pooling => {
    const dir = temporaryFolder()
    for (const folder of ['blobs', 'snapshots']) mkdirSync(join(dir, folder))
    writeFileSync(join(dir, 'blobs/1'), apart())
    writeFileSync(join(dir, 'blobs/2'), new Uint8Array(table.buffer))
    symlinkSync('../blobs/1', join(dir, 'snapshots/model.onnx'))
    symlinkSync('../blobs/2', join(dir, 'snapshots/model.onnx_data'))
    const backend = await start(join(dir, 'snapshots/model.onnx'), pooling)
    // The runtime follows such links only from a path: the graph stays as it is, and says so.
    expect(backend.unpooled).toEqual(pooling && expect.any(String))
    expect([...(await backend.run(batchOf([[7, 9]]))).vectors]).toEqual(
      [7, 9].flatMap(id => Array.from({ length: DIMS }, (_, d) => vectorOf(id, d))),
    )
  },
)

test('names that the graph has taken are left to it', async () => {
  const pooled = await start(lookUp({ tableName: 'op_dbus_pooling/0' }), 'mean')
  expect(pooled.unpooled).toBeUndefined()
  expect((await pooled.run(batchOf([[7]]))).vectors).toHaveLength(DIMS)
})

test.each([
  ['no mask', lookUp({ inputs: ['input_ids'] }), /takes no attention_mask/],
  ['an operator set from before', lookUp({ opset: 8 }), /operator set is 8; 9 to/],
  [
    'an output that does not say its shape',
    edited(lookUp(), model => {
      model.graph!.output![0]!.type!.tensorType!.shape = null
    }),
    /last_hidden_state is of an unknown shape/,
  ],
])('%s: the graph stays as it is, and the session says why', async (_, bytes, why) => {
  const backend = await start(bytes, 'mean')
  expect(backend.unpooled).toMatch(why)
  const ids = [
    [1, 2, 3],
    [4, 5, 6],
  ]
  expect([...(await backend.run(batchOf(ids))).vectors]).toEqual(
    ids.flat().flatMap(id => Array.from({ length: DIMS }, (_, d) => vectorOf(id, d))),
  )
})

test('where the runtime does not take the nodes the model is opened as it is', async () => {
  const session = {} as InferenceSession
  const create = async (model: string | Uint8Array) => {
    if (typeof model !== 'string') throw new Error('no kernel for that')
    return session
  }
  const read = async () => ({ bytes: lookUp(), followedBy: (more: Uint8Array) => more })
  expect(await openSession('model.onnx', 'mean', read, create)).toEqual({ session, unpooled: 'no kernel for that' })
})

test('a graph that pools by itself is left alone, and nothing is wrong with that', async () => {
  const backend = await start(graphs.pooled(), 'mean')
  expect(backend.unpooled).toBeUndefined()
  const { vectors, pooled } = await backend.run(batchOf([[5], [6], [7]]))
  expect(pooled).toBe(true)
  expect(vectors).toHaveLength(3 * 4)
})

test.each(['wrongInput', 'floatMask', 'fixedSize', 'wrongType', 'wrongOutputs', 'headOnly'] as const)(
  '%s: refused in the same words as without pooling',
  async graph => {
    const refusal = (pooling?: Pooling) => start(graphs[graph](), pooling).catch((error: Error) => error)
    const [plain, pooled] = [await refusal(), await refusal('mean')]
    expect(plain).toMatchObject({ code: 'UNSUPPORTED_MODEL' })
    expect(pooled).toEqual(plain)
  },
)

test('what is no model, or the half of one, is no reason to throw', () => {
  const whole = lookUp()
  const choose = ([name]: readonly string[]) => name
  expect(poolingNodes(whole, 'mean', choose)).toMatchObject({ output: expect.any(String) })
  fc.assert(
    fc.property(fc.nat(whole.length - 1), length => {
      const nodes = poolingNodes(whole.subarray(0, length), 'mean', choose)
      return nodes === undefined || typeof nodes === 'string'
    }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), bytes => typeof poolingNodes(bytes, 'mean', choose) === 'string'),
  )
})
