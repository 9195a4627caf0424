// What a page needs of this package, from the sources: the library as one bundle, and the assets as `op-dbus assets` puts
// them. The worker may be another one, to play a device that computes wrong.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { writeAssetsManifest } from '../../build/assets-manifest.mjs'
import { bundleInto, ROOT, type ServeOptions } from './harness.js'

const ORT = join(ROOT, 'node_modules/onnxruntime-web/dist')

export interface WebAssets {
  /** For `serve`: the page's modules at `/`, the assets at `/op-dbus/`. */
  folders(): NonNullable<ServeOptions['folders']>
}

/** Bundles once for a test file. `worker`: the root of the worker, in place of the package's own. */
export function useWebAssets(entries: Readonly<Record<string, string>>, worker = 'src/web/worker.ts'): WebAssets {
  let folder: string | undefined
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'op-dbus-web-'))
    const [page, assets] = [join(folder, 'page'), join(folder, 'assets')]
    mkdirSync(join(assets, 'models'), { recursive: true })
    cpSync(join(ROOT, 'dist/models/builtin'), join(assets, 'models/builtin'), { recursive: true })
    // Listed among the assets; no page of these tests takes them from there.
    for (const name of ['op-dbus.js', 'kernels.js']) writeFileSync(join(assets, name), '')
    symlinkSync(ORT, join(assets, 'ort'))
    await Promise.all([
      bundleInto(page, entries),
      bundleInto(assets, { worker }, { splitting: false, conditions: ['onnxruntime-web-use-extern-wasm'] }),
    ])
    await writeAssetsManifest({ dist: assets, ortDir: ORT, version: 'test' })
  })
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  return {
    folders: () => ({ '/': join(folder!, 'page'), '/op-dbus/': join(folder!, 'assets') }),
  }
}
