// Several workers behind one embedder: when another starts, who gets which texts, what one of them takes along when it dies.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { embedText } from '../../../src/embedder/client/embed-text.js'
import { WorkerEmbedder, type WorkerEmbedderOptions } from '../../../src/embedder/client/worker-embedder.js'
import { usualWorkers } from '../../../src/embedder/client/worker-pool.js'
import { isOpDbusError, OpDbusError } from '../../../src/errors.js'
import type { Device, EmbedJob } from '../../../src/ports.js'
import { TestTimer } from '../node-embedder.js'
import { never, PlayedWorker, type Reply, result } from './played-worker.js'

const turn = () => new Promise<void>(resolve => setImmediate(resolve))
const until = async (done: () => boolean) => {
  while (!done()) await turn()
}

/** Texts are numbers here. */
const vectorOf = (text: string) => [Number(text), -Number(text)]

/** A worker that finishes `pace` texts whenever the test takes a step. */
class PacedWorker extends PlayedWorker {
  pace = 32
  readonly texts = new Map<number, string>()

  constructor(device: Device) {
    super()
    this.reply = { device, tried: [] }
    this.answer = ({ numbers, texts, dropped }) => {
      for (const [i, id] of numbers.entries()) this.texts.set(id, texts[i]!)
      for (const id of dropped) this.texts.delete(id)
      return []
    }
  }

  /** Finishes the oldest texts in hand. */
  step(): void {
    if (this.pace === 0 || this.texts.size === 0) return
    // In no order: batches are sorted by length.
    const ids = [...this.texts.keys()].slice(0, this.pace).sort((a, b) => (a % 7) - (b % 7))
    const matrix = Float32Array.from(ids.flatMap(id => vectorOf(this.texts.get(id)!)))
    for (const id of ids) this.texts.delete(id)
    this.push([result(ids, { matrix })])
  }
}

function harness(
  options: Partial<WorkerEmbedderOptions> = {},
  { device = 'cpu', replies = [] }: { device?: Device; replies?: (Reply | Promise<Reply> | undefined)[] } = {},
) {
  const workers: PacedWorker[] = []
  const timer = new TestTimer()
  const spec = { space: 'space', description: {}, dims: 2 } as never
  const embedder = new WorkerEmbedder({
    spec,
    plan: async () => ({ devices: ['cuda', 'cpu'], proven: ['cuda'] }),
    threads: 8,
    workers: 3,
    maxQueue: 16_384,
    idleUnloadMs: 300_000,
    timer: timer.set,
    spawn: () => {
      const worker = new PacedWorker(device)
      workers.push(worker)
      worker.reply = replies[workers.length - 1] ?? worker.reply
      return worker.handle
    },
    ...options,
  })
  const embedMany = (count: number) => Array.from({ length: count }, (_, i) => embedText(embedder, `${i}`))
  /** Turns in which every worker takes a step, until `done`. */
  const run = async (done: () => boolean) => {
    while (!done()) {
      for (const worker of workers) worker.step()
      await turn()
    }
  }
  return { embedder, workers, timer, embedMany, run }
}

/** Whether all have settled. */
function watch(all: readonly Promise<unknown>[]): () => boolean {
  let done = false
  void Promise.allSettled(all).then(() => {
    done = true
  })
  return () => done
}

test('usually one worker for every four threads, one at least, and never more than eight', () => {
  const threads = [1, 2, 4, 7, 8, 16, 32, 33, 128]
  expect(threads.map(usualWorkers)).toEqual([1, 1, 1, 1, 2, 4, 8, 8, 8])
})

