// The bytes of a trace file, and the lists that are made of them: what goes in comes out, and nothing that was changed does.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mergeTraces } from '../../src/tuning/merge-traces.js'
import { NO_NEXT, nextAccesses } from '../../src/tuning/next-access.js'
import { type OneRequest, REQUEST_COLUMNS, RequestList } from '../../src/tuning/request-list.js'
import { CACHE_ORDER, KEY_SPAN, keyOfHash, OUTCOMES, type Requests } from '../../src/tuning/requests.js'
import {
  BLOCK_RECORDS,
  blockLength,
  decodeBlock,
  decodeHeader,
  encodeHeader,
  TraceBlock,
  type TraceHeader,
} from '../../src/tuning/trace-format.js'
import { crc32, hash } from '../support.js'

const HEADER: TraceHeader = {
  process: '0123456789abcdef0123456789abcdef',
  part: 1,
  began: 1_700_000_000_000,
  caches: { embeddings: { disk: true, policy: 'lru', capacity: 10_000, bytes: 20_480_000 } },
}

const request: fc.Arbitrary<OneRequest> = fc.record({
  at: fc.integer({ min: 0, max: 100_000 }),
  cache: fc.nat(CACHE_ORDER.length - 1),
  key: fc.maxSafeNat().map(key => key % KEY_SPAN),
  bytes: fc.nat(2 ** 32 - 1),
  tokens: fc.nat(2 ** 32 - 1),
  cost: fc.float({ min: 0, max: Math.fround(1e11), noNaN: true }),
  micros: fc.float({ min: 0, max: Math.fround(1e11), noNaN: true }),
  outcome: fc.nat(OUTCOMES.length - 1),
})

const inOrder = (list: OneRequest[]) => list.sort((one, other) => one.at - other.at)

function rows(requests: Requests): OneRequest[] {
  return Array.from({ length: requests.length }, (_, i) => {
    const row = {} as OneRequest
    for (const name of REQUEST_COLUMNS) row[name] = requests[name][i]!
    return row
  })
}

function listOf(list: readonly OneRequest[]): Requests {
  const made = new RequestList()
  for (const one of list) made.push(one)
  return made.finish()
}

function encoded(list: readonly OneRequest[], number = 3, headerCrc = 77): Uint8Array {
  const block = new TraceBlock()
  for (const one of list) block.add(one, 0.5)
  return block.finish(number, headerCrc, crc32).slice()
}

describe('a block', () => {
  it('gives back what was put in', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 50 }).map(inOrder), list => {
        const bytes = encoded(list)
        expect(blockLength(bytes, 0)).toBe(bytes.length)
        const block = decodeBlock(bytes, 3, 77, crc32)!
        const back: OneRequest[] = []
        block.each(one => back.push({ ...one }))
        expect(block).toMatchObject({ records: list.length, rate: list.length > 0 ? 0.5 : 1 })
        expect(back).toEqual(list)
      }),
    )
  })

  it('is refused with any bit turned, any byte too few, under another number, and in another file', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 5 }).map(inOrder), fc.nat(), fc.nat(7), (list, at, bit) => {
        const bytes = encoded(list)
        expect(decodeBlock(bytes, 4, 77, crc32)).toBeUndefined()
        expect(decodeBlock(bytes, 3, 78, crc32)).toBeUndefined()
        expect(decodeBlock(bytes.subarray(0, at % bytes.length), 3, 77, crc32)).toBeUndefined()
        bytes[at % bytes.length]! ^= 1 << bit
        expect(decodeBlock(bytes, 3, 77, crc32)).toBeUndefined()
      }),
    )
  })

  it('takes records of one rate, in order, as many as it has room for; what no field holds becomes the nearest that fits', () => {
    const block = new TraceBlock()
    const one = {
      at: 10,
      cache: 0,
      key: 1,
      bytes: 2 ** 40,
      tokens: Number.NaN,
      cost: Number.POSITIVE_INFINITY,
      micros: -1,
      outcome: 0,
    }
    block.add(one, 1)
    expect([block.takes(10, 1), block.takes(9, 1), block.takes(10, 0.5), block.takes(10 + 2 ** 32, 1)]).toEqual([
      true,
      false,
      false,
      false,
    ])
    while (block.records < BLOCK_RECORDS) block.add(one, 1)
    expect(block.takes(10, 1)).toBe(false)
    const back: OneRequest[] = []
    decodeBlock(block.finish(0, 0, crc32), 0, 0, crc32)!.each(found => back.push({ ...found }))
    expect(back).toHaveLength(BLOCK_RECORDS)
    expect(back[0]).toMatchObject({ bytes: 2 ** 32 - 1, tokens: 0, micros: 0 })
    expect(back[0]!.cost).toBeCloseTo(1e12, -6)
  })

  it('that says what no recorder can know is none, though its checksum is right', () => {
    const one: OneRequest = { at: 10, cache: 0, key: 5, bytes: 1, tokens: 1, cost: 1, micros: 1, outcome: 0 }
    for (const [at, rate] of [
      [10, 1e-300],
      [10, 2],
      [-1, 1],
      [-1e300, 1],
      [1e300, 1],
      [Number.NaN, 1],
    ] as const) {
      const block = new TraceBlock()
      block.add({ ...one, at }, rate)
      expect(decodeBlock(block.finish(0, 0, crc32), 0, 0, crc32), `${at} ${rate}`).toBeUndefined()
    }
    const caches = { embeddings: { disk: true, policy: 'lru', capacity: 2 ** 53 - 1 } } as const
    const { bytes } = encodeHeader({ ...HEADER, caches }, crc32)
    expect((decodeHeader(bytes, crc32) as { header: TraceHeader }).header.caches).toEqual({
      embeddings: { disk: true, policy: 'lru' },
    })
    expect(decodeHeader(encodeHeader({ ...HEADER, began: 1e300 }, crc32).bytes, crc32)).toBe('damaged')
  })
})

