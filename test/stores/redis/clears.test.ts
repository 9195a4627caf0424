// A clear of what machines share: nothing from before it is served after it, by whoever is slow, down, deaf or full meanwhile; and what
// machines forget by themselves clears nobody's disk.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { GENERATIONS } from '../../../src/stores/redis/names.js'
import { deferred, temporaryFolder } from '../../support.js'
import { until } from '../../waiting.js'
import { closeMachines, type Machine, openMachine, written } from './caches.js'
import { type Link, openProxy } from './proxy.js'
import { missing, type Server, startServer, stopAll } from './servers.js'

const TOKEN = `${GENERATIONS}cleared`

describe.skipIf(missing !== undefined)(
  `a clear of all that is shared${missing ? ` (skipped: ${missing})` : ''}`,
  () => {
    let server: Server
    let url: string
    let proxy: Link
    let slow: string
    beforeAll(async () => {
      server = await startServer()
      url = server.url
      proxy = await openProxy(server.port)
      slow = `redis://127.0.0.1:${proxy.port}`
    })
    afterAll(async () => {
      await proxy.close()
      await stopAll()
    })
    beforeEach(async () => {
      proxy.holds = () => false
      await server.ask('CONFIG SET maxmemory 0', 'CONFIG SET maxmemory-policy noeviction', 'FLUSHALL')
    })
    afterEach(async () => {
      proxy.release()
      await closeMachines()
    })

    const clear = ({ caches }: Machine) => caches.clear({ embeddings: true, shared: true })
    const has = async ({ caches }: Machine, text: string) => (await caches.embeddings.get(text)) !== undefined

    it('ends also what was computed before it, and is stored when it is over', async () => {
      const [one, two] = [await openMachine(url), await openMachine(slow)]
      await one.sourceOf('first')
      await two.sourceOf('first')
      const sent = deferred<void>()
      proxy.holds = bytes => {
        const isValue = bytes.includes('SET') && bytes.includes('opdbus:v:')
        if (isValue) sent.resolve()
        return isValue
      }
      await two.sourceOf('late')
      await sent.promise
      const heard = deferred<void>()
      two.caches.on('cleared', ({ elsewhere }) => elsewhere && heard.resolve())
      await clear(one)
      await heard.promise
      expect(await server.ask('KEYS opdbus:v:*')).toMatch(/^\*0/)
      proxy.holds = () => false
      proxy.release()
      await until(async () => (await server.ask('KEYS opdbus:v:*')).startsWith('*1'))
      for (const machine of [one, two, await openMachine(url)]) expect(await has(machine, 'late')).toBe(false)
      expect((await one.caches.stats()).embeddings.shared).toMatchObject({ size: 0, damaged: 0 })
      expect(await two.sourceOf('late')).toBe('computed')
      await written(two)
      expect(await one.sourceOf('late')).toBe('shared')
    })

    it('is heard of by a machine that was down, before its disk answers; a token that is lost empties no disk', async () => {
      const dir = temporaryFolder()
      const [one, before] = [await openMachine(url), await openMachine(url, { dir })]
      await before.sourceOf('kept')
      await one.sourceOf('kept')
      await before.caches.close()

      await server.ask(`DEL ${TOKEN}`)
      await until(async () => (await server.ask(`EXISTS ${TOKEN}`)).startsWith(':1'))
      const between = await openMachine(url, { dir })
      expect(await between.sourceOf('kept')).toBe('disk')
      await between.caches.close()

      await clear(one)
      // Whoever knows of the clear says so again.
      await server.ask(`DEL ${TOKEN}`)
      await until(async () => (await server.ask(`EXISTS ${TOKEN}`)).startsWith(':1'))
      const after = await openMachine(url, { dir })
      expect(await has(after, 'kept')).toBe(false)
      expect([...before.warnings, ...after.warnings, ...one.warnings]).toEqual([])
      // Once: what is kept from then on stays.
      await after.sourceOf('kept')
      await after.caches.close()
      expect(await (await openMachine(url, { dir })).sourceOf('kept')).toBe('disk')
    })

    it('is the one that cleared, for its own disk as well', async () => {
      const dir = temporaryFolder()
      const one = await openMachine(url, { dir })
      await one.sourceOf('old')
      await clear(one)
      await one.sourceOf('new')
      await one.caches.close()
      const again = await openMachine(url, { dir })
      expect(await again.sourceOf('new')).toBe('disk')
      expect(await has(again, 'old')).toBe(false)
    })

    it('says so where the server is full and others cannot be told', async () => {
      const [one, two] = [await openMachine(url), await openMachine(url)]
      await one.sourceOf('a')
      await written(one)
      await two.sourceOf('a')
      await server.ask('CONFIG SET maxmemory 1')
      await expect(clear(one)).rejects.toMatchObject({
        code: 'STORE',
        message: expect.stringMatching(/values were removed, but other machines could not be told.*OOM/),
      })
      await server.ask('CONFIG SET maxmemory 0')
      const heard = deferred<void>()
      two.caches.on('cleared', ({ elsewhere }) => elsewhere && heard.resolve())
      await clear(one)
      await heard.promise
    })

    it('of what plugins answered is told as soon as the server has room again', async () => {
      const options = { sharedScope: 'one system', dir: temporaryFolder() }
      const [one, two] = [
        await openMachine(url, options),
        await openMachine(url, { ...options, dir: temporaryFolder() }),
      ]
      let asked = 0
      const ask = () => two.caches.queries.getOrCompute('net', async () => ++asked, { ttlMs: 1e9 })
      await ask()
      await server.ask('CONFIG SET maxmemory 1')
      await one.caches.queries.invalidate('net')
      expect(await one.warned(/could not be told.*OOM/)).toContain('as soon as')
      await server.ask('CONFIG SET maxmemory 0')
      await until(async () => (await ask()).source === 'computed')
      expect(asked).toBe(2)
    })

    it('is asked for once a second where the server pushes nothing to this user, who is told so once', async () => {
      await server.ask('ACL SETUSER deaf on >p ~opdbus:* +@all -client|tracking')
      const [one, deaf] = [await openMachine(url), await openMachine(url.replace('://', '://deaf:p@'))]
      await one.sourceOf('a')
      await written(one)
      expect(await deaf.sourceOf('a')).toBe('shared')
      const heard = deferred<void>()
      deaf.caches.on('cleared', ({ elsewhere }) => elsewhere && heard.resolve())
      await clear(one)
      await heard.promise
      expect(await has(deaf, 'a')).toBe(false)
      expect(await deaf.warned(/does not push/)).toContain('CLIENT TRACKING')
      expect(deaf.warnings).toEqual([])
    })

    it('is known again where something else lies in its place, and has no last number', async () => {
      const [one, two] = [await openMachine(url), await openMachine(url)]
      await one.sourceOf('a')
      await server.ask('MULTI', `DEL ${TOKEN}`, `RPUSH ${TOKEN} x`, 'EXEC')
      await until(async () => (await server.ask(`TYPE ${TOKEN}`)).startsWith('+string'))
      await until(
        async () => (await one.sourceOf('b')) !== 'computed' && one.caches.embeddings.sharedStatus?.state === 'serving',
      )
      await server.ask(`SET ${TOKEN} 999999999999999.${'a'.repeat(16)}.${'b'.repeat(16)}`)
      for (const machine of [one, two, one]) {
        await clear(machine)
        expect(await server.ask(`GET ${TOKEN}`)).toMatch(/\r\n999999999999999\.[0-9a-f]{16}\.[0-9a-f]{16}\r\n/)
      }
      await one.sourceOf('c')
      await written(one)
      expect(await two.sourceOf('c')).toBe('shared')
      expect([...one.warnings, ...two.warnings]).toEqual([])
    })
  },
)
