// Search of blocks by meaning, by text and by both, over a chain in memory and real vector files.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import type { SearchCall } from '../../src/blockchain/reports.js'
import { searchBlocks } from '../../src/blockchain/search.js'
import { literalPattern } from '../../src/blockchain/text-pattern.js'
import { searchText, searchWords } from '../../src/blockchain/text-search.js'
import { fuse } from '../../src/blockchain/vectors/ranks.js'
import { type Caches, openCaches } from '../../src/node.js'
import { memoryFolder } from '../support.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'
import { testStore } from './store-parts.js'
import { openWorld, remember, spaceFolder, vectorOfWords, type World } from './vectors-support.js'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function world(options?: Parameters<typeof openWorld>[0]): Promise<World> {
  const opened = await openWorld(options)
  open.push(opened)
  return opened
}

const numbers = (found: readonly { block: Block }[]) => found.map(({ block }) => block.number)

describe('with the built-in model', () => {
  let caches: Caches
  beforeAll(async () => {
    caches = await openCaches({ dir: memoryFolder(), device: 'cpu' })
  })
  afterAll(() => caches.close())

  it('finds "Deleted container 100" for "container removed" above blocks that have nothing to do with it', async () => {
    const { vectors, store } = await world({ embeddings: caches.embeddings })
    await remember(store, [
      'Started nginx.service',
      'Created bridge ovsbr0',
      'Address 10.0.0.7/24 was added to eth0',
      'Deleted container 100',
      'Checkpoint saved before apply',
      'User root logged in',
      'Disk sda1 is 91 % full',
      'Route to 10.1.0.0/16 was replaced',
    ])
    const { found, pending, searched } = await searchBlocks({ store, vectors }, 'container removed', { k: 3 })
    expect(found[0]!.block.body!.text).toBe('Deleted container 100')
    expect(found[0]!.score).toBeGreaterThan(found[1]!.score + 0.1)
    expect({ pending, searched, found: found.length }).toEqual({ pending: 0, searched: 8, found: 3 })
  })

  it('finds one vector that was exchanged for another, with a right checksum, once all are computed anew', async () => {
    const one = await world({ embeddings: caches.embeddings })
    await remember(one.store, ['Deleted container 100', 'Started nginx.service', 'Deleted container 101'])
    await one.vectors.bringUp()
    expect(await faultsOf(one, true)).toEqual([])
    exchangeFloats(one, 2, 0)
    expect(await faultsOf(one, false)).toEqual([])
    expect(await faultsOf(one, true)).toEqual([2])
  })
})

