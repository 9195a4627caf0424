// Hashes of entries' names: each is worked out once for a while, and keeps no more of a file than its own line.
import { expect, it } from 'vitest'
import { KeyHashes } from '../../src/cache/key-hashes.js'
import { collectGarbage } from '../bench/measure.js'

it('works out a hash once, until so much else came that its bytes are taken', () => {
  const asked: string[] = []
  const hashes = new KeyHashes(id => {
    asked.push(id)
    return `#${id}`
  })
  expect([hashes.of('a'), hashes.of('a')]).toEqual(['#a', '#a'])
  expect(asked).toEqual(['a'])
  for (let i = 0; i < 3000; i++) hashes.of(`${i}`.padEnd(1000, '.'))
  expect(hashes.of('a')).toBe('#a')
  expect(asked.filter(id => id === 'a')).toHaveLength(2)
})

it('keeps no file in memory of which it knows a line', () => {
  const hashes = new KeyHashes(id => `#${id.length}`)
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  for (let file = 0; file < 6; file++) {
    // In the heap, where it is counted.
    const text = JSON.parse(JSON.stringify('line of a file '.repeat(4e5) + file)) as string
    hashes.of(text.slice(1000 + file, 1100))
  }
  collectGarbage()
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(9e6)
  expect(hashes.of('x')).toBe('#1')
})
