// What others could write to hurt who looks at it, and that a screen of the console took it as text. For tests.
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/** A text that would be a script where somebody took it for HTML, and would turn the line where somebody printed it. */
export const HOSTILE = '<img src=x onerror="document.title=\'taken\'">\u202eevil\u0000\u001b[2J'
/** As a line of text. */
export const AS_TEXT = '<img src=x onerror="document.title=\'taken\'">\u00b7evil\u00b7\u00b7[2J'
/** As a value of JSON. */
export const AS_JSON = JSON.stringify(HOSTILE).slice(1, -1).replace('\u202e', '\\u202e')

/** Nothing that was shown was run. */
export async function expectHarmless(page: Page, complaints: readonly string[]): Promise<void> {
  expect(await page.title()).not.toContain('taken')
  expect(await page.locator('main img').count()).toBe(0)
  // A browser notes each answer that is an error by itself.
  expect(complaints.filter(one => !/status of \d\d\d/.test(one))).toEqual([])
}

/** Of a table of that name, its heading among them. */
export const rowsOf = (page: Page, name: string | RegExp) => page.getByRole('table', { name }).getByRole('row')