describe('growing', () => {
  test.each([1, 512, 600])('%i texts at once are the first worker’s: no second model is loaded', async count => {
    const { workers, embedMany, run, embedder } = harness()
    await run(watch(embedMany(count)))
    expect(workers).toHaveLength(1)
    expect(embedder.status).toMatchObject({ workers: { open: 1, starting: 0, most: 3 }, threads: 2 })
  })

  test('many texts that wait start the others, one at a time, on the device that serves', async () => {
    const { workers, embedMany, run } = harness()
    const all = embedMany(6000)
    await run(watch(all))
    expect(workers).toHaveLength(3)
    expect(workers.map(worker => worker.configs[0]!.devices)).toEqual([['cuda', 'cpu'], ['cpu'], ['cpu']])
    for (const { configs } of workers) expect(configs).toMatchObject([{ threads: 2 }])
    for (const { work } of workers) expect(work.length).toBeGreaterThan(3)
    for (const outcome of await Promise.allSettled(all)) expect(outcome.status).toBe('fulfilled')
  })

  test('a steady stream of few at a time grows as well, if it goes on', async () => {
    const { workers, embedder, run } = harness({ workers: 2 })
    let running = 0
    let asked = 0
    const ask = () => {
      while (running < 512 && asked < 4000) {
        running++
        asked++
        void embedText(embedder, 'x').then(() => {
          running--
          ask()
        })
      }
    }
    ask()
    await run(() => running === 0)
    expect(asked).toBe(4000)
    expect(workers).toHaveLength(2)
  })

  test('WebGPU has one worker, whatever waits', async () => {
    const { workers, embedMany, run } = harness({ workers: 8 }, { device: 'webgpu' })
    await run(watch(embedMany(5000)))
    expect(workers).toHaveLength(1)
  })

  /** A stream of jobs of 512 texts, so many of them in hand at once; how many workers that came to. */
  const streamOnCuda = async (inHand: number, options: Partial<WorkerEmbedderOptions>, failing?: Reply) => {
    const { workers, embedder, run } = harness(options, { device: 'cuda', replies: [undefined, failing] })
    let [given, told, running] = [0, 0, 0]
    const give = () => {
      for (; running < inHand && given < 40_000; running++, given += 512) {
        let open = 512
        embedder.submit({
          texts: Array.from({ length: 512 }, (_, i) => `${given + i}`),
          done: ({ rows }) => {
            told += rows.length
            open -= rows.length
            if (open > 0) return
            running--
            give()
          },
          failed: (_rows, error) => expect.fail(error.message),
        })
      }
    }
    give()
    for (const worker of workers) worker.pace = 256
    await run(() => running === 0)
    expect(told).toBe(given)
    return { workers, embedder }
  }

  test('CUDA has a second worker once thousands of texts were done and thousands are in hand, which falls back as the first', async () => {
    const { workers } = await streamOnCuda(8, { workers: 8 })
    expect(workers.map(worker => worker.configs[0]!.devices)).toEqual([
      ['cuda', 'cpu'],
      ['cuda', 'cpu'],
    ])
    expect(workers[1]!.work.length).toBeGreaterThan(3)
  })

  test.each([
    ['few texts are in hand', 3, 8],
    ['only one worker was asked for', 8, 1],
  ])('CUDA has one worker where %s', async (_, inHand, most) => {
    expect((await streamOnCuda(inHand, { workers: most })).workers).toHaveLength(1)
  })

  test.each<[string, Reply]>([
    ['opens nowhere', new OpDbusError('DEVICE_UNAVAILABLE', 'out of memory')],
    ['opens on the CPU', { device: 'cpu', tried: [{ device: 'cuda', reason: 'out of memory', kind: 'failed' }] }],
  ])('a GPU without room for a second session, which %s, goes on with one and tells no text of it', async (_, full) => {
    const { workers, embedder } = await streamOnCuda(8, { workers: 8 }, full)
    expect(workers).toHaveLength(2)
    expect(workers[1]!.work).toHaveLength(0)
    expect(embedder.status.opened?.device).toBe('cuda')
    expect(embedder.status.workers).toMatchObject({ open: 1, refused: 'out of memory' })
  })

  test('what the first found about batches is told to the next', async () => {
    const { workers, embedMany, run, embedder } = harness({ workers: 2 })
    const all = embedMany(3000)
    await until(() => (workers[0]?.texts.size ?? 0) > 0)
    expect(embedder.status.batchTokens).toBeUndefined()
    const { push } = workers[0]!
    workers[0]!.push = results => push(results.map(one => ({ ...one, chosen: { device: 'cpu', tokens: 512 } })))
    await run(watch(all))
    expect(embedder.status.batchTokens).toBe(512)
    expect(workers.map(worker => worker.configs[0]!.batchTokens)).toEqual([{}, { cpu: 512 }])
  })
})