describe('a header', () => {
  it('gives back what was put in, and says what else it is', () => {
    const { bytes, crc } = encodeHeader(HEADER, crc32)
    expect(decodeHeader(bytes, crc32)).toEqual({ header: HEADER, crc, end: bytes.length })
    const other = bytes.slice()
    other[8] = 2
    expect(decodeHeader(other, crc32)).toBe('version')
    expect(decodeHeader(bytes.subarray(0, 7), crc32)).toBe('no-trace')
    expect(decodeHeader(bytes.subarray(0, 30), crc32)).toBe('damaged')
  })

  it('is refused with any bit turned', () => {
    const { bytes } = encodeHeader(HEADER, crc32)
    for (let at = 0; at < bytes.length; at++) {
      const other = bytes.slice()
      other[at]! ^= 1 << (at % 8)
      expect(typeof decodeHeader(other, crc32), `byte ${at}`).toBe('string')
    }
  })

  it('of somebody who means harm is refused, or what it says of caches left out', () => {
    const hostile = (header: unknown) => decodeHeader(encodeHeader(header as TraceHeader, crc32).bytes, crc32)
    for (const header of [
      null,
      [],
      7,
      {},
      { ...HEADER, process: '../../etc' },
      { ...HEADER, part: -1 },
      { ...HEADER, began: '1' },
    ]) {
      expect(hostile(header)).toBe('damaged')
    }
    const caches = {
      embeddings: { disk: 'yes', policy: 'lru' },
      blocks: { disk: true, policy: '<script>' },
      __proto__: { a: 1 },
    }
    expect(hostile({ ...HEADER, caches })).toMatchObject({ header: { caches: {} } })
    expect(
      hostile({ ...HEADER, caches: { diffs: { disk: false, policy: 'lru', capacity: -5, bytes: 1e300 } } }),
    ).toMatchObject({
      header: { caches: { diffs: { disk: false, policy: 'lru' } } },
    })
  })
})

describe('a list of requests', () => {
  it('becomes columns, of which no time is before the one before it', () => {
    fc.assert(
      fc.property(fc.array(request, { maxLength: 700 }), list => {
        let last = Number.NEGATIVE_INFINITY
        const expected = list.map(one => {
          last = Math.max(last, one.at)
          return { ...one, at: last }
        })
        expect(rows(listOf(list))).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  it('keeps part of the keys: all requests to each of them', () => {
    fc.assert(
      fc.property(
        fc.array(request, { maxLength: 700 }).map(inOrder),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (list, rate) => {
          const made = new RequestList()
          for (const one of list) made.push(one)
          made.keepBelow(rate)
          const kept = list.filter(({ key }) => key < rate * KEY_SPAN)
          expect(made.length).toBe(kept.length)
          expect(rows(made.finish())).toEqual(kept)
        },
      ),
      { numRuns: 30 },
    )
  })
})

it('traces of several processes are one in the order of time, at the part of the keys that all have', () => {
  const traces = fc.array(
    fc.record({ list: fc.array(request, { maxLength: 60 }).map(inOrder), rate: fc.constantFrom(1, 0.5, 0.25) }),
    { minLength: 1, maxLength: 6 },
  )
  fc.assert(
    fc.property(traces, fc.option(fc.nat(3), { nil: undefined }), (all, cache) => {
      const merged = mergeTraces(
        all.map(({ list, rate }) => ({ requests: listOf(list), rate, disk: {} })),
        cache,
      )
      const lowest = Math.min(...all.map(({ rate }) => rate))
      // Sorting is stable: of equal times the first trace goes first.
      const expected = inOrder(all.flatMap(({ list }) => list)).filter(
        one => one.key < lowest * KEY_SPAN && (cache === undefined || one.cache === cache),
      )
      expect(merged.rate).toBe(lowest)
      expect(rows(merged.requests)).toEqual(expected)
    }),
  )
})

it('the next request to a key is the next one', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(0, 1, 2, 3, 2 ** 32, 2 ** 51, KEY_SPAN - 1), { maxLength: 60 }), keys => {
      const expected = keys.map((key, i) => (keys.indexOf(key, i + 1) < 0 ? NO_NEXT : keys.indexOf(key, i + 1)))
      expect([...nextAccesses(Float64Array.from(keys))]).toEqual(expected)
    }),
  )
})

it('a key is the first 52 bits of its hash', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      const name = hash.sha256(text)
      expect(keyOfHash(name)).toBe(Number(BigInt(`0x${name}`) >> 204n))
    }),
  )
  expect(keyOfHash('F'.repeat(64))).toBe(KEY_SPAN - 1)
})
