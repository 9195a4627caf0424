// A cluster of three masters: the contract, one of them that is dead, slots that move, and a clear that all hear of.
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { GENERATIONS, TAG_SLOTS, valueName } from '../../../src/stores/redis/names.js'
import { openRedisStore } from '../../../src/stores/redis.js'
import { keyOf } from '../../../src/testing/entries.js'
import { deferred } from '../../support.js'
import { until } from '../../waiting.js'
import { closeMachines, openMachine, written } from './caches.js'
import { clusterUrl, contractOn } from './on-servers.js'
import { missing, type Server, startCluster, startServer, stopAll } from './servers.js'

afterAll(stopAll)
afterEach(closeMachines)

/** One for all: it takes seconds to make. */
let servers: Server[] = []
const start = async () => {
  if (servers.length === 0) servers = await startCluster()
  return servers
}
const keys = Array.from({ length: 200 }, (_, n) => keyOf(n))
const items = keys.map((key, n) => [key, Uint8Array.of(n, 1, 2)] as const)

if (missing) it.skip(`skipped: ${missing}`)
else {
  contractOn('a cluster of three masters', start, clusterUrl)

  describe('a cluster of three masters', () => {
    it('has our places where they are thought to be, a third on each', async () => {
      const [server] = await start()
      const names = new Map(keys.map(key => [valueName(key).split(':')[2]!, valueName(key)]))
      expect(names.size).toBe(16)
      const slots = (await server!.ask(...[...names.values()].map(name => `CLUSTER KEYSLOT ${name}`))).match(/\d+/g)!
      expect(slots.map(Number).sort((a, b) => a - b)).toEqual(TAG_SLOTS)
      expect(await server!.ask(`CLUSTER KEYSLOT ${GENERATIONS}cleared`)).toContain(':4897')
    })

    it('tells of a clear on one machine on all others', async () => {
      const url = clusterUrl(await start())
      const [one, two] = [await openMachine(url), await openMachine(url)]
      await one.sourceOf('a')
      await written(one)
      expect(await two.sourceOf('a')).toBe('shared')
      const cleared = deferred<void>()
      two.caches.on('cleared', ({ elsewhere }) => elsewhere && cleared.resolve())
      await one.caches.clear({ embeddings: true, shared: true })
      await cleared.promise
      expect(await two.sourceOf('a')).toBe('computed')
    })

    it('answers what is asked while slots move from one master to another', { timeout: 20_000 }, async () => {
      const [from, to] = await start()
      const store = openRedisStore({ url: clusterUrl(servers), readMs: 10_000, writeMs: 10_000 })
      await store.setMany(items)
      const ids = await Promise.all(
        [from!, to!].map(async ({ ask }) => /[0-9a-f]{40}/.exec(await ask('CLUSTER MYID'))![0]),
      )
      const slot = TAG_SLOTS[0]!
      const moving = (await from!.ask(`CLUSTER GETKEYSINSLOT ${slot} 1000`)).match(/opdbus:\S+/g)!
      await to!.ask(`CLUSTER SETSLOT ${slot} IMPORTING ${ids[0]}`)
      await from!.ask(`CLUSTER SETSLOT ${slot} MIGRATING ${ids[1]}`)
      for (const key of moving) await from!.ask(`MIGRATE 127.0.0.1 ${to!.port} ${key} 0 5000`)
      // Neither here nor there for us: missing, and no error.
      const meanwhile = await store.getMany(keys)
      expect(meanwhile.filter(value => value !== undefined)).toHaveLength(keys.length - moving.length)
      for (const server of [to!, from!, servers[2]!]) await server.ask(`CLUSTER SETSLOT ${slot} NODE ${ids[1]}`)
      expect((await store.getMany(keys)).map(value => value?.[0])).toEqual(items.map(([, bytes]) => bytes[0]))
      await store.setMany(items)
      expect(await store.deleteMany(keys)).toBe(keys.length)
      await store.close()
    })

    it('is not taken for one server, nor one server for a cluster', async () => {
      const [one] = await start()
      const alone = await startServer()
      for (const [url, said] of [
        [one!.url, /one of a cluster: write redis\+cluster/],
        [clusterUrl([alone]), /in no cluster: write redis:/],
      ] as const) {
        const store = openRedisStore({ url })
        await store.connect()
        expect(store.status).toMatchObject({ state: 'left-alone', problem: expect.stringMatching(said) })
        await store.close()
      }
    })

    it('goes on without one that is dead: its share is missing, and the others serve', {
      timeout: 30_000,
    }, async () => {
      await start()
      const warnings: string[] = []
      let wake = () => {}
      const warn = (message: string) => {
        warnings.push(message)
        wake()
      }
      const told = async (pattern: RegExp) => {
        while (!warnings.some(message => pattern.test(message))) await new Promise<void>(resolve => (wake = resolve))
      }
      const store = openRedisStore({ url: clusterUrl(servers), readMs: 10_000, writeMs: 10_000, warn })
      await store.setMany(items)
      const other = openRedisStore({ url: clusterUrl(servers), readMs: 10_000, writeMs: 1000 })
      await other.getMany(keys)
      await servers[2]!.kill()
      await told(/1 of 3 servers cannot be asked/)
      const found = await store.getMany(keys)
      const there = found.filter(value => value !== undefined).length
      expect(there).toBeGreaterThan(keys.length / 3)
      expect(there).toBeLessThan(keys.length)
      for (const [n, value] of found.entries()) if (value) expect(value[0]).toBe(n)
      expect(store.status).toMatchObject({ state: 'serving', problem: expect.stringContaining('1 of 3') })
      // A clear is told all the same, and nothing from before it is read.
      const cleared = deferred<void>()
      store.onClearedElsewhere?.(() => cleared.resolve())
      await other.clear()
      await cleared.promise
      expect((await store.getMany(keys)).filter(value => value !== undefined)).toEqual([])
      await other.close()
      await expect(store.setMany(items)).rejects.toMatchObject({ code: 'STORE', details: { stored: there } })
      await servers[2]!.restart()
      await told(/serves again/)
      await until(async () => {
        await store.setMany(items).catch(() => undefined)
        return (await store.getMany(keys)).every(value => value !== undefined)
      })
      await store.close()
    })
  })
}
