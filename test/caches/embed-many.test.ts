// embedMany and getOrEmbed over an embedder that the test drives by hand: whatever is aborted, deleted, cleared or fails meanwhile,
// each text gets its own vector or its own error, once, and what finished is kept.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EmbeddingMatrix } from '../../src/caches/embedding-batch.js'
import { composeCaches } from '../../src/compose.js'
import { readConfig } from '../../src/config.js'
import { Diagnostics } from '../../src/diagnostics.js'
import { type BatchError, isOpDbusError, OpDbusError } from '../../src/errors.js'
import { ON_NODE } from '../../src/node/options.js'
import type { Embedder, EmbedJob, Space, Store } from '../../src/ports.js'
import { openMapStore } from '../../src/stores/map.js'
import { crc32, hash, TestClock } from '../support.js'

const DIMS = 3

/** Different texts have different vectors. */
function vectorOf(text: string): number[] {
  let sum = 7
  for (let i = 0; i < text.length; i++) sum = (Math.imul(sum, 31) + text.charCodeAt(i)) & 0xffffff
  return [text.length, sum, text.charCodeAt(0) || 0]
}

/** Computes when it is told to. Holds the cache to what a job is. */
class HandEmbedder implements Embedder {
  readonly space = 'by hand' as Space
  readonly description = {}
  readonly dims = DIMS
  readonly maxQueue: number
  readonly jobs = new Map<EmbedJob, Set<number>>()
  /** Texts in hand whose result may be stored, each once at most. */
  readonly inHand = new Set<string>()
  readonly #stale = new Map<EmbedJob, Set<number>>()
  /** Texts that finished and may be found since. */
  readonly kept = new Set<string>()
  readonly failed = new Set<string>()
  computed = 0
  /** Something was forgotten while texts may have waited for room: those are stale before they are handed over. */
  mayBeStale = false

  constructor(maxQueue: number) {
    this.maxQueue = maxQueue
  }

  get size(): number {
    let size = 0
    for (const rows of this.jobs.values()) size += rows.size
    return size
  }

  get room(): number {
    return this.maxQueue - this.size
  }

  submit(job: EmbedJob): void {
    if (job.texts.length > this.room) throw new OpDbusError('OVERLOADED', 'no room')
    expect(new Set(job.texts).size).toBe(job.texts.length)
    for (const text of job.texts) {
      if (!text.isWellFormed() || (this.inHand.has(text) && !this.mayBeStale))
        expect.fail(`${text} is not well-formed, or in hand already`)
      this.inHand.add(text)
    }
    this.jobs.set(job, new Set(job.texts.keys()))
    this.#stale.set(job, new Set())
  }

  drop(job: EmbedJob, rows: readonly number[]): void {
    for (const row of rows) this.#take(job, row)
  }

  /** What is in hand for these texts, or for all, may not be stored any more; nor is what finished there. */
  forget(texts: Iterable<string> = [...this.kept, ...this.inHand]): void {
    const forgotten = new Set(texts)
    if (this.room === 0) this.mayBeStale = true
    for (const text of forgotten) {
      this.kept.delete(text)
      this.inHand.delete(text)
    }
    for (const [job, rows] of this.jobs)
      for (const row of rows) if (forgotten.has(job.texts[row]!)) this.#stale.get(job)!.add(row)
  }

  /** Some rows of one job, in some order, finish or fail. */
  tell(which: number, share: number, fails: boolean): void {
    const jobs = [...this.jobs.keys()]
    const job = jobs[which % jobs.length]
    if (job === undefined) return
    const rows = [...this.jobs.get(job)!].sort((a, b) => ((a * 7919) % 101) - ((b * 7919) % 101))
    const told = rows.slice(0, Math.ceil(rows.length * share))
    const texts = told.map(row => job.texts[row]!)
    for (const [i, row] of told.entries()) {
      const stale = this.#stale.get(job)!.has(row)
      this.#take(job, row)
      if (fails) this.failed.add(texts[i]!)
      else if (!stale) this.kept.add(texts[i]!)
    }
    if (fails) {
      job.failed(told, new OpDbusError('EMBEDDER_FAILED', 'told to'))
      return
    }
    this.computed += told.length
    // Part of a larger buffer, as of a batch that serves several jobs.
    const matrix = new Float32Array((told.length + 1) * DIMS).subarray(DIMS)
    matrix.set(texts.flatMap(vectorOf))
    const zeros = new Uint8Array(told.length)
    job.done({ rows: told, matrix, tokens: zeros, truncated: zeros, device: 'custom' })
  }

