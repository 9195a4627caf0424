import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/cache/canonical-json.js'
import { deepFreeze } from '../../src/cache/frozen.js'
import { BlockCache } from '../../src/caches/block-cache.js'
import { DiffCache, type DiffInput } from '../../src/caches/diff-cache.js'
import { hash, TestClock } from '../support.js'

describe('DiffCache', () => {
  const open = (capacity = 100, ttlMs = 60_000) => {
    const clock = new TestClock()
    return { clock, cache: new DiffCache({ capacity, capacityBytes: 1e6, ttlMs, clock, hash, clockResolutionMs: 0 }) }
  }
  const input: DiffInput = { plugin: 'net', pluginVersion: '1', current: { a: 1, b: 2 }, desired: { a: 2 } }
  const never = () => {
    throw new Error('computed again')
  }

  it('computes once for equal states, whatever the order of their keys', async () => {
    const { cache } = open()
    await cache.getOrCompute(input, () => ['a'])
    const same = { ...input, current: { b: 2, a: 1 } }
    expect(await cache.getOrCompute(same, never)).toEqual({ value: ['a'], source: 'memory' })
  })

  it.each([
    ['plugin', { ...input, plugin: 'lxc' }],
    ['version', { ...input, pluginVersion: '2' }],
    ['current', { ...input, current: { a: 1 } }],
    ['desired', { ...input, desired: { a: 3 } }],
    ['direction', { ...input, current: input.desired, desired: input.current }],
  ])('does not answer for another %s', async (_what, other) => {
    const { cache } = open()
    await cache.getOrCompute(input, () => 'this')
    expect((await cache.getOrCompute(other, () => 'other')).value).toBe('other')
  })

  it('forgets after the TTL and beyond the capacity; 0 of either is off', async () => {
    const { cache, clock } = open(2)
    await cache.getOrCompute(input, () => 1)
    clock.advance(60_001)
    expect(await cache.get(input)).toBeUndefined()
    for (let i = 0; i < 3; i++) await cache.getOrCompute({ ...input, desired: i }, () => i)
    expect(await cache.get({ ...input, desired: 0 })).toBeUndefined()
    expect(await cache.get({ ...input, desired: 2 })).toEqual({ value: 2, source: 'memory' })
    for (const off of [open(0), open(100, 0)]) {
      await off.cache.getOrCompute(input, () => 1)
      expect(await off.cache.get(input)).toBeUndefined()
    }
  })

  it.each([new Map(), new Date(), [undefined], { n: Number.NaN }, 1n, () => 1, undefined])(
    'refuses %s as a state: JSON has one text for too many of them',
    async state => {
      await expect(open().cache.getOrCompute({ ...input, current: state }, never)).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
    },
  )

  it('gives equal values one canonical text and different values different ones', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const [x, y] = [canonicalJson(a), canonicalJson(b)]
        expect(JSON.parse(x)).toEqual(JSON.parse(JSON.stringify(a)))
        expect(canonicalJson(JSON.parse(x))).toBe(x)
        const equal = JSON.stringify(JSON.parse(x)) === JSON.stringify(JSON.parse(y))
        expect(x === y).toBe(equal)
      }),
    )
    // RFC 8785 writes -0 as ECMAScript does: the same key, and no error.
    expect(canonicalJson({ a: -0 })).toBe('{"a":0}')
    // The example of RFC 8785, section 3.2.3: keys sort by UTF-16 code units.
    const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 }
    expect(canonicalJson(keys)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}')
  })

  it('writes what the package `canonicalize` writes, also of keys that no object holds in order', () => {
    const key = fc.oneof(fc.constantFrom('10', '9', '0', '01', 'a', '__proto__', '-1', '4294967295'), fc.string())
    const { value } = fc.letrec(tie => ({
      value: fc.oneof({ maxDepth: 4 }, fc.jsonValue({ maxDepth: 1 }), fc.array(tie('value')), tie('object')),
      object: fc.dictionary(key, tie('value'), { noNullPrototype: false }),
    }))
    fc.assert(
      fc.property(value, state => {
        const before = JSON.stringify(state)
        expect(canonicalJson(state)).toBe((canonicalize as unknown as (value: unknown) => string)(state))
        expect(JSON.stringify(state)).toBe(before)
      }),
    )
  })

  it('looks at each part of a value once, however deep', () => {
    let deep: unknown = { b: 1, a: 2 }
    let reads = 0
    for (let i = 0; i < 100; i++) {
      const inner = deep
      deep = {
        a: 1,
        get b() {
          reads++
          return inner
        },
        c: 2,
      }
    }
    canonicalJson(deep)
    expect(reads).toBeLessThan(300)
  })

  it('lets the least recently used of 101 go, and keeps the others', async () => {
    const { cache } = open()
    const at = (i: number) => ({ ...input, desired: { mtu: i } })
    for (let i = 0; i < 100; i++) await cache.getOrCompute(at(i), () => i)
    await cache.get(at(0))
    await cache.getOrCompute(at(100), () => 100)
    expect(await cache.get(at(1))).toBeUndefined()
    for (let i = 0; i <= 100; i++) if (i !== 1) expect((await cache.get(at(i)))?.value).toBe(i)
  })

  it('computes once for the same two states asked for at once, and hands the frozen difference to who asks so', async () => {
    const { cache } = open()
    let computed = 0
    const changes = [{ path: '/mtu' }]
    const compute = async () => {
      computed++
      return changes
    }
    const call = { frozen: true }
    const answers = await Promise.all([1, 2, 3].map(() => cache.getOrCompute(input, compute, call)))
    expect([computed, ...answers.map(({ value }) => value === changes)]).toEqual([1, true, true, true])
    expect(cache.view({ ...input, current: { b: 2, a: 1 } })).toBe(changes)
  })

  it('hashes a state that is frozen to its leaves once, and any other each time', async () => {
    const clock = new TestClock()
    let hashed = 0
    const sha256 = (text: string) => {
      hashed++
      return hash.sha256(text)
    }
    const counting = { ...hash, sha256 }
    const cache = new DiffCache({ capacity: 100, capacityBytes: 1e6, ttlMs: 60_000, clock, hash: counting })
    const [frozen, half, open] = [{ a: { b: 1 } }, { a: { b: 1 } }, { a: { b: 1 } }]
    deepFreeze(frozen)
    Object.freeze(half)
    for (const [current, times] of [
      [frozen, 1],
      [half, 3],
      [open, 3],
    ] as const) {
      const fixed = deepFreeze({ of: [times] })
      await cache.get({ ...input, current, desired: fixed })
      hashed = 0
      for (let i = 0; i < 3; i++) await cache.get({ ...input, current, desired: fixed })
      expect(hashed).toBe(times === 1 ? 0 : 3)
    }
    half.a.b = 2
    await cache.getOrCompute({ ...input, current: half }, () => 'changed')
    expect(await cache.get({ ...input, current: frozen })).toBeUndefined()
  })

  it('says INVALID_INPUT for circles and for a depth that no stack holds', () => {
    const circle: { self?: unknown } = {}
    circle.self = circle
    let deep: unknown = 1
    for (let i = 0; i < 200_000; i++) deep = [deep]
    for (const state of [circle, deep]) {
      expect(() => canonicalJson(state)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    }
  })
})

