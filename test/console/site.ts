// The built console on a real daemon in this process, for tests: opened at a screen, driven as a person would, looked at in its looks.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import type { Screen } from '../../console/router.js'
import type { ServeOptions } from '../../src/server.js'
import { ROOT, type TestPage, type useBrowser } from '../browser/harness.js'
import { violations } from '../playground/axe.js'
import { startDaemon, type TestDaemon } from '../server/daemon.js'

/** For options of a daemon: the model that comes with the package instead of the fast embedder of tests. */
export const BUILTIN: ServeOptions = { embedder: undefined, models: ['builtin'] }

/** A daemon for all tests of a file, from the first hook on that comes after it. It needs the built console. */
export function useDaemon(options: ServeOptions = {}): { readonly daemon: TestDaemon } {
  let daemon: TestDaemon
  beforeAll(async () => {
    if (!existsSync(join(ROOT, 'dist', 'console', 'index.html'))) {
      throw new Error('the console is not built: run `node build.mjs`')
    }
    daemon = await startDaemon(options)
  })
  afterAll(() => daemon?.stop())
  return {
    get daemon() {
      return daemon
    },
  }
}

export interface OpenSettings {
  /** What a person would type where the page asks for a token: it lies in the tab's storage from the beginning. */
  readonly token?: string
  readonly contextOptions?: BrowserContextOptions
  /** The shell is looked at, before it is connected. */
  readonly anyway?: boolean
}

/** The console at a screen, connected. */
export async function openConsole(
  test: ReturnType<typeof useBrowser>,
  url: string,
  screen: Screen | `${Screen}/${string}`,
  { token, contextOptions, anyway = false }: OpenSettings = {},
): Promise<TestPage> {
  const context = await test.newContext(contextOptions)
  if (token !== undefined) {
    await context.addInitScript(given => sessionStorage.setItem('op-dbus-token', given), token)
  }
  const opened = await test.openPage(`${url}/#/${screen}`, { context })
  if (!anyway) await opened.page.locator('.pulse.ok').waitFor()
  return opened
}

/** The write token of a daemon, as it lies in its file. */
export function writeToken(daemon: TestDaemon): string {
  return daemon.write.authorization.replace('Bearer ', '')
}

export async function goTo(page: Page, title: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name: title, exact: true }).click()
  await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor({ state: 'attached' })
}

/** Axe finds nothing serious, light and dark, and nothing is wider than a phone. */
export async function expectGoodLooks(page: Page): Promise<void> {
  await page.emulateMedia({ colorScheme: 'light' })
  expect(await violations(page), 'light').toEqual([])
  // Nothing but colours is another then.
  await page.emulateMedia({ colorScheme: 'dark' })
  expect(await violations(page, ['color-contrast']), 'dark').toEqual([])
  await page.emulateMedia({ colorScheme: 'light' })
  const before = page.viewportSize()!
  await page.setViewportSize({ width: 360, height: 740 })
  expect(await tooWide(page), 'wider than a phone').toEqual([])
  await page.setViewportSize(before)
}

/** What sticks out of the page at the right, as selectors; what scrolls in a box of its own does not. */
function tooWide(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth
    const scrolls = (element: Element | null): boolean =>
      element !== null &&
      element !== document.body &&
      (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(element).overflowX) ||
        scrolls(element.parentElement))
    return [...document.querySelectorAll('body *')]
      .filter(one => one.getBoundingClientRect().right > width + 1 && !scrolls(one) && !one.closest('.unseen, .skip'))
      .map(one => `${one.tagName.toLowerCase()}.${one.className}`)
  })
}
