// Vector arithmetic over rows in linear memory, with SIMD. AssemblyScript: compiled by build.mjs, not by tsc.
// Owns no memory and checks nothing: src/kernels/wasm.ts lays out every address, and has checked what is there.
//
// Addresses are in bytes, strides in bytes as well; `count` is in rows. Nothing here allocates.

/** What vectors are at least taken to be long when dividing, as in torch.nn.functional.normalize. */
const EPSILON: f64 = 1e-12

/**
 * out[i] = row i . query, as float32. Rows begin every `stride` bytes, a multiple of 16; what follows a row's last
 * float is zero, in the query too. One row per pass and four sums at once: a sum that waits for itself leaves most of
 * the memory's speed unused, and several rows per pass were three times slower.
 */
export function dot(rows: usize, stride: usize, count: usize, query: usize, out: usize): void {
  const blocks = stride & ~63
  for (let i: usize = 0; i < count; i++, rows += stride, out += 4) {
    let a = f32x4.splat(0)
    let b = a
    let c = a
    let d = a
    let at: usize = 0
    for (; at < blocks; at += 64) {
      a = f32x4.add(a, f32x4.mul(v128.load(rows + at), v128.load(query + at)))
      b = f32x4.add(b, f32x4.mul(v128.load(rows + at, 16), v128.load(query + at, 16)))
      c = f32x4.add(c, f32x4.mul(v128.load(rows + at, 32), v128.load(query + at, 32)))
      d = f32x4.add(d, f32x4.mul(v128.load(rows + at, 48), v128.load(query + at, 48)))
    }
    for (; at < stride; at += 16) a = f32x4.add(a, f32x4.mul(v128.load(rows + at), v128.load(query + at)))
    const sums = f32x4.add(f32x4.add(a, b), f32x4.add(c, d))
    store<f32>(
      out,
      f32x4.extract_lane(sums, 0) +
        f32x4.extract_lane(sums, 1) +
        (f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3)),
    )
  }
}

/** Scales each row of `dims` floats to length 1 in place. Zeros stay zeros; a row with a NaN or infinity stays as it is. */
export function normalize(rows: usize, dims: usize, count: usize): void {
  const bytes = dims << 2
  const blocks = bytes & ~15
  for (let i: usize = 0; i < count; i++, rows += bytes) {
    let low = f64x2.splat(0)
    let high = low
    let at: usize = 0
    for (; at < blocks; at += 16) {
      const four = v128.load(rows + at)
      const first = f64x2.promote_low_f32x4(four)
      const last = f64x2.promote_low_f32x4(v128.shuffle<i64>(four, four, 1, 0))
      low = f64x2.add(low, f64x2.mul(first, first))
      high = f64x2.add(high, f64x2.mul(last, last))
    }
    const both = f64x2.add(low, high)
    let squares = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1)
    for (; at < bytes; at += 4) {
      const x = <f64>load<f32>(rows + at)
      squares += x * x
    }
    if (!isFinite<f64>(squares)) continue
    const factor = 1 / max<f64>(sqrt<f64>(squares), EPSILON)
    const factors = f64x2.splat(factor)
    for (at = 0; at < blocks; at += 16) {
      const four = v128.load(rows + at)
      const first = f32x4.demote_f64x2_zero(f64x2.mul(f64x2.promote_low_f32x4(four), factors))
      const last = f32x4.demote_f64x2_zero(
        f64x2.mul(f64x2.promote_low_f32x4(v128.shuffle<i64>(four, four, 1, 0)), factors),
      )
      v128.store(rows + at, v128.shuffle<i64>(first, last, 0, 2))
    }
    for (; at < bytes; at += 4) store<f32>(rows + at, <f32>(<f64>load<f32>(rows + at) * factor))
  }
}

/**
 * Rows of `dims` floats, one after the other, as int8: out = floor(x * 127 / max|x| + 0.5), every `stride` bytes, zeros
 * behind; scales[i] = max|x| / 127 gives the floats back. A row smaller than 1e-30 is taken for zeros, its scale is 0.
 * Only float32 operations, in the order of src/kernels/int8.ts: both give the same bytes.
 */
export function quantize(rows: usize, dims: usize, count: usize, out: usize, stride: usize, scales: usize): void {
  for (let i: usize = 0; i < count; i++, rows += dims << 2, out += stride, scales += 4) {
    let most: f32 = 0
    for (let d: usize = 0; d < dims; d++) most = max<f32>(most, abs<f32>(load<f32>(rows + (d << 2))))
    const empty = most < 1e-30
    const inverse: f32 = empty ? 0 : 127 / most
    store<f32>(scales, empty ? 0 : most / 127)
    for (let d: usize = 0; d < dims; d++) {
      const x = floor<f32>(load<f32>(rows + (d << 2)) * inverse + 0.5)
      store<i8>(out + d, <i8>(<i32>x))
    }
    memory.fill(out + dims, 0, stride - dims)
  }
}

/**
 * (row . query) x its scale x `scale`, of `count` int8 rows that begin every `stride` bytes, a multiple of 16, or, where `among` is no null
 * pointer, of the rows whose numbers (uint32) are there. The query is as wide as the products need it: int16, twice `stride` bytes.
 * What scores at least `floor` is written: the place among the `count` (uint32) to `places`, the score to `scores`. Returns how many those are.
 */
export function scanInt8(
  rows: usize,
  stride: usize,
  among: usize,
  count: usize,
  scales: usize,
  query: usize,
  scale: f32,
  floor: f32,
  places: usize,
  scores: usize,
): usize {
  let found: usize = 0
  for (let i: usize = 0; i < count; i++) {
    const row: usize = among != 0 ? <usize>load<u32>(among + (i << 2)) : i
    const start = rows + row * stride
    let a = i32x4.splat(0)
    let b = a
    for (let at: usize = 0; at < stride; at += 16) {
      const q = query + (at << 1)
      a = i32x4.add(a, i32x4.dot_i16x8_s(v128.load_ext<i8>(start + at), v128.load(q)))
      b = i32x4.add(b, i32x4.dot_i16x8_s(v128.load_ext<i8>(start + at, 8), v128.load(q, 16)))
    }
    const sums = i32x4.add(a, b)
    const sum =
      i32x4.extract_lane(sums, 0) +
      i32x4.extract_lane(sums, 1) +
      i32x4.extract_lane(sums, 2) +
      i32x4.extract_lane(sums, 3)
    const score = <f32>sum * load<f32>(scales + (row << 2)) * scale
    if (score >= floor) {
      store<u32>(places + (found << 2), <u32>i)
      store<f32>(scores + (found << 2), score)
      found++
    }
  }
  return found
}
