// A warm start over real folders: what the next process finds in memory, and that nothing wrong, cleared or deleted is among it.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { hotListPath } from '../../../src/node/tuning/hot-list.js'
import { nameAt, packNames } from '../../../src/node/tuning/names.js'
import { openSpace, readThrough, tracedNames } from '../../../src/node/tuning/names-on-disk.js'
import { newRequests } from '../../../src/tuning/requests.js'
import { runScript } from '../../processes.js'
import { temporaryFolder } from '../../support.js'
import { DIMS, expectAll, fill, keyOf, list, OWN_SPACE, open, SPACE, texts, vectorOf } from './warm-fixture.js'

describe('warm start', () => {
  it('has in memory what the process before had, under the right texts, in the order of use', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const { caches, computed, warmed } = await open(dir)
    await caches.embeddings.computing()
    expect(await warmed).toMatchObject({ cache: 'embeddings', entries: 300, gone: 0 })
    const before = (await caches.stats()).embeddings
    expect(before.memory).toMatchObject({ size: 300, hits: 0, misses: 0 })
    expect(caches.embeddings.view(texts[7]!)).toEqual(Float32Array.from(vectorOf(texts[7]!)))
    await expectAll(caches, texts.slice(0, 50), 'memory')
    expect((await caches.embeddings.embedMany(texts)).sources.every(source => source === 'memory')).toBe(true)
    expect(computed).toEqual([])
    const { memory, disk } = (await caches.stats()).embeddings
    expect(memory).toMatchObject({ size: 300, misses: 0 })
    expect(disk).toMatchObject({ hits: 0, misses: 0 })
    expect(caches.tuning()!.warm).toMatchObject({ loaded: 300, used: 300, gone: 0 })
    await caches.close()

    // Of a smaller memory those that were used last.
    const small = await open(dir, { embeddingCacheSize: 10 })
    await small.caches.embeddings.computing()
    expect(await small.warmed).toMatchObject({ entries: 10, stoppedBy: 'bytes' })
    for (const text of texts) expect(small.caches.embeddings.view(text) !== undefined).toBe(texts.indexOf(text) >= 290)
    expect((await small.caches.stats()).embeddings.memory.size).toBe(10)
    await small.caches.close()
    // The larger one's list lost nothing by it, and one that asks for nothing writes none.
    const { savedAt, ranks } = list(dir)
    expect(ranks.length).toBe(300)
    const idle = await open(dir)
    await idle.caches.embeddings.computing()
    await idle.caches.close()
    expect(list(dir).savedAt).toBe(savedAt)
  })

  it('begins by itself where there is a list', async () => {
    const dir = temporaryFolder()
    const first = await open(dir)
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
    expect(first.caches.embeddings.opened).toBe(false)
    await first.caches.close()
    await fill(dir)
    const { caches, warmed } = await open(dir)
    expect(await warmed).toMatchObject({ entries: 300 })
    await caches.close()
  })

  it('loads nothing that was deleted, and keeps nothing that is cleared, here or elsewhere', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const other = await open(dir, { warmStart: false })
    await other.caches.embeddings.delete(texts[3]!)
    const { caches, warmed } = await open(dir)
    await caches.embeddings.computing()
    expect(await warmed).toMatchObject({ entries: 299, gone: 1 })
    expect(await caches.embeddings.get(texts[3]!)).toBeUndefined()
    expect(await caches.embeddings.delete(texts[4]!)).toBe(true)
    expect(await caches.embeddings.has(texts[4]!)).toBe(false)
    expect(await caches.embeddings.get(texts[4]!)).toBeUndefined()
    await other.caches.clear({ embeddings: true })
    // Memory hears of it with a look-up that may look at the folder, which is one within some milliseconds.
    await vi.waitFor(async () => expect(await caches.embeddings.get(texts[5]!)).toBeUndefined(), { interval: 2 })
    expect(caches.embeddings.view(texts[6]!)).toBeUndefined()
    expect((await caches.stats()).embeddings.memory.size).toBe(0)
    await other.caches.close()
    await caches.close()
    expect(list(dir)).toMatchObject({ ranks: new Uint32Array(0) })
  })

  it('serves nothing that another process deleted or replaced after it was loaded', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const { caches, warmed, computed } = await open(dir)
    await caches.embeddings.computing()
    expect(await warmed).toMatchObject({ entries: 300 })
    const [gone, replaced] = [texts.slice(0, 20), texts.slice(20, 25)]
    const other = await runScript(
      dir,
      `const embedder = { space: ${JSON.stringify(OWN_SPACE)}, dims: ${DIMS}, embed: async texts => new Float32Array(${DIMS} * texts.length).fill(7) }
       const { embeddings, close } = await lib.openCaches({ dir, embedder })
       for (const text of ${JSON.stringify([...gone, ...replaced])}) await embeddings.delete(text)
       await embeddings.embedMany(${JSON.stringify(replaced)})
       process.exit(0)`,
    )
    expect(other).toMatchObject({ code: 0, stderr: '' })
    expect(caches.embeddings.view(gone[0]!)).toBeUndefined()
    expect(await caches.embeddings.has(gone[1]!)).toBe(false)
    expect(await caches.embeddings.delete(gone[2]!)).toBe(false)
    expect(await caches.embeddings.get(gone[3]!)).toBeUndefined()
    for (const text of replaced) {
      const found = await caches.embeddings.getOrEmbed(text)
      expect([found.source, ...found.vector]).toEqual(['disk', 7, 7, 7, 7])
    }
    expect((await caches.embeddings.embedMany(gone)).sources.every(source => source === 'computed')).toBe(true)
    expect(computed).toEqual(gone)
    await expectAll(caches, texts.slice(25), 'memory')
    await caches.close()
  })

  it('clears what is being loaded', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const { caches, warmed } = await open(dir)
    // The list is read, and not all of it loaded, when this is done.
    await caches.embeddings.computing()
    await new Promise(setImmediate)
    await caches.embeddings.clear()
    await warmed
    for (const text of texts) expect(caches.embeddings.view(text)).toBeUndefined()
    await caches.close()
  })

  it('keeps the list where it was closed before it had loaded anything', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const { caches } = await open(dir)
    await caches.embeddings.computing()
    await caches.close()
    expect(list(dir).ranks.length).toBe(300)
  })

  it('adds what it used itself to what the list had', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const { caches } = await open(dir)
    await caches.embeddings.getOrEmbed('quite another')
    await caches.close()
    const next = await open(dir)
    await next.caches.embeddings.computing()
    expect(await next.warmed).toMatchObject({ entries: 301 })
    expect(next.caches.embeddings.view('quite another')).toBeDefined()
    await next.caches.close()
  })

  it.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, 100), /is damaged/],
    ['changed', (bytes: Buffer) => bytes.fill(7, 200, 201), /is damaged/],
    ['of a later version', (bytes: Buffer) => bytes.fill(9, 8, 9), undefined],
    ['no list', () => Buffer.from('nothing of the kind'), /is damaged/],
  ])('starts cold with a list that is %s', async (_, change, warning) => {
    const dir = temporaryFolder()
    await fill(dir)
    const path = hotListPath(dir, SPACE)
    writeFileSync(path, change(readFileSync(path)))
    const { caches, warnings } = await open(dir)
    await expectAll(caches, texts.slice(0, 3), 'disk')
    await caches.close()
    expect(warnings.join()).toMatch(warning ?? /^$/)
    expect(list(dir).ranks.length).toBe(3)
  })

  it('serves and closes where the list cannot be written, and says so once', async () => {
    const dir = temporaryFolder()
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'warm'), 'a file in place of the folder')
    const { caches, warnings } = await open(dir)
    await expectAll(caches, texts.slice(0, 3), 'computed')
    await caches.close()
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(/^cannot write what memory held, in .*\n/)
  })

  it('does nothing where it is off', async () => {
    const dir = temporaryFolder()
    const { caches } = await open(dir, { warmStart: undefined })
    await expectAll(caches, texts.slice(0, 3), 'computed')
    expect(caches.tuning()!.warm).toBeUndefined()
    await caches.close()
    expect(existsSync(join(dir, 'warm'))).toBe(false)
  })

  it('loads by names what somebody asks for, and tells apart what is there, gone and too much', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    rmSync(join(dir, 'warm'), { recursive: true })
    const { caches } = await open(dir, { embeddingCacheSize: 20, warmStart: false })
    expect(await caches.loadAhead([keyOf(texts[0]!)])).toBeUndefined()
    await caches.embeddings.getOrEmbed(texts[0]!)
    const keys = [texts[0]!, 'never seen', ...texts.slice(1, 30)].map(keyOf)
    expect(await caches.loadAhead(keys.slice(0, 5))).toMatchObject({ entries: 3, there: 1, gone: 1 })
    expect(await caches.loadAhead(keys)).toMatchObject({ there: 4 })
    expect((await caches.stats()).embeddings.memory.size).toBeLessThanOrEqual(20)
    await expectAll(caches, texts.slice(0, 4), 'memory')
    await expectAll(caches, texts.slice(100, 120), 'disk')
    // Those that were asked for have pushed the others out.
    await expectAll(caches, texts.slice(10, 12), 'disk')
    await caches.close()
  })

  it('finds on disk what a trace asked for, by how often, and reads it', async () => {
    const dir = temporaryFolder()
    await fill(dir)
    const asked = [texts[1]!, texts[2]!, texts[2]!, 'never seen', texts[2]!, texts[1]!, texts[9]!]
    const requests = newRequests(asked.length + 1)
    asked.forEach((text, i) => {
      requests.key[i] = Number.parseInt(keyOf(text).slice(0, 13), 16)
    })
    // Of another cache.
    requests.key[asked.length] = Number.parseInt(keyOf(texts[30]!).slice(0, 13), 16)
    requests.cache[asked.length] = 1
    const store = openSpace(dir, { space: SPACE, dims: DIMS }, message => expect.fail(message))
    const signal = new AbortController().signal
    const { names, gone } = await tracedNames([requests], store, signal)
    expect([nameAt(names, 0), nameAt(names, 1), nameAt(names, 2)]).toEqual([texts[2]!, texts[1]!, texts[9]!].map(keyOf))
    expect([names.length, gone]).toEqual([96, 1])
    expect(await readThrough(store, names, { signal })).toEqual({ there: 3, gone: 0, read: 3 })
    const withGone = packNames([keyOf('never seen'), ...texts.map(keyOf)])
    expect(await readThrough(store, withGone, { signal, most: 10 })).toEqual({ there: 300, gone: 1, read: 10 })
    await store.close()
  })
})