describe('search by meaning', () => {
  it('gives what a search of every vector in float64 gives, whatever the filter, and the newer of equals first', async () => {
    const words = ['net', 'disk', 'eth0', 'up', 'down', 'full', 'lost', 'route', 'added', 'gone']
    const block = fc.record({
      text: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }).map(list => list.join(' ')),
      plugin_id: fc.constantFrom('net', 'lxc', 'systemd'),
      operation: fc.constantFrom('apply', 'apply_error'),
      at: fc.nat(50),
    })
    const filter = fc.record(
      {
        plugin: fc.constantFrom('net', 'lxc', 'nobody'),
        operation: fc.constantFrom('apply', 'apply_error'),
        since: fc.nat(50),
        until: fc.nat(50),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(block, { maxLength: 120 }),
        filter,
        fc.integer({ min: 1, max: 20 }),
        async (blocks, asked, k) => {
          const { store, vectors, close } = await openWorld()
          for (const { at, text, ...rest } of blocks) {
            store.disk.now = at
            await remember(store, [text], rest)
          }
          const { found, searched } = await searchBlocks({ store, vectors }, 'eth0 lost', { k, ...asked })
          const { plugin, operation, since = 0, until = 100 } = asked
          const fitting = store.disk.blocks.filter(
            ({ header }) =>
              header.plugin === (plugin ?? header.plugin) &&
              header.operation === (operation ?? header.operation) &&
              header.timestamp >= since &&
              header.timestamp < until,
          )
          const query = vectorOfWords('eth0 lost')
          const scores = new Map(fitting.map(({ number, body }) => [number, cosine(query, vectorOfWords(body!.text))]))
          const best = [...scores].sort((a, b) => b[1] - a[1] || b[0] - a[0]).slice(0, k)
          await close()
          expect(searched).toBe(fitting.length)
          // Where rounding decides, either order is right: equal texts are equal in any case.
          expect(found.map(({ score }) => score)).toEqual(best.map(([, score]) => expect.closeTo(score, 5)))
          for (const [i, { block }] of found.entries()) {
            expect(scores.get(block.number)).toBeCloseTo(best[i]![1], 5)
            const next = found[i + 1]?.block
            if (next !== undefined && next.body!.text === block.body!.text)
              expect(next.number).toBeLessThan(block.number)
          }
        },
      ),
      { numRuns: 25 },
    )
  })

  it('is not crowded out by a thousand equal texts that come next', async () => {
    const { store, vectors } = await world()
    await remember(store, ['eth0 lost'])
    await remember(
      store,
      Array.from({ length: 1000 }, () => 'eth0 lost route'),
    )
    await vectors.bringUp()
    const { found } = await searchBlocks({ store, vectors }, 'eth0 lost', { k: 3 })
    expect(numbers(found)).toEqual([0, 1000, 999])
  })

  it('tells apart what lies nearer together than int8 can tell', async () => {
    const embed = async (texts: readonly string[]) =>
      Float32Array.from(texts.flatMap(text => [Math.cos(Number(text) / 1000), Math.sin(Number(text) / 1000)]))
    const caches = await openCaches({
      dir: memoryFolder(),
      embedder: { space: 'angles', dims: 2, embed },
      embeddingDiskCache: false,
    })
    const { vectors, store, close } = await openWorld({ embeddings: caches.embeddings })
    open.push({ close }, caches)
    await remember(
      store,
      Array.from({ length: 3000 }, (_, i) => `${i}`),
    )
    await vectors.bringUp()
    for (const angle of [0, 700, 1571, 2998]) {
      expect(numbers((await searchBlocks({ store, vectors }, `${angle}`, { k: 1 })).found)).toEqual([angle])
    }
  })

  it('answers with the block of the chain alone, and tells one whose body is not what was written', async () => {
    const { store, vectors } = await world()
    await remember(store, ['one', 'two', 'three'])
    await vectors.bringUp()
    store.disk.rewrite(blocks => {
      const { body, ...rest } = blocks[1]!
      blocks[1] = { ...rest, body: { ...body!, text: 'another' } }
    })
    await expect(searchBlocks({ store, vectors }, 'two', { k: 1 })).rejects.toMatchObject({
      code: 'CHAIN_DAMAGED',
      details: { block: 1 },
    })
  })

  it('finds nothing in a chain without blocks, and in one without texts', async () => {
    const { store, vectors } = await world()
    const nothing = { found: [], searched: 0, pending: 0, refused: 0, space: expect.any(String) }
    expect(await searchBlocks({ store, vectors }, 'one')).toEqual(nothing)
    await remember(store, ['', ''])
    expect(await searchBlocks({ store, vectors }, 'one')).toEqual(nothing)
  })
})

