// Inside the worker, over a backend that the test plays: rows go back to their texts, failures stay with theirs.
import { describe, expect, test } from 'vitest'
import { BatchBudget } from '../../../src/embedder/engine/batch-budget.js'
import { Pipeline, type PipelineOptions } from '../../../src/embedder/engine/pipeline.js'
import type { BatchResult } from '../../../src/embedder/protocol.js'
import { OpDbusError } from '../../../src/errors.js'
import type { Device, TokenBatch } from '../../../src/ports.js'
import { deferred } from '../../support.js'

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** Every letter is a token; its id is its place in the alphabet, from 1. */
const tokenize = (text: string) => {
  if (text === '!') throw new OpDbusError('EMBEDDER_FAILED', 'no tokens for this')
  return { ids: [...text].map(letter => letter.charCodeAt(0) - 96), truncated: text.length > 5 }
}

/** Answers `[id, mask]` for every token, in tensors as wide as asked. */
async function echo({ inputIds, attentionMask }: TokenBatch): Promise<Float32Array> {
  return Float32Array.from({ length: inputIds.length * 2 }, (_, i) =>
    Number((i % 2 ? attentionMask : inputIds)[i >> 1]),
  )
}

function harness(
  options: Partial<Omit<PipelineOptions, 'backend' | 'budget'>> & {
    run?: (batch: TokenBatch) => Promise<Float32Array>
    /** What `run` answers: one vector a text, not one a token. */
    pooled?: boolean
    device?: Device
    /** `measured`: found as without a caller's choice. */
    maxBatchTokens?: number | 'measured' | undefined
  } = {},
) {
  const { run = echo, pooled = false, spec, device = 'cpu', maxBatchTokens = 12, ...rest } = options
  const batches: TokenBatch[] = []
  const parts: BatchResult[] = []
  const pipeline = new Pipeline({
    spec: { dims: 2, hiddenDims: 2, pooling: 'mean', normalize: false, padId: 99, rowsAlone: false, ...spec },
    tokenize,
    backend: {
      device,
      run: async batch => {
        batches.push(batch)
        return { vectors: await run(batch), pooled }
      },
    },
    budget: new BatchBudget(maxBatchTokens === 'measured' ? {} : { fixed: maxBatchTokens }),
    clock: { monotonic: () => 0 },
    emit: part => parts.push(part),
    ...rest,
  })
  /** What became of each id: its vector, or its error's message. */
  const outcomes = () => {
    const found: Record<number, number[] | string> = {}
    for (const { numbers, matrix, failed } of parts) {
      for (const [row, id] of numbers.entries()) found[id] = [...matrix.slice(row * 2, row * 2 + 2)]
      for (const one of failed) for (const id of one.numbers) found[id] = one.error.message
      expect(matrix).toHaveLength(numbers.length * 2)
    }
    return found
  }
  return { pipeline, batches, parts, outcomes }
}

describe('what is dropped while its batch is under way', () => {
  /** Three more texts, each of which must get its vector; as long as one was dropped before, of those it would be missing. */
  const servesAll = async ({ pipeline, outcomes }: ReturnType<typeof harness>) => {
    pipeline.submit([101, 102, 103], ['a', 'ab', 'abc'])
    for (let i = 0; i < 20; i++) await turn()
    expect(outcomes()).toMatchObject({ 101: [1, 1], 102: [1.5, 1], 103: [2, 1] })
  }

  test('in its run: whatever comes later is served', async () => {
    const played = harness({
      run: async batch => {
        played.pipeline.drop([1, 2, 3])
        return echo(batch)
      },
    })
    played.pipeline.submit([1, 2, 3, 4], ['a', 'ab', 'abc', 'abc'])
    for (let i = 0; i < 5; i++) await turn()
    await servesAll(played)
    expect(played.outcomes()).toMatchObject({ 4: [2, 1] })
  })

  test('in the half that waits for the other one: likewise, and its text is computed no more', async () => {
    let runs = 0
    const played = harness({
      run: async batch => {
        runs++
        if (runs === 1) throw new OpDbusError('EMBEDDER_FAILED', 'too large')
        if (runs === 2) played.pipeline.drop([3, 4])
        return echo(batch)
      },
    })
    played.pipeline.submit([1, 2, 3, 4], ['abc', 'abc', 'abc', 'abc'])
    for (let i = 0; i < 10; i++) await turn()
    expect(runs).toBe(2)
    await servesAll(played)
  })
})

