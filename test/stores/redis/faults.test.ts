// A Redis that is slow, silent, half lost or lying, under load: nobody gets an error or a wrong vector, what is lost is told once, and what
// is back is used again. daemons.test.ts has one that is killed and stopped.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openRedisStore } from '../../../src/stores/redis.js'
import { keyOf } from '../../../src/testing/entries.js'
import { until } from '../../waiting.js'
import { closeMachines, type Machine, openMachine, written } from './caches.js'
import { type Link, openProxy } from './proxy.js'
import { missing, type Server, startServer, stopAll } from './servers.js'

describe.skipIf(missing !== undefined)(`a Redis that fails${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let server: Server
  let proxy: Link
  let url: string
  beforeAll(async () => {
    server = await startServer()
  })
  afterAll(stopAll)
  beforeEach(async () => {
    await server.ask('FLUSHALL')
    proxy = await openProxy(server.port)
    url = `redis://127.0.0.1:${proxy.port}`
  })
  afterEach(async () => {
    await closeMachines()
    await proxy.close()
  })

  /** Asks for texts, old and new, until it is told to end; every answer has to be right. */
  function load(machine: Machine): () => Promise<Record<string, number>> {
    const sources: Record<string, number> = {}
    let ended = false
    const running = (async () => {
      for (let n = 0; !ended; n++) {
        machine.caches.embeddings.forgetMemory()
        const texts = [`text ${n}`, `text ${n >> 1}`, `text ${n % 50}`]
        for (const source of await Promise.all(texts.map(text => machine.sourceOf(text)))) {
          sources[source] = (sources[source] ?? 0) + 1
        }
        await new Promise(resolve => setImmediate(resolve))
      }
    })()
    return async () => {
      ended = true
      await running
      return sources
    }
  }

  it('falls silent on an open connection', { timeout: 20_000 }, async () => {
    const one = await openMachine(url, { sharedTimeoutMs: 100 })
    await one.sourceOf('kept')
    await written(one)
    proxy.answers = () => undefined
    one.caches.embeddings.forgetMemory()
    const end = load(one)
    await one.warned(/cannot be used/)
    proxy.answers = bytes => bytes
    await one.warned(/serves again/)
    await end()
    expect(await one.sourceOf('kept')).toBe('shared')
  })

  it('is too slow, and is left alone, longer each time', { timeout: 20_000 }, async () => {
    const one = await openMachine(url, { sharedTimeoutMs: 100 })
    await one.sourceOf('first')
    const end = load(one)
    proxy.delayMs = 150
    await one.warned(/no answer within/)
    proxy.delayMs = 0
    await one.warned(/serves again/)
    await end()
  })

  it('loses every tenth command: answers that are not those of their questions reach nobody', {
    timeout: 20_000,
  }, async () => {
    const one = await openMachine(url, { sharedTimeoutMs: 100 })
    let n = 0
    proxy.questions = bytes => (++n % 10 === 0 ? undefined : bytes)
    const end = load(one)
    await until(() => n > 40)
    await end()
  })

  it('lies: bytes are changed on the way', { timeout: 20_000 }, async () => {
    const one = await openMachine(url, { sharedCostMs: 1e6, sharedTimeoutMs: 100 })
    let [n, random] = [0, 12345]
    proxy.answers = bytes => {
      if (++n % 3 !== 0) return bytes
      random = Math.imul(random, 1_103_515_245) + 12_345
      const changed = Buffer.from(bytes)
      changed[(random >>> 8) % changed.length]! ^= 1 << (n % 8)
      return changed
    }
    const end = load(one)
    await until(() => n > 45)
    await end()
  })

  it('comes and goes, and is told once until it has served for a while', async () => {
    const one = await openMachine(url)
    await one.sourceOf('a')
    const serves = () => one.caches.embeddings.sharedStatus?.state === 'serving'
    for (let i = 0; i < 3; i++) {
      await until(serves)
      await server.ask('CLIENT KILL TYPE normal', 'CLIENT KILL TYPE pubsub')
      await until(() => !serves())
    }
    await one.warned(/cannot be used/)
    await one.warned(/serves again/)
    expect([serves(), one.warnings]).toEqual([true, []])
  })

  it('is dead, and costs nobody anything', async () => {
    const store = openRedisStore({ url })
    await store.setMany([[keyOf(1), new Uint8Array(10)]])
    await proxy.close()
    await until(() => store.status.state === 'left-alone')
    await expect(store.getMany([keyOf(1)])).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('left alone'),
    })
    await expect(store.setMany([[keyOf(1), new Uint8Array(10)]])).rejects.toMatchObject({ code: 'STORE' })
    await expect(store.clear()).rejects.toMatchObject({ code: 'STORE' })
    await store.close()
    proxy = await openProxy(server.port)
  })
})
