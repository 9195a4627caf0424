// The comparison that a visitor runs: what is measured, what is not there and why, stopped, pressed twice.
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { embed, letters, useFaultySite, useProfile } from './site.js'

const site = useFaultySite()

const run = (page: Page) => page.locator('.compare').getByRole('button', { name: 'Run' })
const stop = (page: Page) => page.locator('.compare').getByRole('button', { name: 'Stop' })

const WASM_RUNTIME = '/op-dbus/ort/ort-wasm-simd-threaded.wasm'
const WEBGPU_RUNTIME = '/op-dbus/ort/ort-wasm-simd-threaded.asyncify.wasm'

/** Keeps a file on its way until it is let through: what runs comes so far, and no further. */
function hold(path: string): { asked(): Promise<void>; letThrough(): void } {
  let letThrough = () => {}
  site.requests.length = 0
  site.fault(path, {
    after: new Promise<void>(resolve => {
      letThrough = resolve
    }),
  })
  onTestFinished(() => letThrough())
  return {
    asked: () => expect.poll(() => site.requests, { timeout: 90_000 }).toContain(path),
    letThrough() {
      site.fault(path, undefined)
      letThrough()
    },
  }
}

/** For ears. */
const spoken = (page: Page) => page.locator('p[role=status]').textContent()

/** Name -> what is said of it, in the order of the table. */
async function results(page: Page): Promise<Record<string, string>> {
  const rows = await page.locator('.bars tbody tr').all()
  const cells = await Promise.all(
    rows.map(row => Promise.all([row.locator('th').textContent(), row.locator('td').textContent()])),
  )
  return Object.fromEntries(cells)
}

/** Texts per second, of `1 300 000/s`. */
function rate(said: string | undefined): number {
  expect(said).toMatch(/^[\d.\u2009]+\/s$/)
  return Number(said!.replace(/[^\d.]/g, ''))
}

describe('Compare, with WebGPU', () => {
  const test = useBrowser()

  it('measures memory and WASM, goes on to WebGPU, and keeps what it has when it is stopped there', async () => {
    const { page, complaints } = await test.openPage(site.url)
    expect(await results(page)).toEqual({ cached: 'not run yet', WASM: 'not run yet', WebGPU: 'not run yet' })
    await page.getByRole('combobox', { name: 'Device' }).selectOption('wasm')
    await page.getByRole('textbox', { name: 'Lines to embed' }).fill('one\ntwo\nthree')
    await embed(page)
    // All of it would take a minute where the GPU is one in software.
    const held = hold(WEBGPU_RUNTIME)
    await run(page).click()
    await held.asked()
    await page.locator('.compare', { hasText: /running WebGPU|WebGPU: / }).waitFor()
    await stop(page).click()
    await run(page).waitFor()
    const said = await results(page)
    expect(rate(said.cached)).toBeGreaterThan(rate(said.WASM))
    // It was begun, and may have been run before: it is not that it never ran.
    expect(said.WebGPU).toBe('not measured')
    expect(await spoken(page)).toMatch(/^Texts per second: WASM [\d.\u2009]+, cached [\d.\u2009]+$/)
    expect(await page.locator('.axis .ends').textContent()).toMatch(/\/s.*\/s$/)
    expect(await page.locator('.memory h2').textContent()).toContain('3 of 10\u2009000')
    await embed(page)
    expect(await letters(page)).toBe('MMM')
    expect(complaints).toEqual([])
  })
})

describe('Compare, without WebGPU', () => {
  const test = useBrowser({ without: ['--enable-unsafe-webgpu'] })
  const profile = useProfile(test, site)

  it('says why a device is not here, keeps the focus on its button, and is stopped by no second press of a double one', async () => {
    const first = hold(WASM_RUNTIME)
    const { page } = await profile.open({ known: 'nothing' })
    const focused = () => page.evaluate(() => document.activeElement?.textContent)
    await run(page).focus()
    await run(page).press('Enter')
    await stop(page).waitFor()
    expect(await focused()).toBe('Stop')
    await page.keyboard.press('Enter')
    await run(page).waitFor()
    expect(await focused()).toBe('Run')
    first.letThrough()
    for (const press of ['dblclick', 'click'] as const) {
      const held = hold(WASM_RUNTIME)
      await page.evaluate(() => caches.delete('op-dbus-files'))
      await run(page)[press]()
      await held.asked()
      await stop(page).waitFor()
      expect((await results(page)).WebGPU).toBe('not measured yet')
      held.letThrough()
      await run(page).waitFor({ timeout: 90_000 })
      const said = await results(page)
      expect(Object.keys(said)).toEqual(['cached', 'WASM', 'WebGPU'])
      expect(rate(said.cached)).toBeGreaterThan(rate(said.WASM))
      expect(said.WebGPU).toMatch(/^not here: .*GPU/)
      expect(await spoken(page)).toMatch(/, WebGPU not here$/)
    }
  })

  it('stops when told, while the runtime is still on its way, and can be run again', async () => {
    const held = hold(WASM_RUNTIME)
    const { page } = await profile.open({ known: 'nothing' })
    await run(page).click()
    await held.asked()
    await stop(page).click()
    await run(page).waitFor()
    expect(Object.values(await results(page))).toEqual(['not measured', 'not measured', 'not measured'])
    expect(await spoken(page)).toBe('Nothing was measured.')
    held.letThrough()
    await run(page).click()
    await run(page).waitFor({ timeout: 90_000 })
    expect(rate((await results(page)).WASM)).toBeGreaterThan(0)
  })
})
