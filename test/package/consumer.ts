// Projects of strangers that use the packed package with a tool of their own: each a folder of `consumers/` with its lock file.
// They are installed inside of the project that has the package, keyed by the lock, so that a second run installs nothing; no install
// script of a tool ever runs.
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { oneAtATime } from '../../build/one-at-a-time.mjs'
import type { BrowserTest, ServeOptions } from '../browser/harness.js'
import { root, runNode } from '../processes.js'
import { newFolder } from '../support.js'
import { digestOf, INSTALL_MS, npm, projectWithPackage, QUIET } from './packed.js'

const FIXTURES = fileURLToPath(new URL('consumers/', import.meta.url))
const PAGE = (script: string) =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,"><script type="module" src="/${script}"></script></html>`
/** How npm says that there is no network, or no registry. */
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|network request/

export interface Consumer {
  /** The project, installed. Only inside hooks and tests. */
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
    const { cli, vector } = await projectWithPackage()
    onNode = vector
    if (page) {
      const assets = await runNode([cli, 'assets', 'public/op-dbus'], { cwd: dir, env })
      expect(assets.code, assets.stderr).toBe(0)
    }
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

/** The folder of a consumer with its tools in it, as it was checked in; the package is above it. */
async function installed(name: string): Promise<string> {
  const { dir: project } = await projectWithPackage()
  const lock = readFileSync(join(FIXTURES, name, 'package-lock.json'))
  const dir = join(project, `${name}-${digestOf(lock, process.versions.modules).slice(0, 16)}`)
  await oneAtATime(join(root, '.build', `consumer-${name}.lock`), async () => {
    if (!existsSync(dir)) {
      for (const old of readdirSync(project)) {
        if (old.startsWith(`${name}-`)) rmSync(join(project, old), { recursive: true, force: true })
      }
      const fresh = `${dir}.new`
      mkdirSync(fresh)
      for (const file of ['package.json', 'package-lock.json']) cpSync(join(FIXTURES, name, file), join(fresh, file))
      await npm(fresh, ['ci', '--ignore-scripts', ...QUIET])
      renameSync(fresh, dir)
    }
    // What an earlier run left may be of another build of the package.
    for (const old of readdirSync(dir)) {
      if (!['node_modules', 'public'].includes(old)) rmSync(join(dir, old), { recursive: true })
    }
    cpSync(join(FIXTURES, name), dir, { recursive: true })
  })
  return dir
}