test('rows go back to their ids; padding is masked and does not count', async () => {
  const { pipeline, batches, outcomes, parts } = harness()
  pipeline.submit([7, 8, 9], ['a', 'abc', 'bbbbbb'])
  await turn()
  await turn()
  expect(outcomes()).toEqual({ 7: [1, 1], 8: [2, 1], 9: [2, 1] })
  // Cut from the longest: [6, 3] fill the budget of 12, and the oldest goes first.
  expect(batches.map(batch => [batch.rows, batch.width])).toEqual([
    [1, 2],
    [2, 6],
  ])
  expect([...batches[1]!.inputIds]).toEqual([2, 2, 2, 2, 2, 2, 1, 2, 3, 99, 99, 99].map(BigInt))
  expect([...batches[1]!.attentionMask]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0].map(BigInt))
  expect(parts.map(part => [part.numbers, part.tokens, part.truncated].map(column => [...column]))).toEqual([
    [[7], [1], [0]],
    [
      [9, 8],
      [6, 3],
      [1, 0],
    ],
  ])
})

test('a text without tokens is zeros, alone or not', async () => {
  const { pipeline, outcomes } = harness()
  pipeline.submit([1], [''])
  await turn()
  pipeline.submit([2, 3], ['', 'a'])
  await turn()
  expect(outcomes()).toEqual({ 1: [0, 0], 2: [0, 0], 3: [1, 1] })
})

test('already pooled output is taken as it is; normalisation follows the spec', async () => {
  const spec = { dims: 2, hiddenDims: 2, pooling: 'mean' as const, normalize: true, padId: 0, rowsAlone: false }
  const { pipeline, outcomes } = harness({
    spec,
    pooled: true,
    run: async ({ rows }) => new Float32Array(rows * 2).fill(3),
  })
  pipeline.submit([1, 2], ['abc', 'ab'])
  await turn()
  const half = Math.fround(Math.SQRT1_2)
  expect(outcomes()).toEqual({ 1: [half, half], 2: [half, half] })
})

describe('failures stay with their text', () => {
  test('a text that cannot be tokenised never reaches a batch', async () => {
    const { pipeline, batches, outcomes } = harness()
    pipeline.submit([1, 2, 3], ['a', '!', 'b'])
    await turn()
    expect(batches.map(batch => batch.rows)).toEqual([2])
    expect(outcomes()).toEqual({ 1: [1, 1], 2: 'no tokens for this', 3: [2, 1] })
  })

  test('a graph that throws on one row: its mates are served', async () => {
    const run = async (batch: TokenBatch) => {
      if (batch.inputIds.includes(26n)) throw new Error('index 26 out of bounds')
      return echo(batch)
    }
    const { pipeline, outcomes } = harness({ run })
    pipeline.submit([1, 2, 3, 4], ['a', 'b', 'z', 'd'])
    while (Object.keys(outcomes()).length < 4) await turn()
    expect(outcomes()).toEqual({ 1: [1, 1], 2: [2, 1], 3: 'index 26 out of bounds', 4: [4, 1] })
  })

  test('a row with NaN is no vector; its mates are', async () => {
    const run = async (batch: TokenBatch) =>
      (await echo(batch)).map((x, i) => (batch.inputIds[i >> 1] === 2n ? Number.NaN : x))
    const { pipeline, parts, outcomes } = harness({ run })
    pipeline.submit([1, 2, 3], ['a', 'b', 'c'])
    await turn()
    expect(outcomes()).toEqual({ 1: [1, 1], 2: 'the model answered with NaN or Infinity', 3: [3, 1] })
    expect(parts).toHaveLength(1)
  })

  test('output of another size is nobody’s fault: everyone is told, no run is repeated', async () => {
    const { pipeline, batches, outcomes } = harness({ run: async () => new Float32Array(5) })
    pipeline.submit([1, 2], ['a', 'b'])
    await turn()
    expect(batches).toHaveLength(1)
    expect(outcomes()[1]).toMatch(/answered 5 numbers for 2 texts of 2 tokens; its files say 2 dims/)
    expect(outcomes()[2]).toBe(outcomes()[1])
  })

  test('one vector a token is never taken for one a text, however many numbers there are', async () => {
    const { pipeline, outcomes } = harness({ run: async ({ rows }) => new Float32Array(rows * 2) })
    pipeline.submit([1], ['abc'])
    await turn()
    expect(outcomes()[1]).toMatch(/answered 2 numbers for 1 texts of 3 tokens/)
  })
})

