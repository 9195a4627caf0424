// Tokenising in threads of its own: results as inline, a session that is blocked meanwhile, threads that fail or die.
import { Worker } from 'node:worker_threads'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { nodeEndpoint } from '../../../src/backends/worker-node.js'
import { BatchBudget } from '../../../src/embedder/engine/batch-budget.js'
import { Pipeline } from '../../../src/embedder/engine/pipeline.js'
import { type TokenizeAhead, TokenizerPool } from '../../../src/embedder/engine/tokenizer-pool.js'
import { pack, type TokenizerThread } from '../../../src/embedder/engine/tokenizer-thread.js'
import { Moved, serve } from '../../../src/embedder/link.js'
import type { BatchResult } from '../../../src/embedder/protocol.js'
import type { Tokenize } from '../../../src/embedder/tokenizer/load-tokenizer.js'
import { OpDbusError } from '../../../src/errors.js'
import type { Device, TokenBatch, WorkerHandle } from '../../../src/ports.js'
import { deferred } from '../../support.js'

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** Every letter is a token; `!` has none. */
const tokenize: Tokenize = text => {
  if (text.includes('!')) throw new OpDbusError('EMBEDDER_FAILED', `no tokens for ${text}`)
  return { ids: [...text].map(letter => letter.charCodeAt(0) - 96), truncated: text.length > 5 }
}

/** A thread that the test plays in its own thread. */
function playedThread(thread: Partial<TokenizerThread> = {}) {
  const { port1, port2 } = new MessageChannel()
  const calls: (readonly string[])[] = []
  let exit: ((why: string) => void) | undefined
  const whole: TokenizerThread = {
    open: async () => undefined,
    tokenize: texts => {
      calls.push(texts)
      return new Moved(pack(texts, tokenize), [])
    },
    ...thread,
  }
  serve(nodeEndpoint(port1 as never), () => whole)
  const die = (why: string) => {
    port1.close()
    exit?.(why)
    exit = undefined
  }
  const handle: WorkerHandle = {
    endpoint: nodeEndpoint(port2 as never),
    ref: () => undefined,
    unref: () => undefined,
    terminate: async () => die('terminated'),
    onExit: listener => {
      exit = listener
    },
  }
  return { handle, calls, die }
}

/** A pool over threads that the test made, one after another. */
async function poolOf(...threads: { handle: WorkerHandle }[]) {
  const left = [...threads]
  const opened = deferred<void>()
  let open = 0
  const pool = new TokenizerPool({
    spec: {} as never,
    threads: threads.length,
    spawn: () => left.shift()!.handle,
    ready: () => {
      if (++open === threads.length) opened.resolve()
    },
  })
  pool.start()
  return { pool, opened: opened.promise }
}

const sums = async ({ rows, width, inputIds, attentionMask }: TokenBatch) => ({
  vectors: Float32Array.from({ length: rows * width * 2 }, (_, i) =>
    Number((i % 2 ? attentionMask : inputIds)[i >> 1]),
  ),
  pooled: false,
})

function pipelineOver(elsewhere: TokenizeAhead | undefined, change: { device?: Device; run?: typeof sums } = {}) {
  const { device = 'cuda', run = sums } = change
  const parts: BatchResult[] = []
  let inline = 0
  let settled = 0
  const pipeline = new Pipeline({
    spec: { dims: 2, hiddenDims: 2, pooling: 'mean', normalize: false, padId: 0, rowsAlone: false },
    tokenize: text => {
      inline++
      return tokenize(text)
    },
    elsewhere,
    backend: { device, run },
    budget: new BatchBudget({ fixed: 64 }),
    clock: { monotonic: () => 0 },
    emit: part => {
      parts.push(part)
      settled += part.numbers.length
      for (const { numbers } of part.failed) settled += numbers.length
    },
    yieldToEventLoop: turn,
  })
  /** Until so many texts have their outcome. */
  const until = async (count: number) => {
    while (settled < count) await turn()
    return outcomes()
  }
  const outcomes = () => {
    const found = new Map<number, unknown>()
    for (const { numbers, matrix, tokens, truncated, failed } of parts) {
      for (const [row, id] of numbers.entries()) {
        expect(found.has(id)).toBe(false)
        found.set(id, [...matrix.slice(2 * row, 2 * row + 2), tokens[row], truncated[row]])
      }
      for (const one of failed) for (const id of one.numbers) found.set(id, one.error)
    }
    return found
  }
  return { pipeline, until, inline: () => inline }
}

