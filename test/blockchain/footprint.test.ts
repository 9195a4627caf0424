// Footprints, their hashes, and blocks as lines: golden values of op-dbus, what is refused, and that nothing can be changed unseen.
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FootprintInput, MAX_HEADER_BYTES, NO_PREVIOUS } from '../../src/blockchain/block.js'
import { bodyFault, draftOf, footprintJson, sha256 } from '../../src/blockchain/footprint.js'
import { blockHash, headerJson, lineOf, readLine } from '../../src/blockchain/line.js'
import { canonicalJson } from '../../src/cache/canonical-json.js'

const NOW = 1_700_000_000_999
const PLACE = { number: 0, previous: NO_PREVIOUS, timestamp: NOW }
const DATA = { interface: 'eth0', ip: '192.168.1.100', status: 'active' }
const DATA_HASH = 'fb24df6b31b954002a2aff3edbe27d8aa781b9be1c9b777b0c2de28517bcdb0b'
const CONTENT_HASH = 'b5dd479749467d860ec0e901cdd527981a2b2df88ca7f910b97366a15d90597d'

function draft(rest: Partial<Record<keyof FootprintInput, unknown>> = {}) {
  return draftOf({ plugin_id: 'net', operation: 'create', ...rest } as FootprintInput, NOW)
}

function refused(rest: Partial<Record<keyof FootprintInput, unknown>>): { message: string; path: unknown } {
  try {
    draft(rest)
  } catch (error) {
    expect(error).toMatchObject({ code: 'INVALID_INPUT' })
    const { message, details } = error as { message: string; details: { path?: unknown } }
    return { message, path: details.path }
  }
  throw new Error('was not refused')
}