describe('sharing', () => {
  test('the fast ones get more; all in order of arrival', async () => {
    const { workers, embedMany, run } = harness({ workers: 2 })
    await run(watch(embedMany(4000)))
    const before = workers.map(worker => worker.work.flatMap(work => work.texts).length)
    workers[1]!.pace = 4
    await run(watch(embedMany(3000)))
    const shares = workers.map((worker, i) => worker.work.flatMap(work => work.texts).length - before[i]!)
    expect(shares[0]! + shares[1]!).toBe(3000)
    expect(shares[0]).toBeGreaterThan(3 * shares[1]!)
    for (const [i, { work }] of workers.entries()) {
      const numbers = work
        .flatMap(one => one.texts)
        .slice(before[i])
        .map(Number)
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
  })

  test('few texts are spread over those that are open', async () => {
    const { workers, embedMany, run } = harness({ workers: 2 })
    await run(watch(embedMany(3000)))
    const before = workers.map(({ work }) => work.flatMap(one => one.texts).length)
    await run(watch(embedMany(100)))
    expect(workers.map(({ work }, i) => work.flatMap(one => one.texts).length - before[i]!)).toEqual([50, 50])
  })
})

describe('loss', () => {
  test('a worker takes along only what it had in hand; what waited is done by the others', async () => {
    const { workers, embedMany, run } = harness({ workers: 2 })
    await run(watch(embedMany(3000)))
    expect(workers).toHaveLength(2)
    const all = embedMany(2000)
    await until(() => workers.every(worker => worker.texts.size === 256))
    const inHand = new Set(workers[1]!.texts.values())
    workers[1]!.die('killed')
    await run(watch(all))
    for (const [i, outcome] of (await Promise.allSettled(all)).entries()) {
      if (inHand.has(`${i}`)) expect(outcome).toMatchObject({ reason: { code: 'WORKER_LOST' } })
      else expect(outcome.status).toBe('fulfilled')
    }
  })

  test('the only one that is open dies: what waited goes to a new one, and keeps the process alive', async () => {
    const { workers, embedMany, run } = harness({ workers: 2 })
    const all = embedMany(400)
    await until(() => workers[0]?.texts.size === 256)
    workers[0]!.die('killed')
    expect(workers).toHaveLength(2)
    expect(workers[1]!.events.at(-1)).toBe('ref')
    await run(watch(all))
    const outcomes = await Promise.allSettled(all)
    expect(outcomes.map(outcome => outcome.status)).toEqual([
      ...new Array(256).fill('rejected'),
      ...new Array(144).fill('fulfilled'),
    ])
  })

  test('another one that cannot start costs nobody anything, is told, and is not tried over and over', async () => {
    const error = new OpDbusError('DEVICE_UNAVAILABLE', 'out of memory')
    const { workers, embedMany, run, embedder } = harness({}, { replies: [undefined, error, error] })
    const all = embedMany(8000)
    await run(watch(all))
    for (const outcome of await Promise.allSettled(all)) expect(outcome.status).toBe('fulfilled')
    expect(workers).toHaveLength(2)
    expect(embedder.status.workers).toEqual({ open: 1, starting: 0, most: 3, refused: 'out of memory' })
  })

  test('the first that does not open rejects all that wait', async () => {
    const error = new OpDbusError('DEVICE_UNAVAILABLE', 'no device')
    const { embedMany, workers } = harness({}, { replies: [error] })
    for (const outcome of await Promise.allSettled(embedMany(1000)))
      expect(outcome).toMatchObject({ reason: { code: 'DEVICE_UNAVAILABLE' } })
    expect(workers).toHaveLength(1)
  })
})

describe('rest and end', () => {
  test('all end together when idle, and one starts anew', async () => {
    const { workers, embedMany, run, timer, embedder } = harness({ workers: 2, idleUnloadMs: 10 })
    await run(watch(embedMany(3000)))
    expect(workers.map(worker => worker.events.at(-1))).toEqual(['unref', 'unref'])
    timer.fire()
    expect(workers.map(worker => worker.events.includes('terminate'))).toEqual([true, true])
    expect(embedder.status.worker).toBe('off')
    await run(watch(embedMany(10)))
    expect(workers).toHaveLength(3)
  })

  test('no unload while one of them still works', async () => {
    const { workers, embedMany, run, timer } = harness({ workers: 2 })
    await run(watch(embedMany(3000)))
    timer.pending.clear()
    workers[1]!.pace = 0
    const all = embedMany(10)
    await run(() => workers[0]!.texts.size === 0 && workers[1]!.texts.size === 5)
    for (let i = 0; i < 20; i++) await turn()
    expect(timer.pending.size).toBe(0)
    workers[1]!.pace = 32
    await run(watch(all))
    expect(timer.pending.size).toBe(1)
  })

  test('close settles those in hand and those that wait, and ends every thread', async () => {
    const { workers, embedMany, embedder } = harness({ workers: 2 })
    const all = embedMany(2000)
    await until(() => workers[0]?.texts.size === 256)
    await embedder.close()
    for (const outcome of await Promise.allSettled(all)) expect(outcome).toMatchObject({ reason: { code: 'CLOSED' } })
    expect(workers).toHaveLength(1)
    expect(workers[0]!.events).toContain('terminate')
  })

  test('who waits for a worker and leaves is never sent; the process may end when nobody waits', async () => {
    const { workers, embedder } = harness({}, { replies: [never()] })
    const leaving = new AbortController()
    const one = embedText(embedder, 'a', { signal: leaving.signal })
    await until(() => workers[0]?.configs.length === 1)
    expect(workers[0]!.events.at(-1)).toBe('ref')
    leaving.abort()
    await expect(one).rejects.toMatchObject({ code: 'ABORTED' })
    expect(workers[0]!.events.at(-1)).toBe('unref')
    expect(embedder.status.waiting).toBe(0)
  })

  test('OVERLOADED counts what waits and what is in hand', async () => {
    const { embedder, embedMany, run } = harness({ maxQueue: 500 })
    const all = embedMany(500)
    expect(embedder.room).toBe(0)
    await expect(embedText(embedder, 'x')).rejects.toMatchObject({ code: 'OVERLOADED' })
    await run(watch(all))
    expect(embedder.room).toBe(500)
  })
})

test('any history of asking, leaving, finishing and dying: everyone settles, and nothing is left', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), count: fc.integer({ min: 1, max: 700 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('leave' as const), from: fc.nat(2000) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('work' as const), turns: fc.integer({ min: 1, max: 20 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), which: fc.nat(5) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (steps, most) => {
      const { embedder, workers, run } = harness({ workers: most, maxQueue: 1e6 })
      const all: { one: Promise<unknown>; leaving: AbortController }[] = []
      for (const what of steps) {
        if (what.do === 'ask')
          for (let i = 0; i < what.count; i++) {
            const leaving = new AbortController()
            const one = embedText(embedder, `${all.length}`, { signal: leaving.signal })
            one.catch(() => undefined)
            all.push({ one, leaving })
          }
        else if (what.do === 'leave') for (const { leaving } of all.slice(what.from, what.from + 100)) leaving.abort()
        else if (what.do === 'die') workers.at(-1 - what.which)?.die('killed')
        else {
          let turns = what.turns
          await run(() => turns-- === 0)
        }
        const { open, starting } = embedder.status.workers
        expect(open + starting).toBeLessThanOrEqual(most)
      }
      await run(watch(all.map(({ one }) => one)))
      expect(embedder.status.waiting).toBe(0)
      await embedder.close()
      for (const { events } of workers) expect(events.findLast(event => event !== 'terminate')).toBe('unref')
    }),
    { numRuns: 40 },
  )
})

