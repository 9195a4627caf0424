// Both ONNX Runtime adapters on graphs of a few nodes: right answers, wrong graphs, and life after a failed run.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ortNode } from '../../src/backends/ort-node.js'
import { ortWasm } from '../../src/backends/ort-web.js'
import type { Backend, TokenBatch } from '../../src/ports.js'
import { graphs, ROWS, tokenVector } from '../embedder/tiny-model.js'
import { temporaryFolder } from '../support.js'

const batch = (...rows: number[][]): TokenBatch => ({
  rows: rows.length,
  width: rows[0]!.length,
  inputIds: BigInt64Array.from(rows.flat(), BigInt),
  attentionMask: new BigInt64Array(rows.flat().length).fill(1n),
})

describe.each([ortNode('cpu'), ortWasm()])('$device', factory => {
  let dir: string
  let open: Backend[]
  beforeEach(() => {
    dir = temporaryFolder()
    open = []
  })
  afterEach(async () => {
    for (const backend of open) await backend.close()
  })

  async function start(graph: Uint8Array | string): Promise<Backend> {
    const model = join(dir, 'model.onnx')
    writeFileSync(model, graph)
    const backend = await factory.open({ model }, { threads: 1 })
    open.push(backend)
    return backend
  }

  test('one vector a token, row-major', async () => {
    const backend = await start(graphs.plain())
    expect(backend.device).toBe(factory.device)
    const { vectors, pooled } = await backend.run(batch([2, 5, 3], [4, 0, 1]))
    expect(pooled).toBe(false)
    expect([...vectors]).toEqual([2, 5, 3, 4, 0, 1].flatMap(tokenVector).map(Math.fround))
  })

  test('token_type_ids are given only to a graph that wants them', async () => {
    const backend = await start(graphs.withTypeIds())
    expect([...(await backend.run(batch([7]))).vectors]).toEqual(tokenVector(7))
  })

  test('a graph of 32-bit whole numbers is given such', async () => {
    const backend = await start(graphs.int32())
    const given = { ...batch([7, 5], [6, 0]), attentionMask: BigInt64Array.of(1n, 1n, 1n, 0n) }
    expect([...(await backend.run(given)).vectors]).toEqual([...[7, 5, 6].flatMap(tokenVector), 0, 0, 0, -0])
  })

  test('halves are read as the numbers they are', async () => {
    const backend = await start(graphs.halves())
    const [tiny, subnormal, largest, endless] = (await backend.run(batch([7]))).vectors
    // Steps of half precision are 2^-24 below 2^-14.
    expect(tiny).toBe(2 * 2 ** -24)
    expect(subnormal).toBeCloseTo(-6.1e-5, 7)
    expect([largest, endless]).toEqual([65_504, Number.NEGATIVE_INFINITY])
    expect([...(await backend.run(batch([5]))).vectors]).toEqual(tokenVector(5))
  })

  test('a pooled output is preferred, and pooler_output is never it', async () => {
    const backend = await start(graphs.pooled())
    const { vectors, pooled } = await backend.run(batch([5, 9], [6, 9]))
    expect(pooled).toBe(true)
    expect([...vectors]).toEqual([5, 6].flatMap(tokenVector))
  })

  test('a run that fails does not poison those after it, however they overlap', async () => {
    const backend = await start(graphs.throwing())
    const runs = [[1], [ROWS], [2], [ROWS], [3]].map(ids =>
      backend.run(batch(ids)).then(
        ({ vectors }) => [...vectors],
        error => error,
      ),
    )
    const outcomes = await Promise.all(runs)
    expect(outcomes.filter(Array.isArray)).toEqual([1, 2, 3].map(tokenVector))
    for (const failed of [outcomes[1], outcomes[3]]) expect(failed).toMatchObject({ code: 'EMBEDDER_FAILED' })
    expect(outcomes[1].message).toMatch(/bounds/)
  })

  test.each([
    ['wrongInput', /inputs are input_ids, pixel_values/],
    ['wantsPositions', /inputs are input_ids, attention_mask, position_ids; supported/],
    ['floatMask', /input attention_mask is float32; supported: int64, int32/],
    ['fixedSize', /input input_ids is of the fixed size \[batch, 128\]; any size is needed/],
    ['wrongType', /output last_hidden_state is int64; float32 or float16 is needed/],
    ['wrongOutputs', /outputs are pooler_output, logits/],
    ['headOnly', /outputs are pooler_output;/],
  ] as const)('%s: refused when opened', async (graph, why) => {
    await expect(start(graphs[graph]())).rejects.toMatchObject({
      code: 'UNSUPPORTED_MODEL',
      message: expect.stringMatching(why),
    })
  })

  test('an answer of another shape is refused when run', async () => {
    const backend = await start(graphs.wrongShape())
    await expect(backend.run(batch([1, 2, 3], [4, 5, 6]))).rejects.toMatchObject({
      code: 'UNSUPPORTED_MODEL',
      message: expect.stringMatching(/float32 \[3, 2, 4\]; float32 or float16 of \[2, 3, dims\]/),
    })
  })

  test('what is no model, or not there, is DEVICE_UNAVAILABLE with the words of the runtime', async () => {
    await expect(start('no model at all')).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      details: { device: factory.device },
      message: expect.stringMatching(/./),
    })
    await expect(factory.open({ model: join(dir, 'absent.onnx') }, { threads: 1 })).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
    })
  })

  test('the bytes of a model do as well as its path', async () => {
    const backend = await factory.open({ model: graphs.plain() }, { threads: 1 })
    open.push(backend)
    expect([...(await backend.run(batch([3]))).vectors]).toEqual(tokenVector(3))
  })
})
