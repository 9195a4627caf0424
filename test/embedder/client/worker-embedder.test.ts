// The life of the worker as its client sees it, against a worker that the test plays in the same thread.
import { describe, expect, test } from 'vitest'
import { embedText } from '../../../src/embedder/client/embed-text.js'
import { WorkerEmbedder, type WorkerEmbedderOptions } from '../../../src/embedder/client/worker-embedder.js'
import type { BatchResult } from '../../../src/embedder/protocol.js'
import { OpDbusError } from '../../../src/errors.js'
import { deferred } from '../../support.js'
import { TestTimer } from '../node-embedder.js'
import { DIMS, never, opened, PlayedWorker, type Reply, result, sent, spec } from './played-worker.js'

function harness(
  options: Partial<WorkerEmbedderOptions> = {},
  prepare: (worker: PlayedWorker, index: number) => void = () => undefined,
) {
  const workers: PlayedWorker[] = []
  const timer = new TestTimer()
  const embedder = new WorkerEmbedder({
    spec,
    plan: async () => ({ devices: ['cuda', 'cpu'] }),
    workers: 1,
    maxQueue: 16_384,
    idleUnloadMs: 300_000,
    threads: 3,
    timer: timer.set,
    spawn: () => {
      const worker = new PlayedWorker()
      prepare(worker, workers.length)
      workers.push(worker)
      return worker.handle
    },
    ...options,
  })
  return { embedder, workers, timer }
}

describe('start', () => {
  test('nothing starts before the first text; then one worker, one open, however many callers', async () => {
    const { embedder, workers } = harness()
    expect(embedder.status).toMatchObject({ worker: 'off', opened: undefined, waiting: 0 })
    const all = Promise.all(Array.from({ length: 50 }, (_, i) => embedText(embedder, `text ${i}`)))
    expect(embedder.status).toMatchObject({ worker: 'starting', waiting: 50 })
    const vectors = (await all).map(one => one.vector)
    expect(workers).toHaveLength(1)
    expect(workers[0]!.configs).toEqual([
      { spec, devices: ['cuda', 'cpu'], threads: 3, tokenizers: 2, batchTokens: {}, maxBatchTokens: undefined },
    ])
    expect(workers[0]!.work).toHaveLength(1)
    expect(new Set(vectors.map(vector => vector.buffer)).size).toBe(50)
    for (const vector of vectors) expect(vector.buffer.byteLength).toBe(4 * DIMS)
  })

  test('what runs and why others do not is told at the start and afterwards', async () => {
    const told: unknown[] = []
    const { embedder } = harness({ onOpen: what => told.push(what) })
    expect(await embedText(embedder, 'a')).toEqual({
      vector: Float32Array.of(1, -1),
      tokens: 1,
      truncated: false,
      device: 'cpu',
    })
    expect(told).toEqual([opened])
    expect(embedder.status).toMatchObject({ worker: 'ready', opened: told[0], waiting: 0 })
  })

  test('a failed open rejects its callers with its error; the next call tries again', async () => {
    const error = {
      code: 'DEVICE_UNAVAILABLE',
      message: 'no device',
      details: { reasons: [{ device: 'cpu' }] },
    } as const
    const { embedder, workers } = harness({}, (worker, index) => {
      if (index === 0) worker.reply = new OpDbusError(error.code, error.message, error)
    })
    const outcomes = await Promise.allSettled([embedText(embedder, 'a'), embedText(embedder, 'b')])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { name: 'OpDbusError', ...error } })
    expect(embedder.status.worker).toBe('off')
    expect(workers[0]!.events).toContain('terminate')
    expect((await embedText(embedder, 'c')).device).toBe('cpu')
    expect(workers).toHaveLength(2)
  })

  test('where no device is left no model is opened, and it is told why', async () => {
    const refused = [{ device: 'webgpu', reason: 'no adapter', kind: 'absent' }] as const
    const { embedder, workers } = harness({ plan: async () => ({ devices: [], refused }) })
    await expect(embedText(embedder, 'a')).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      details: { reasons: refused },
    })
    expect(workers[0]!.configs).toEqual([])
  })

  test('a thread that cannot be started is WORKER_LOST', async () => {
    const { embedder } = harness({
      spawn: () => {
        throw new Error('no threads left')
      },
    })
    await expect(embedText(embedder, 'a')).rejects.toMatchObject({
      code: 'WORKER_LOST',
      message: expect.stringContaining('no threads left'),
    })
  })
})

