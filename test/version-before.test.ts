// What version 0.1 left on disk is read and served by this one: a cache folder, and the file that pins models. The
// fixtures are its own work (test/fixtures/version-0.1/make.mjs); a failure here costs every user what they have stored.
import { createHash } from 'node:crypto'
import { appendFileSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Caches, openCaches } from 'op-dbus'
import { afterEach, expect, it } from 'vitest'
import type { Key, Space } from '../src/ports.js'
import { openFileStore } from '../src/stores/files.js'
import { openSegmentStore } from '../src/stores/segments.js'
import { keyOf } from '../src/testing/entries.js'
import { graphs, tinyFiles, tinyMean, writeModel } from './embedder/tiny-model.js'
import { crc32, hash, TestClock, temporaryFolder } from './support.js'

const fixture = fileURLToPath(new URL('fixtures/version-0.1/', import.meta.url))
const { cache, models } = JSON.parse(readFileSync(join(fixture, 'expected.json'), 'utf8'))

const opened: Caches[] = []
afterEach(async () => {
  for (const caches of opened.splice(0)) await caches.close()
})

async function open(options: Parameters<typeof openCaches>[0] = {}): Promise<Caches> {
  const caches = await openCaches({ device: 'cpu', onWarning: () => {}, ...options })
  opened.push(caches)
  return caches
}

/** A copy that a test may change. */
function copy(name: 'cache' | 'models'): string {
  const dir = temporaryFolder()
  cpSync(join(fixture, name), dir, { recursive: true })
  return dir
}

const sha256 = (vector: Float32Array) => createHash('sha256').update(new Uint8Array(vector.buffer)).digest('hex')

it('every text comes from disk with the vector it had, those of a segment without a footer too; deleted ones stay so', async () => {
  const caches = await open({ dir: copy('cache') })
  for (const [text, { sha256: digest, tokens, truncated }] of Object.entries<Record<string, unknown>>(
    cache.embeddings,
  )) {
    const found = (await caches.embeddings.get(text))!
    expect({ ...found, vector: sha256(found.vector) }, text).toMatchObject({
      vector: digest,
      tokens,
      truncated,
      source: 'disk',
    })
  }
  for (const text of cache.deleted) expect(await caches.embeddings.get(text), text).toBeUndefined()
})

it('a text that was kept under its template is found under it', async () => {
  const caches = await open({ dir: copy('cache'), patterns: 'template' })
  const found = (await caches.embeddings.get(cache.pattern.text))!
  expect(sha256(found.vector)).toBe(cache.pattern.sha256)
  const other = (await caches.embeddings.get(cache.pattern.text.replace('4711', '4712')))!
  expect(sha256(other.vector)).toBe(cache.pattern.sha256)
})

it('the segments serve, byte for byte, after they were compacted into one of this version', async () => {
  const dir = join(copy('cache'), 'embeddings')
  const spaces = readdirSync(dir).map(name => JSON.parse(readFileSync(join(dir, name, 'space.json'), 'utf8')))
  const { space, dims } = spaces.find(({ model, patterns }) => model === 'builtin' && patterns === undefined)
  const clock = new TestClock()
  clock.wall = Date.now()
  const segments = () => {
    // A writer in a container of its own is taken for dead by time alone.
    clock.advance(24 * 3600 * 1000)
    return openSegmentStore({
      dir,
      space: space as Space,
      description: {},
      dims,
      valueBytes: 4 * dims + 8,
      budgetBytes: 2 ** 30,
      hash,
      crc32,
      clock,
      warn: message => expect.fail(message),
    })
  }
  const folder = join(dir, hash.sha256(space).slice(0, 16))
  const old = readdirSync(folder).filter(name => name.endsWith('.vec'))
  const keys: Key[] = []
  const before = segments()
  for await (const { key } of before.list()) keys.push(key)
  const values = await before.getMany(keys)
  await before.close()
  expect(keys.length).toBe(Object.keys(cache.embeddings).length)
  for (let n = 0; n < 4; n++) {
    const store = segments()
    await store.setMany([[keyOf(n), new Uint8Array(4 * dims + 8)]])
    await store.close()
  }
  for (const name of old) expect(readdirSync(folder)).not.toContain(name)
  const after = segments()
  expect(await after.getMany(keys)).toEqual(values)
  expect(await after.size()).toMatchObject({ entries: keys.length + 4 })
  await after.close()
})

it('lifetime counters', async () => {
  const caches = await open({ dir: copy('cache') })
  expect((await caches.stats()).embeddings.lifetime).toMatchObject(cache.lifetime)
})

it('files of one block each are not read any more, and go with a clear', async () => {
  const dir = copy('cache')
  writeFileSync(join(dir, 'blocks', 'notes.txt'), 'mine')
  const caches = await open({ dir })
  expect(readdirSync(join(dir, 'blocks'))).toContain('7.json')
  expect(await caches.blocks.get(7)).toBeUndefined()
  expect((await caches.stats()).blocks.onDisk).toEqual({ entries: 0, bytes: 0 })
  await caches.clear({ blocks: true })
  expect(readdirSync(join(dir, 'blocks'))).toEqual(['notes.txt'])
})

it('what a plugin answered, once its clocks are those of now', async () => {
  const dir = copy('cache')
  const store = openFileStore({
    name: 'query',
    dir: join(dir, 'queries'),
    maxEntries: 10,
    clock: { now: Date.now, monotonic: () => performance.now() },
    hash,
    crc32,
  })
  const read = () => JSON.parse(new TextDecoder().decode(store.getSync('net' as Key)))
  const then = read()
  // Asked anew, since its answer is too old: kept in the same place, in the same words, under the same token.
  const caches = await open({ dir, queryCacheTtl: 0.1 })
  const answer = await caches.queries.getOrCompute('net', async () => 'another')
  expect(answer).toEqual({ value: 'another', source: 'computed' })
  await caches.close()
  const now = read()
  expect(Object.keys(now)).toEqual(Object.keys(then))
  expect(now.token).toBe(then.token)
  const { wallMs, monotonicMs, bootId } = now
  store.setSync('net' as Key, new TextEncoder().encode(JSON.stringify({ ...then, wallMs, monotonicMs, bootId })))
  await store.close()
  const served = await (await open({ dir, queryCacheTtl: 3600 })).queries.get('net')
  expect(served).toEqual({ value: { links: ['lo', 'eth0'], mtu: 1500 }, source: 'disk' })
})

it('the file that pins models decides which commit is loaded, and that its bytes are those that were fetched', async () => {
  const home = copy('models')
  const repository = join(home, 'hub/models--org--tiny')
  const commit = 'e'.repeat(40)
  // Another tool has fetched a later commit since, of another graph.
  writeModel(join(repository, 'snapshots', commit), tinyFiles(graphs.pooled()))
  mkdirSync(join(repository, 'refs'))
  writeFileSync(join(repository, 'refs/main'), commit)
  const vector = async () => {
    const caches = await open({ dir: temporaryFolder(), model: 'org/tiny', modelDir: join(home, 'hub'), offline: true })
    return [...(await caches.embeddings.getOrEmbed('b c')).vector]
  }
  const pinned = [...Float32Array.from(tinyMean('b c'))]
  expect(await vector()).toEqual(pinned)
  appendFileSync(join(repository, 'snapshots', models.commit, 'config.json'), '\n')
  await expect(vector()).rejects.toMatchObject({ code: 'DOWNLOAD', details: { why: 'integrity' } })
  rmSync(join(home, 'op-dbus-models.lock.json'))
  expect(await vector()).not.toEqual(pinned)
})
