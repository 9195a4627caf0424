// Reads the weights of a TensorFlow.js graph model: model.json says what, the shards beside it hold the bytes. Changes nothing.
// @ts-check
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** @typedef {{ data: Float32Array, shape: number[] }} Tensor row-major */
/** @typedef {{ name: string, shape: number[], dtype: string }} Entry one weight as model.json lists it */

/**
 * Every float32 weight of the model, by name. Integer weights are shapes and axes of the TensorFlow graph, of no use
 * outside it, and are skipped.
 * @param {string} folder where model.json lies
 * @returns {Promise<Map<string, Tensor>>}
 * @throws {Error} when a file is missing, or the bytes are not as many as model.json lists
 */
export async function readTfjsWeights(folder) {
  const { weightsManifest } = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'))
  /** @type {Map<string, Tensor>} */
  const tensors = new Map()
  for (const group of weightsManifest) {
    /** @type {Uint8Array[]} */
    const shards = await Promise.all(group.paths.map((/** @type {string} */ path) => readFile(join(folder, path))))
    readGroup(group.weights, Buffer.concat(shards), tensors)
  }
  return tensors
}

/**
 * @param {Entry[]} entries in the order of their bytes
 * @param {Buffer} bytes all shards of the group, joined
 * @param {Map<string, Tensor>} into
 */
function readGroup(entries, bytes, into) {
  let offset = 0
  for (const { name, shape, dtype } of entries) {
    if (dtype !== 'float32' && dtype !== 'int32')
      throw new Error(`the weight ${name} is of type ${dtype}: not expected here`)
    const count = shape.reduce((product, n) => product * n, 1)
    const start = bytes.byteOffset + offset
    offset += 4 * count
    // Little-endian, as is every platform that ONNX Runtime is built for. Copied, so that the floats lie aligned.
    const copy = bytes.buffer.slice(start, bytes.byteOffset + offset)
    if (dtype === 'float32') into.set(name, { data: new Float32Array(copy), shape })
  }
  if (offset !== bytes.length)
    throw new Error(`model.json lists ${offset} bytes of weights, the shards hold ${bytes.length}`)
}