describe('texts and rows', () => {
  test('results settle their rows as they come, unasked; a failure is only its own text’s', async () => {
    const error = { code: 'EMBEDDER_FAILED', message: 'NaN', details: {} }
    const { embedder, workers } = harness({}, worker => {
      worker.answer = () => [result([3], { failed: [{ numbers: [2], error }] })]
    })
    const [a, b, c] = ['a', 'b', 'c'].map(text => embedText(embedder, text))
    expect([...(await c!).vector]).toEqual([3, -3])
    await expect(b).rejects.toMatchObject({ code: 'EMBEDDER_FAILED', message: 'NaN' })
    workers[0]!.push([result([1])])
    expect([...(await a!).vector]).toEqual([1, -1])
    expect(workers[0]!.work).toEqual([{ numbers: [1, 2, 3], texts: ['a', 'b', 'c'], dropped: [] }])
  })

  test('another device and a found budget are told with the batch that showed them, before its rows', async () => {
    const told: unknown[] = []
    const now = { device: 'wasm', tried: [{ device: 'cpu', reason: 'lost', kind: 'failed' }] } as const
    const { embedder } = harness({ onOpen: what => told.push(what) }, worker => {
      worker.answer = ({ numbers }) => [
        result([...numbers], { device: 'wasm', opened: now, chosen: { device: 'wasm', tokens: 512 } }),
      ]
    })
    const one = embedText(embedder, 'a').then(embedding => [...told, embedding.device, embedder.status.batchTokens])
    expect(await one).toEqual([opened, now, 'wasm', 512])
  })

  test('a long text crosses whole: only the tokenizer knows what of it the model sees', async () => {
    const { embedder, workers } = harness()
    const text = `${' '.repeat(1_000_000)}message`
    await embedText(embedder, text)
    expect(workers[0]!.work[0]!.texts).toEqual([text])
  })

  test('texts that come while others are computed cross at once', async () => {
    const first = deferred<readonly BatchResult[]>()
    const { embedder, workers } = harness({}, worker => {
      worker.answer = ({ numbers }) => (numbers.includes(1) ? first.promise : [result([...numbers])])
    })
    const slow = embedText(embedder, 'slow')
    await sent(workers[0], 1)
    expect([...(await embedText(embedder, 'quick')).vector]).toEqual([2, -2])
    first.resolve([result([1])])
    await slow
  })
})

