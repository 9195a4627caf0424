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