/** What a pipeline without threads makes of the same texts. */
async function inlineOutcomes(texts: readonly string[]) {
  const { pipeline, until } = pipelineOver(undefined)
  pipeline.submit([...texts.keys()], texts)
  return until(texts.length)
}

const textsOf = (count: number) =>
  Array.from({ length: count }, (_, i) => (i % 97 === 13 ? '!' : 'abcdefgh'.slice(0, 1 + ((i * 7) % 8))))

test('any texts cross packed and come back as they were', () => {
  const text = fc.oneof(
    { weight: 5, arbitrary: fc.stringMatching(/^[a-z]{0,9}$/) },
    { weight: 1, arbitrary: fc.constant('!') },
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 30 }), texts => {
      const { ids, lengths, truncated, errors } = structuredClone(pack(texts, tokenize))
      expect(lengths).toHaveLength(texts.length)
      let from = 0
      let failed = 0
      for (const [i, length] of lengths.entries()) {
        if (texts[i] === '!') {
          expect(length).toBe(-1)
          expect(errors[failed++]).toMatchObject({ code: 'EMBEDDER_FAILED' })
          continue
        }
        const found = { ids: [...ids.subarray(from, from + length)], truncated: truncated[i] === 1 }
        expect(found).toEqual(tokenize(texts[i]!))
        from += length
      }
      expect([from, failed]).toEqual([ids.length, errors.length])
    }),
  )
})

describe('when', () => {
  test('few texts start no thread; many do, and are tokenised here until one is open', async () => {
    let started = 0
    const elsewhere: TokenizeAhead = {
      start: () => void started++,
      ready: false,
      tokenize: () => Promise.reject(new Error('not asked')),
    }
    const { pipeline, until, inline } = pipelineOver(elsewhere)
    pipeline.submit([...Array(255).keys()], textsOf(255))
    await until(255)
    expect(started).toBe(0)
    const many = textsOf(1000)
    pipeline.submit(
      many.map((_, i) => 255 + i),
      many,
    )
    await until(1255)
    expect(started).toBeGreaterThan(0)
    expect(inline()).toBe(1255)
  })

  test('a CPU session tokenises for itself', async () => {
    const thread = playedThread()
    const { pool, opened } = await poolOf(thread)
    await opened
    const { pipeline, until } = pipelineOver(pool, { device: 'cpu' })
    pipeline.submit([...Array(600).keys()], textsOf(600))
    await until(600)
    expect(thread.calls).toEqual([])
  })
})

describe('results', () => {
  test('are those of the inline way, errors and all, spread over the threads, bounded ahead', async () => {
    const texts = textsOf(3000)
    const threads = [playedThread(), playedThread()]
    const { pool, opened } = await poolOf(...threads)
    await opened
    const { pipeline, until, inline } = pipelineOver(pool)
    pipeline.submit([...texts.keys()], texts)
    await turn()
    const sent = threads.flatMap(thread => thread.calls).flat().length
    expect(sent).toBeLessThanOrEqual(576)
    expect(await until(texts.length)).toEqual(await inlineOutcomes(texts))
    expect(inline()).toBe(0)
    const shares = threads.map(thread => thread.calls.flat().length)
    expect(shares[0]! + shares[1]!).toBe(3000)
    expect(Math.min(...shares)).toBeGreaterThan(100)
  })

  test('texts dropped while they are away are forgotten', async () => {
    const gate = deferred<void>()
    const thread = playedThread({
      tokenize: async texts => {
        await gate.promise
        return new Moved(pack(texts, tokenize), [])
      },
    })
    const { pool, opened } = await poolOf(thread)
    await opened
    const { pipeline, until } = pipelineOver(pool)
    pipeline.submit([...Array(100).keys()], textsOf(100))
    pipeline.drop([...Array(99).keys()])
    gate.resolve()
    await until(1)
    for (let i = 0; i < 20; i++) await turn()
    expect([...(await until(1)).keys()]).toEqual([99])
  })
})