describe('a footprint', () => {
  it('has the hashes that op-dbus gives it', () => {
    const { body } = draft({ data: DATA, timestamp: 1_700_000_000 })
    expect(body.footprint).toEqual({
      plugin_id: 'net',
      operation: 'create',
      timestamp: 1_700_000_000,
      data_hash: DATA_HASH,
      content_hash: CONTENT_HASH,
    })
    const hashes = { data_hash: DATA_HASH, content_hash: CONTENT_HASH, timestamp: 1_700_000_000 }
    expect(draft({ data: DATA, ...hashes }).body).toEqual(body)
    expect(draft(hashes).body.footprint).toEqual(body.footprint)
    expect(draft(hashes).body).not.toHaveProperty('data')
  })

  it('hashes data by the order of UTF-8, where RFC 8785 has another', () => {
    const data = { '\u{1F600}': 1, '\uFFFD': 2, a: [{ z: 1, b: 2 }] }
    expect(footprintJson(data)).toBe('{"a":[{"b":2,"z":1}],"\uFFFD":2,"\u{1F600}":1}')
    expect(draft({ data }).body.footprint.data_hash).toBe(sha256(footprintJson(data)))
  })

  it('happens now, and without data, unless it says otherwise', () => {
    const { body } = draft()
    expect(body.footprint).toMatchObject({ timestamp: 1_700_000_000, data_hash: sha256('null') })
    expect(body).toMatchObject({ metadata: {}, text: 'plugin: net\noperation: create' })
  })

  it('takes a megabyte of metadata', () => {
    const metadata = { long: 'x'.repeat(1 << 20) }
    const { block, text } = lineOf(draft({ metadata }), PLACE)
    expect(block.body?.metadata).toEqual(metadata)
    expect(readLine(text.slice(0, -1)).block).toEqual(block)
  })

  const circle: Record<string, unknown> = {}
  circle.in = [circle]
  it.each<[string, Partial<Record<keyof FootprintInput, unknown>>, string | undefined]>([
    ['a circle', { data: circle }, '/data/in/0'],
    ['NaN', { data: { a: [1, Number.NaN] } }, '/data/a/1'],
    ['an infinity', { metadata: { a: Number.POSITIVE_INFINITY } }, '/metadata/a'],
    ['an integer that no double holds', { data: 2 ** 53 }, '/data'],
    ['__proto__', { data: JSON.parse('{"a":{"__proto__":{"x":1}}}') }, '/data/a/__proto__'],
    ['half a surrogate pair in data', { data: { a: '\ud800' } }, '/data/a'],
    ['half a surrogate pair in a name', { metadata: { '\udc00': 1 } }, '/metadata/\udc00'],
    ['half a surrogate pair in the text', { text: 'a\ud83d' }, '/text'],
    ['half a surrogate pair in the plugin', { plugin_id: '\ud83d' }, '/plugin_id'],
    ['a date', { data: { at: new Date(0) } }, '/data/at'],
    ['a map', { data: new Map([[1, 2]]) }, '/data'],
    ['a function', { metadata: { f: () => 1 } }, '/metadata/f'],
    ['no plugin', { plugin_id: '' }, '/plugin_id'],
    ['a name that is too long', { operation: 'é'.repeat(129) }, '/operation'],
    ['a text that is too long', { text: 'x'.repeat((1 << 20) + 1) }, '/text'],
    ['metadata that is no object', { metadata: [1] }, '/metadata'],
    ['metadata under names of ours', { metadata: { 'op-dbus:import': {} } }, '/metadata/op-dbus:import'],
    ['a timestamp that is none', { timestamp: 1.5 }, '/timestamp'],
    ['no timestamp in its place', { timestamp: null }, '/timestamp'],
    ['a timestamp in milliseconds', { timestamp: 1_700_000_000_000 }, '/timestamp'],
    ['a hash that is none', { data_hash: DATA_HASH.toUpperCase() }, '/data_hash'],
    ["another data's hash", { data: 1, data_hash: DATA_HASH }, '/data_hash'],
    ['another content hash', { content_hash: CONTENT_HASH }, '/content_hash'],
    ['a member that there is not', { 'dat\u001b': 1 } as never, '/dat\u001b'],
    ['a depth of 100,000', { data: deep(100_000) }, undefined],
  ])('is refused with %s', (_, rest, path) => {
    const found = refused(rest)
    if (path !== undefined) expect(found.path).toBe(path)
    expect(found.message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
    expect(found.message.length).toBeLessThan(400)
  })

  it('changes nothing that all objects share', () => {
    refused({ data: JSON.parse('{"__proto__":{"polluted":1}}') })
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('a block as a line', () => {
  const anyDraft = fc
    .record({
      plugin_id: fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
      operation: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
      data: fc.jsonValue(),
      metadata: fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }),
    })
    .map(input => {
      try {
        return draftOf(input as FootprintInput, NOW)
      } catch {
        return draft()
      }
    })

  it('is the same block when it is read', () => {
    fc.assert(
      fc.property(anyDraft, fc.nat(), fc.nat(3), (one, number, more) => {
        const { block, text } = lineOf(one, { number: number + 1, previous: DATA_HASH, timestamp: NOW }, more)
        expect(readLine(text.slice(0, -1))).toEqual({ block, more })
        expect(headerJson(block.header)).toBe(canonicalJson(block.header))
        expect(bodyFault(block.header, block.body!)).toBeUndefined()
        expect(text.indexOf('\n')).toBe(text.length - 1)
      }),
      { numRuns: 200 },
    )
  })

  it('has the leaf hash of RFC 6962 over its header', () => {
    const { block } = lineOf(draft({ data: DATA }), PLACE)
    const leaf = createHash('sha256').update(Buffer.of(0)).update(canonicalJson(block.header)).digest('hex')
    expect(block.hash).toBe(leaf)
    expect(blockHash(headerJson(block.header))).toBe(leaf)
  })

  it('has a header of at most 4 KB, whatever the names are', () => {
    const longest = '\u0001'.repeat(256)
    const { block } = lineOf(draft({ plugin_id: longest, operation: longest }), PLACE)
    expect(Buffer.byteLength(headerJson(block.header))).toBeLessThanOrEqual(MAX_HEADER_BYTES)
  })

  it('is frozen to its leaves', () => {
    const { block, text } = lineOf(draft({ data: { list: [{}] } }), PLACE)
    for (const { body } of [block, readLine(text.slice(0, -1)).block]) {
      expect(Object.isFrozen((body!.data as { list: object[] }).list[0])).toBe(true)
    }
  })

  it.each([
    ['', 'is no JSON'],
    ['[]', 'has no header'],
    ['{"header":{}}', 'has a header with other members'],
  ])('is none: %s', (text, why) => {
    expect(() => readLine(text)).toThrow(why)
  })
})

function deep(depth: number): unknown {
  let value: unknown = 1
  for (let i = 0; i < depth; i++) value = [value]
  return value
}
