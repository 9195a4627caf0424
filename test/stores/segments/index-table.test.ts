// The index against a plain list of what it should hold, with fingerprints that collide.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { IndexTable } from '../../../src/stores/segments/index-table.js'
import { keyAt, keyText, newParsedKey, parseKey } from '../../../src/stores/segments/parsed-key.js'

const find = (table: IndexTable, a: number, b: number): number[] => {
  const found: number[] = []
  found.length = table.find(a, b, found)
  return found.sort((x, y) => x - y)
}

describe('IndexTable', () => {
  it('holds what a list holds, through collisions, removals, sweeps and growth', () => {
    const a = fc.constantFrom(0, 1, 64, -1, 128)
    const entry = fc.record({ a, b: fc.constantFrom(0, 7), number: fc.integer({ min: 1, max: 40 }) })
    const op = fc.oneof(
      { weight: 6, arbitrary: entry.map(e => ({ op: 'insert' as const, ...e })) },
      { weight: 3, arbitrary: entry.map(e => ({ op: 'remove' as const, ...e })) },
      { weight: 1, arbitrary: entry.map(e => ({ op: 'sweep' as const, ...e })) },
      { weight: 1, arbitrary: entry.map(e => ({ op: 'reserve' as const, ...e })) },
    )
    fc.assert(
      fc.property(fc.array(op, { maxLength: 200 }), ops => {
        const table = new IndexTable()
        let model: { a: number; b: number; number: number }[] = []
        for (const { op, a, b, number } of ops) {
          const same = (e: (typeof model)[number]) => e.a === a && e.b === b && e.number === number
          if (op === 'insert' && !model.some(same)) {
            table.insert(a, b, number)
            model.push({ a, b, number })
          } else if (op === 'remove') {
            expect(table.remove(a, b, number)).toBe(model.some(same))
            model = model.filter(e => !same(e))
          } else if (op === 'sweep') {
            table.sweep(n => n % 8 === number % 8)
            model = model.filter(e => e.number % 8 !== number % 8)
          } else if (op === 'reserve') {
            table.reserve(number)
          }
          const wanted = model.filter(e => e.a === a && e.b === b).map(e => e.number)
          expect(find(table, a, b)).toEqual(wanted.sort((x, y) => x - y))
          expect(table.records).toBe(model.length)
          expect(table.distinct).toBe(new Set(model.map(e => `${e.a} ${e.b}`)).size)
        }
        expect([...table.numbers()]).toEqual(model.map(e => e.number).sort((x, y) => x - y))
      }),
    )
  })

  it('takes at most 32 bytes an entry once it is not tiny, however it came to its size', () => {
    for (const reserve of [0, 1]) {
      const table = new IndexTable()
      if (reserve) table.reserve(100_000)
      for (let i = 1; i <= 100_000; i++) {
        table.insert(Math.imul(i, 0x9e3779b1), i, i)
        if (i % 1000 === 0 && (!reserve || i === 100_000)) expect(table.bytes / i).toBeLessThanOrEqual(32.1)
      }
    }
  })
})

describe('parseKey', () => {
  it('takes 64 lowercase hex digits and gives them back', () => {
    const digit = fc.constantFrom(...'0123456789abcdef')
    fc.assert(
      fc.property(fc.array(digit, { minLength: 64, maxLength: 64 }), digits => {
        const key = digits.join('')
        const [parsed, read] = [newParsedKey(), newParsedKey()]
        expect(parseKey(key, parsed)).toBe(true)
        expect(keyText(parsed)).toBe(key)
        keyAt(Buffer.from(`00${key}`, 'hex'), 1, read)
        expect([read.a, read.b]).toEqual([parsed.a, parsed.b])
      }),
    )
  })

  it('takes nothing else', () => {
    const key = '0123456789abcdef'.repeat(4)
    for (const bad of ['', key.slice(1), `${key}0`, key.toUpperCase()])
      expect(parseKey(bad, newParsedKey())).toBe(false)
    for (let at = 0; at < 64; at++) {
      for (const character of ['g', 'A', '/', ':', '`', '\0', '\u0130', '\uff10', '\u0661']) {
        expect(parseKey(key.slice(0, at) + character + key.slice(at + 1), newParsedKey())).toBe(false)
      }
    }
  })
})