  #take(job: EmbedJob, row: number): void {
    if (!this.jobs.get(job)?.delete(row)) expect.fail('a row that is not in hand')
    if (!this.#stale.get(job)!.has(row)) this.inHand.delete(job.texts[row]!)
    if (this.jobs.get(job)!.size === 0) this.jobs.delete(job)
  }

  async close(): Promise<void> {}
}

/** The same store without what answers at once: a medium that needs a promise, such as IndexedDB. */
function asynchronous({ getSync: _, getManySync: __, ...rest }: Store): Store {
  return rest
}

interface Setting {
  readonly capacity: number
  readonly maxQueue: number
  readonly disk: Store | undefined
  readonly shared?: Store
  readonly diagnostics?: Diagnostics
}

async function open({ capacity, maxQueue, disk, shared, diagnostics = new Diagnostics() }: Setting) {
  const embedder = new HandEmbedder(maxQueue)
  const warn = (message: string) => expect.fail(message)
  const { embeddings } = await composeCaches(
    readConfig({ embeddingCacheSize: capacity, embeddingCacheBytes: 1e9 }, {}, () => {}, ON_NODE),
    {
      clock: new TestClock(),
      hash,
      crc32,
      warn,
      diagnostics,
      user: undefined,
      openModel: async () => ({ embedder, model: { asked: 'm', serves: 'm', gaveWay: [] } }),
      ...(disk && { vectors: () => ({ store: disk, capacityBytes: 1e9, warn }) }),
      ...(shared && { shared: { store: shared, timeoutMs: 60_000 } }),
    },
  )
  return { embeddings, embedder }
}

const turn = () => new Promise(resolve => setImmediate(resolve))
/** Long enough for whatever goes on by itself. */
const turns = async () => {
  for (let i = 0; i < 5; i++) await turn()
}

function expectRows({ matrix }: EmbeddingMatrix, texts: readonly string[]): void {
  expect(Array.from(matrix)).toEqual(texts.flatMap(vectorOf))
}

const text = fc.nat(24).map(n => `text ${n}`)
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ op: fc.constant('many' as const), texts: fc.array(text, { maxLength: 40 }) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('one' as const), text }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('abort' as const), which: fc.nat(20) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('tell' as const),
      which: fc.nat(20),
      share: fc.constantFrom(0.3, 0.6, 1),
      fails: fc.nat(4).map(n => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('delete' as const), text }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('turns' as const) }) },
)

