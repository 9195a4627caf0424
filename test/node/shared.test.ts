// The shared tier over the built library: whatever a store of the user's own does, vectors are right and nobody waits for long;
// and two processes compute once.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Caches, openCaches, type Store } from 'op-dbus'
import { openMapStore } from 'op-dbus/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { seal, unseal } from '../../src/cache/sealed-value.js'
import { jsonLines, runScript } from '../processes.js'
import { crc32, temporaryFolder } from '../support.js'

const opened: Caches[] = []
afterEach(async () => {
  for (const caches of opened.splice(0)) await caches.close()
})

const never = new Promise<never>(() => {})
const vectorOf = (text: string) => [text.length, text.charCodeAt(0), 1, 0.5]

async function open(store: Store, options: Partial<Parameters<typeof openCaches>[0]> = {}) {
  const computed: string[] = []
  const warnings: string[] = []
  const embedder = {
    space: 'test@1',
    dims: 4,
    async embed(texts: readonly string[]) {
      computed.push(...texts)
      return Float32Array.from(texts.flatMap(vectorOf))
    },
  }
  const shared = { store, timeoutMs: 20 }
  const onWarning = (message: string) => warnings.push(message)
  const caches = await openCaches({ dir: temporaryFolder(), embedder, shared, onWarning, ...options })
  opened.push(caches)
  return { caches, embeddings: caches.embeddings, computed, warnings }
}

/** All its methods do the same. */
function every(what: () => Promise<never>): Store {
  return {
    name: 'mine',
    getMany: what,
    setMany: what,
    deleteMany: what,
    size: what,
    clear: what,
    close: what,
    // biome-ignore lint/correctness/useYield: it never comes to a key
    async *list() {
      await what()
    },
  }
}

const good = openMapStore()
const answering = (answer: (found: (Uint8Array | undefined)[]) => unknown): Store => ({
  ...every(async () => never),
  ...openMapStore(),
  getSync: undefined,
  getMany: async keys => answer(keys.map((_, i) => new Uint8Array(124).fill(i + 1))) as (Uint8Array | undefined)[],
})

const BAD: readonly (readonly [string, () => Store])[] = [
  ['never answers', () => every(() => never)],
  ['rejects', () => every(() => Promise.reject(new Error('no route to host')))],
  [
    'throws',
    () =>
      every(() => {
        throw new Error('not connected')
      }),
  ],
  ['rejects with what is no error', () => every(() => Promise.reject(Object.create(null)))],
  [
    'rejects with a proxy that was revoked',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return every(() => Promise.reject(proxy))
    },
  ],
  ['answers garbage', () => answering(found => found)],
  ['answers bytes of another length', () => answering(found => found.map(() => new Uint8Array(3)))],
  ['answers what are no bytes', () => answering(found => found.map(() => 'a text'))],
  ['answers too few', () => answering(found => found.slice(1))],
  ['answers no list', () => answering(() => 7)],
]

describe.each(BAD)('a shared store that %s', (_name, make) => {
  it('costs one warning, a bounded time, and no wrong vector', async () => {
    const { caches, embeddings, warnings } = await open(make(), { embeddingCacheSize: 0 })
    for (const text of ['one', 'three', 'seventeen', 'twenty-three', 'one']) {
      const { vector } = await embeddings.getOrEmbed(text)
      expect([...vector]).toEqual(vectorOf(text))
    }
    const { matrix } = await embeddings.embedMany(['a', 'bb', 'a', 'one'])
    expect([...matrix]).toEqual(['a', 'bb', 'a', 'one'].flatMap(vectorOf))
    expect((await embeddings.getOrEmbed('three')).source).toBe('disk')
    const { shared } = (await caches.stats()).embeddings
    expect(shared!.hits).toBe(0)
    expect(shared!.skipped + shared!.damaged).toBeGreaterThan(0)
    await caches.close()
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('shared embedding')
  })
})

