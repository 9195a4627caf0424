// Turns and medians. Nothing here depends on how fast this machine is.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { median, nanosecondsPerCall, secondsOf, takeTurns } from './measure.js'

describe('median', () => {
  test('known cases', () => {
    expect(median([3])).toBe(3)
    expect(median([9, 1, 5])).toBe(5)
    expect(median([4, 1, 3, 2])).toBe(2.5)
    expect(median([10, 9, 2])).toBe(9)
    expect(() => median([])).toThrow(RangeError)
  })

  test('as many figures are above as below, in any order, and the input stays as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 30 }), figures => {
        const before = [...figures]
        const middle = median(figures)
        expect(figures).toEqual(before)
        const above = figures.filter(x => x > middle).length
        const below = figures.filter(x => x < middle).length
        expect(Math.max(above, below)).toBeLessThanOrEqual(figures.length / 2)
        expect(median(figures.toReversed())).toBe(middle)
      }),
    )
  })
})

describe('taking turns', () => {
  test('everyone plays every round, and each begins as often as the others', async () => {
    const order: string[] = []
    const contender = (name: string) => ({ name, round: () => order.push(name) })
    const rounds: number[] = []
    await takeTurns(['a', 'b', 'c'].map(contender), 6, round => rounds.push(round))
    expect(order.join('')).toBe('abcbcacababcbcacab')
    expect(rounds).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('each gets the median of its own figures, one slow round does not count', async () => {
    const figures = { a: [5, 1000, 7], b: [1, 2, 3] }
    const contender = (name: 'a' | 'b') => ({ name, round: async () => figures[name].shift()! })
    expect(await takeTurns([contender('a'), contender('b')], 3)).toEqual([7, 2])
  })

  test('a round that fails ends it', async () => {
    const broken = { name: 'broken', round: () => Promise.reject(new Error('no')) }
    await expect(takeTurns([broken], 2)).rejects.toThrow('no')
  })
})

test('times are in the units that they are said to be in', async () => {
  const spin = (milliseconds: number) => {
    const end = performance.now() + milliseconds
    while (performance.now() < end);
  }
  // At least what was spent, and not thousands of times as much.
  const seconds = await secondsOf(() => spin(20))
  expect(seconds).toBeGreaterThanOrEqual(0.02)
  expect(seconds).toBeLessThan(20)
  const nanoseconds = await nanosecondsPerCall(() => spin(2))
  expect(nanoseconds).toBeGreaterThanOrEqual(1.9e6)
  expect(nanoseconds).toBeLessThan(1.9e9)
})
