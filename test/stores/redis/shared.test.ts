// Two machines on one Redis: what one computed the other has, once for both where it is dear; what one clears or changes the other drops;
// and what people are told.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { embeddingKey } from '../../../src/caches/embedding-codec.js'
import { openCaches } from '../../../src/node.js'
import type { Space } from '../../../src/ports.js'
import { lockName } from '../../../src/stores/redis/names.js'
import { runScript } from '../../processes.js'
import { deferred, hash, temporaryFolder } from '../../support.js'
import { freePort, until } from '../../waiting.js'
import { closeMachines, openMachine, written } from './caches.js'
import { missing, type Server, startServer, stopAll } from './servers.js'

describe.skipIf(missing !== undefined)(`machines that share a Redis${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server
  let url: string
  beforeAll(async () => {
    server = await startServer()
    url = server.url
  })
  afterAll(stopAll)
  beforeEach(async () => void (await server.ask('CONFIG SET maxmemory 0', 'FLUSHALL')))
  afterEach(closeMachines)

  it('have what one of them computed, single and in batches', async () => {
    const [one, two] = [await openMachine(url), await openMachine(url)]
    const texts = Array.from({ length: 300 }, (_, i) => `line ${i}`)
    await one.caches.embeddings.embedMany(texts)
    await written(one)
    expect(await two.sourceOf('line 7')).toBe('shared')
    const { sources } = await two.caches.embeddings.embedMany([...texts, 'line new'])
    expect(two.computed).toEqual(['line new'])
    expect(sources.filter(source => source === 'shared')).toHaveLength(299)
  })

  it('name nothing but by our prefix, and let it end when its time is over, not all at once', async () => {
    const one = await openMachine(url, { sharedTtl: 1000 })
    await one.caches.embeddings.embedMany(Array.from({ length: 40 }, (_, i) => `text ${i}`))
    await written(one)
    const keys = (await server.ask('KEYS *')).split('\r\n').filter(line => line.includes(':'))
    expect(keys.filter(key => !key.startsWith('opdbus:'))).toEqual([])
    const values = keys.filter(key => key.startsWith('opdbus:v:'))
    expect(values).toHaveLength(40)
    const lives = (await server.ask(...values.map(key => `PTTL ${key}`))).match(/\d+/g)!.map(Number)
    expect(Math.min(...lives)).toBeGreaterThan(890_000)
    expect(Math.max(...lives)).toBeLessThan(1_100_000)
    expect(new Set(lives).size).toBeGreaterThan(10)
  })

  it('keep it as long as the server does with a time of 0', async () => {
    const one = await openMachine(url, { sharedTtl: 0 })
    await one.sourceOf('for ever')
    await written(one)
    const key = /opdbus:v:\S+/.exec(await server.ask('KEYS opdbus:v:*'))![0]
    expect(await server.ask(`PTTL ${key}`)).toContain(':-1')
  })

  it('see a clear of everything that is shared, in memory and on disk, and not one that is not', async () => {
    const dir = temporaryFolder()
    const [one, two] = [await openMachine(url), await openMachine(url, { dir })]
    await one.sourceOf('a')
    await written(one)
    expect(await two.sourceOf('a')).toBe('shared')
    await one.caches.clear({ embeddings: true })
    expect(await two.sourceOf('a')).toBe('memory')
    await server.ask('SET somebody-elses 1')
    const cleared = deferred<void>()
    two.caches.on('cleared', ({ elsewhere }) => elsewhere && cleared.resolve())
    await one.caches.clear({ embeddings: true, shared: true })
    await cleared.promise
    await until(async () => (await two.caches.embeddings.get('a')) === undefined)
    expect(await two.sourceOf('a')).toBe('computed')
    expect(await server.ask('GET somebody-elses')).toContain('1')
  })

  it('compute a dear text once, whoever asks first, and wait for the one who does', async () => {
    const begun = deferred<void>()
    const goOn = deferred<void>()
    const compute = async () => {
      begun.resolve()
      await goOn.promise
    }
    const [one, two] = [await openMachine(url, { compute }), await openMachine(url)]
    const first = one.caches.embeddings.embedMany(['x', 'y', 'z'])
    await begun.promise
    const second = two.caches.embeddings.embedMany(['z', 'own', 'x'])
    // What nobody else computes does not wait.
    await until(() => two.computed.includes('own'))
    goOn.resolve()
    await first
    expect((await second).sources).toEqual(['shared', 'computed', 'shared'])
    expect(two.computed).toEqual(['own'])
    await until(async () => (await server.ask('KEYS opdbus:l:*')).startsWith('*0'))
  })

  it('take over what another one gives up, whether it failed or nobody waits any more', async () => {
    const begun = [deferred<void>(), deferred<void>()]
    const fail = deferred<void>()
    const compute = async (texts: readonly string[], signal: AbortSignal) => {
      begun[texts[0] === 'fails' ? 0 : 1]!.resolve()
      if (texts[0] === 'fails') return fail.promise
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const [one, two] = [await openMachine(url, { compute }), await openMachine(url)]
    const failing = one.sourceOf('fails')
    await begun[0]!.promise
    const patient = two.sourceOf('fails')
    fail.reject(new Error('no'))
    await expect(failing).rejects.toThrow('no')
    expect(await patient).toBe('computed')
    const leaving = new AbortController()
    const left = one.sourceOf('left', leaving.signal)
    await begun[1]!.promise
    const other = two.sourceOf('left')
    leaving.abort()
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await other).toBe('computed')
    await until(async () => (await server.ask('KEYS opdbus:l:*')).startsWith('*0'))
  })

  it('wait for nobody who died longer than a claim lasts', async () => {
    const one = await openMachine(url)
    const { space } = await one.caches.embeddings.computing()
    const key = lockName(embeddingKey(hash, space as Space, 'a'))
    await server.ask(`SET ${key} somebody PX 300`)
    expect(await one.sourceOf('a')).toBe('computed')
    expect(await server.ask(`GET ${key}`)).not.toContain('somebody')
  })

  it('claim nothing any more when they are closed, and when an answer came too late', async () => {
    for (const text of ['a', 'b', 'c']) {
      const one = await openMachine(url)
      await one.sourceOf(text)
      await one.caches.close()
      expect(await server.ask('KEYS opdbus:l:*')).toMatch(/^\*0/)
    }
  })

  it('are two processes as well', async () => {
    const dirs = [temporaryFolder(), temporaryFolder()]
    const script = `
      const caches = await lib.openCaches({ dir, embedder: { space: 'p@1', dims: 2, async embed(texts) {
        await new Promise(resolve => setTimeout(resolve, 200))
        return new Float32Array(2 * texts.length).fill(1) } } })
      const { sources } = await caches.embeddings.embedMany(['x', 'y'])
      await caches.embeddings.stats()
      console.log(JSON.stringify(sources))
      // Not closed: it ends all the same.`
    const runs = await Promise.all(
      dirs.map(dir => runScript(dir, script, { env: { OPDBUS_SHARED_URL: url, OPDBUS_SHARED_TIMEOUT_MS: '10000' } })),
    )
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual([0, 0].map(code => [code, '']))
    const sources = runs.flatMap(({ stdout }) => JSON.parse(stdout) as string[])
    expect(sources.sort()).toEqual(['computed', 'computed', 'shared', 'shared'])
  })

  it('do not wait for others where computing is cheap', async () => {
    const begun = deferred<void>()
    const goOn = deferred<void>()
    const compute = async (texts: readonly string[]) => {
      if (texts[0] !== 'slow') return
      begun.resolve()
      await goOn.promise
    }
    const [one, two] = [await openMachine(url, { compute }), await openMachine(url, { sharedCostMs: 1000 })]
    // What it takes is known from the first one.
    await two.sourceOf('first')
    const first = one.sourceOf('slow')
    await begun.promise
    expect(await two.sourceOf('slow')).toBe('computed')
    goOn.resolve()
    await first
  })

  it('are told of a change of a system that both know, and drop what its plugin answered', async () => {
    const machine = () => openMachine(url, { sharedScope: 'one system', dir: temporaryFolder() })
    const [one, two] = [await machine(), await machine()]
    let asked = 0
    const ask = () => two.caches.queries.getOrCompute('net', async () => ++asked, { ttlMs: 1e9 })
    await ask()
    const heard = () => {
      const told = deferred<void>()
      const stop = two.caches.on('invalidated', ({ elsewhere }) => {
        if (elsewhere) told.resolve()
      })
      return told.promise.then(stop)
    }
    // It listens once it was asked; until then a change is told anew.
    let listens = false
    const first = heard().then(() => {
      listens = true
    })
    while (!listens) {
      await one.caches.queries.invalidate('net')
      await Promise.race([first, new Promise(resolve => setTimeout(resolve, 20))])
    }
    await ask()
    const before = asked
    expect((await ask()).source).toBe('memory')
    const again = heard()
    await one.caches.queries.delete('net')
    await again
    await ask()
    expect(asked).toBe(before + 1)
  })

  it('are told once that it is full, and read what it has', async () => {
    const [one, two] = [await openMachine(url), await openMachine(url)]
    await one.sourceOf('before')
    await written(one)
    await server.ask('CONFIG SET maxmemory-policy noeviction', 'CONFIG SET maxmemory 1')
    expect(await one.sourceOf('after')).toBe('computed')
    expect(await one.warned(/is full/)).toContain('allkeys-lfu')
    await one.sourceOf('after that')
    await written(one)
    expect(one.warnings).toEqual([])
    expect(await two.sourceOf('before')).toBe('shared')
  })

  it('miss what the server lost, and what is of another type or damaged, and put it right again', async () => {
    const [one, two] = [await openMachine(url), await openMachine(url)]
    await one.sourceOf('lost')
    await one.sourceOf('damaged')
    await written(one)
    await server.ask('FLUSHALL')
    expect(await two.sourceOf('lost')).toBe('computed')
    await written(two)
    const name = /opdbus:v:\S+/.exec(await server.ask('KEYS opdbus:v:*'))![0]
    for (const damage of [[`SETRANGE ${name} 100 xxxx`], [`APPEND ${name} x`], [`DEL ${name}`, `RPUSH ${name} 1`]]) {
      await server.ask(...damage)
      const three = await openMachine(url)
      expect(await three.sourceOf('lost')).toBe('computed')
      await written(three)
    }
    expect(await server.ask(`TYPE ${name}`)).toContain('string')
  })

  it('work without one that is not there, say so once, and show it', async () => {
    const nowhere = `redis://somebody:p%40ssw0rd@127.0.0.1:${await freePort()}`
    const one = await openMachine(nowhere)
    expect(await one.sourceOf('a')).toBe('computed')
    expect(await one.sourceOf('b')).toBe('computed')
    const warning = await one.warned(/cannot be used/)
    const stats = await one.caches.stats()
    expect(stats.embeddings.shared?.status).toMatchObject({
      state: 'left-alone',
      problem: expect.stringMatching(/ECONNREFUSED/),
    })
    expect(one.warnings).toEqual([])
    for (const said of [warning, JSON.stringify(stats)]) expect(said).not.toMatch(/ssw0rd|somebody/)
  })

  it('refuse a URL that is none, without repeating it', async () => {
    for (const sharedUrl of [
      'http://u:secret@h',
      'redis://u:sec ret@h',
      'redis://u:secret@h:99999',
      'redis://u:secret@a,b',
      'redis://u:s@ecret/h',
    ]) {
      const error = await openCaches({ sharedUrl }).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'INVALID_INPUT' })
      expect(String(error)).not.toMatch(/secret|ret@h|ecret/)
    }
  })
})
