// Where the arrows lead on the map, as a property: in their direction, and from every point to every other.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DIRECTIONS, type Direction, isDirection, nextPoint } from '../../playground/map-layout.js'

const KEYS = Object.keys(DIRECTIONS) as Direction[]
const OPPOSITE: Readonly<Record<Direction, Direction>> = {
  ArrowRight: 'ArrowLeft',
  ArrowLeft: 'ArrowRight',
  ArrowDown: 'ArrowUp',
  ArrowUp: 'ArrowDown',
}

/** Whole numbers in a small square: many in a row, on a diagonal, or in one place. */
const maps = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 })), { minLength: 1, maxLength: 24 })
  .map(points => Float32Array.from(points.flat()))

const count = (at: Float32Array) => at.length / 2

/** How far `to` is from `from` along an arrow. */
function along(at: Float32Array, from: number, to: number, key: Direction): number {
  const [dx, dy] = DIRECTIONS[key]
  return (at[2 * to]! - at[2 * from]!) * dx + (at[2 * to + 1]! - at[2 * from + 1]!) * dy
}

describe('arrows on the map', () => {
  it('lead in their direction, or to another text in the same place', () => {
    fc.assert(
      fc.property(maps, fc.nat(), fc.constantFrom(...KEYS), (at, seed, key) => {
        const from = seed % count(at)
        const to = nextPoint(at, from, key)
        if (to === undefined) return
        expect(to).not.toBe(from)
        const same = at[2 * to] === at[2 * from] && at[2 * to + 1] === at[2 * from + 1]
        if (!same) expect(along(at, from, to, key)).toBeGreaterThan(0)
      }),
    )
  })

  it('lead nowhere only where nothing lies further on', () => {
    fc.assert(
      fc.property(maps, fc.nat(), fc.constantFrom(...KEYS), (at, seed, key) => {
        const from = seed % count(at)
        if (nextPoint(at, from, key) !== undefined) return
        for (let i = 0; i < count(at); i++) expect(along(at, from, i, key)).toBeLessThanOrEqual(0)
      }),
    )
  })

  it('reach every text from every other, also those in one place', () => {
    fc.assert(
      fc.property(maps, at => {
        for (let start = 0; start < count(at); start++) {
          const reached = new Set([start])
          for (const from of reached) {
            for (const key of KEYS) {
              const to = nextPoint(at, from, key)
              if (to !== undefined) reached.add(to)
            }
          }
          expect(reached.size).toBe(count(at))
        }
      }),
    )
  })

  it('prefer what lies straight ahead to what is nearer aside, and come back', () => {
    const at = Float32Array.of(0, 0, 10, 1, 3, 8)
    expect(nextPoint(at, 0, 'ArrowRight')).toBe(1)
    expect(nextPoint(at, 1, OPPOSITE.ArrowRight)).toBe(0)
    expect(nextPoint(at, 0, 'ArrowDown')).toBe(2)
    expect(nextPoint(at, 0, 'ArrowUp')).toBeUndefined()
    // Nothing faces it, but this one lies on that side.
    expect(nextPoint(Float32Array.of(0, 0, 3, 8), 0, 'ArrowRight')).toBe(1)
    expect(isDirection('ArrowUp')).toBe(true)
    expect(isDirection('toString')).toBe(false)
  })
})
