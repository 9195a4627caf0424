// LRU at every size in one pass over the requests: how many different keys were asked for since a key's last request (Mattson et al., 1970),
// counted with a Fenwick tree. Each key may stand for several.

/** Requests in order, by key number. */
export interface Distances {
  readonly ids: Uint32Array
  /** Different keys: numbers are below it. */
  readonly keys: number
  /** By key: how many keys it stands for, itself included. Absent: itself alone. */
  readonly weights?: Uint32Array | undefined
}

/**
 * By request in `from` to `to`: the entries that LRU needs to hold its key still; 0 for a key's first.
 * Time grows with the logarithm of the number of keys, not of requests: the tree is made small again whenever it is full.
 */
export function stackDistances({ ids, keys, weights }: Distances, from: number, to: number): Uint32Array {
  const distances = new Uint32Array(to - from)
  const room = 2 ** Math.ceil(Math.log2(Math.max(1024, 4 * Math.min(keys, to - from))))
  /** Of node n, the weight of the keys whose last request is at places n - lowbit(n) + 1 to n. */
  const tree = new Int32Array(room + 1)
  const keyAt = new Uint32Array(room + 1)
  /** By key: the place of its last request, 0 where there was none. */
  const last = new Uint32Array(keys)
  let place = 0
  let total = 0
  for (let i = from; i < to; i++) {
    if (place === room) place = packed(tree, keyAt, last, weights, room)
    const key = ids[i]!
    const weight = weights === undefined ? 1 : weights[key]!
    const before = last[key]!
    if (before > 0 && before === place) {
      // Twice in a row: nothing moves.
      distances[i - from] = (weight + 1) >> 1
      continue
    }
    if (before > 0) {
      let upTo = 0
      for (let node = before; node > 0; node &= node - 1) upTo += tree[node]!
      // What a key stands for comes in the middle of it, on average.
      distances[i - from] = total - upTo + ((weight + 1) >> 1)
      for (let node = before; node <= room; node += node & -node) tree[node]! -= weight
    } else total += weight
    place++
    last[key] = place
    keyAt[place] = key
    for (let node = place; node <= room; node += node & -node) tree[node]! += weight
  }
  return distances
}

/** Gives the keys the first places, in their order. The number of places in use. */
function packed(
  tree: Int32Array,
  keyAt: Uint32Array,
  last: Uint32Array,
  weights: Uint32Array | undefined,
  room: number,
): number {
  let used = 0
  for (let place = 1; place <= room; place++) {
    const key = keyAt[place]!
    if (last[key] !== place) continue
    used++
    last[key] = used
    keyAt[used] = key
  }
  for (let place = 1; place <= room; place++) {
    const key = keyAt[place]!
    tree[place] = place > used ? 0 : weights === undefined ? 1 : weights[key]!
  }
  // Each node adds itself to the one above it.
  for (let node = 1; node <= room; node++) {
    const above = node + (node & -node)
    if (above <= room) tree[above]! += tree[node]!
  }
  return used
}