describe('threads that fail', () => {
  test('one that dies with texts in hand: they are tokenised here; the other one goes on', async () => {
    const dying = playedThread({ tokenize: () => never() })
    const other = playedThread()
    const { pool, opened } = await poolOf(dying, other)
    await opened
    const texts = textsOf(2000)
    const { pipeline, until, inline } = pipelineOver(pool)
    pipeline.submit([...texts.keys()], texts)
    for (let i = 0; i < 20; i++) await turn()
    dying.die('out of memory')
    expect(await until(texts.length)).toEqual(await inlineOutcomes(texts))
    expect(inline()).toBeGreaterThan(0)
    expect(inline() + other.calls.flat().length).toBe(2000)
  })

  test('all die: everything is tokenised here', async () => {
    const thread = playedThread({ tokenize: () => never() })
    const { pool, opened } = await poolOf(thread)
    await opened
    const texts = textsOf(2000)
    const { pipeline, until, inline } = pipelineOver(pool)
    pipeline.submit([...texts.keys()], texts)
    thread.die('killed')
    await until(texts.length)
    expect(inline()).toBe(2000)
    expect(pool.ready).toBe(false)
    await expect(pool.tokenize(['a'])).rejects.toMatchObject({ code: 'WORKER_LOST' })
  })

  test.each([
    ['does not load its tokenizer', { open: () => Promise.reject(new OpDbusError('UNSUPPORTED_MODEL', 'changed')) }],
    ['dies while it loads', { open: () => never<void>() }],
  ])('one that %s is never given a text, and is ended', async (_what, thread) => {
    const played = playedThread(thread)
    const { pool } = await poolOf(played)
    await turn()
    played.die('killed')
    for (let i = 0; i < 20; i++) await turn()
    expect(pool.ready).toBe(false)
  })

  test('one that cannot be started at all', async () => {
    const spawn = () => {
      throw new Error('no threads left')
    }
    const pool = new TokenizerPool({ spec: {} as never, threads: 2, spawn })
    pool.start()
    await turn()
    expect(pool.ready).toBe(false)
  })
})

describe('a session that blocks its thread', () => {
  const threads: Worker[] = []
  afterEach(() => Promise.all(threads.splice(0).map(thread => thread.terminate())))

  /**
   * A real thread that takes a chunk as the pool sends it. All chunks but its first wait until a run is under way (flag
   * at 0), and every text it is done with is counted (at 1).
   */
  function gatedThread(shared: Int32Array): WorkerHandle {
    const worker = new Worker(
      `const { parentPort, workerData: shared } = require('node:worker_threads')
       let first = true
       parentPort.on('message', ({ id, name, argument: texts }) => {
         let value
         if (name === 'tokenize') {
           if (!first) Atomics.wait(shared, 0, 0)
           first = false
           const ids = Int32Array.from(texts.join(''), letter => letter.charCodeAt(0) - 96)
           value = { ids, lengths: Int32Array.from(texts, text => text.length),
                     truncated: Uint8Array.from(texts, text => Number(text.length > 5)), errors: [] }
           Atomics.add(shared, 1, texts.length)
           Atomics.notify(shared, 1)
         }
         parentPort.postMessage({ opDbus: 'answer', id, value })
       })`,
      { eval: true, workerData: shared },
    )
    threads.push(worker)
    return {
      endpoint: nodeEndpoint(worker),
      ref: () => undefined,
      unref: () => undefined,
      terminate: async () => void (await worker.terminate()),
      onExit: listener => void worker.once('exit', () => listener('exit')),
    }
  }

  test('finds its next batches tokenised: that went on while it ran', async () => {
    const shared = new Int32Array(new SharedArrayBuffer(8))
    const { pool, opened } = await poolOf({ handle: gatedThread(shared) })
    await opened
    const texts = Array.from({ length: 512 }, (_, i) => 'abcdefgh'.slice(0, 1 + (i % 8)))
    let before = -1
    let blocked = false
    const run = (batch: TokenBatch) => {
      if (!blocked) {
        blocked = true
        before = Atomics.load(shared, 1)
        Atomics.store(shared, 0, 1)
        Atomics.notify(shared, 0)
        // This thread does nothing until all that was sent ahead is tokenised, as in a call into native code.
        for (let done = before; done < 512; done = Atomics.load(shared, 1))
          if (Atomics.wait(shared, 1, done, 20_000) === 'timed-out') throw new Error(`only ${done} texts meanwhile`)
      }
      return sums(batch)
    }
    const { pipeline, until, inline } = pipelineOver(pool, { run })
    pipeline.submit([...texts.keys()], texts)
    const found = await until(texts.length)
    expect(before).toBe(64)
    expect(inline()).toBe(0)
    expect(found).toEqual(await inlineOutcomes(texts))
  })
})

function never<T>(): Promise<T> {
  return new Promise(() => undefined)
}
