// The made-up log lines: the same every time, all different, of mixed length.
import { expect, test } from 'vitest'
import { logLines, seededRandom } from './log-lines.js'

test('the same seed gives the same lines, another seed others', () => {
  expect(logLines(200, 7)).toEqual(logLines(200, 7))
  expect(logLines(200, 7)).not.toEqual(logLines(200, 8))
  expect(logLines(300, 7).slice(0, 200)).toEqual(logLines(200, 7))
})

test('no line comes twice, and lengths differ as in real logs', () => {
  const lines = logLines(10_000)
  expect(new Set(lines).size).toBe(10_000)
  const lengths = lines.map(line => line.length).sort((a, b) => a - b)
  expect(lengths[1000]).toBeLessThan(40)
  expect(lengths[9000]).toBeGreaterThan(100)
  expect(lengths.at(-1)).toBeLessThan(400)
})

test('the random numbers fill [0, 1) evenly', () => {
  const random = seededRandom(1)
  const buckets = new Array<number>(10).fill(0)
  for (let i = 0; i < 10_000; i++) buckets[Math.floor(random() * 10)]!++
  for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
