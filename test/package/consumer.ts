// Projects of strangers that use the packed package with a tool of their own: each a folder of `consumers/` with its lock file.
// They are installed below .build, keyed by the lock, so that a second run installs nothing; no install script ever runs.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { oneAtATime } from '../../build/one-at-a-time.mjs'
import type { BrowserTest, ServeOptions } from '../browser/harness.js'
import { root, runNode } from '../processes.js'
import { newFolder } from '../support.js'

const run = promisify(execFile)
const FIXTURES = fileURLToPath(new URL('consumers/', import.meta.url))
const BUILD = join(root, '.build')
const PAGE = (script: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,"><script type="module" src="/${script}"></script></html>`
/** What every consumer embeds. */
export const TEXT = 'Created container 100'
/** A cold one fetches some hundred megabytes. */
const INSTALL_MS = 600_000
/** How npm says that there is no network, or no registry. */
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|network request/

export interface Consumer {
  /** The project, installed, with the packed package in it. Only inside hooks and tests. */
  readonly dir: string
  /** Why there is none; then its tests are skipped, and hooks have nothing to do. */
  readonly missing: string | undefined
  /** What a server serves for a page of the project: `dist` at `/`, with `script`, and the assets at `/op-dbus/`. */
  site(script: string): ServeOptions
  /** Opens the page at `url`, embeds in it, and compares with Node. Complaints of the page fail the test. */
  expectPage(browser: BrowserTest, url: string, assetsUrl: string): Promise<void>
  /** The versions of its tools, as they are installed. */
  versions(...names: string[]): string
  /** Runs a script of a tool in the project to its end; what it printed. Fails the test where the tool fails. */
  tool(script: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string>
  /** A file of the project that prints what it embedded, in a process of its own on a cache of its own. */
  embeds(file: string, cwd?: string): Promise<Embedded>
  /** Fails unless the vector is the one that plain Node computes. */
  expectSame(embedded: Embedded): void
  /** For processes that a test starts: caches of this test alone, no telemetry. */
  readonly env: Readonly<Record<string, string>>
}

/** What a consumer's code hands out. */
export interface Embedded {
  readonly vector: readonly number[]
  readonly source: string
  readonly device: string
}

export interface UseConsumerOptions {
  /** Has a page, so `op-dbus assets` is run for it. Default false. */
  readonly page?: boolean
}

/** Call it once, at the top of a test file. Its tests are skipped, with the reason, where npm cannot fetch the tools. */
export function useConsumer(name: string, { page = false }: UseConsumerOptions = {}): Consumer {
  const work = newFolder()
  const env = { PATH: process.env.PATH ?? '', HOME: work, NEXT_TELEMETRY_DISABLED: '1', NO_COLOR: '1' }
  let dir: string | undefined
  let missing: string | undefined
  let onNode: readonly number[] | undefined

  beforeAll(async () => {
    try {
      dir = await installed(name)
    } catch (error) {
      const { stderr = '', message } = error as { stderr?: string; message: string }
      if (!UNREACHABLE.test(stderr + message)) throw error
      missing = `the tools of ${name} cannot be fetched: ${(stderr || message).split('\n').find(line => UNREACHABLE.test(line))}`
      return
    }
    const cli = join(dir, 'node_modules/op-dbus/dist/cli.js')
    if (page) {
      const assets = await runNode([cli, 'assets', 'public/op-dbus'], { cwd: dir, env })
      expect(assets.code, assets.stderr).toBe(0)
    }
    const args = [cli, 'embed', TEXT, '--json', '--device', 'cpu']
    const { stdout } = await runNode(args, { cwd: dir, env: { ...env, OPDBUS_CACHE_DIR: join(work, 'cache') } })
    onNode = JSON.parse(stdout).vector
  }, INSTALL_MS)
  beforeEach(context => {
    if (missing !== undefined) context.skip(missing)
  })
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  const folder = (): string => {
    if (dir === undefined) throw new Error('the project is there only inside hooks and tests')
    return dir
  }
  const expectSame = ({ vector }: Embedded) => {
    expect(vector).toHaveLength(onNode!.length)
    expect(Math.max(...vector.map((x, i) => Math.abs(x - onNode![i]!)))).toBeLessThanOrEqual(1e-5)
  }
  return {
    get dir() {
      return folder()
    },
    get missing() {
      return missing
    },
    site(script) {
      const assets = join(folder(), 'public/op-dbus')
      const { files, ...rest } = JSON.parse(readFileSync(join(assets, 'op-dbus-assets.json'), 'utf8'))
      const { 'worker.js': _, ...others } = files
      return {
        folders: { '/': join(folder(), 'dist'), '/op-dbus/': assets, '/no-worker/': assets },
        files: { '/': PAGE(script), '/no-worker/op-dbus-assets.json': JSON.stringify({ ...rest, files: others }) },
      }
    },
    async expectPage(browser, url, assetsUrl) {
      const { page, complaints } = await browser.openPage(url)
      await page.waitForFunction('globalThis.embed')
      const embedded = (await page.evaluate(`globalThis.embed({ assetsUrl: '${assetsUrl}' })`)) as Embedded
      expect([embedded.source, embedded.device]).toEqual(['computed', 'wasm'])
      expectSame(embedded)
      expect(complaints).toEqual([])
    },
    get env() {
      return { ...env, OPDBUS_CACHE_DIR: newIn(work) }
    },
    versions: (...names) => names.map(one => `${one} ${versionOf(folder(), one)}`).join(', '),
    async tool(script, args, more) {
      const path = join(folder(), 'node_modules', script)
      const { code, stdout, stderr } = await runNode([path, ...args], { cwd: folder(), env: { ...env, ...more } })
      expect(code, `${script} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0)
      return stdout + stderr
    },
    async embeds(file, cwd = folder()) {
      const { code, stdout, stderr } = await runNode([file], { cwd, env: { ...env, OPDBUS_CACHE_DIR: newIn(work) } })
      expect([code, stderr]).toEqual([0, ''])
      return JSON.parse(stdout)
    },
    expectSame,
  }
}

let caches = 0
const newIn = (work: string) => join(work, `cache-${caches++}`)

function versionOf(dir: string, name: string): string {
  return JSON.parse(readFileSync(join(dir, 'node_modules', name, 'package.json'), 'utf8')).version
}

/** The folder of a consumer with everything in it, as it was checked in and as the package was built. */
async function installed(name: string): Promise<string> {
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const needs = JSON.stringify({ dependencies, optionalDependencies, abi: process.versions.modules })
  const key = digestOf(readFileSync(join(FIXTURES, name, 'package-lock.json')), needs).slice(0, 16)
  const all = join(BUILD, 'consumers')
  const dir = join(all, `${name}-${key}`)
  await oneAtATime(join(BUILD, `consumer-${name}.lock`), async () => {
    const { tarball, digest } = await packed()
    if (!existsSync(dir)) {
      for (const old of existsSync(all) ? readdirSync(all) : []) {
        if (old.startsWith(`${name}-`)) rmSync(join(all, old), { recursive: true, force: true })
      }
      await install(name, `${dir}.new`, tarball)
      renameSync(`${dir}.new`, dir)
    }
    const note = join(dir, 'packed')
    if (!existsSync(note) || readFileSync(note, 'utf8') !== digest) {
      rmSync(note, { force: true })
      const target = join(dir, 'node_modules/op-dbus')
      rmSync(target, { recursive: true, force: true })
      mkdirSync(target)
      await run('tar', ['xzf', tarball, '-C', target, '--strip-components=1'])
      writeFileSync(note, digest)
    }
    // What an earlier run left may be of another build of the package.
    for (const old of readdirSync(dir)) {
      if (!['node_modules', 'packed', 'public'].includes(old)) rmSync(join(dir, old), { recursive: true })
    }
    cpSync(join(FIXTURES, name), dir, { recursive: true })
  })
  return dir
}

async function install(name: string, dir: string, tarball: string): Promise<void> {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(FIXTURES, name, file), join(dir, file))
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']
  await npm(dir, ['ci', ...quiet])
  await npm(dir, ['install', tarball, '--no-save', ...quiet])
  for (const heavy of ['onnxruntime-node', 'onnxruntime-web']) shareFiles(join('node_modules', heavy), dir)
}

/** Hundreds of megabytes that are here already, in the same version, are not kept a second time for each consumer. */
function shareFiles(folder: string, dir: string): void {
  const entries = readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    const source = join(entry.parentPath, entry.name)
    const target = join(dir, relative(root, source))
    if (!entry.isFile() || !existsSync(target) || !readFileSync(source).equals(readFileSync(target))) continue
    try {
      linkSync(source, `${target}.link`)
      renameSync(`${target}.link`, target)
    } catch {
      // Another file system: then there are two of them.
      return
    }
  }
}

/** The package as npm would publish it, packed once per build of it. */
async function packed(): Promise<{ readonly tarball: string; readonly digest: string }> {
  const folder = join(BUILD, 'packed')
  const digest = digestOf(...packable(join(root, 'dist')), ...packable(join(root, 'package.json')))
  const tarball = join(folder, `${digest.slice(0, 16)}.tgz`)
  await oneAtATime(join(BUILD, 'packed.lock'), async () => {
    if (existsSync(tarball)) return
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    const { stdout } = await npm(root, ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
    renameSync(join(folder, JSON.parse(stdout)[0].filename), tarball)
  })
  return { tarball, digest }
}

function packable(path: string): (string | Uint8Array)[] {
  if (!existsSync(path)) return []
  const entries = path.endsWith('.json') ? undefined : readdirSync(path, { recursive: true, withFileTypes: true })
  const files = entries?.filter(entry => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name)) ?? [path]
  return files.sort().flatMap(file => [file, readFileSync(file)])
}

function digestOf(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** npm on the machine's own settings, but with nothing of this project's environment. */
async function npm(cwd: string, args: readonly string[]) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD)/i.test(name)))
  return run('npm', [...args], { cwd, env: { ...inherited, ONNXRUNTIME_NODE_INSTALL: 'skip' }, maxBuffer: 1 << 26 })
}