test('jobs over two workers of which any is lost at any moment: no row lost, none told twice, no wrong vector', async () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('submit' as const), rows: fc.integer({ min: 1, max: 900 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('drop' as const),
        job: fc.nat(9),
        from: fc.nat(900),
        every: fc.integer({ min: 1, max: 3 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('work' as const), turns: fc.integer({ min: 1, max: 12 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('die' as const), which: fc.nat(1) }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
      const { embedder, workers, run } = harness({ workers: 2, maxQueue: 1e6 })
      const jobs: { job: EmbedJob; outcomes: ('vector' | 'lost' | 'dropped' | undefined)[] }[] = []
      const faults: string[] = []
      let next = 0
      const submit = (rows: number) => {
        const outcomes: (typeof jobs)[number]['outcomes'] = new Array(rows).fill(undefined)
        const told = (row: number, what: 'vector' | 'lost') => {
          if (outcomes[row] !== undefined) faults.push(`row ${row} was ${outcomes[row]} and is ${what}`)
          outcomes[row] = what
        }
        const job: EmbedJob = {
          texts: Array.from({ length: rows }, () => `${next++}`),
          done({ rows: finished, matrix }) {
            for (let i = 0; i < finished.length; i++) {
              const row = finished[i]!
              told(row, 'vector')
              const expected = vectorOf(job.texts[row]!)
              if (matrix[2 * i] !== expected[0] || matrix[2 * i + 1] !== expected[1])
                faults.push(`row ${row} got another vector`)
            }
          },
          failed(lost, error) {
            for (const row of lost) told(row, 'lost')
            if (!isOpDbusError(error, 'WORKER_LOST')) faults.push(error.message)
          },
        }
        jobs.push({ job, outcomes })
        embedder.submit(job)
      }
      let deaths = 0
      for (const what of steps) {
        if (what.do === 'submit') submit(what.rows)
        else if (what.do === 'drop') {
          const { job, outcomes } = jobs[what.job] ?? {}
          if (!job || !outcomes) continue
          const rows = [...outcomes.keys()].filter(row => row >= what.from && row % what.every === 0)
          for (const row of rows) outcomes[row] ??= 'dropped'
          embedder.drop(job, rows)
        } else if (what.do === 'die') {
          const worker = workers.at(-1 - what.which)
          if (worker) deaths++
          worker?.die('killed')
        } else {
          let turns = what.turns
          await run(() => turns-- === 0)
        }
      }
      await run(() => embedder.status.waiting === 0)
      for (let i = 0; i < 3; i++) await turn()
      const all = jobs.flatMap(({ outcomes }) => outcomes)
      expect(faults).toEqual([])
      expect(all).not.toContain(undefined)
      if (deaths === 0) expect(all).not.toContain('lost')
      expect(embedder.room).toBe(1e6)
      await embedder.close()
    }),
    { numRuns: 60 },
  )
})