describe('a shared store', () => {
  it('is not believed where it holds numbers that no vector has, however well they are sealed', async () => {
    const store = openMapStore()
    const one = await open(store)
    await one.embeddings.getOrEmbed('text')
    await one.caches.close()
    for await (const { key } of store.list()) {
      const value = new Uint8Array(unseal(crc32, key, (await store.getMany([key]))[0]!)!)
      new DataView(value.buffer).setFloat32(value.length - 4, Number.NaN, true)
      await store.setMany([[key, seal(crc32, key, value)]])
    }
    const two = await open(store)
    expect((await two.embeddings.getOrEmbed('text')).source).toBe('computed')
    expect((await two.caches.stats()).embeddings.shared).toMatchObject({ hits: 0, damaged: 1 })
    expect((await two.embeddings.getOrEmbed('text')).source).toBe('memory')
    await two.caches.close()
    expect((await (await open(store)).embeddings.getOrEmbed('text')).source).toBe('shared')
  })

  it('answers what another machine computed, which is then on disk and in memory', async () => {
    const store = openMapStore()
    const one = await open(store)
    expect((await one.embeddings.getOrEmbed('text')).source).toBe('computed')
    await one.caches.close()
    const dir = temporaryFolder()
    const two = await open(store, { dir })
    expect((await two.embeddings.getOrEmbed('text')).source).toBe('shared')
    expect((await two.embeddings.getOrEmbed('text')).source).toBe('memory')
    expect((await two.caches.stats()).embeddings.shared).toMatchObject({ hits: 1, size: 1, damaged: 0, dropped: 0 })
    await two.caches.close()
    const three = await open(store, { dir })
    expect([...(await three.embeddings.getOrEmbed('text')).vector]).toEqual(vectorOf('text'))
    expect((await three.embeddings.getOrEmbed('text')).source).toBe('memory')
    expect([...one.computed, ...two.computed, ...three.computed]).toEqual(['text'])
    expect((await store.size()).entries).toBe(1)
  })

  it('never serves one text’s value for another, nor a changed one: it is computed and stored anew', async () => {
    const store = openMapStore()
    const one = await open(store)
    await one.embeddings.embedMany(['aa', 'b'])
    await one.caches.close()
    const keys = []
    for await (const { key } of store.list()) keys.push(key)
    const [first, second] = await store.getMany(keys)
    await store.setMany([
      [keys[0]!, second!],
      [keys[1]!, first!],
    ])
    const two = await open(store)
    const { matrix, sources } = await two.embeddings.embedMany(['aa', 'b'])
    expect([[...matrix], sources]).toEqual([
      [...vectorOf('aa'), ...vectorOf('b')],
      ['computed', 'computed'],
    ])
    await two.caches.close()
    const flipped = (await store.getMany([keys[0]!]))[0]!
    for (let byte = 0; byte < flipped.length; byte++) {
      flipped[byte]! ^= 1
      await store.setMany([[keys[0]!, flipped]])
      flipped[byte]! ^= 1
    }
    const three = await open(store)
    expect((await three.embeddings.embedMany(['aa', 'b'])).sources.sort()).toEqual(['computed', 'shared'])
  })

  it('is left alone by clear unless told, also before anything was looked up', async () => {
    const store = openMapStore()
    const one = await open(store)
    await one.embeddings.getOrEmbed('text')
    await one.caches.clear()
    expect((await one.embeddings.getOrEmbed('text')).source).toBe('shared')
    await one.caches.clear({ queries: true, shared: true })
    expect((await store.size()).entries).toBe(1)
    await one.caches.clear({ shared: true })
    expect((await one.embeddings.getOrEmbed('text')).source).toBe('computed')
    await one.caches.close()
    const two = await open(store)
    await two.caches.clear()
    expect((await store.size()).entries).toBe(1)
    await two.caches.clear({ shared: true })
    expect((await store.size()).entries).toBe(0)
  })

  it('forgets what is deleted, or the call says that it could not be reached, and the nearer tiers have forgotten', async () => {
    const store = openMapStore()
    const one = await open(store)
    await one.embeddings.getOrEmbed('text')
    expect(await one.embeddings.delete('text')).toBe(true)
    expect((await one.embeddings.getOrEmbed('text')).source).toBe('computed')
    await one.caches.close()

    const broken = await open({ ...store, getSync: undefined, deleteMany: () => never, clear: () => never })
    await broken.embeddings.getOrEmbed('text')
    const failed = { code: 'STORE', details: { tier: 'shared' } }
    await expect(broken.embeddings.delete('text')).rejects.toMatchObject(failed)
    expect((await broken.embeddings.getOrEmbed('text')).source).toBe('shared')
    await expect(broken.caches.clear({ shared: true })).rejects.toMatchObject(failed)
    expect((await broken.embeddings.getOrEmbed('text')).source).toBe('shared')
  })

  it('does not bring back what was deleted while a write of it was late', async () => {
    const inner = openMapStore()
    let arrive = () => {}
    const late = new Promise<void>(resolve => {
      arrive = resolve
    })
    const setMany: Store['setMany'] = async items => {
      const copy = items.map(([key, bytes]) => [key, bytes.slice()] as const)
      await late
      await inner.setMany(copy)
    }
    const { embeddings, caches } = await open({ ...inner, getSync: undefined, setMany })
    await embeddings.getOrEmbed('text')
    await expect(embeddings.delete('text')).rejects.toMatchObject({ code: 'STORE', details: { tier: 'shared' } })
    await expect(caches.clear({ shared: true })).rejects.toMatchObject({ code: 'STORE' })
    arrive()
    await late
    // The first removal may have come after it by then.
    await embeddings.delete('text')
    expect(await embeddings.get('text')).toBeUndefined()
    expect((await inner.size()).entries).toBe(0)
  })

  it('that answers at once what it should not answer at all is not believed', async () => {
    const rejecting = async () => {
      throw new Error('not now')
    }
    const store = { ...openMapStore(), clearedElsewhere: async () => false, onClearedElsewhere: rejecting }
    const { embeddings } = await open(store as never)
    await embeddings.getOrEmbed('text')
    expect((await embeddings.getOrEmbed('text')).source).toBe('memory')
  })

  it('is not touched by caches that are closed, and closed by them if told though nothing was looked up', async () => {
    const store = openMapStore()
    const one = await open(store)
    await one.embeddings.getOrEmbed('text')
    await one.caches.close()
    let closes = 0
    const two = await open(store, {
      shared: { store: { ...store, close: async () => void closes++ }, close: true },
    })
    await two.caches.close()
    expect(closes).toBe(1)
    await expect(two.caches.clear({ shared: true })).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(two.embeddings.clear({ shared: true })).rejects.toMatchObject({ code: 'CLOSED' })
    expect((await store.size()).entries).toBe(1)
  })

  it('is closed only if told', async () => {
    const closes: string[] = []
    const store = (name: string): Store => ({ ...openMapStore(), close: async () => void closes.push(name) })
    const [one, two] = [store('one'), store('two')]
    for (const shared of [{ store: one }, { store: two, close: true }]) {
      const { caches, embeddings } = await open(one, { shared })
      await embeddings.getOrEmbed('text')
      await caches.close()
    }
    expect(closes).toEqual(['two'])
  })

  it.each([
    [{}],
    [{ store: {} }],
    [{ store: { ...good, setMany: 'no' } }],
    [{ store: good, timeoutMs: 0 }],
    [{ store: good, close: 'yes' }],
    [{ store: good, timeoutMs: 1.5 }],
    [{ store: good, timeoutMs: Number.POSITIVE_INFINITY }],
  ])('is refused when it is none: %j', async shared => {
    await expect(openCaches({ shared: shared as never })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('two processes on one shared store', () => {
  let server: Server
  afterEach(() => void server.close())

  it('compute once, then the other answers `shared`', async () => {
    const values = new Map<string, Buffer>()
    server = createServer((request, response) => {
      const chunks: Buffer[] = []
      request.on('data', chunk => chunks.push(chunk))
      request.on('end', () => {
        const key = request.url!.slice(1)
        if (request.method === 'PUT') values.set(key, Buffer.concat(chunks))
        response.statusCode = values.has(key) ? 200 : 404
        response.end(request.method === 'GET' ? values.get(key) : undefined)
      })
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const script = `
      const at = (key, init) => fetch(${JSON.stringify(url)} + '/' + key, init)
      const store = {
        name: 'http',
        getMany: (keys, { signal } = {}) => Promise.all(keys.map(async key => {
          const found = await at(key, { signal })
          const bytes = new Uint8Array(await found.arrayBuffer())
          return found.ok ? bytes : undefined
        })),
        setMany: items => Promise.all(items.map(([key, body]) => at(key, { method: 'PUT', body }))),
        deleteMany: async () => 0, size: async () => ({ entries: 0, bytes: 0 }), async *list() {}, async clear() {}, async close() {},
      }
      let computed = 0
      const embedder = { space: 'test@1', dims: 2, embed: async texts => {
        computed += texts.length
        return Float32Array.from(texts.flatMap(text => [text.length, 1]))
      } }
      const caches = await lib.openCaches({ embedder, shared: { store, timeoutMs: 5000 } })
      const { matrix, sources } = await caches.embeddings.embedMany(['a', 'bb', 'ccc'])
      await caches.close()
      console.log(JSON.stringify({ computed, sources, matrix: [...matrix] }))`
    const matrix = [1, 1, 2, 1, 3, 1]
    const first = await runScript(temporaryFolder(), script)
    expect(jsonLines(first.stdout), first.stderr).toEqual([{ computed: 3, sources: Array(3).fill('computed'), matrix }])
    const second = await runScript(temporaryFolder(), script)
    expect(jsonLines(second.stdout), second.stderr).toEqual([{ computed: 0, sources: Array(3).fill('shared'), matrix }])
    expect(second.stderr).toBe('')
  })
})
