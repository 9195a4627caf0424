// Real pages for tests: one Chromium per test file, servers on loopback, bundles in a temporary folder. Everything that a
// test opens is closed after it; a page on which an exception went uncaught fails its test.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BuildOptions, build } from 'esbuild'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type LaunchOptions,
  type Page,
} from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { ENSURE_MS, ensureChromium } from './chromium.js'
import { type ServeOptions, startServer, type TestServer } from './static-server.js'

export { ENSURE_MS } from './chromium.js'
export type { Fault, ServeOptions, TestServer } from './static-server.js'

/** The repository's root, with a slash at the end. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * V8's optimising compiler costs more than it gains where a page embeds a few texts: a page with a model takes two thirds of the
 * CPU time without it. Take it out where speed or the usual machine code is what is tested.
 */
export const BASELINE_WASM = '--js-flags=--liftoff-only'

/** `--enable-unsafe-webgpu` is what gives a headless Chromium without a GPU an adapter (SwiftShader). */
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--enable-unsafe-webgpu',
  BASELINE_WASM,
]

export interface UseBrowserOptions {
  /** Added to the flags. */
  readonly args?: readonly string[]
  /** Taken out of the flags, for example `--enable-unsafe-webgpu` for a browser without WebGPU. */
  readonly without?: readonly string[]
}

export interface OpenPageOptions {
  /** Tabs of one context share their storage; without one, a page gets a fresh context of its own. */
  readonly context?: BrowserContext
  /** For a fresh context: viewport, colour scheme, reduced motion, offline, … */
  readonly contextOptions?: BrowserContextOptions
  /** Run in the page before any script of its own. */
  readonly before?: () => void
  /** For a context that is given, what a fresh one takes from its options: they hold for this page alone. */
  readonly viewport?: { readonly width: number; readonly height: number }
  readonly media?: Parameters<Page['emulateMedia']>[0]
  /** Uncaught exceptions are what this test is about: they are collected but do not fail it. */
  readonly mayThrow?: boolean
}

export interface TestPage {
  readonly page: Page
  readonly context: BrowserContext
  /** `console.error` and `console.warn`, failed requests included, each as `error: text` or `warning: text`. */
  readonly complaints: string[]
  /** Uncaught exceptions and unhandled rejections. */
  readonly uncaught: string[]
  /** Calls an export of a module that the page can import: `call('/entry.js', 'name', ...args)`. */
  call<T = unknown>(module: string, name: string, ...args: readonly unknown[]): Promise<T>
}

export interface BrowserTest {
  /** The running browser. Only inside hooks and tests. */
  readonly browser: Browser
  /** A server that stops after the test. */
  serve(options?: ServeOptions): Promise<TestServer>
  /** A context that is closed after the test. */
  newContext(options?: BrowserContextOptions): Promise<BrowserContext>
  openPage(url: string, options?: OpenPageOptions): Promise<TestPage>
}

/** Call it once, at the top of a test file or a describe block. The browser lives as long as that. */
export function useBrowser(options: UseBrowserOptions = {}): BrowserTest {
  let browser: Browser | undefined
  const undo: (() => unknown)[] = []
  const open: { page: TestPage; mayThrow: boolean }[] = []

  beforeAll(async () => {
    browser = await chromium.launch(await launchOptions(options))
  }, ENSURE_MS)
  afterAll(() => browser?.close())
  afterEach(async () => {
    const uncaught = open.splice(0).flatMap(({ page, mayThrow }) => (mayThrow ? [] : page.uncaught))
    while (undo.length > 0) await undo.pop()!()
    expect(uncaught, 'exceptions that nobody caught in a page').toEqual([])
  })

  const running = (): Browser => {
    if (browser === undefined) throw new Error('the browser runs only inside hooks and tests')
    return browser
  }
  const newContext = async (contextOptions?: BrowserContextOptions): Promise<BrowserContext> => {
    const context = await running().newContext(contextOptions)
    undo.push(() => context.close().catch(() => undefined))
    return context
  }

  return {
    get browser() {
      return running()
    },
    newContext,
    async serve(serveOptions) {
      const server = await startServer(serveOptions)
      undo.push(() => server.close())
      return server
    },
    async openPage(url, pageOptions = {}) {
      const context = pageOptions.context ?? (await newContext(pageOptions.contextOptions))
      const page = await context.newPage()
      // It may be gone by then, with its context.
      undo.push(() => page.close().catch(() => undefined))
      const test = watchPage(page)
      if (pageOptions.before) await page.addInitScript(pageOptions.before)
      if (pageOptions.viewport) await page.setViewportSize(pageOptions.viewport)
      if (pageOptions.media) await page.emulateMedia(pageOptions.media)
      open.push({ page: test, mayThrow: pageOptions.mayThrow ?? false })
      await page.goto(url)
      return test
    },
  }
}

/** For a test that launches a browser itself. Installs one where that is needed and allowed: allow it {@link ENSURE_MS}. */
export async function launchOptions(options: UseBrowserOptions = {}): Promise<LaunchOptions> {
  const args = [...FLAGS.filter(flag => !options.without?.includes(flag)), ...(options.args ?? [])]
  return { executablePath: await ensureChromium(), headless: true, args }
}

/** Listens to a page from now on. */
export function watchPage(page: Page): TestPage {
  const complaints: string[] = []
  const uncaught: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') {
      complaints.push(`${message.type()}: ${message.text()}`)
    }
  })
  page.on('pageerror', error => uncaught.push(String(error)))
  const call = async <T>(...[module, name, ...args]: [string, string, ...unknown[]]) =>
    (await page.evaluate(CALL, [module, name, args])) as T
  return { page, context: page.context(), complaints, uncaught, call }
}

/** A string, because vitest rewrites an `import()` that it sees, also in what is meant for a page. */
const CALL = new Function(
  'given',
  `const [module, name, args] = given
   return import(new URL(module, document.baseURI).href).then(exports => exports[name](...args))`,
) as (given: unknown) => Promise<unknown>

/**
 * Bundles for a page, as `<folder>/<name>.js`, with chunks beside them. `entries` is name -> file (relative to the root of
 * the repository). The caller removes the folder, or uses {@link useBundle}.
 */
export async function bundleInto(
  folder: string,
  entries: Readonly<Record<string, string>>,
  options: BuildOptions = {},
): Promise<void> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: Object.entries(entries).map(([out, path]) => ({ out, in: join(ROOT, path) })),
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    splitting: true,
    define: { __OP_DBUS_VERSION__: '"test"' },
    logLevel: 'silent',
    ...options,
  })
}

/** Bundles once for a test file; the folder goes away with it. `dir()` is the folder, inside hooks and tests. */
export function useBundle(entries: Readonly<Record<string, string>>, options?: BuildOptions): { dir(): string } {
  let folder: string | undefined
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'op-dbus-bundle-'))
    await bundleInto(folder, entries, options)
  })
  afterAll(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  return {
    dir() {
      if (folder === undefined) throw new Error('the bundle is there only inside hooks and tests')
      return folder
    },
  }
}
