// Builds the console that the daemon serves at `/` into static files. Runs at build time on plain Node.
// @ts-check
import { copyFile, mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { packageFolders, writeLicences } from './licenses.mjs'

/**
 * @param {object} options
 * @param {string} options.root the repository
 * @param {string} options.outDir emptied first
 * @param {string} options.version
 */
export async function buildConsole({ root, outDir, version }) {
  await rm(outDir, { recursive: true, force: true })
  await mkdir(outDir, { recursive: true })
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { main: 'console/main.tsx' },
    outdir: outDir,
    bundle: true,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    splitting: true,
    chunkNames: 'chunk-[hash]',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: { __OP_DBUS_VERSION__: JSON.stringify(version) },
  })
  writeLicences({ root, folders: packageFolders(Object.keys(metafile.inputs)), file: join(outDir, 'licenses.txt') })
  await copyFile(join(root, 'look', 'icon.svg'), join(outDir, 'icon.svg'))
  await copyFile(join(root, 'console', 'index.html'), join(outDir, 'index.html'))
}
