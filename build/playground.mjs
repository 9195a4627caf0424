// Builds the playground into static files that any host can serve: the page, its service worker, and beside them what
// `op-dbus assets` brings. Runs at build time on plain Node.
// @ts-check
import { createHash } from 'node:crypto'
import { copyFile, cp, mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { build } from 'esbuild'

/** Large files are kept by the library itself, checked by their hash: the service worker leaves them alone. */
const KEPT_BY_THE_LIBRARY = /^op-dbus\/(models\/|ort\/.*\.wasm$)/

/** The playground has the library in its own bundle. */
const FOR_OTHER_PAGES = ['op-dbus.js', 'kernels.js']

/**
 * @param {object} options
 * @param {string} options.root the repository
 * @param {string} options.outDir emptied first
 * @param {string} options.dist the built package with its manifest of assets
 * @param {string} options.ortDir the folder of ONNX Runtime's files
 * @param {string} options.version
 * @param {import('esbuild').BuildOptions} [options.bundling] what the bundles of `src` need
 */
export async function buildPlayground({ root, outDir, dist, ortDir, version, bundling = {} }) {
  await rm(outDir, { recursive: true, force: true })
  await mkdir(outDir, { recursive: true })
  /** @type {{ files: Record<string, { bytes: number, sha256: string }> }} */
  const manifest = JSON.parse(await readFile(join(dist, 'op-dbus-assets.json'), 'utf8'))
  /** @type {import('esbuild').BuildOptions} */
  const common = {
    ...bundling,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    outdir: outDir,
    absWorkingDir: root,
  }
  await build({
    ...common,
    entryPoints: { main: 'playground/main.tsx' },
    splitting: true,
    chunkNames: 'chunk-[hash]',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { __OP_DBUS_VERSION__: JSON.stringify(version), __ASSETS__: JSON.stringify(largeFiles(manifest.files)) },
  })
  await build({ ...common, entryPoints: { 'near-worker': 'playground/near-worker.ts' } })
  await copyFile(join(root, 'playground', 'index.html'), join(outDir, 'index.html'))
  await copyFile(join(root, 'look', 'icon.svg'), join(outDir, 'icon.svg'))
  const needed = Object.keys(manifest.files).filter(path => !FOR_OTHER_PAGES.includes(path))
  await copyAssets(needed, { dist, ortDir, to: join(outDir, 'op-dbus') })

  const files = await hashes(outDir)
  await build({
    ...common,
    entryPoints: { sw: 'playground/sw.ts' },
    format: 'iife',
    define: { __FILES__: JSON.stringify(files) },
  })
}

/**
 * What an embedding may fetch and the library then keeps, but for what is too small to be told of.
 * @param {Record<string, { bytes: number, sha256: string }>} files
 */
function largeFiles(files) {
  const large = Object.entries(files).filter(
    ([path, { bytes }]) => bytes >= 100_000 && KEPT_BY_THE_LIBRARY.test(`op-dbus/${path}`),
  )
  return Object.fromEntries(large.map(([path, { bytes, sha256 }]) => [path, { bytes, sha256 }]))
}

/**
 * @param {readonly string[]} paths
 * @param {{ dist: string, ortDir: string, to: string }} places
 */
async function copyAssets(paths, { dist, ortDir, to }) {
  for (const path of [...paths, 'op-dbus-assets.json']) {
    const target = join(to, path)
    await mkdir(dirname(target), { recursive: true })
    await cp(path.startsWith('ort/') ? join(ortDir, path.slice('ort/'.length)) : join(dist, path), target)
  }
}

/**
 * Path -> the first digits of the SHA-256, for every file that the service worker keeps.
 * @param {string} folder
 */
async function hashes(folder) {
  /** @type {Record<string, string>} */
  const found = {}
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = join(entry.parentPath, entry.name)
    const path = file.slice(folder.length + 1).replaceAll('\\', '/')
    if (KEPT_BY_THE_LIBRARY.test(path)) continue
    const digest = createHash('sha256').update(await readFile(file))
    found[path] = digest.digest('hex').slice(0, 16)
  }
  return found
}