describe('BlockCache', () => {
  const open = (capacity = 10, capacityBytes = 1e6) =>
    new BlockCache({ hash, capacity, capacityBytes, clock: new TestClock() })
  const block = (n: number) => ({ number: n, hash: `h${n}`, data: { plugin: 'net' } })

  it('loads a block once, then answers from memory', async () => {
    const cache = open()
    expect(await cache.getOrCompute(100, () => block(100))).toEqual({ value: block(100), source: 'computed' })
    expect(await cache.get(100)).toEqual({ value: block(100), source: 'memory' })
  })

  it('writes through on set and forgets on delete', async () => {
    const cache = open()
    cache.set(1, block(1))
    cache.set(1, block(11))
    expect((await cache.get(1))?.value).toEqual(block(11))
    expect(await cache.delete(1)).toBe(true)
    expect(await cache.delete(1)).toBe(false)
    expect(await cache.get(1)).toBeUndefined()
  })

  it('keeps at most its capacity', async () => {
    const cache = open(10)
    for (let n = 0; n < 250; n++) cache.set(n, block(n))
    expect((await cache.stats()).memory).toMatchObject({ size: 10, evictions: 240 })
  })

  it.each([-1, 1.5, Number.NaN, 2 ** 53, '1', '../x'])('refuses %s as a block number', async n => {
    const cache = open()
    await expect(cache.get(n as number)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(() => cache.set(n as number, 1)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  it('is off with a capacity of 0', async () => {
    const cache = open(0)
    cache.set(1, block(1))
    expect(await cache.getOrCompute(1, () => block(1))).toMatchObject({ source: 'computed' })
    expect(await cache.get(1)).toBeUndefined()
    cache.shelf().set(1, block(1), 100)
    expect(cache.shelf().view(1)).toBeUndefined()
  })

  it('keeps the numbers of a shelf apart, in the same room and with the same counts', async () => {
    const cache = open(4)
    const [one, other] = [cache.shelf(), cache.shelf()]
    cache.set(1, block(1))
    const kept = block(2)
    one.set(1, kept, 100)
    other.set(1, block(3), 100)
    expect(one.view(1)).toBe(kept)
    expect([other.view(1), (await cache.get(1))?.value]).toEqual([block(3), block(1)])
    expect(await cache.delete(1)).toBe(true)
    expect([one.has(1), other.has(1), one.has(2)]).toEqual([true, true, false])
    one.missed(1)
    expect(await cache.stats()).toMatchObject({ hits: 3, misses: 1, memory: { size: 2 } })
    one.clear()
    expect([one.has(1), other.has(1)]).toEqual([false, true])
    for (let n = 0; n < 4; n++) cache.set(n, block(n))
    expect(other.has(1)).toBe(false)
    one.set(7, block(7), 2e6)
    expect(one.has(7)).toBe(false)
    await cache.clear()
    expect((await cache.stats()).memory.size).toBe(0)
  })
})