describe('search by text', () => {
  it('finds words as they are, whatever their case, newest first, and ends when it has enough', async () => {
    const { store, vectors } = await world()
    await remember(
      store,
      Array.from({ length: 5000 }, (_, i) => (i % 100 === 0 ? `Brücke (br${i}) ÜBER eth0` : `line ${i}`)),
    )
    const texts = { by: 'text', k: 2 } as const
    const { found, pending, searched } = await searchBlocks({ store, vectors }, 'brÜCKE (', texts)
    expect(numbers(found)).toEqual([4900, 4800])
    expect(found.map(({ score }) => score)).toEqual([1, 1])
    expect(pending).toBe(0)
    expect(searched).toBe(256)
    expect(numbers((await searchBlocks({ store, vectors }, 'br0', texts)).found)).toEqual([0])
    expect(numbers((await searchBlocks({ store, vectors }, '.*', texts)).found)).toEqual([])
    expect(numbers((await searchBlocks({ store, vectors }, 'line', { ...texts, plugin: 'lxc' })).found)).toEqual([])
  })

  it('finds what an expression finds in every text, whatever it is written with', async () => {
    const letters = fc.constantFrom(
      ...'aAkK\u212asS\u017f\u03c3\u03c2\u03a3i\u0130\u0131\u00df\u1e9e"\\/\n\t \u0001,.u0\u00e9\u4e2d',
      '\u{1f600}',
      '\u{10400}',
    )
    const text = fc.array(letters, { maxLength: 12 }).map(list => list.join(''))
    const query = fc.array(letters, { minLength: 1, maxLength: 3 }).map(list => list.join(''))
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 40 }), query, async (texts, query) => {
        const store = new MemoryStore(new MemoryDisk(7))
        await remember(store, texts)
        const { whole } = literalPattern(query)
        const expected = texts.flatMap((text, i) => (whole.test(text) ? [i] : [])).reverse()
        const { blocks, searched } = await searchText(store, query, 99, {}, undefined, 0)
        expect(blocks.map(({ number }) => number)).toEqual(expected)
        expect(searched).toBe(texts.length)
      }),
      { numRuns: 200 },
    )
  })

  it('takes any white space for any other, with a comma before it or not', async () => {
    const { store } = await world()
    await remember(store, ['plugin: lxc\noperation: delete', 'plugin: lxc operation: add'])
    const found = async (query: string) => (await searchText(store, query, 9, {})).blocks.map(({ number }) => number)
    expect(await found('lxc, operation')).toEqual([1, 0])
    expect(await found('lxc  operation: DELETE')).toEqual([0])
  })

  it('looks through the segments of a chain on the disk, reads what it finds, and tells what is damaged', async () => {
    const dir = memoryFolder()
    const { store } = testStore(dir, { segmentBytes: 4000 })
    open.push(store)
    await remember(
      store,
      Array.from({ length: 20 }, (_, i) => `text ${i} of \u00fcber`),
      { plugin_id: 'lxc' },
    )
    for (let i = 20; i < 60; i++) await remember(store, [`text ${i} of \u00fcber`])
    const found = async (query: string, k: number, filter = {}) => {
      const { blocks, ...counts } = await searchText(store, query, k, filter, undefined, 0)
      return [blocks.map(({ number }) => number), counts.searched]
    }
    expect(await found('TEXT 7 of \u00dcBER', 5)).toEqual([[7], 60])
    expect(await found('text', 60)).toEqual([Array.from({ length: 60 }, (_, i) => 59 - i), 60])
    expect(await found('text 1', 99, { plugin: 'lxc' })).toEqual([[19, 18, 17, 16, 15, 14, 13, 12, 11, 10, 1], 20])
    const [first] = readdirSync(join(dir, 'blockchain', 'timing')).sort()
    const path = join(dir, 'blockchain', 'timing', first!)
    const lines = readFileSync(path, 'utf8')
    // The same block, written in another way, is still that block.
    writeFileSync(path, lines.replace('text 7 of', '\\u0074ext 7 of').replace('{"header":', '{ "header":'))
    expect(await found('text 7 of', 5)).toEqual([[7], 60])
    writeFileSync(path, lines.replace('"number":3,', '"number":4,'))
    await expect(searchText(store, 'text 3 of', 5, {}, undefined, 0)).rejects.toMatchObject({
      code: 'CHAIN_DAMAGED',
      details: { block: 3 },
    })
  })

  it('passes pruned blocks over', async () => {
    const { store, vectors } = await world()
    await remember(store, ['one', 'one', 'one'])
    store.disk.rewrite(blocks => {
      const { body: _, ...rest } = blocks[1]!
      blocks[1] = rest
    })
    expect(numbers((await searchBlocks({ store, vectors }, 'one', { by: 'text' })).found)).toEqual([2, 0])
    for (const word of ['one', 'none'])
      expect(await searchText(store, word, 9, {}, undefined, 0)).toMatchObject({ searched: 2, pruned: 1 })
  })
})

