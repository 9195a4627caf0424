// The WGSL of the WebGPU kernels. Text and the numbers that both sides must agree on; runs nothing.

/** Rows that one workgroup of `dot` multiplies, with 16 lanes each. */
export const DOT_ROWS = 4
/** Scores that one workgroup of `topK` sorts. */
export const SORTED = 1024
/** Most that `topK` keeps of each 1024: beyond it a pass would hardly make less of what it reads. */
export const MAX_K = 128
/** A place in the answer that no row has. */
const NO_ROW = 0xffffffff

/**
 * scores[first + i] = row i . query. 16 lanes walk along a row, neighbours reading neighbouring vec4s, then add up in
 * pairs. A row is `width` vec4s, zeros behind its last float. More rows than one dimension of workgroups has go into y.
 */
export const DOT = /* wgsl */ `
struct Shape { rows: u32, width: u32, first: u32, unused: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> matrix: array<vec4f>;
@group(0) @binding(2) var<storage, read> query: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> scores: array<f32>;

const LANES = 16u;
var<workgroup> sums: array<f32, LANES * ${DOT_ROWS}u>;

@compute @workgroup_size(LANES, ${DOT_ROWS})
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) lane: vec3u,
) {
  let row = (group.y * groups.x + group.x) * ${DOT_ROWS}u + lane.y;
  let mine = lane.y * LANES + lane.x;
  var sum = 0.0;
  if (row < shape.rows) {
    let start = row * shape.width;
    for (var at = lane.x; at < shape.width; at += LANES) {
      sum += dot(matrix[start + at], query[at]);
    }
  }
  sums[mine] = sum;
  workgroupBarrier();
  for (var apart = LANES / 2u; apart > 0u; apart /= 2u) {
    if (lane.x < apart) { sums[mine] += sums[mine + apart]; }
    workgroupBarrier();
  }
  if (lane.x == 0u && row < shape.rows) { scores[shape.first + row] = sums[mine]; }
}`

/**
 * Of every ${SORTED} entries the k best, in order: higher score first, then lower row. The first pass reads plain scores,
 * where the place is the row; later ones read what the last one wrote. A bitonic sort in the workgroup's own memory.
 */
export const TOP_K = /* wgsl */ `
struct Entry { score: f32, row: u32 }
struct Shape { count: u32, k: u32, plain: u32, unused: u32 }
@group(0) @binding(0) var<uniform> shape: Shape;
@group(0) @binding(1) var<storage, read> scores: array<f32>;
@group(0) @binding(2) var<storage, read> entries: array<Entry>;
@group(0) @binding(3) var<storage, read_write> best: array<Entry>;

const THREADS = 256u;
const SORTED = ${SORTED}u;
const NO_ROW = ${NO_ROW}u;
var<workgroup> sorted: array<Entry, SORTED>;

fn before(a: Entry, b: Entry) -> bool {
  if (a.row == NO_ROW || b.row == NO_ROW) { return a.row != NO_ROW; }
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

@compute @workgroup_size(THREADS)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) thread: u32,
) {
  let chunk = group.y * groups.x + group.x;
  for (var i = thread; i < SORTED; i += THREADS) {
    let at = chunk * SORTED + i;
    var entry = Entry(0.0, NO_ROW);
    if (at < shape.count) {
      if (shape.plain == 1u) { entry = Entry(scores[at], at); } else { entry = entries[at]; }
    }
    sorted[i] = entry;
  }
  workgroupBarrier();
  for (var size = 2u; size <= SORTED; size *= 2u) {
    for (var apart = size / 2u; apart > 0u; apart /= 2u) {
      for (var pair = thread; pair < SORTED / 2u; pair += THREADS) {
        let low = 2u * pair - (pair & (apart - 1u));
        let high = low + apart;
        let forward = (low & size) == 0u;
        let a = sorted[low];
        let b = sorted[high];
        if (select(before(a, b), before(b, a), forward)) {
          sorted[low] = b;
          sorted[high] = a;
        }
      }
      workgroupBarrier();
    }
  }
  if (chunk * SORTED < shape.count) {
    for (var i = thread; i < shape.k; i += THREADS) { best[chunk * shape.k + i] = sorted[i]; }
  }
}`
