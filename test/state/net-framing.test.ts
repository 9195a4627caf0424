// Messages of OVSDB out of bytes: cut anywhere, concatenated, with numbers that no double holds.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MessageFramer, parseExact } from '../../src/state/plugins/net/framing.js'

const MOST = 1 << 20

it('finds each message again, wherever its bytes are cut', () => {
  // What is told apart in the stream, and characters of two and four bytes.
  const text = fc.string({
    unit: fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', '\n', 'a', 'ß', '😀'),
    maxLength: 12,
  })
  const leaf = fc.oneof(
    text,
    fc.array(text, { maxLength: 3 }),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
  )
  const message = fc.dictionary(text, fc.oneof(leaf, fc.dictionary(text, leaf, { maxKeys: 3 })), { maxKeys: 4 })
  const space = fc.constantFrom('', ' ', '\n', '\r\n\t')
  fc.assert(
    fc.property(
      fc.array(fc.tuple(message, space), { maxLength: 5 }),
      fc.array(fc.nat(40), { minLength: 1 }),
      (sent, cuts) => {
        const bytes = Buffer.from(sent.map(([each, after]) => JSON.stringify(each) + after).join(''))
        const framer = new MessageFramer(MOST)
        const found: unknown[] = []
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const length = 1 + cuts[i % cuts.length]!
          found.push(...framer.push(bytes.subarray(at, at + length)))
          at += length
        }
        expect(found).toEqual(sent.map(([each]) => exact(each)))
        expect(framer.partial).toBe(false)
      },
    ),
    { numRuns: 200 },
  )
})

it('knows a message that is not complete, at every byte of it', () => {
  const bytes = Buffer.from(JSON.stringify({ id: 1, result: ['ß"\\', { a: [1] }], error: null }))
  for (let at = 1; at < bytes.length; at++) {
    const framer = new MessageFramer(MOST)
    expect(framer.push(bytes.subarray(0, at))).toEqual([])
    expect(framer.partial).toBe(true)
    expect(framer.push(bytes.subarray(at))).toHaveLength(1)
  }
})

it.each(['garbage', '[]', '"text"', '}', '{"a":1]', '{a:1}', '{"a":1}}', '1', '\u0000', '{"a":01}'])(
  'throws at %j',
  text => {
    expect(() => new MessageFramer(MOST).push(Buffer.from(text))).toThrow('it sent')
  },
)

it('throws at what is no UTF-8, and at what never ends', () => {
  expect(() => new MessageFramer(MOST).push(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow('it sent')
  const framer = new MessageFramer(10)
  framer.push(Buffer.from('{"a":"12'))
  expect(() => framer.push(Buffer.from('3456'))).toThrow('more than 10 bytes')
})

it('keeps integers that no double holds, and nothing else is another', () => {
  expect(
    parseExact('{"a":9223372036854775807,"b":-9007199254740993,"c":9007199254740991,"d":"9223372036854775807"}'),
  ).toEqual({
    ...{ a: '9223372036854775807', b: '-9007199254740993' },
    ...{ c: 9007199254740991, d: '9223372036854775807' },
  })
  const numbers = '[1.2345678901234567890,12345678901234567890e3,"\\"12345678901234567890"]'
  expect(parseExact(numbers)).toEqual(JSON.parse(numbers))
  expect(() => parseExact('{12345678901234567890:1}')).toThrow()
  fc.assert(
    fc.property(fc.jsonValue(), fc.bigInt(), (value, integer) => {
      const text = `[${JSON.stringify(value)},${integer}]`
      const number = Number(integer)
      expect(parseExact(text)).toEqual([exact(value), Number.isSafeInteger(number) ? number : String(integer)])
    }),
  )
})

/** What a value is when it has gone through JSON: what a double holds only by chance is a text. */
function exact(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_, each: unknown) => {
    const unsafe = typeof each === 'number' && !Number.isSafeInteger(each) && /^-?\d+$/.test(String(each))
    return unsafe ? String(each) : each
  })
}
