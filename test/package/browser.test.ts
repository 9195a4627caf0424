// The package as a page gets it: packed, installed, its assets copied by its own CLI, bundled by Vite (dev and build) and by
// esbuild, and run in Chromium.
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { type BuildOptions, build, type Metafile } from 'esbuild'
import { build as viteBuild, createServer as viteServer } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { runNode } from '../processes.js'
import { newFolder } from '../support.js'
import { INSTALL_MS, projectWithPackage, TEXT } from './packed.js'

const work = newFolder()
const browser = useBrowser()

/** What a page must load before it can show something, gzipped; the library's share of it. */
const MOST_BYTES = 64 * 1024

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,">
<script type="module" src="/main.js"></script></html>`
const MAIN = `import { openCaches } from 'op-dbus'
globalThis.embed = async options => {
  const caches = await openCaches({ device: 'wasm', ...options })
  const { vector, source, device } = await caches.embeddings.getOrEmbed('${TEXT}')
  await caches.close()
  return { vector: [...vector], source, device }
}`

interface Answer {
  readonly vector: number[]
  readonly source: string
  readonly device: string
}

/** Where the package is installed, and in it the folder of the page. */
let project: string
let app: string
let onNode: readonly number[]

beforeAll(async () => {
  const { cli, ...installed } = await projectWithPackage()
  ;[project, onNode] = [installed.dir, installed.vector]
  app = join(project, 'page')
  rmSync(app, { recursive: true, force: true })
  mkdirSync(app)
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }))
  writeFileSync(join(app, 'index.html'), PAGE)
  writeFileSync(join(app, 'main.js'), MAIN)
  const copied = await runNode([cli, 'assets', 'public/op-dbus'], { cwd: app })
  expect(copied.stderr).toContain("openCaches({ assetsUrl: '/op-dbus/' })")
  expect(copied.stdout).toMatch(/worker\.js +\d+ kB[\s\S]*in all +\d+ MB/)
  // The same files without a worker among them: then it is the bundler that has to bring it.
  cpSync(join(app, 'public/op-dbus'), join(app, 'public/no-worker'), { recursive: true })
  const manifest = join(app, 'public/no-worker/op-dbus-assets.json')
  const { files, ...rest } = JSON.parse(readFileSync(manifest, 'utf8'))
  delete files['worker.js']
  rmSync(join(app, 'public/no-worker/worker.js'))
  writeFileSync(manifest, JSON.stringify({ ...rest, files }))
}, INSTALL_MS)

afterAll(() => {
  for (const folder of [work, app]) if (folder) rmSync(folder, { recursive: true, force: true })
})

/** Embeds on the page at `url`, and compares with Node. Complaints of the page fail the test. */
async function expectSame(url: string, options: object): Promise<void> {
  const { page, complaints } = await browser.openPage(url)
  await page.waitForFunction('globalThis.embed')
  const answer = (await page.evaluate(`globalThis.embed(${JSON.stringify(options)})`)) as Answer
  expect([answer.source, answer.device]).toEqual(['computed', 'wasm'])
  const worst = Math.max(...answer.vector.map((x, i) => Math.abs(x - onNode[i]!)))
  expect(worst).toBeLessThanOrEqual(1e-5)
  expect(complaints).toEqual([])
}

describe('a page with the packed package', () => {
  it.each(['/op-dbus/', '/no-worker/'])('in Vite, dev server, assets at %s', async assetsUrl => {
    const server = await viteServer({
      root: app,
      configFile: false,
      logLevel: 'error',
      cacheDir: join(work, 'vite'),
      // As it finds it by itself in a workspace: the package lies above the page.
      server: { host: '127.0.0.1', port: 0, fs: { allow: [project] } },
    })
    try {
      await server.listen()
      const { port } = server.httpServer!.address() as { port: number }
      await expectSame(`http://127.0.0.1:${port}/`, { assetsUrl })
    } finally {
      await server.close()
    }
  })

  it('in Vite, built: with the assets, and with the worker that Vite bundles', async () => {
    const outDir = join(work, 'vite-dist')
    await viteBuild({ root: app, configFile: false, logLevel: 'error', build: { outDir, emptyOutDir: true } })
    const server = await browser.serve({ folders: { '/': outDir } })
    await expectSame(`${server.url}/`, { assetsUrl: '/op-dbus/' })
    expect(server.requests).toContain('/op-dbus/worker.js')
    server.requests.splice(0)
    await expectSame(`${server.url}/`, { assetsUrl: '/no-worker/' })
    expect(server.requests.filter(path => path.includes('worker') && path.endsWith('.js'))).toEqual([
      expect.stringMatching(/^\/assets\/worker-[\w-]+\.js$/),
    ])
  })

  it('in an esbuild bundle, with the worker from the assets', async () => {
    const outdir = join(work, 'esbuild-dist')
    await bundle({ entryPoints: [join(app, 'main.js')], outdir })
    writeFileSync(join(outdir, 'index.html'), PAGE)
    symlinkSync(join(app, 'public/op-dbus'), join(outdir, 'op-dbus'))
    const server = await browser.serve({ folders: { '/': outdir } })
    await expectSame(`${server.url}/`, { assetsUrl: '/op-dbus/' })
    expect(server.requests.filter(path => path.endsWith('worker.js'))).toEqual(['/op-dbus/worker.js'])
  })

  it('without a bundler: the module among the assets finds the others beside itself, and search works', async () => {
    const plain = join(work, 'plain')
    mkdirSync(plain)
    writeFileSync(join(plain, 'index.html'), PAGE)
    const search = `import { openKernels, VectorIndex } from './op-dbus/kernels.js'
globalThis.nearest = async () => {
  const index = new VectorIndex(await openKernels({ device: 'wasm' }), { dims: 2 })
  await index.setMany([['up', Float32Array.of(0, 1)], ['right', Float32Array.of(1, 0)]])
  return index.nearest(Float32Array.of(1, 0.1), 1)
}`
    writeFileSync(join(plain, 'main.js'), `${MAIN.replace("'op-dbus'", "'./op-dbus/op-dbus.js'")}\n${search}`)
    symlinkSync(join(app, 'public/op-dbus'), join(plain, 'op-dbus'))
    const server = await browser.serve({ folders: { '/': plain } })
    await expectSame(`${server.url}/`, {})
    const { page } = await browser.openPage(`${server.url}/`)
    await page.waitForFunction('globalThis.nearest')
    expect(await page.evaluate('globalThis.nearest()')).toMatchObject([{ id: 'right' }])
  })

  it('without assets beside the module says where it looked and what to run', async () => {
    const outdir = join(work, 'bare-dist')
    await bundle({ entryPoints: [join(app, 'main.js')], outdir })
    writeFileSync(join(outdir, 'index.html'), PAGE)
    const server = await browser.serve({ folders: { '/': outdir } })
    const { page } = await browser.openPage(`${server.url}/`)
    await page.waitForFunction('globalThis.embed')
    const message = await page.evaluate('globalThis.embed({}).catch(error => error.message)')
    expect(message).toContain(`cannot fetch ${server.url}/op-dbus-assets.json: the server answers 404`)
    expect(message).toContain('op-dbus assets DIR')
  })

  it(`loads at most ${MOST_BYTES / 1024} KB gzip before the first embed, nothing of Node in it, and no runtime`, async () => {
    const { outputFiles, metafile } = await bundle({
      stdin: { contents: `export { openCaches } from 'op-dbus'`, resolveDir: app },
      minify: true,
      write: false,
      metafile: true,
      splitting: true,
      outdir: app,
    })
    const first = loadedAtOnce(metafile!)
    const files = outputFiles!.filter(({ path }) => first.has(basename(path)))
    expect(files).toHaveLength(first.size)
    const text = files.map(file => file.text).join('\n')
    const zipped = files.reduce((sum, { contents }) => sum + gzipSync(contents).length, 0)
    console.log(`the library in a page: ${(text.length / 1024).toFixed(0)} KB, ${(zipped / 1024).toFixed(1)} KB gzip`)
    expect(zipped).toBeLessThanOrEqual(MOST_BYTES)
    expect(Object.keys(metafile!.inputs).join('\n')).not.toMatch(/onnxruntime|tokenizers/)
    expect(text).not.toMatch(/(from|import|require)\s*\(?\s*["'](node:|fs["'/]|path["']|worker_threads["'])/)
  })
})

/** The names of the entry and of all that it imports not only when it comes to it. */
function loadedAtOnce({ outputs }: Metafile): Set<string> {
  const entry = Object.keys(outputs).find(name => outputs[name]!.entryPoint !== undefined)!
  const found = new Set([entry])
  for (const name of found)
    for (const { path, kind } of outputs[name]!.imports) if (kind === 'import-statement') found.add(path)
  return new Set([...found].map(name => basename(name)))
}

async function bundle(options: BuildOptions) {
  const result = await build({
    bundle: true,
    format: 'esm',
    platform: 'browser',
    logLevel: 'silent',
    ...options,
  })
  expect(result.warnings).toEqual([])
  if (options.outdir !== undefined) expect(existsSync(join(options.outdir, 'main.js'))).toBe(true)
  return result
}
