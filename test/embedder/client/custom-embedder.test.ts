// An embedder of the user's own, perhaps a paid one: checked, batched, and never asked twice for the same text.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromUserEmbedder as fromUser, type UserEmbedder } from '../../../src/embedder/client/custom-embedder.js'
import { embedText } from '../../../src/embedder/client/embed-text.js'
import { deferred } from '../../support.js'

const fromUserEmbedder = (
  embedder: UserEmbedder,
  { maxQueue = 16_384, ...change }: Partial<UserEmbedder> & { readonly maxQueue?: number } = {},
) => fromUser({ ...embedder, ...change }, { maxQueue })

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** `[length, first character]` for each text. */
const vectorOf = (text: string) => [text.length, text.charCodeAt(0) || 0]

function user(embed?: UserEmbedder['embed']) {
  const calls: { texts: readonly string[]; signal: AbortSignal }[] = []
  const embedder: UserEmbedder = {
    space: 'test@1',
    dims: 2,
    embed: async (texts, call) => {
      calls.push({ texts: [...texts], signal: call.signal })
      return embed ? embed(texts, call) : Float32Array.from(texts.flatMap(vectorOf))
    },
  }
  return { embedder, calls }
}

test('rows go back to their texts; texts of one turn share calls of at most maxBatch', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string(), { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (texts, maxBatch) => {
        const { embedder, calls } = user()
        const ours = fromUserEmbedder(embedder, { maxBatch })
        const all = await Promise.all(texts.map(text => embedText(ours, text)))
        expect(all.map(one => [...one.vector])).toEqual(texts.map(vectorOf))
        expect(calls.map(call => call.texts.length)).toEqual(
          Array.from({ length: Math.ceil(texts.length / maxBatch) }, (_, i) =>
            Math.min(maxBatch, texts.length - i * maxBatch),
          ),
        )
      },
    ),
  )
})

test('every vector has an ArrayBuffer of its own and says where it is from', async () => {
  const ours = fromUserEmbedder(user().embedder)
  const [a, b] = await Promise.all([embedText(ours, 'a'), embedText(ours, 'b')])
  expect(a.vector.buffer).not.toBe(b.vector.buffer)
  expect(a.vector.buffer.byteLength).toBe(8)
  expect(a).toMatchObject({ device: 'custom', tokens: 0, truncated: false })
})

test('spaces differ by name and dims, and never equal that of a model folder', () => {
  const space = (name: string, dims: number) => fromUserEmbedder({ ...user().embedder, space: name, dims }).space
  expect(new Set([space('a', 2), space('a', 3), space('a","dims":3', 2), space('b', 2)]).size).toBe(4)
  expect(JSON.parse(space('a', 2))).toEqual({ v: 1, custom: 'a', dims: 2 })
})

