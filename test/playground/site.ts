// The built playground for tests: served as `npm start` serves it, or with faults.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll } from 'vitest'
import { ROOT, type useBrowser } from '../browser/harness.js'

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

/** The page on a server of its own, which can be given faults. `before` runs in the page before any of its scripts. */
export async function openPage(test: ReturnType<typeof useBrowser>, before?: () => void) {
  requireSite()
  const server = await test.serve({ folders: { '/': SITE }, isolated: true })
  return { server, ...(await test.openPage(`${server.url}/`, before && { before })) }
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
