// The built playground for tests: served as `npm start` serves it, or with faults.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type OpenPageOptions, ROOT, type TestPage, type useBrowser } from '../browser/harness.js'
import { type Fault, startServer, type TestServer } from '../browser/static-server.js'

export const SITE = join(ROOT, '.build', 'playground')

/** The built pages, or a word on how to get them. */
export function requireSite(): void {
  if (!existsSync(join(SITE, 'sw.js'))) throw new Error('the playground is not built: run `node build.mjs`')
}

export interface Started {
  readonly url: string
  close(): Promise<void>
}

/** `npm start` on a free port. Resolves when it has printed its address. */
export function start(): Promise<Started> {
  const child: ChildProcess = spawn(process.execPath, [join(ROOT, 'build', 'start.mjs'), '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<void>(resolve => {
    child.on('exit', () => resolve())
  })
  const close = async () => {
    child.kill()
    await ended
  }
  return new Promise((resolve, reject) => {
    let said = ''
    const hear = (chunk: Buffer) => {
      said += chunk.toString()
      const url = said.match(/http:\/\/localhost:\d+\//)?.[0]
      if (url) resolve({ url, close })
    }
    child.stdout?.on('data', hear)
    child.stderr?.on('data', hear)
    child.on('exit', code => reject(new Error(`npm start ended with ${code}: ${said}`)))
  })
}

/** `npm start` for all tests of a file. Its address is there from the first test on. */
export function useSite(): { readonly url: string } {
  let site: Started
  beforeAll(async () => {
    requireSite()
    site = await start()
  })
  afterAll(() => site?.close())
  return {
    get url() {
      return site.url
    },
  }
}

/** The pages on a server for all tests of a file, which can be given faults: they are mended after each test. */
export function useFaultySite(): Pick<TestServer, 'url' | 'requests' | 'fault'> {
  let server: TestServer
  const faulty = new Set<string>()
  beforeAll(async () => {
    requireSite()
    server = await startServer({ folders: { '/': SITE }, isolated: true })
  })
  afterEach(() => {
    for (const path of faulty) server.fault(path, undefined)
    faulty.clear()
  })
  afterAll(() => server?.close())
  return {
    get url() {
      return `${server.url}/`
    },
    get requests() {
      return server.requests
    },
    fault(path: string, fault: Fault | undefined) {
      faulty.add(path)
      server.fault(path, fault)
    },
  }
}

/** What the browser knows of the page when it is opened: nothing, or what one visit leaves but for its vectors and choices. */
export type Known = 'nothing' | 'files'

export interface VisitOptions extends Omit<OpenPageOptions, 'context' | 'contextOptions'> {
  /** Default `files`. */
  readonly known?: Known
}

/**
 * One profile for all tests of a file, whose first tab has embedded and stays open beside them. Tabs of one profile share a process,
 * and that the machine code of the runtime: to open the page and to embed in it then takes half of what it does in a profile of
 * its own. Each test finds the profile as `known` says, whatever the one before has left.
 */
export function useProfile(test: ReturnType<typeof useBrowser>, site: { readonly url: string }) {
  let context: BrowserContext
  let storage: CDPSession
  let first: Page
  const visit = async () => {
    await first.goto(site.url)
    await embed(first)
    await first.locator('.net', { hasText: 'works offline' }).waitFor()
  }
  let files = false
  beforeAll(async () => {
    context = await test.browser.newContext()
    first = await context.newPage()
    storage = await context.newCDPSession(first)
    await visit()
    files = true
  })
  return {
    /** The page in a tab of its own, which is closed after the test. */
    async open({ known = 'files', ...options }: VisitOptions = {}): Promise<TestPage> {
      await context.setOffline(false)
      if (known === 'files' && !files) await visit()
      files = known === 'files'
      const storageTypes = files ? 'indexeddb,local_storage' : 'all'
      await storage.send('Storage.clearDataForOrigin', { origin: new URL(site.url).origin, storageTypes })
      return test.openPage(site.url, { ...options, context })
    },
  }
}

/** Presses Embed and waits until it is done. What the page says of the run. */
export async function embed(page: Page): Promise<string> {
  await page.getByRole('button', { name: /^Embed/ }).click()
  return settled(page)
}

/** Waits until the page rests; what it says of the last run. */
export async function settled(page: Page): Promise<string> {
  await page.getByRole('button', { name: /^Embed/ }).waitFor({ timeout: 90_000 })
  return (await page.locator('.progress').textContent()) ?? ''
}

/** The letters of the rows in sight, as one word. */
export async function letters(page: Page): Promise<string> {
  return (await page.locator('.line .from .chip').allTextContents()).join('')
}
