// Points of a map on a canvas: how they are fitted, and which one is meant by a click. Pure.

/** Points fitted into a box with an edge, each axis by its own spread. All in one place: in the middle. */
export function fitPoints(points: Float32Array, width: number, height: number, edge = 14): Float32Array {
  const at = new Float32Array(points.length)
  for (const axis of [0, 1]) {
    const room = (axis === 0 ? width : height) - 2 * edge
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
    for (let i = axis; i < points.length; i += 2) {
      low = Math.min(low, points[i]!)
      high = Math.max(high, points[i]!)
    }
    const spread = high - low
    for (let i = axis; i < points.length; i += 2) {
      const share = spread > 0 ? (points[i]! - low) / spread : 0.5
      at[i] = edge + (axis === 0 ? share : 1 - share) * room
    }
  }
  return at
}

/** The point nearest to (x, y), if it is within `reach`; undefined for none. */
export function pick(at: Float32Array, x: number, y: number, reach = 24): number | undefined {
  let best: number | undefined
  let least = reach * reach
  for (let i = 0; i < at.length; i += 2) {
    const distance = (at[i]! - x) ** 2 + (at[i + 1]! - y) ** 2
    if (distance <= least) {
      least = distance
      best = i / 2
    }
  }
  return best
}

/** Unit vectors of the arrow keys on a canvas, whose y grows downwards. */
export const DIRECTIONS = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
} as const

export type Direction = keyof typeof DIRECTIONS

export function isDirection(key: string): key is Direction {
  return Object.hasOwn(DIRECTIONS, key)
}

/**
 * The point that an arrow leads to: the nearest in the quarter that faces it, else the nearest on that side; undefined where
 * none lies further on. Nearest by the way along the axes, and a diagonal belongs to one quarter only: so the arrows lead from
 * every point to every other. Points in one place follow each other by number: right and down upwards, left and up downwards.
 */
export function nextPoint(at: Float32Array, from: number, direction: Direction): number | undefined {
  const [dx, dy] = DIRECTIONS[direction]
  const order = dx + dy
  let best: number | undefined
  let least: Rank = [3, 0, 0]
  for (let i = 0; i < at.length / 2; i++) {
    const x = at[2 * i]! - at[2 * from]!
    const y = at[2 * i + 1]! - at[2 * from + 1]!
    const along = x * dx + y * dy
    const aside = y * dx - x * dy
    const rank = x === 0 && y === 0 ? samePlace((i - from) * order) : further(along, aside)
    if (rank === undefined || !before(rank, least)) continue
    best = i
    least = rank
  }
  return best
}

/** What is compared, first to last; the smallest wins. */
type Rank = readonly [kind: number, way: number, along: number]

function samePlace(steps: number): Rank | undefined {
  return steps > 0 ? [0, steps, 0] : undefined
}

function further(along: number, aside: number): Rank | undefined {
  if (along <= 0) return undefined
  const faces = along + aside > 0 && along - aside >= 0
  return [faces ? 1 : 2, along + Math.abs(aside), along]
}

function before(a: Rank, b: Rank): boolean {
  const at = a.findIndex((value, i) => value !== b[i])
  return at >= 0 && a[at]! < b[at]!
}