describe.each([
  ['memory alone', { capacity: 1000 }],
  ['a disk that answers at once', { capacity: 1000, disk: true }],
  ['disk without memory', { capacity: 0, disk: true }],
  ['a disk that needs a promise', { capacity: 1000, disk: true, promise: true }],
  ['disk and a shared store', { capacity: 1000, disk: true, shared: true }],
  ['a queue that is soon full', { capacity: 1000, disk: true, maxQueue: 10 }],
] as const)('over %s', (_name, { capacity, ...kind }) => {
  const promise = 'promise' in kind
  const small = 'maxQueue' in kind

  it('every text gets its own vector or error, once; what finished is found again and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async steps => {
        const store = openMapStore()
        const { embeddings, embedder } = await open({
          capacity,
          maxQueue: small ? 10 : 1000,
          disk: 'disk' in kind ? (promise ? asynchronous(store) : store) : undefined,
          ...('shared' in kind && { shared: openMapStore() }),
        })
        await embeddings.has('open')
        const controllers: AbortController[] = []
        const calls: Promise<void>[] = []
        const begin = (texts: readonly string[], call: (signal: AbortSignal) => Promise<void>) => {
          const controller = new AbortController()
          controllers.push(controller)
          calls.push(
            call(controller.signal).catch((error: OpDbusError) => {
              if (error.code === 'ABORTED') return expect(controller.signal.aborted).toBe(true)
              if (error.code === 'OVERLOADED') return expect(small).toBe(true)
              if (error.code === 'EMBEDDER_FAILED') return expect(embedder.failed).toContain(texts[0])
              expect(error.code).toBe('PARTIAL_FAILURE')
              for (const { index, error: why } of (error as BatchError).failed) {
                if (isOpDbusError(why, 'OVERLOADED')) expect(small).toBe(true)
                else expect(embedder.failed).toContain(texts[index])
              }
            }),
          )
        }
        for (const s of steps) {
          if (s.op === 'many') {
            begin(s.texts, async signal => {
              let told = { done: 0, total: 0 }
              const onProgress = (progress: typeof told) => {
                told = progress
              }
              const result = await embeddings.embedMany(s.texts, { signal, onProgress })
              expectRows(result, s.texts)
              expect(told).toMatchObject({ done: s.texts.length, total: s.texts.length })
            })
          } else if (s.op === 'one') {
            begin([s.text], async signal => {
              expect(Array.from((await embeddings.getOrEmbed(s.text, { signal })).vector)).toEqual(vectorOf(s.text))
            })
          } else if (s.op === 'abort') controllers[s.which % (controllers.length || 1)]?.abort()
          else if (s.op === 'tell') embedder.tell(s.which, s.share, s.fails)
          else if (s.op === 'turns') await turns()
          else {
            // What is looked up in this turn has begun before: let it get under way.
            await turns()
            const texts = s.op === 'delete' ? [s.text] : undefined
            embedder.forget(texts)
            if (s.op === 'delete') await embeddings.delete(s.text)
            else await embeddings.clear({ shared: true })
          }
        }
        await turns()
        for (let i = 0; embedder.size > 0; i++) {
          embedder.tell(i, 0.7, false)
          await turns()
        }
        await Promise.all(calls)
        for (let n = 0; n <= 24; n++) {
          const found = await embeddings.get(`text ${n}`)
          if (found === undefined && embedder.mayBeStale) continue
          expect(found && Array.from(found.vector)).toEqual(
            embedder.kept.has(`text ${n}`) ? vectorOf(`text ${n}`) : undefined,
          )
        }
        await embeddings.close()
      }),
      { numRuns: 60 },
    )
  })
})

