// Footprints in a file: which there are, and where what is wrong with one stands.
import { describe, expect, it } from 'vitest'
import { footprintInLine, footprintsIn, withPlace } from '../../src/cli/run/blockchain/footprints.js'
import { OpDbusError } from '../../src/errors.js'

const read = (text: string) => footprintsIn(Buffer.from(text), 'f.json')
const faultOf = (text: string) => {
  try {
    read(text)
    return 'none'
  } catch (error) {
    return (error as Error).message
  }
}

describe('a file of footprints', () => {
  it.each([
    ['one document over several lines', '{\n  "a": 1\n}\n', [{ a: 1 }]],
    ['one line', '{"a":1}', [{ a: 1 }]],
    ['a list', '[{"a":1},\n {"a":2}]', [{ a: 1 }, { a: 2 }]],
    ['JSON Lines, empty ones left out', '{"a":1}\n\n{"a":2}\r\n{"a":3}', [{ a: 1 }, { a: 2 }, { a: 3 }]],
  ])('is %s', (_what, text, values) => {
    expect(read(text).map(({ value }) => value)).toEqual(values)
  })

  it.each([
    ['{\n  "a": 1,\n}', /^f\.json:3:1: is not JSON: a name in double quotes is expected/],
    ['{"a":1}\n{"a":2\n{"a":3}', /^f\.json:2:\d+: is not JSON/],
    ['{"a":1}\n\n{"a":1,"a":2}\n', /^f\.json:3:8: \/a is there twice$/],
    ['{"a":1}\n{"__proto__":{}}', /^f\.json:2:2: \/__proto__ is no name/],
    ['', /^f\.json:1:1: is empty/],
    ['[]', /^f\.json:1:1: holds no footprint/],
    ['plugin_id: net', /^f\.json:1:1: is not JSON/],
  ])('%j is refused with its place', (text, message) => {
    expect(faultOf(text)).toMatch(message)
  })

  it('that is not UTF-8 is refused whole', () => {
    expect(() => footprintsIn(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'f')).toThrow(
      'f:1:1: is not UTF-8',
    )
  })
})

it('what the chain says against one gets the place of the member', () => {
  const against = (index: number, path: string) =>
    new OpDbusError('INVALID_INPUT', `footprint ${index}: data is wrong`, { details: { index, path } })
  const list = read('[{"data":{"x":1}},\n {"data":{"x":2}}]')
  expect(withPlace(against(1, '/data/x'), 'f.json', list)).toMatchObject({ message: 'f.json:2:11: data is wrong' })
  expect(withPlace(against(1, '/plugin_id'), 'f.json', list)).toMatchObject({ message: 'f.json:2:2: data is wrong' })
  const lines = read('{"data":1}\n\n{"data":2}')
  expect(withPlace(against(1, '/data'), 'f.json', lines)).toMatchObject({ message: 'f.json:3:2: data is wrong' })
  expect(withPlace(against(0, ''), 'x', [footprintInLine('{}', 'x', 17)])).toMatchObject({
    message: 'x:17:1: data is wrong',
  })
  const other = new OpDbusError('STORE', 'full')
  expect(withPlace(other, 'f', list)).toBe(other)
})
