// Ways to store a large weight in the model file: float32, float16, or int8 in blocks that share a scale. Knows no model.
// Whatever the way, the graph sees float32: the casts work on constants, so ONNX Runtime does them once, at load.
// @ts-check
import { fromFloat16, toFloat16 } from './float16.mjs'

/** @typedef {import('./onnx.mjs').GraphBuilder} GraphBuilder */
/** @typedef {import('./onnx.mjs').Value} Value */
/** @typedef {import('./tfjs-weights.mjs').Tensor} Tensor */
/** @typedef {(graph: GraphBuilder, name: string, tensor: Tensor) => Value} Store Puts a tensor into the file; returns it as float32. */

/** Neighbours in a row that share one scale. */
export const BLOCK = 32
/** The largest magnitude of an int8 that has its opposite. */
const INT8_MAX = 127

/** @type {Store} */
export function storeFloat32(graph, name, { data, shape }) {
  return graph.constant(name, data, shape)
}

/** @type {Store} */
export function storeFloat16(graph, name, { data, shape }) {
  return graph.toFloat32(name, graph.constant(`${name}/half`, toFloat16(data), shape))
}

/** @type {Store} */
export function storeInt8(graph, name, { data, shape }) {
  const { values, scales } = quantize(data, BLOCK)
  const blocks = data.length / BLOCK
  const whole = graph.toFloat32(`${name}/whole`, graph.constant(`${name}/int8`, values, [blocks, BLOCK]))
  const scale = graph.toFloat32(`${name}/scale`, graph.constant(`${name}/half_scale`, scales, [blocks, 1]))
  return graph.node(name, 'Reshape', [graph.node(`${name}/scaled`, 'Mul', [whole, scale]), graph.ints(...shape)])
}

/**
 * Symmetric quantisation: the largest magnitude of a block becomes 127, and zero stays zero.
 * @param {Float32Array} data a whole number of blocks
 * @param {number} block values that share a scale
 * @returns {{ values: Int8Array, scales: Uint16Array }} number i is values[i] x scales[floor(i / block)], a float16
 */
export function quantize(data, block) {
  if (data.length % block !== 0) throw new Error(`${data.length} values do not divide into blocks of ${block}`)
  const exact = new Float32Array(data.length / block)
  for (let b = 0; b < exact.length; b++) exact[b] = largestMagnitude(data, b * block, block) / INT8_MAX
  const scales = toFloat16(exact)

  // Divided by the scale as it will be read back, so that the rounding of the scale itself costs little.
  const divisors = fromFloat16(scales)
  const values = new Int8Array(data.length)
  for (let i = 0; i < data.length; i++) values[i] = nearestInt8(data[i] ?? 0, divisors[Math.floor(i / block)] ?? 0)
  return { values, scales }
}

/** @type {(data: Float32Array, start: number, count: number) => number} */
function largestMagnitude(data, start, count) {
  let largest = 0
  for (let i = start; i < start + count; i++) largest = Math.max(largest, Math.abs(data[i] ?? 0))
  return largest
}

/** @type {(x: number, scale: number) => number} */
function nearestInt8(x, scale) {
  if (scale === 0) return 0
  return Math.max(-INT8_MAX, Math.min(INT8_MAX, Math.round(x / scale)))
}
