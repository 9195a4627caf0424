// The public API on Node, over the built library: real model, real disk, real processes.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type Caches, OpDbusError, openCaches, type UserEmbedder } from 'op-dbus'
import { afterEach, describe, expect, it } from 'vitest'
import { jsonLines, runScript } from './processes.js'
import { deferred, temporaryFolder } from './support.js'

const opened: Caches[] = []
afterEach(async () => {
  for (const caches of opened.splice(0)) await caches.close()
})

async function open(options: Parameters<typeof openCaches>[0] = {}): Promise<Caches> {
  const caches = await openCaches({ dir: temporaryFolder(), onWarning: () => {}, ...options })
  opened.push(caches)
  return caches
}

/** An embedder that counts what it computes: a vector that tells the text's length and its first character. */
function counting(
  dims = 4,
): UserEmbedder & { rows: string[]; calls: number; embed(texts: readonly string[]): Promise<Float32Array> } {
  const embedder = {
    space: 'test@1',
    dims,
    rows: [] as string[],
    calls: 0,
    async embed(texts: readonly string[]) {
      embedder.calls++
      embedder.rows.push(...texts)
      const matrix = new Float32Array(texts.length * dims)
      texts.forEach((text, i) => {
        matrix.fill(text.length, i * dims, (i + 1) * dims)
        matrix[i * dims] = text.charCodeAt(0) || 0
      })
      return matrix
    },
  }
  return embedder
}

describe('openCaches with the built-in model', () => {
  it('computes, then answers from memory; a later one on the same folder from disk, bit for bit', async () => {
    const dir = temporaryFolder()
    const first = await open({ dir })
    expect(first.embeddings.view('Created container 100')).toBeUndefined()
    const computed = await first.embeddings.getOrEmbed('Created container 100')
    expect(computed).toMatchObject({ source: 'computed', truncated: false, device: 'cpu' })
    expect(computed.vector).toHaveLength(512)
    expect(Math.hypot(...computed.vector)).toBeCloseTo(1, 5)
    const memory = await first.embeddings.getOrEmbed('Created container 100')
    expect(memory.source).toBe('memory')
    expect(memory.vector).toEqual(computed.vector)
    expect(memory.vector.buffer).not.toBe(computed.vector.buffer)
    expect(first.embeddings.view('Created container 100')).toEqual(computed.vector)
    await first.close()
    const second = await open({ dir })
    const disk = await second.embeddings.getOrEmbed('Created container 100')
    expect(disk.source).toBe('disk')
    expect(disk.vector).toEqual(computed.vector)
  })

  it('embeds hostile texts: empty, NUL, lone surrogates, a megabyte', async () => {
    const caches = await open()
    const texts = ['', '\0', '\ud800 lone', '\u202e', 'word '.repeat(200_000)]
    for (const text of texts) {
      const { vector, truncated } = await caches.embeddings.getOrEmbed(text)
      expect([...vector].every(Number.isFinite), JSON.stringify(text.slice(0, 20))).toBe(true)
      expect(truncated).toBe(text.length > 1000)
      expect((await caches.embeddings.getOrEmbed(text)).source).toBe('memory')
    }
  })
})

