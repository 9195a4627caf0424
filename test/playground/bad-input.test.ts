// What bad input and a bad day do to the playground: markup, a megabyte, ten thousand lines, missing files, no IndexedDB.
import { describe, expect, it } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { embed, letters, settled, useFaultySite, useProfile } from './site.js'

const test = useBrowser({ without: ['--enable-unsafe-webgpu'] })

const site = useFaultySite()
const { open } = useProfile(test, site)

describe('bad input', () => {
  it('shows markup as text, and a megabyte as a line that was cut', async () => {
    const { page } = await open()
    const markup = '<script>window.hit = 1</script><img src=x onerror="window.hit = 2">'
    const lines = page.getByRole('textbox', { name: 'Lines to embed' })
    await lines.fill([markup, 'word '.repeat(200_000), '\u202ereversed\0'].join('\n'))
    await embed(page)
    expect(await letters(page)).toBe('CCC')
    expect(await page.locator('.line .text').first().textContent()).toBe(markup)
    expect(await page.evaluate(() => (window as { hit?: number }).hit)).toBeUndefined()
    expect(await page.locator('.line img, .line script, .neighbours img').count()).toBe(0)
    expect(await page.locator('.line').nth(1).textContent()).toContain('cut')
    expect(await page.locator('.line .text').nth(2).textContent()).toBe('·reversed·')
  })

  it('takes ten thousand lines, draws few of them, and stops when told; what is done stays', async () => {
    const { page } = await open()
    await embed(page)
    const many = Array.from({ length: 10_050 }, (_, i) => `event ${i} of a long night`).join('\n')
    await page.getByRole('textbox', { name: 'Lines to embed' }).evaluate((area, text) => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', text)
      ;(area as HTMLTextAreaElement).select()
      area.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }, many)
    await page.getByText('10\u2009050 lines; the first 10\u2009000 are embedded.').waitFor()
    await page.getByRole('button', { name: /^Embed/ }).click()
    await page.locator('.progress', { hasText: /^[1-9].* of 10\u2009000 lines/ }).waitFor()
    expect(await page.locator('.line').count()).toBeLessThan(40)
    await page.getByRole('button', { name: 'Stop', exact: true }).click()
    const said = await settled(page)
    const done = Number(said.match(/^Stopped after ([\d\u2009]+) of 10\u2009000 lines/)?.[1]?.replace(/\D/g, ''))
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(10_000)
    await page.getByRole('textbox', { name: 'Lines to embed' }).fill('event 0 of a long night')
    await embed(page)
    expect(await letters(page)).toBe('M')
  })
})

describe('a bad day', () => {
  it('says that there is no WebGPU, and what serves instead', async () => {
    const { page } = await open()
    await embed(page)
    await page.locator('.device-note', { hasText: /No WebGPU: .*WASM computes/ }).waitFor()
    await page.getByText('WASM (checked)').waitFor({ state: 'attached' })
  })

  it('takes the second press of a double one for no stop, and tells a device that is not here from one that is', async () => {
    const { page } = await open()
    await page.getByRole('button', { name: /^Embed/ }).dblclick()
    expect(await settled(page)).toMatch(/19 computed/)
    await page.getByRole('combobox', { name: 'Device' }).selectOption('webgpu')
    // Other caches: what the ones before counted is not theirs.
    await page.locator('.stats', { hasText: 'Nothing was asked for yet' }).waitFor()
    expect(await page.locator('.station .number').allTextContents()).not.toContain('19 texts')
    await page.getByRole('textbox', { name: 'Lines to embed' }).fill('a line that was never asked for')
    await embed(page)
    await page.getByRole('alert').filter({ hasText: 'Choose "best" above' }).waitFor()
    await page.getByRole('combobox', { name: 'Device' }).selectOption('wasm')
    expect(await page.getByRole('alert').count()).toBe(0)
    expect(await embed(page)).toMatch(/^1 line, all computed/)
  })

  it('names the file that is missing, and works when it is there', async () => {
    const { page } = await open({ known: 'nothing' })
    const path = '/op-dbus/ort/ort-wasm-simd-threaded.wasm'
    site.fault(path, { status: 404 })
    expect(await embed(page)).toContain(path)
    await expect.poll(() => page.getByRole('alert').textContent()).toMatch(/^Failed: A file .* could not be fetched/)
    site.fault(path, undefined)
    expect(await embed(page)).toMatch(/19 computed/)
  })

  it('forgets all it can where the browser denies its storage, and says what it could not', async () => {
    const before = () => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('denied', 'SecurityError')
      }
    }
    const { page } = await open({ before })
    await embed(page)
    await page.getByRole('button', { name: 'Forget memory' }).click()
    await page.locator('p[role=status]', { hasText: /^Memory is empty\.$/ }).waitFor()
    await embed(page)
    await page.getByRole('button', { name: 'Forget all' }).click()
    const alert = page.getByRole('alert').filter({ hasText: "the browser's storage could not be emptied" })
    await alert.waitFor()
    expect(await page.locator('.progress details').textContent()).toContain('denied')
    expect(await letters(page)).toBe('')
  })
})
