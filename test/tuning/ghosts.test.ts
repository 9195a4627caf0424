// The memory of entries that went, against a list; and the sketch of how often hashes came, against exact counts.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../../src/sample-lines.js'
import { FrequencySketch } from '../../src/tuning/policies/frequency-sketch.js'
import { Ghosts } from '../../src/tuning/policies/ghosts.js'

describe('Ghosts', () => {
  /** The latest first. */
  const model = () => {
    let list: number[] = []
    const forget = (hash: number) => {
      const known = list.includes(hash)
      list = list.filter(other => other !== hash)
      return known
    }
    return {
      add: (hash: number, most: number) => {
        forget(hash)
        list = [hash, ...list].slice(0, most)
      },
      take: forget,
      size: () => list.length,
    }
  }

  it('remembers what a list of the latest remembers, whatever its bound is', () => {
    const hash = fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1, 0x9e3779b1, 5, 6, 7, 8, 9)
    const step = fc.record({ take: fc.boolean(), hash, most: fc.constantFrom(0, 1, 3, 3, 3, 6) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), steps => {
        const [ghosts, plain] = [new Ghosts(2), model()]
        for (const { take, hash, most } of steps) {
          if (take) expect(ghosts.take(hash)).toBe(plain.take(hash))
          else {
            ghosts.add(hash, most)
            plain.add(hash, most)
          }
          expect(ghosts.size).toBe(plain.size())
        }
      }),
      { numRuns: 40 },
    )
  })

  it('grows, and loses nothing by it', () => {
    const ghosts = new Ghosts(Number.POSITIVE_INFINITY)
    for (let i = 0; i < 5000; i++) ghosts.add(i, 4000)
    expect(ghosts.size).toBe(4000)
    expect(Array.from({ length: 5000 }, (_, i) => ghosts.take(i)).filter(Boolean).length).toBe(4000)
    expect(ghosts.size).toBe(0)
    ghosts.add(7, 10)
    ghosts.clear()
    expect(ghosts.take(7)).toBe(false)
  })
})

describe('FrequencySketch', () => {
  /** Half of the requests are to a tenth of the hashes. */
  const hashes = (count: number, of: number) => {
    const random = seeded(2)
    return Array.from({ length: count }, () => {
      const few = random() < 0.5
      return Math.imul(Math.floor(random() * (few ? of / 10 : of)) + 1, 0x9e3779b1)
    })
  }

  it('never says less than there was, and seldom more', () => {
    const sketch = new FrequencySketch(1000)
    const counts = new Map<number, number>()
    for (const hash of hashes(5000, 1000)) {
      sketch.add(hash, 1)
      counts.set(hash, Math.min(15, (counts.get(hash) ?? 0) + 1))
    }
    const over = [...counts].map(([hash, times]) => sketch.often(hash) - times)
    expect(Math.min(...over)).toBe(0)
    expect(over.filter(more => more > 0).length).toBeLessThan(0.02 * over.length)
    expect(sketch.often(12345)).toBeLessThanOrEqual(1)
  })

  it('keeps what it knows when it has another room', () => {
    const sketch = new FrequencySketch(300)
    const some = [...new Set(hashes(500, 200))]
    for (const [i, hash] of some.entries()) sketch.add(hash, i % 8)
    for (const capacity of [5000, 100, 200_000, 20]) {
      sketch.resize(capacity)
      expect(sketch.capacity).toBe(capacity)
      expect(some.every((hash, i) => sketch.often(hash) >= i % 8)).toBe(true)
    }
  })

  it('counts to 15, and halves all counts', () => {
    const sketch = new FrequencySketch(100)
    for (let n = 0; n < 20; n++) sketch.add(1, 1)
    sketch.add(2, 7)
    sketch.add(3, 1)
    expect([1, 2, 3, 4].map(hash => sketch.often(hash))).toEqual([15, 7, 1, 0])
    sketch.halve()
    expect([1, 2, 3, 4].map(hash => sketch.often(hash))).toEqual([7, 3, 0, 0])
    sketch.clear()
    expect(sketch.often(1)).toBe(0)
  })
})
