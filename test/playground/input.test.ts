// Lines that change, files that are taken or refused, and a page that forgets: here and in the tab beside it.
import { Buffer } from 'node:buffer'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { MOST_BYTES } from '../../playground/text-file.js'
import { useBrowser } from '../browser/harness.js'
import { embed, letters, useProfile, useSite } from './site.js'

const test = useBrowser({ without: ['--enable-unsafe-webgpu'] })

const site = useSite()
const { open } = useProfile(test, site)

const lines = (page: Page) => page.getByRole('textbox', { name: 'Lines to embed' })
const file = (name: string, content: string | Buffer) => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.from(content as string),
})

describe('the button', () => {
  it('says Embed, and not again, once the lines are others; the old answers are said to be old', async () => {
    const { page } = await open()
    await lines(page).fill('one\ntwo')
    await embed(page)
    const button = page.getByRole('button', { name: /^Embed/ })
    expect(await button.textContent()).toBe('Embed again')
    await lines(page).fill('one\ntwo\nthree')
    expect(await button.textContent()).toBe('Embed')
    expect(await page.locator('.progress').textContent()).toMatch(/answers below are those of the lines before/)
    await embed(page)
    expect(await button.textContent()).toBe('Embed again')
    expect(await letters(page)).toBe('MMC')
  })
})

describe('a file', () => {
  it('is taken, and the same one once more; one that is no text is refused in words', async () => {
    const { page } = await open()
    const chooser = page.locator('input[type=file]')
    await chooser.setInputFiles(file('a.log', 'first\nsecond\n'))
    await page.locator('#lines-number', { hasText: '2 lines' }).waitFor()
    await lines(page).fill('typed')
    await chooser.setInputFiles(file('a.log', 'first\nsecond\n'))
    await page.locator('#lines-number', { hasText: '2 lines' }).waitFor()
    await chooser.setInputFiles(file('b.png', Buffer.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 0, 0, 13])))
    await page.locator('#lines-number', { hasText: 'b.png is not a text file' }).waitFor()
    expect(await lines(page).inputValue()).toBe('first\nsecond\n')
    expect(await lines(page).getAttribute('aria-describedby')).toBe('lines-number')
  })

  it('of one byte a character is read as such', async () => {
    const { page } = await open()
    await page.locator('input[type=file]').setInputFiles(file('latin.txt', Buffer.from('caf\u00e9 2 \x80\n', 'latin1')))
    await expect.poll(() => lines(page).inputValue()).toBe('café 2 €\n')
  })

  it.each(['textarea', '.diagram', 'body'])(
    'that is dropped on %s is taken, and not opened in place of the page',
    async at => {
      const { page } = await open()
      const prevented = await page.locator(at).evaluate(element => {
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File(['dropped'], 'c.txt', { type: 'text/plain' }))
        return ['dragover', 'drop'].map(
          type => !element.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true })),
        )
      })
      expect(prevented).toEqual([true, true])
      await page.locator('#lines-number', { hasText: '1 line.' }).waitFor()
      expect(await lines(page).inputValue()).toBe('dropped')
    },
  )

  it('that is too large is read in part, and that is said', async () => {
    const { page } = await open()
    const line = `${'x'.repeat(999)}\n`
    await page.locator('input[type=file]').setInputFiles(file('d.log', line.repeat(MOST_BYTES / 1000 + 5)))
    await page.locator('#lines-number', { hasText: 'Of d.log the first 4.0 MB of 4.0 MB were read.' }).waitFor()
    expect((await lines(page).inputValue()).length).toBeLessThanOrEqual(MOST_BYTES)
  })
})

describe('forgetting all', () => {
  it('empties search, map and heat scale, and the page of the tab beside it', async () => {
    const { page, context } = await open()
    const beside = await test.openPage(site.url, { context })
    await embed(beside.page)
    await embed(page)
    await page.locator('.neighbours li').first().waitFor()
    await page.getByRole('searchbox').fill('a container')
    await page.getByRole('button', { name: 'Search', exact: true }).click()
    await page.locator('.found li').first().waitFor()

    await page.getByRole('button', { name: 'Forget all' }).click()
    await page.locator('p[role=status]', { hasText: 'Everything is forgotten.' }).waitFor()
    await beside.page.locator('p[role=status]', { hasText: 'forgotten in another tab' }).waitFor()
    for (const one of [page, beside.page]) {
      await one.locator('.memory h2', { hasText: '0 of' }).waitFor()
      expect(await letters(one)).toBe('')
      expect(await one.locator('.found li, .neighbours li').count()).toBe(0)
      expect(await one.getByRole('button', { name: 'Search', exact: true }).isDisabled()).toBe(true)
    }
    await embed(beside.page)
    expect(await letters(beside.page)).toMatch(/^C+$/)
  })
  it('counts patterns anew', async () => {
    const { page } = await open()
    await page.getByRole('radio', { name: 'template' }).check()
    await lines(page).fill('Created container 100\nCreated container 101\nCreated container 102')
    await embed(page)
    const served = page.locator('.patterns .served')
    await expect.poll(() => served.textContent()).toBe('1 template embedded, 2 texts answered by them.')
    await page.getByRole('button', { name: 'Forget all' }).click()
    await expect.poll(() => served.textContent()).toBe('0 templates embedded, 0 texts answered by them.')
    await embed(page)
    await expect.poll(() => served.textContent()).toBe('1 template embedded, 2 texts answered by them.')
  })
})
