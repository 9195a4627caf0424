import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { QueryCache, type QueryCacheOptions } from '../../src/caches/query-cache.js'
import { queryDisk } from '../../src/caches/query-disk.js'
import { QUERY_BYTES } from '../../src/compose.js'
import type { Key } from '../../src/ports.js'
import { openFileStore } from '../../src/stores/files.js'
import { crc32, deferred, hash, TestClock, temporaryFolder } from '../support.js'
import { LIVING } from './query-support.js'

const TTL = 5000

function open(
  dir: string | undefined,
  options: Partial<QueryCacheOptions> & { boot?: string; clock?: TestClock } = {},
) {
  const clock = options.clock ?? new TestClock()
  const store =
    dir === undefined ? undefined : openFileStore({ name: 'queries', dir, maxEntries: 100, clock, hash, crc32 })
  const cache = new QueryCache({
    ttlMs: TTL,
    capacityBytes: 1e6,
    disk: store && queryDisk({ store, bootId: options.boot ?? 'boot-1', process: LIVING }),
    hash,
    warn: () => {},
    clockResolutionMs: 0,
    ...options,
    clock,
  })
  return { cache, clock, store }
}

const answer = (value: unknown) => async () => value
const never = () => Promise.reject(new Error('asked again'))

describe('QueryCache', () => {
  it('asks a plugin once within the TTL, and again after it', async () => {
    const { cache, clock } = open(undefined)
    expect(await cache.getOrCompute('net', answer(1))).toEqual({ value: 1, source: 'computed' })
    clock.advance(TTL - 1)
    expect(await cache.getOrCompute('net', never)).toEqual({ value: 1, source: 'memory' })
    clock.advance(2)
    expect(await cache.getOrCompute('net', answer(2))).toEqual({ value: 2, source: 'computed' })
  })

  it('hands out copies, and keeps one of its own', async () => {
    const { cache } = open(undefined)
    const state = { interfaces: ['eth0'] }
    const first = await cache.getOrCompute<typeof state>('net', async () => state)
    state.interfaces.push('changed by the plugin')
    first.value.interfaces.push('changed by the caller')
    expect((await cache.getOrCompute<typeof state>('net', never)).value).toEqual({ interfaces: ['eth0'] })
  })

  it.each([null, undefined, 0, '', false, [], { a: { b: [1, 'x', null] } }])('keeps %j', async value => {
    const { cache } = open(temporaryFolder())
    await cache.getOrCompute('net', answer(value))
    expect(await cache.getOrCompute('net', never)).toEqual({ value, source: 'memory' })
    expect(await cache.get('net')).toEqual({ value, source: 'memory' })
    expect(await cache.get('lxc')).toBeUndefined()
  })

  it('serves a later process from disk for the rest of the TTL', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    const first = open(dir, { clock })
    await first.cache.getOrCompute('net', answer({ up: true }))
    await first.cache.close()
    clock.advance(3000)
    const second = open(dir, { clock })
    expect(await second.cache.getOrCompute('net', never)).toEqual({ value: { up: true }, source: 'disk' })
    clock.advance(1999)
    expect((await second.cache.getOrCompute('net', never)).source).toBe('memory')
    clock.advance(2)
    expect((await second.cache.getOrCompute('net', answer(0))).source).toBe('computed')
  })

  it.each<[string, number, number]>([
    ['the wall clock stepped back', -60_000, 0],
    ['the wall clock stepped back while time passed', -3000, TTL + 1],
    ['the wall clock stepped ahead', 86_400_000, 0],
    ['the machine slept', TTL + 1, 0],
    ['time passed', TTL, TTL],
  ])('is a miss on disk when %s', async (_what, wall, mono) => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    await open(dir, { clock }).cache.getOrCompute('net', answer(1))
    await Promise.resolve()
    clock.wall += wall
    clock.mono += mono
    expect(await open(dir, { clock }).cache.get('net')).toBeUndefined()
  })

  it('is a miss on disk after a reboot', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    await open(dir, { clock }).cache.getOrCompute('net', answer(1))
    expect(await open(dir, { clock, boot: 'boot-1' }).cache.get('net')).toBeDefined()
    expect(await open(dir, { clock, boot: 'boot-2' }).cache.get('net')).toBeUndefined()
  })

  it('never stores what was asked before an invalidate, here or in another process', async () => {
    const dir = temporaryFolder()
    const clock = new TestClock()
    const [here, there] = [open(dir, { clock }), open(dir, { clock })]
    for (const invalidator of [here, there]) {
      const [started, slow] = [deferred<void>(), deferred<string>()]
      const query = here.cache.getOrCompute('net', () => {
        started.resolve()
        return slow.promise
      })
      await started.promise
      await invalidator.cache.delete('net')
      slow.resolve('from before')
      expect((await query).value).toBe('from before')
      expect(await open(dir, { clock }).cache.get('net')).toBeUndefined()
      await here.cache.delete('net')
    }
  })

  it('keeps one plugin’s answer when another is invalidated', async () => {
    const { cache } = open(temporaryFolder())
    await cache.getOrCompute('net', answer(1))
    await cache.getOrCompute('lxc', answer(2))
    await cache.delete('lxc')
    expect((await cache.getOrCompute('net', never)).source).toBe('memory')
    expect((await cache.getOrCompute('lxc', answer(3))).value).toBe(3)
  })

  it('trusts nothing on a disk where an invalidate could not be written', async () => {
    const dir = temporaryFolder()
    const { cache, store } = open(dir)
    await cache.getOrCompute('net', answer('old'))
    await Promise.resolve()
    store!.setSync = () => {
      throw new Error('EROFS')
    }
    store!.setMany = () => Promise.reject(new Error('EROFS'))
    store!.deleteMany = () => Promise.reject(new Error('EROFS'))
    await cache.delete('net')
    expect((await cache.getOrCompute('net', answer('new'))).value).toBe('new')
  })

  it.each(['../x', '/etc/passwd', 'a/b', 'A', 'con', 'x'.repeat(900), 'né\0t', '.', '..', 'net.token', '_abc', ' '])(
    'takes the plugin name %j without leaving its folder, and mixes it up with no other',
    async name => {
      const dir = temporaryFolder()
      const inner = join(dir, 'queries')
      const first = open(inner)
      await first.cache.getOrCompute('net', answer('net'))
      await first.cache.getOrCompute('a', answer('a'))
      await first.cache.getOrCompute(name, answer('theirs'))
      await Promise.resolve()
      const second = open(inner, { clock: first.clock })
      expect(await second.cache.get(name)).toEqual({ value: 'theirs', source: 'disk' })
      expect(await second.cache.get('net')).toEqual({ value: 'net', source: 'disk' })
      const keys: Key[] = []
      for await (const { key } of first.store!.list()) keys.push(key)
      expect(keys).toHaveLength(6)
    },
  )

  it('rejects names that are none, and values that cannot be copied', async () => {
    const { cache } = open(undefined)
    await expect(cache.getOrCompute('', never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(cache.getOrCompute('x'.repeat(1001), never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(cache.getOrCompute(7 as never, never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(cache.getOrCompute('net', answer({ f() {} }))).rejects.toMatchObject({ code: 'UNCACHEABLE' })
  })

  it('has room for the state of 6,000 interfaces, and says where one is too large', async () => {
    const list = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        addresses: [`10.0.${i >> 8}.${i & 255}/24`, `fe80::${i.toString(16)}/64`],
        external_ids: { 'iface-id': `9f2c-${i}`, 'vm-id': `d41d8cd98f00b204-${i}` },
        mac: `02:00:00:00:${i >> 8}:${i & 255}`,
        mtu: 1500,
        name: `veth${i}`,
        ports: [`port-${i}`],
        type: 'veth',
      }))
    const warnings: string[] = []
    const { cache } = open(undefined, { capacityBytes: QUERY_BYTES, warn: message => warnings.push(message) })
    const ask = async (state: unknown) => (await cache.getOrCompute('net', answer(state), { frozen: true })).source
    await ask(list(6000))
    expect(await ask([])).toBe('memory')
    await cache.delete('net')
    // A program that asks once has no harm of it.
    await ask(list(10_000))
    expect(warnings).toEqual([])
    expect(await ask(list(10_000))).toBe('computed')
    expect(warnings[0]).toContain('"net" answers is too large for memory')
    const called = 'net@1:unix:/x/db.sock\tnet:[4026531833] ip:/usr/sbin/ip'
    for (const _ of ['once', 'twice']) await cache.getOrCompute(called, answer(list(10_000)), { frozen: true })
    expect(warnings[1]).toContain('what "net" (unix:/x/db.sock) answers is too large')
  })

  it('keeps what JSON cannot say in memory only', async () => {
    const dir = temporaryFolder()
    const { cache, clock } = open(dir)
    const state = new Map([['eth0', new Date(0)]])
    await cache.getOrCompute('net', answer(state))
    await Promise.resolve()
    expect((await cache.getOrCompute('net', never)).value).toEqual(state)
    expect(await open(dir, { clock }).cache.get('net')).toBeUndefined()
  })

  it('passes a plugin’s own error on as it is, and asks again', async () => {
    const { cache } = open(temporaryFolder())
    const error = new TypeError('no socket')
    await expect(cache.getOrCompute('net', () => Promise.reject(error))).rejects.toBe(error)
    expect((await cache.getOrCompute('net', answer(1))).source).toBe('computed')
  })

  it('is off with a TTL of 0', async () => {
    const dir = temporaryFolder()
    const { cache } = open(dir, { ttlMs: 0 })
    await cache.getOrCompute('net', answer(1))
    expect((await cache.getOrCompute('net', answer(2))).value).toBe(2)
  })
})
