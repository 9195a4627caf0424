// Says of every file that a page needs where it is, how large, and what it hashes to: dist/op-dbus-assets.json, by which
// `op-dbus assets` copies and a page checks. Runs at build time on plain Node.
// @ts-check
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** ONNX Runtime's two builds that src/backends/ort-browser.ts imports: without WebGPU, and with it. */
const ORT_FILES = [
  'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.wasm',
  'ort-wasm-simd-threaded.asyncify.mjs',
  'ort-wasm-simd-threaded.asyncify.wasm',
]

/** The worker, and what a page without a bundler imports. */
const SCRIPTS = ['worker.js', 'op-dbus.js', 'kernels.js']

/** The fp32 weights are no part of the package. */
const NOT_SHIPPED = ['onnx/model.onnx']

/**
 * @param {object} options
 * @param {string} options.dist the built package: its scripts and its model are listed, the manifest goes there
 * @param {string} options.ortDir the folder of ONNX Runtime's files
 * @param {string} options.version of this package
 */
export async function writeAssetsManifest({ dist, ortDir, version }) {
  const model = join(dist, 'models', 'builtin')
  /** @type {[string, string][]} */
  const sources = SCRIPTS.map(name => [name, join(dist, name)])
  for (const name of ORT_FILES) sources.push([`ort/${name}`, join(ortDir, name)])
  for (const entry of await readdir(model, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
      .slice(model.length + 1)
      .replaceAll('\\', '/')
    if (entry.isFile() && !NOT_SHIPPED.includes(path)) sources.push([`models/builtin/${path}`, join(model, path)])
  }
  /** @type {Record<string, object>} */
  const files = {}
  for (const [path, source] of sources.sort(([a], [b]) => (a < b ? -1 : 1))) {
    const bytes = await readFile(source)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const dynamic = path.endsWith('.onnx') && bytes.includes('DynamicQuantizeLinear')
    files[path] = { bytes: bytes.length, sha256, ...(dynamic && { dynamic }) }
  }
  const manifest = { version: 1, package: version, files }
  await writeFile(join(dist, 'op-dbus-assets.json'), `${JSON.stringify(manifest, undefined, 1)}\n`)
}