describe('leaving', () => {
  test('a caller’s signal settles it at once and tells the worker; others go on', async () => {
    const gate = deferred<void>()
    const { embedder, workers } = harness({}, worker => {
      worker.answer = async ({ numbers, dropped }) => {
        if (dropped.length > 0) return []
        await gate.promise
        return [result([...numbers])]
      }
    })
    const leaving = new AbortController()
    const [a, b] = [embedText(embedder, 'a', { signal: leaving.signal }), embedText(embedder, 'b')]
    await sent(workers[0], 1)
    leaving.abort('enough')
    await expect(a).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
    expect(embedder.status.waiting).toBe(1)
    await sent(workers[0], 2)
    expect(workers[0]!.work[1]).toEqual({ numbers: [], texts: [], dropped: [1] })
    gate.resolve()
    // The row of `a` comes with that of `b` and finds nobody.
    expect([...(await b).vector]).toEqual([2, -2])
  })

  test('who leaves before the model is open is never sent', async () => {
    const reply = deferred<Reply>()
    const { embedder, workers } = harness({}, worker => {
      worker.reply = reply.promise
    })
    const leaving = new AbortController()
    const [a, b] = [embedText(embedder, 'a', { signal: leaving.signal }), embedText(embedder, 'b')]
    leaving.abort()
    await expect(a).rejects.toMatchObject({ code: 'ABORTED' })
    reply.resolve(opened)
    await b
    expect(workers[0]!.work[0]!.texts).toEqual(['b'])
    await expect(embedText(embedder, 'c', { signal: leaving.signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  test('a full queue says OVERLOADED until there is room again', async () => {
    const { embedder } = harness({ maxQueue: 2 })
    const two = [embedText(embedder, 'a'), embedText(embedder, 'b')]
    expect(embedder.room).toBe(0)
    await expect(embedText(embedder, 'c')).rejects.toMatchObject({ code: 'OVERLOADED', details: { maxQueue: 2 } })
    await Promise.all(two)
    expect(embedder.room).toBe(2)
    await embedText(embedder, 'c')
  })
})

describe('loss and rest', () => {
  test('a worker that dies rejects everything in hand, and the next call starts another', async () => {
    const { embedder, workers } = harness({}, (worker, index) => {
      if (index === 0) worker.answer = never
    })
    const all = [embedText(embedder, 'a'), embedText(embedder, 'b')]
    await sent(workers[0], 1)
    workers[0]!.die('it exited with code 7')
    for (const one of all)
      await expect(one).rejects.toMatchObject({ code: 'WORKER_LOST', message: expect.stringContaining('code 7') })
    expect(embedder.status).toMatchObject({ worker: 'off', waiting: 0 })
    await embedText(embedder, 'c')
    expect(workers).toHaveLength(2)
  })

  test('a worker that dies while it opens rejects its callers', async () => {
    const { embedder, workers } = harness({}, worker => {
      worker.reply = never()
    })
    const one = embedText(embedder, 'a')
    while (workers[0]?.configs.length !== 1) await new Promise(setImmediate)
    workers[0]!.die('out of memory')
    await expect(one).rejects.toMatchObject({ code: 'WORKER_LOST' })
  })

  test('a worker that cannot take what it is told is ended: nobody waits for ever', async () => {
    const { embedder, workers } = harness({}, worker => {
      worker.answer = () => Promise.reject(new Error('bug in the worker'))
    })
    await expect(embedText(embedder, 'a')).rejects.toMatchObject({
      code: 'EMBEDDER_FAILED',
      message: 'bug in the worker',
    })
    expect(workers[0]!.events).toContain('terminate')
  })

  test('the process is kept alive exactly while somebody waits', async () => {
    const { embedder, workers } = harness()
    await embedText(embedder, 'a')
    await Promise.all([embedText(embedder, 'b'), embedText(embedder, 'c')])
    const kept = workers[0]!.events.filter((event, i, all) => event !== all[i - 1])
    expect(kept).toEqual(['unref', 'ref', 'unref', 'ref', 'unref'])
  })

  test('after idleUnloadMs without work the worker goes; a text in time keeps it', async () => {
    const { embedder, workers, timer } = harness({ idleUnloadMs: 1234 })
    await embedText(embedder, 'a')
    expect([...timer.pending].map(entry => entry.ms)).toEqual([1234])
    const again = embedText(embedder, 'b')
    expect(timer.pending.size).toBe(0)
    await again
    timer.fire()
    expect(workers[0]!.events).toContain('terminate')
    expect(embedder.status).toMatchObject({ worker: 'off', opened: { device: 'cpu' } })
    await embedText(embedder, 'c')
    expect(workers).toHaveLength(2)
  })

  test('idleUnloadMs 0 keeps the worker', async () => {
    const { embedder, timer } = harness({ idleUnloadMs: 0 })
    await embedText(embedder, 'a')
    expect(timer.pending.size).toBe(0)
    expect(embedder.status.worker).toBe('ready')
  })

  test('close settles everyone, ends the thread, and refuses what comes after', async () => {
    const { embedder, workers, timer } = harness({}, worker => {
      worker.answer = never
    })
    const one = embedText(embedder, 'a')
    await embedder.close()
    await expect(one).rejects.toMatchObject({ code: 'CLOSED' })
    expect(workers[0]!.events.filter(event => event === 'terminate')).toHaveLength(1)
    expect(timer.pending.size).toBe(0)
    await expect(embedText(embedder, 'b')).rejects.toMatchObject({ code: 'CLOSED' })
    await embedder.close()
    expect(workers).toHaveLength(1)
  })
})