describe('openCaches with an embedder of the user’s own', () => {
  it('computes one row for fifty who ask together, and hands out fifty vectors that share no memory', async () => {
    const embedder = counting()
    const caches = await open({ embedder })
    const answers = await Promise.all(Array.from({ length: 50 }, () => caches.embeddings.getOrEmbed('text')))
    expect(embedder.rows).toEqual(['text'])
    expect(new Set(answers.map(answer => answer.vector.buffer)).size).toBe(50)
    answers[0]!.vector.fill(Number.NaN)
    expect((await caches.embeddings.getOrEmbed('text')).vector).toEqual(answers[1]!.vector)
  })

  it('embeds a thousand texts in order, half of them cached and some twice, each distinct one once', async () => {
    const dir = temporaryFolder()
    const embedder = counting()
    const before = await open({ dir, embedder })
    const texts = Array.from(
      { length: 1000 },
      (_, i) => `${String.fromCharCode(65 + (i % 26))} text ${'x'.repeat(i % 700)}`,
    )
    await before.embeddings.embedMany(texts.filter((_, i) => i % 2 === 0))
    const cached = new Set(embedder.rows)
    await before.close()
    embedder.rows.length = 0
    const caches = await open({ dir, embedder })
    const { matrix, dims, count, sources } = await caches.embeddings.embedMany(texts)
    expect([dims, count, matrix.length]).toEqual([4, 1000, 4000])
    texts.forEach((text, i) => {
      expect([...matrix.subarray(4 * i, 4 * i + 2)]).toEqual([text.charCodeAt(0), text.length])
    })
    expect(embedder.rows.sort()).toEqual([...new Set(texts)].filter(text => !cached.has(text)).sort())
    expect(sources.filter(source => source === 'computed')).toHaveLength(embedder.rows.length)
    expect(sources.filter(source => source === 'disk')).toHaveLength(cached.size)
  })

  it('keeps 10,000 of 10,001 in memory; the first comes from disk', async () => {
    const caches = await open({ embedder: counting() })
    const texts = Array.from({ length: 10_001 }, (_, i) => `text ${i}`)
    await caches.embeddings.embedMany(texts)
    const { memory } = (await caches.stats()).embeddings
    expect(memory).toMatchObject({ size: 10_000, capacity: 10_000, evictions: 1, utilization: 1 })
    expect(caches.embeddings.view('text 1')).toBeDefined()
    expect((await caches.embeddings.getOrEmbed('text 0')).source).toBe('disk')
  })

  it('evicts the least recently used: a b c a d leaves a, c and d', async () => {
    const caches = await open({ embedder: counting(), embeddingCacheSize: 3 })
    for (const text of ['a', 'b', 'c', 'a', 'd']) await caches.embeddings.getOrEmbed(text)
    expect(['a', 'b', 'c', 'd'].filter(text => caches.embeddings.view(text))).toEqual(['a', 'c', 'd'])
    expect((await caches.stats()).embeddings.memory.evictions).toBe(1)
  })

  it('says which rows of a batch failed, keeps the others, and never asks a paid embedder twice', async () => {
    const embedder = counting()
    const good = embedder.embed
    embedder.embed = async (texts: readonly string[]) => {
      const matrix = await good(texts)
      texts.forEach((text, i) => {
        if (text === 'bad') matrix[i * 4] = Number.NaN
      })
      return matrix
    }
    const caches = await open({ embedder })
    const error = await caches.embeddings.embedMany(['a', 'bad', 'c', 'bad']).catch(e => e)
    expect(error).toBeInstanceOf(OpDbusError)
    expect(error.code).toBe('PARTIAL_FAILURE')
    expect(error.failed.map((f: { index: number }) => f.index)).toEqual([1, 3])
    expect(error.failed[0].error.code).toBe('EMBEDDER_FAILED')
    expect(embedder.calls).toBe(1)
    expect(caches.embeddings.view('a')).toBeDefined()
    expect(caches.embeddings.view('bad')).toBeUndefined()
  })

  it('does not overload an embedder with a queue of ten, however long the batch', async () => {
    const embedder = counting()
    const caches = await open({ embedder, maxQueue: 10 })
    const texts = Array.from({ length: 500 }, (_, i) => `text ${i}`)
    const [one, two] = await Promise.all([
      caches.embeddings.embedMany(texts),
      caches.embeddings.embedMany(texts.map(text => `${text}!`)),
    ])
    expect([one.count, two.count]).toEqual([500, 500])
    const crowd = Array.from({ length: 20 }, (_, i) => caches.embeddings.getOrEmbed(`alone ${i}`))
    const outcomes = await Promise.allSettled(crowd)
    expect(outcomes.filter(o => o.status === 'rejected' && o.reason.code === 'OVERLOADED')).toHaveLength(10)
  })

  it('aborts a batch, and keeps what was finished', async () => {
    const gate = deferred<void>()
    const embedder = counting()
    const good = embedder.embed
    embedder.embed = async (texts: readonly string[]) => {
      if (texts.includes('slow')) await gate.promise
      return good(texts)
    }
    const caches = await open({ embedder })
    const controller = new AbortController()
    await caches.embeddings.embedMany(['a'])
    const batch = caches.embeddings.embedMany(['a', 'slow'], { signal: controller.signal })
    controller.abort()
    await expect(batch).rejects.toMatchObject({ code: 'ABORTED' })
    expect(caches.embeddings.view('a')).toBeDefined()
    gate.resolve()
  })

  it('tells progress up to the end', async () => {
    const caches = await open({ embedder: counting() })
    const told: number[] = []
    await caches.embeddings.embedMany(
      Array.from({ length: 300 }, (_, i) => `t${i % 200}`),
      { onProgress: ({ done, total, from }) => told.push(done, total, from.computed ?? 0) },
    )
    expect(told.slice(-3)).toEqual([300, 300, 200])
  })

  it('blames a listener that throws, not the rows', async () => {
    const caches = await open({ embedder: counting() })
    const texts = Array.from({ length: 40 }, (_, i) => `t${i}`)
    const onProgress = () => {
      throw new TypeError('progress bug')
    }
    await expect(caches.embeddings.embedMany(texts, { onProgress })).rejects.toThrow(new TypeError('progress bug'))
    expect(texts.every(text => caches.embeddings.view(text))).toBe(true)
  })

  it('refuses what is no array of texts', async () => {
    const caches = await open({ embedder: counting() })
    // biome-ignore lint/suspicious/noSparseArray: a hole is what is tested
    for (const bad of [new Set(['a']), 'abc', null, ['a', , 'b'], ['a', 7]]) {
      await expect(caches.embeddings.embedMany(bad as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    await expect(openCaches({ cacheDir: '/x' } as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('asks in calls of the size and number that the embedder names', async () => {
    const embedder = { ...counting(), maxBatch: 3, concurrency: 2 }
    const sizes: number[] = []
    const caches = await open({
      embedder: {
        ...embedder,
        async embed(texts) {
          sizes.push(texts.length)
          return embedder.embed(texts)
        },
      },
    })
    await caches.embeddings.embedMany(Array.from({ length: 7 }, (_, i) => `t${i}`))
    expect(sizes.sort()).toEqual([1, 3, 3])
  })

  it('gets, has and deletes', async () => {
    const caches = await open({ embedder: counting() })
    expect(await caches.embeddings.get('a')).toBeUndefined()
    expect(await caches.embeddings.has('a')).toBe(false)
    await caches.embeddings.getOrEmbed('a')
    expect(await caches.embeddings.has('a')).toBe(true)
    expect((await caches.embeddings.get('a'))?.source).toBe('memory')
    expect(await caches.embeddings.delete('a')).toBe(true)
    expect(await caches.embeddings.delete('a')).toBe(false)
    expect(await caches.embeddings.get('a')).toBeUndefined()
  })

  it.each([
    ['dims', { space: 'x', dims: 0, embed: async () => new Float32Array() }],
    ['space', { space: '', dims: 4, embed: async () => new Float32Array() }],
    ['embed', { space: 'x', dims: 4 } as never],
  ])('refuses an embedder with a bad %s', async (_what, embedder) => {
    await expect(openCaches({ embedder })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('stats, clear, close', () => {
  it('counts over all processes, and shows all four caches', async () => {
    const dir = temporaryFolder()
    const first = await open({ dir, embedder: counting() })
    await first.embeddings.getOrEmbed('a')
    await first.embeddings.getOrEmbed('a')
    await first.queries.getOrCompute('net', async () => ({ up: true }))
    await first.blocks.getOrCompute(100, async () => ({ n: 100 }))
    await first.diffs.getOrCompute({ plugin: 'net', pluginVersion: '1', current: 1, desired: 2 }, () => ['change'])
    await first.close()
    const second = await open({ dir, embedder: counting() })
    await second.embeddings.getOrEmbed('a')
    // What other processes are told by is no entry.
    await second.queries.delete('lxc')
    const stats = await second.stats()
    expect(stats.dir).toBe(dir)
    expect(stats.embeddings.lifetime).toMatchObject({ hits: 2, misses: 1 })
    expect(stats.embeddings).toMatchObject({ hits: 1, misses: 0, hitRate: 1, onDisk: { entries: 1 } })
    expect(stats.queries).toMatchObject({ onDisk: { entries: 1 }, ttl: 5, lifetime: { misses: 1 } })
    expect(stats.blocks).toMatchObject({ onDisk: { entries: 0 }, memory: { capacity: 1000 }, lifetime: { misses: 1 } })
    expect(stats.diffs).toMatchObject({ ttl: 60, memory: { capacity: 100 } })
  })

  it('clears only what is named, and only what is ours', async () => {
    const dir = temporaryFolder()
    const caches = await open({ dir, embedder: counting() })
    const theirs = [
      'notes.txt',
      'embeddings/notes.vec',
      'blocks/7.json',
      'queries/readme.json',
      'models/x.onnx',
      'blockchain/1.json',
    ]
    for (const path of theirs) {
      mkdirSync(join(dir, path, '..'), { recursive: true })
      writeFileSync(join(dir, path), 'mine')
    }
    const fill = async () => {
      await caches.embeddings.getOrEmbed('a')
      await caches.blocks.getOrCompute(100, () => 1)
      await caches.queries.getOrCompute('net', () => 1)
    }
    await fill()
    await caches.clear({ blocks: true })
    expect(await caches.blocks.get(100)).toBeUndefined()
    expect((await caches.embeddings.get('a'))?.source).toBe('memory')
    await fill()
    await caches.clear()
    expect(await caches.blocks.get(100)).toBeUndefined()
    expect(await caches.embeddings.get('a')).toBeUndefined()
    expect(await caches.queries.get('net')).toBeUndefined()
    for (const path of theirs) expect(existsSync(join(dir, path)), path).toBe(true)
  })

  it('clears the vectors of every model, open or not', async () => {
    const dir = temporaryFolder()
    const other = await open({ dir, embedder: { ...counting(), space: 'other@1' } })
    await other.embeddings.getOrEmbed('a')
    await other.close()
    const caches = await open({ dir, embedder: counting() })
    await caches.clear({ embeddings: true })
    expect((await caches.stats()).embeddings.onDisk).toEqual({ entries: 0, bytes: 0 })
    const again = await open({ dir, embedder: { ...counting(), space: 'other@1' } })
    expect((await again.embeddings.getOrEmbed('a')).source).toBe('computed')
  })

  it('never serves one space’s vector in another', async () => {
    const dir = temporaryFolder()
    const [small, large] = [await open({ dir, embedder: counting(4) }), await open({ dir, embedder: counting(8) })]
    await small.embeddings.getOrEmbed('a')
    const answer = await large.embeddings.getOrEmbed('a')
    expect(answer.source).toBe('computed')
    expect(answer.vector).toHaveLength(8)
  })

  it('says CLOSED after close, closes twice, and works as a disposable', async () => {
    const caches = await open({ embedder: counting() })
    await caches.embeddings.getOrEmbed('a')
    await Promise.all([caches.close(), caches.close()])
    await caches[Symbol.asyncDispose]()
    await expect(caches.embeddings.getOrEmbed('a')).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(caches.queries.getOrCompute('net', () => 1)).rejects.toMatchObject({ code: 'CLOSED' })
    expect(caches.embeddings.view('a')).toBeUndefined()
  })

  it('creates nothing on disk until there is something to keep', async () => {
    const dir = join(temporaryFolder(), 'cache')
    const caches = await open({ dir, embedder: counting() })
    await caches.stats()
    await caches.embeddings.get('a')
    await caches.close()
    expect(existsSync(dir) ? readdirSync(dir).filter(name => name !== 'counters') : []).toEqual([])
  })
})

describe('processes', () => {
  const script = `
    const caches = await lib.openCaches();
    const { vector, source } = await caches.embeddings.getOrEmbed('three lines');
    console.log(JSON.stringify({ source, vector: [...vector] }))`

  it('a script without close() prints its vector, ends by itself with 0, and finds it on disk the second time', async () => {
    const dir = temporaryFolder()
    const first = await runScript(dir, script)
    const second = await runScript(dir, script)
    expect([first.code, first.stderr, second.code, second.stderr]).toEqual([0, '', 0, ''])
    const [one, two] = [jsonLines(first.stdout)[0], jsonLines(second.stdout)[0]]
    expect([one.source, two.source]).toEqual(['computed', 'disk'])
    expect(two.vector).toEqual(one.vector)
  })

  it('loads neither ONNX Runtime nor tokenizer when all its texts are on disk', async () => {
    const dir = temporaryFolder()
    await runScript(dir, script)
    // A loader hook sees every module that the main thread or a worker asks for.
    const watch = `
      import { register } from 'node:module';
      register('data:text/javascript,' + encodeURIComponent(\`
        export async function resolve(specifier, context, next) {
          if (/onnxruntime|tokenizers|node-worker/.test(specifier)) process._rawDebug('LOADED ' + specifier);
          return next(specifier, context);
        }\`));`
    const again = await runScript(dir, `${watch} ${script}`)
    expect(jsonLines(again.stdout)[0].source).toBe('disk')
    expect(again.stderr).toBe('')
    const other = await runScript(dir, `${watch} ${script.replace('three lines', 'another text')}`)
    expect(jsonLines(other.stdout)[0].source).toBe('computed')
  })

  it('loads no runtime on import', async () => {
    const { stdout, code } = await runScript(
      temporaryFolder(),
      `const { createRequire } = await import('node:module');
       const cached = Object.keys(createRequire(import.meta.url).cache);
       const native = process.report.getReport().sharedObjects;
       console.log(JSON.stringify([...cached, ...native].filter(name => /onnxruntime|tokenizers/.test(name))))`,
    )
    expect(code).toBe(0)
    expect(jsonLines(stdout)[0]).toEqual([])
  })

  it('a clear while another process writes: its next look-up is computed, and a third finds what it writes then', async () => {
    const dir = temporaryFolder()
    const embedder = counting()
    const writer = await open({ dir, embedder })
    await writer.embeddings.getOrEmbed('a')
    await writer.embeddings.getOrEmbed('b')
    const clear = await runScript(
      dir,
      'const c = await lib.openCaches(); await c.clear({ embeddings: true }); await c.close()',
    )
    expect([clear.code, clear.stderr]).toEqual([0, ''])
    expect((await writer.embeddings.getOrEmbed('a')).source).toBe('computed')
    expect((await writer.embeddings.getOrEmbed('a')).source).toBe('memory')
    await writer.close()
    const third = await open({ dir, embedder })
    expect((await third.embeddings.getOrEmbed('a')).source).toBe('disk')
    expect(await third.embeddings.get('b')).toBeUndefined()
  })

  it.each([
    ['cannot be made', 'in-the-way/cache'],
    ['is a file', 'in-the-way'],
    ['has a file where the vectors go', '.'],
    ['is where the kernel makes no folders', '/proc/self/op-dbus'],
  ])('works from memory, with one warning, when the cache folder %s', async (_what, path) => {
    const dir = temporaryFolder()
    writeFileSync(join(dir, 'in-the-way'), 'a file of the user')
    writeFileSync(join(dir, 'embeddings'), 'a file of the user')
    const body = `
      const embedder = { space: 's', dims: 2, embed: async texts => new Float32Array(2 * texts.length) };
      const caches = await lib.openCaches({ embedder, dir: ${JSON.stringify(resolve(dir, path))} });
      const sources = [];
      for (const text of ['a', 'b', 'a']) sources.push((await caches.embeddings.getOrEmbed(text)).source);
      await caches.close();
      console.log(JSON.stringify(sources))`
    const { code, stdout, stderr } = await runScript(dir, body)
    expect(code).toBe(0)
    expect(jsonLines(stdout)[0]).toEqual(['computed', 'computed', 'memory'])
    expect(stderr.match(/OpDbusWarning/g)).toHaveLength(1)
    expect(readFileSync(join(dir, 'embeddings'), 'utf8')).toBe('a file of the user')
  })
})