describe('failures', () => {
  test.each<[string, UserEmbedder['embed'], RegExp]>([
    ['throws', () => Promise.reject(new Error('quota')), /quota/],
    [
      'throws at once',
      () => {
        throw new TypeError('bug')
      },
      /bug/,
    ],
    ['too few numbers', async () => new Float32Array(3), /3 numbers for 2 texts of 2 dims/],
    ['nothing', async () => undefined as never, /Float32Array, not undefined/],
    [
      'arrays',
      async () =>
        [
          [1, 2],
          [3, 4],
        ] as never,
      /Float32Array, not Array/,
    ],
    ['Float64Array', async () => new Float64Array(4) as never, /not Float64Array/],
  ])('%s: every waiter gets the error, and the call is not repeated', async (_what, embed, why) => {
    const { embedder, calls } = user(embed)
    const ours = fromUserEmbedder(embedder)
    const outcomes = await Promise.allSettled([embedText(ours, 'a'), embedText(ours, 'b')])
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({
        status: 'rejected',
        reason: { code: 'EMBEDDER_FAILED', message: expect.stringMatching(why) },
      })
    expect(calls).toHaveLength(1)
    await turn()
    expect(calls).toHaveLength(1)
  })

  test('a row that is not finite fails alone; its mates were paid for and are kept', async () => {
    const ours = fromUserEmbedder(user(async () => Float32Array.of(1, 2, Number.NaN, 0, 5, 6)).embedder)
    const [a, b, c] = await Promise.allSettled(['a', 'b', 'c'].map(text => embedText(ours, text)))
    expect([a, c]).toMatchObject([
      { value: { vector: Float32Array.of(1, 2) } },
      { value: { vector: Float32Array.of(5, 6) } },
    ])
    expect(b).toMatchObject({ reason: { code: 'EMBEDDER_FAILED', message: expect.stringMatching(/NaN/) } })
  })

  test('the cause is what the embedder threw, and the next text is asked for anew', async () => {
    const cause = new Error('once')
    let times = 0
    const ours = fromUserEmbedder(
      user(async texts => {
        if (times++ === 0) throw cause
        return Float32Array.from(texts.flatMap(vectorOf))
      }).embedder,
    )
    await expect(embedText(ours, 'a')).rejects.toMatchObject({ cause })
    expect([...(await embedText(ours, 'a')).vector]).toEqual(vectorOf('a'))
  })

  test.each([
    ['no function', { embed: 1 }],
    ['no space', { space: '' }],
    ['dims 0', { dims: 0 }],
    ['dims 1.5', { dims: 1.5 }],
  ])('%s is INVALID_INPUT', (_what, change) => {
    expect(() => fromUserEmbedder({ ...user().embedder, ...change } as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT' }),
    )
  })

  test.each([{ maxBatch: 0 }, { concurrency: -1 }])('%j is INVALID_INPUT', options => {
    expect(() => fromUserEmbedder(user().embedder, options)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })
})

describe('waiting and leaving', () => {
  test('a caller that leaves is settled at once; the call ends when the last has left', async () => {
    const gate = deferred<Float32Array>()
    const { embedder, calls } = user(() => gate.promise)
    const ours = fromUserEmbedder(embedder)
    const [one, two] = [new AbortController(), new AbortController()]
    const a = embedText(ours, 'a', { signal: one.signal })
    const b = embedText(ours, 'b', { signal: two.signal })
    await turn()
    one.abort()
    await expect(a).rejects.toMatchObject({ code: 'ABORTED' })
    expect(calls[0]!.signal.aborted).toBe(false)
    two.abort()
    await expect(b).rejects.toMatchObject({ code: 'ABORTED' })
    expect(calls[0]!.signal.aborted).toBe(true)
    await expect(embedText(ours, 'c', { signal: one.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    gate.reject(new Error('late'))
  })

  test('a full queue says OVERLOADED, and room counts down and up', async () => {
    const gate = deferred<Float32Array>()
    const ours = fromUserEmbedder(user(() => gate.promise).embedder, { maxQueue: 2, maxBatch: 1 })
    expect(ours.room).toBe(2)
    const first = embedText(ours, 'a')
    const leaving = new AbortController()
    const second = embedText(ours, 'b', { signal: leaving.signal })
    expect(ours.room).toBe(0)
    await expect(embedText(ours, 'c')).rejects.toMatchObject({ code: 'OVERLOADED', details: { maxQueue: 2 } })
    leaving.abort()
    await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
    expect(ours.room).toBe(1)
    gate.resolve(Float32Array.of(1, 2))
    await first
    expect(ours.room).toBe(2)
  })

  test('concurrency runs calls side by side', async () => {
    const gate = deferred<Float32Array>()
    const { embedder, calls } = user(() => gate.promise)
    const ours = fromUserEmbedder(embedder, { maxBatch: 1, concurrency: 3 })
    const all = ['a', 'b', 'c', 'd'].map(text => embedText(ours, text))
    await turn()
    expect(calls).toHaveLength(3)
    gate.resolve(Float32Array.of(1, 2))
    await Promise.all(all)
    expect(calls).toHaveLength(4)
  })

  test('close settles everyone, signals the running call, and refuses what comes after', async () => {
    const { embedder, calls } = user(() => new Promise(() => undefined))
    const ours = fromUserEmbedder(embedder, { maxBatch: 1 })
    const all = [embedText(ours, 'a'), embedText(ours, 'b')]
    await turn()
    await ours.close()
    for (const one of all) await expect(one).rejects.toMatchObject({ code: 'CLOSED' })
    expect(calls).toHaveLength(1)
    expect(calls[0]!.signal.aborted).toBe(true)
    await expect(embedText(ours, 'c')).rejects.toMatchObject({ code: 'CLOSED' })
    await ours.close()
  })
})