describe('embedMany', () => {
  it('drops what nobody else waits for in one call, and goes on with what others wait for', async () => {
    const { embeddings, embedder } = await open({ capacity: 100, maxQueue: 1000, disk: undefined })
    const controller = new AbortController()
    const texts = Array.from({ length: 100 }, (_, i) => `text ${i}`)
    const left = embeddings.embedMany(texts, { signal: controller.signal })
    await turns()
    const other = embeddings.embedMany(texts.slice(0, 5))
    const one = embeddings.getOrEmbed('text 7')
    await turns()
    expect(embedder.size).toBe(100)
    let drops = 0
    const drop = embedder.drop.bind(embedder)
    embedder.drop = (job, rows) => {
      drops++
      drop(job, rows)
    }
    controller.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    expect([drops, embedder.size]).toEqual([1, 6])
    embedder.tell(0, 1, false)
    expectRows(await other, texts.slice(0, 5))
    expect(Array.from((await one).vector)).toEqual(vectorOf('text 7'))
  })

  it.each(['q first', 'q last'])(
    'is left by its caller from within a chunk, and then waits for nothing (%s)',
    async order => {
      const diagnostics = new Diagnostics()
      const { embeddings, embedder } = await open({ capacity: 100, maxQueue: 1000, disk: openMapStore(), diagnostics })
      const known = embeddings.embedMany(['a', 'b', 'c'])
      await turns()
      embedder.tell(0, 1, false)
      await known
      const other = new AbortController()
      const waiting = embeddings.getOrEmbed('q', { signal: other.signal })
      await turns()
      const leaving = new AbortController()
      // Told in the midst of the pass: of the first text that memory has.
      diagnostics.on('lookup', () => leaving.abort())
      const texts = order === 'q first' ? ['q', 'new', 'a', 'b', 'more'] : ['a', 'b', 'new', 'q']
      await expect(embeddings.embedMany(texts, { signal: leaving.signal })).rejects.toMatchObject({ code: 'ABORTED' })
      expect([...embedder.jobs.keys()].flatMap(job => job.texts)).toEqual(['q'])
      other.abort()
      await expect(waiting).rejects.toMatchObject({ code: 'ABORTED' })
      expect(embedder.size).toBe(0)
    },
  )

  it('takes the texts as they are when it is called', async () => {
    const { embeddings, embedder } = await open({ capacity: 100, maxQueue: 1000, disk: undefined })
    const texts = ['one', 'two', 'three']
    const result = embeddings.embedMany(texts)
    texts[0] = 'changed'
    texts.length = 1
    await turns()
    embedder.tell(0, 1, false)
    expectRows(await result, ['one', 'two', 'three'])
  })

  it('hands texts over that are one when they are well-formed, each by itself', async () => {
    const { embeddings, embedder } = await open({ capacity: 100, maxQueue: 1000, disk: undefined })
    const texts = ['a', 'x\ud800', 'b', 'x\ufffd', 'x\udc00', 'c']
    const jobs: (readonly string[])[] = []
    embedder.submit = job => {
      jobs.push(job.texts)
      embedder.jobs.set(job, new Set(job.texts.keys()))
    }
    const result = embeddings.embedMany(texts)
    await turns()
    for (const job of [...embedder.jobs.keys()]) {
      const matrix = Float32Array.from(job.texts.flatMap(vectorOf))
      const zeros = new Uint8Array(job.texts.length)
      job.done({ rows: [...job.texts.keys()], matrix, tokens: zeros, truncated: zeros, device: 'custom' })
    }
    expectRows(
      await result,
      texts.map(one => one.toWellFormed()),
    )
    for (const job of jobs) expect(new Set(job).size).toBe(job.length)
    expect(jobs.flat().sort()).toEqual(texts.map(one => one.toWellFormed()).sort())
  })

  it('takes 200,000 texts with duplicates, failures, another batch that leaves, and a clear in the middle', async () => {
    const { embeddings, embedder } = await open({ capacity: 1000, maxQueue: 16_384, disk: openMapStore() })
    const texts = Array.from({ length: 200_000 }, (_, i) => `text ${i % 10 === 9 ? i - 7 : i}`)
    const controller = new AbortController()
    let ended = false
    const failed = new Set<number>()
    const all = embeddings
      .embedMany(texts)
      .catch((error: BatchError) => {
        for (const { index } of error.failed) failed.add(index)
      })
      .finally(() => {
        ended = true
      })
    const leaving = embeddings
      .embedMany(texts.slice(50_000).reverse(), { signal: controller.signal })
      .catch(error => error)
    let cleared = false
    for (let i = 0; !ended; i++) {
      embedder.tell(i % 3, 1, i % 200 === 199)
      if (i % 50 === 0) void embeddings.getOrEmbed(texts[(i * 40) % texts.length]!).catch(() => {})
      if (embedder.computed > 80_000) controller.abort()
      if (!cleared && embedder.computed > 60_000) {
        cleared = true
        embedder.forget()
        await embeddings.clear()
      }
      await turn()
    }
    await all
    expect(await leaving).toMatchObject({ code: 'ABORTED' })
    expect(cleared).toBe(true)
    expect(failed.size).toBeGreaterThan(0)
    for (const index of failed) if (!embedder.failed.has(texts[index]!)) expect.fail(`row ${index} did not fail`)
    // All of it again, from disk and from the embedder.
    for (ended = false; !ended; ) {
      const again = embeddings.embedMany(texts).finally(() => {
        ended = true
      })
      while (!ended) {
        embedder.tell(0, 1, false)
        await turn()
      }
      const { matrix, sources } = await again
      for (let row = 0; row < texts.length; row++) {
        const [length, sum, first] = vectorOf(texts[row]!)
        const at = row * DIMS
        const right = matrix[at] === length && matrix[at + 1] === sum && matrix[at + 2] === first
        if (!right) expect.fail(`row ${row} is wrong`)
        if (embedder.kept.has(texts[row]!) || failed.has(row) || sources[row] !== 'computed') continue
        expect.fail(`row ${row} was lost`)
      }
    }
  }, 60_000)
})