describe('search by both', () => {
  it('puts what both find before what one of them finds', async () => {
    const { store, vectors } = await world()
    await remember(store, ['disk full', 'disk eth0', 'lost eth0', 'eth0: lost', 'route added'])
    const { found, searched } = await searchBlocks({ store, vectors }, 'eth0: lost', { by: 'hybrid', k: 2 })
    // Both texts mean the same and hold the same words; one is there as it was asked for.
    expect(numbers(found)).toEqual([3, 2])
    expect(found.map(({ score }) => score)).toEqual([2 / 61, 2 / 62].map(sum => expect.closeTo(sum, 9)))
    expect(searched).toBe(5)
  })

  it('looks for words one by one, whole, and counts rare ones more', async () => {
    const { store } = await world()
    const texts = ['up', 'ip 10.0.64.1 up', 'zip up', 'route 10.0.64.0', 'ip up', 'up ip', 'IP: 10.0.64.0, up']
    await remember(store, texts)
    const { blocks } = await searchWords(store, 'ip 10.0.64.0', 9, {})
    expect(blocks.map(({ number }) => number)).toEqual([6, 3, 5, 4, 1])
  })

  it('is the sum of reciprocal ranks', () => {
    const ranking = (...list: number[]) => list.map(number => ({ number }))
    expect(fuse([ranking(1, 2), ranking(3, 2)])).toEqual([
      { number: 2, score: 2 / 62 },
      { number: 3, score: 1 / 61 },
      { number: 1, score: 1 / 61 },
    ])
  })
})

it('refuses what is no search', async () => {
  const { store, vectors } = await world()
  const wrong: readonly [unknown, unknown][] = [
    ['', {}],
    [7, {}],
    ['a', { k: 0 }],
    ['a', { k: 1.5 }],
    ['a', { k: 1e9 }],
    ['a', { by: 'smell' }],
    ['a', { plugin: 3 }],
    ['a', { since: Number.NaN }],
    ['a', { until: 'now' }],
  ]
  for (const [text, call] of wrong) {
    await expect(searchBlocks({ store, vectors }, text as string, call as SearchCall)).rejects.toMatchObject({
      code: 'INVALID_INPUT',
    })
  }
  const signal = AbortSignal.abort()
  await expect(searchBlocks({ store, vectors }, 'a', { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  await remember(store, ['a'])
  await expect(searchBlocks({ store, vectors }, 'a', { signal, by: 'text' })).rejects.toMatchObject({ code: 'ABORTED' })
})

it('says that embedding is switched off, stores nothing then, and finds by text all the same', async () => {
  const caches = await openCaches({ dir: memoryFolder(), model: 'none' })
  const { store, vectors, folder, timer, warnings, close } = await openWorld({
    embeddings: caches.embeddings,
    store: new MemoryStore(),
  })
  open.push({ close }, caches)
  await remember(store, ['one'])
  timer.run()
  await expect(searchBlocks({ store, vectors }, 'one')).rejects.toMatchObject({ code: 'DISABLED' })
  const hybrid = await searchBlocks({ store, vectors }, 'one', { by: 'hybrid' })
  expect({ found: numbers(hybrid.found), why: hybrid.textOnly }).toEqual({
    found: [0],
    why: expect.stringMatching(/switched off/),
  })
  expect(numbers((await searchBlocks({ store, vectors }, 'one', { by: 'text' })).found)).toEqual([0])
  expect({ spaces: folder.spaces(), warnings, waiting: timer.waiting }).toEqual({
    spaces: [],
    warnings: [],
    waiting: [],
  })
})

async function faultsOf({ vectors }: World, recompute: boolean): Promise<unknown[]> {
  const blocks: unknown[] = []
  for await (const { block } of vectors.faults({ recompute })) blocks.push(block)
  return blocks
}

/** Puts the floats of one record in place of another's, checksum and all. */
function exchangeFloats(one: World, place: number, from: number): void {
  const reader = one.folder.open(one.folder.spaces()[0]!.space)!
  const { format } = reader
  const { vector } = reader.floatsAt(from)!
  reader.close()
  const path = join(spaceFolder(one, readdirSync(one.folder.dir)), 'floats')
  const bytes = readFileSync(path)
  bytes.set(format.encode([{ block: one.store.disk.blocks[place]!, vector }]).floats, place * format.floatsBytes)
  writeFileSync(path, bytes)
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) || 0
}