test('a model whose vectors depend on batch-mates gets one text a run', async () => {
  const spec = { dims: 2, hiddenDims: 2, pooling: 'mean' as const, normalize: false, padId: 0, rowsAlone: true }
  const { pipeline, batches, outcomes } = harness({ spec })
  pipeline.submit([1, 2, 3], ['a', 'b', 'c'])
  while (Object.keys(outcomes()).length < 3) await turn()
  expect(batches.map(batch => batch.rows)).toEqual([1, 1, 1])
})

test('what is dropped is not computed: waiting, tokenised or not', async () => {
  const first = deferred<void>()
  const seen: bigint[] = []
  const run = async (batch: TokenBatch) => {
    seen.push(...batch.inputIds)
    await first.promise
    return echo(batch)
  }
  const { pipeline, outcomes } = harness({ run, maxBatchTokens: 1 })
  const many = Array.from({ length: 2000 }, (_, id) => id)
  pipeline.submit(
    many,
    many.map(id => (id === 0 ? 'a' : 'b')),
  )
  await turn()
  pipeline.drop(many.slice(1, -1))
  first.resolve()
  while (Object.keys(outcomes()).length < 2) await turn()
  await turn()
  expect(outcomes()).toEqual({ 0: [1, 1], 1999: [2, 1] })
  expect(seen).toEqual([1n, 99n, 2n, 99n])
})

test('a long queue is tokenised as it goes, not before its first batch', async () => {
  let tokenised = 0
  const { pipeline, outcomes } = harness({
    maxBatchTokens: 100,
    tokenize: text => {
      tokenised++
      return tokenize(text)
    },
  })
  const many = Array.from({ length: 3000 }, (_, id) => id)
  pipeline.submit(
    many,
    many.map(() => 'a'),
  )
  expect(tokenised).toBe(512)
  while (Object.keys(outcomes()).length < 3000) await turn()
  expect(tokenised).toBe(3000)
})

test('of long texts fewer are tokenised ahead', async () => {
  let tokenised = 0
  const { pipeline } = harness({
    tokenize: text => {
      tokenised++
      return tokenize(text)
    },
  })
  const many = Array.from({ length: 500 }, (_, id) => id)
  pipeline.submit(
    many,
    many.map(() => 'abcdef'),
  )
  expect(tokenised).toBe((32 * 12) / 6)
})

describe('the token budget', () => {
  /** Texts of four tokens, run by a device whose batches of 512 tokens are the cheapest. */
  async function measured(options: { device?: Device; rowsAlone?: boolean; count?: number } = {}) {
    const { device = 'cpu', rowsAlone = false, count = 8000 } = options
    let now = 0
    const run = async (batch: TokenBatch) => {
      const tokens = batch.rows * batch.width
      now += tokens * (tokens === 512 ? 1 : 2)
      return echo(batch)
    }
    const { pipeline, parts, batches } = harness({
      device,
      run,
      maxBatchTokens: 'measured',
      clock: { monotonic: () => now },
      spec: { dims: 2, hiddenDims: 2, pooling: 'mean', normalize: false, padId: 0, rowsAlone },
    })
    const many = Array.from({ length: count }, (_, id) => id)
    pipeline.submit(
      many,
      many.map(() => 'abcd'),
    )
    let settled = 0
    for (let seen = 0; settled < count; await turn())
      for (; seen < parts.length; seen++) settled += parts[seen]!.numbers.length
    return { chosen: parts.flatMap(part => part.chosen ?? []), batches }
  }

  test('is found on batches that run anyway, and told once', async () => {
    const { chosen, batches } = await measured()
    expect(chosen).toEqual([{ device: 'cpu', tokens: 512 }])
    expect(new Set(batches.slice(12, -1).map(batch => batch.rows * batch.width))).toEqual(new Set([512]))
    expect(batches.reduce((rows, batch) => rows + batch.rows, 0)).toBe(8000)
  })

  test('of a model that takes one text a run is never asked', async () => {
    const { chosen, batches } = await measured({ rowsAlone: true, count: 300 })
    expect(chosen).toEqual([])
    expect(batches).toHaveLength(300)
  })

  test('of a GPU is sought among larger ones', async () => {
    const { chosen, batches } = await measured({ device: 'cuda', count: 60_000 })
    expect(chosen).toEqual([{ device: 'cuda', tokens: 1024 }])
    expect(Math.max(...batches.map(batch => batch.rows * batch.width))).toBe(16_384)
  })
})
