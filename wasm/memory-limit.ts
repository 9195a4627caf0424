// How fast memory can be read: a SIMD kernel that only sums bytes, for the bench. AssemblyScript: compiled by build.mjs.
// Part of no bundle that ships.

/** The sum of the `bytes` (a multiple of 128) of float32 from `from`; eight sums at once, so that only memory is waited for. */
export function sum(from: usize, bytes: usize): f32 {
  let a = f32x4.splat(0)
  let b = a
  let c = a
  let d = a
  let e = a
  let f = a
  let g = a
  let h = a
  for (const end = from + bytes; from < end; from += 128) {
    a = f32x4.add(a, v128.load(from))
    b = f32x4.add(b, v128.load(from, 16))
    c = f32x4.add(c, v128.load(from, 32))
    d = f32x4.add(d, v128.load(from, 48))
    e = f32x4.add(e, v128.load(from, 64))
    f = f32x4.add(f, v128.load(from, 80))
    g = f32x4.add(g, v128.load(from, 96))
    h = f32x4.add(h, v128.load(from, 112))
  }
  const sums = f32x4.add(f32x4.add(f32x4.add(a, b), f32x4.add(c, d)), f32x4.add(f32x4.add(e, f), f32x4.add(g, h)))
  return (
    f32x4.extract_lane(sums, 0) +
    f32x4.extract_lane(sums, 1) +
    (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3))
  )
}
