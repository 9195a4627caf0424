// What plugins answer: what becomes a state, and what is none.
import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { OpDbusError } from '../../src/errors.js'
import { normaliseState } from '../../src/state/normalise.js'
import { net, systemd } from './samples.js'

const text = (answer: unknown, plugin = systemd) => JSON.stringify(normaliseState(answer, plugin))
/** As the fields of one unit. */
const unit = (fields: unknown) => text({ units: { a: fields } }).slice('{"units":{"a":'.length, -2)

function complaint(answer: unknown, plugin = systemd): string {
  try {
    normaliseState(answer, plugin)
  } catch (error) {
    expect(error).toBeInstanceOf(OpDbusError)
    expect(error).toMatchObject({ code: 'PLUGIN_FAILED', details: { plugin: plugin.name } })
    return (error as Error).message
  }
  throw new Error('it is a state')
}

describe('a state', () => {
  it('has one order: keys, keyed lists by name, sets; and is frozen throughout', () => {
    const answer = {
      routes: [],
      interfaces: [
        { trunks: [30, 9, 30, 'x', { b: 1, a: 2 }, { a: 2, b: 1 }], name: 'b' },
        { name: 'a', list: [3, 1, 3] },
      ],
    }
    expect(text(answer, net)).toBe(
      '{"interfaces":[{"list":[3,1,3],"name":"a"},{"name":"b","trunks":["x",9,30,{"a":2,"b":1}]}],"routes":[]}',
    )
    const state = normaliseState(answer, net)
    const frozen = (value: unknown): boolean =>
      typeof value !== 'object' || (Object.isFrozen(value) && Object.values(value!).every(frozen))
    expect(frozen(state)).toBe(true)
    expect(Object.isFrozen(answer.interfaces[0])).toBe(false)
    expect(text(state, net)).toBe(text(answer, net))
  })

  it('holds JSON alone: big integers as text, no -0, nothing undefined, null only within lists', () => {
    expect(unit({ a: 2n ** 64n - 1n, b: 5n, c: 2 ** 60, d: -(2 ** 53), e: 2 ** 53 - 1, f: 1e22 })).toBe(
      '{"a":"18446744073709551615","b":"5","c":"1152921504606846976","d":"-9007199254740992","e":9007199254740991,"f":"10000000000000000000000"}',
    )
    expect(normaliseState({ units: { a: { b: -0 } } }, systemd)).toStrictEqual({ units: { a: { b: 0 } } })
    expect(unit({ a: undefined, b: null, c: { d: null, e: [null, { f: null }] } })).toBe(
      '{"c":{"e":[null,{"f":null}]}}',
    )
    expect(text({})).toBe('{}')
  })

  it('may share objects, come from another realm, and have members that are called like those of every object', () => {
    const shared = { owner: 'x' }
    expect(unit({ a: shared, b: [shared, shared] })).toBe('{"a":{"owner":"x"},"b":[{"owner":"x"},{"owner":"x"}]}')
    expect(unit(runInNewContext('({ a: [{ b: 1 }] })'))).toBe('{"a":[{"b":1}]}')
    expect(unit(Object.assign(Object.create(null), { constructor: 1, toString: 'x' }))).toBe(
      '{"constructor":1,"toString":"x"}',
    )
    expect(text({ units: { constructor: {} } })).toBe('{"units":{"constructor":{}}}')
  })

  it.each<[unknown, string]>([
    [undefined, 'the whole is undefined'],
    [null, 'the whole is not an object'],
    [[], 'the whole is not an object'],
    [{ unit: {} }, '/unit is none of its resources (units)'],
    [{ constructor: {} }, '/constructor is none of its resources (units)'],
    [{ units: [] }, '/units is not an object'],
    [{ units: { '': {} } }, '/units/ has an empty name'],
    [{ units: { 'a/b': 1 } }, '/units/a~1b is not an object'],
    [{ units: { a: { ensure: 'present' } } }, '/units/a has a field "ensure", which is a word of desired files'],
    [{ units: { a: { x: Number.NaN } } }, '/units/a/x is NaN, which JSON does not have'],
    [{ units: { a: { x: -Infinity } } }, '/units/a/x is -Infinity, which JSON does not have'],
    [{ units: { a: { x: () => {} } } }, '/units/a/x is a function, which JSON does not have'],
    [{ units: { a: { x: Symbol('s') } } }, '/units/a/x is a symbol, which JSON does not have'],
    [{ units: { a: { x: [1, undefined] } } }, '/units/a/x/1 is undefined'],
    [{ units: { a: { x: new Date(0) } } }, '/units/a/x is [object Date] and no plain object'],
    [{ units: { a: { x: new Map() } } }, '/units/a/x is [object Map] and no plain object'],
    [{ units: { a: { x: Buffer.alloc(3) } } }, '/units/a/x is [object Uint8Array] and no plain object'],
    [{ units: { a: { x: new (class Unit {})() } } }, '/units/a/x is [object Object] and no plain object'],
    [{ units: { a: JSON.parse('{"__proto__":{"x":1}}') } }, '/units/a/__proto__ is no name that a member may have'],
  ])('is not %o', (answer, told) => {
    expect(complaint(answer)).toBe(`plugin systemd answered no state: ${told}`)
  })

  it('is not what throws when it is read', () => {
    const gone = (): never => {
      throw new Error('gone')
    }
    const unit = Object.defineProperty({}, 'x', { enumerable: true, get: gone })
    expect(complaint({ units: { a: unit } })).toContain('state: /units/a/x cannot be read: gone')
    expect(complaint(new Proxy({}, { ownKeys: gone }))).toContain('state: the whole cannot be read: gone')
  })

  it.each<[unknown, string]>([
    [{ interfaces: {} }, '/interfaces is not a list'],
    [{ interfaces: [null] }, '/interfaces/0 is not an object'],
    [
      { interfaces: [{ name: 'a' }, { name: '' }] },
      '/interfaces/1 has no name: "name" has to be a text that is not empty, or a number',
    ],
    [
      { interfaces: [{ name: 'a' }, { name: 'a' }] },
      '/interfaces/1 is the second of the name "a", after /interfaces/0',
    ],
    [
      { routes: [{ destination: 'a b', device: 'c' }] },
      '/routes/0 has no name: "destination" and "device" have to be texts that are not empty and hold no blank, or numbers',
    ],
    [{ interfaces: [{ name: 'a', trunks: 7 }] }, '/interfaces/0/trunks is not a list'],
    [{ hostname: [] }, '/hostname is not an object'],
  ])('is not %o where lists have names', (answer, told) => {
    expect(complaint(answer, net)).toBe(`plugin net answered no state: ${told}`)
  })

  it('ends somewhere: circles, depth and size', () => {
    const circle: Record<string, unknown> = {}
    circle.x = [circle]
    expect(complaint({ units: { a: circle } })).toContain('/units/a/x/0 leads back to what it is in')
    const nested = (depth: number) => Array.from({ length: depth }).reduce<object>(inner => ({ x: inner }), {})
    expect(() => normaliseState({ units: { a: nested(125) } }, systemd)).not.toThrow()
    expect(complaint({ units: { a: nested(126) } })).toContain('is nested deeper than 128')
    expect(complaint({ units: { a: nested(100_000) } })).toContain('is nested deeper than 128')
    expect(complaint({ units: { a: { x: 'x'.repeat(16 * 1024 * 1024) } } })).toContain('the whole is more than 16 MiB')
    // 2^60 lists, were each written out.
    let lists: unknown[] = []
    for (let i = 0; i < 60; i++) lists = [lists, lists]
    expect(complaint({ units: { a: { lists } } })).toContain('the whole is more than 16 MiB')
  })
})
