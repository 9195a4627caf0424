// The playground as a visitor meets it, in Chromium: what a cache does, in order; keys, phones, colours, no network.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { embed, letters, SITE, settled, useSite } from './site.js'

const test = useBrowser()
const site = useSite()

describe('the first visit', () => {
  it('shows itself with at most 60 KB of JavaScript, and fetches no engine before Embed', async () => {
    const { page, complaints } = await test.openPage(site.url)
    const fetched: string[] = []
    page.on('request', request => fetched.push(new URL(request.url()).pathname))
    await page.reload()
    await page.getByRole('button', { name: /Embed.*fetches up to/ }).waitFor()
    await page.locator('.net', { hasText: 'page kept' }).waitFor()
    await page.locator('.plot canvas').first().waitFor()
    expect(fetched.filter(path => path.startsWith('/op-dbus/'))).toEqual([])
    const main = readFileSync(join(SITE, 'main.js'), 'utf8')
    const needed = ['main.js', ...[...main.matchAll(/from"\.\/(chunk-[^"]+)"/g)].map(match => match[1]!)]
    const bytes = [...new Set(needed)].reduce((sum, name) => sum + gzipSync(readFileSync(join(SITE, name))).length, 0)
    expect(bytes).toBeLessThanOrEqual(60 * 1024)
    expect(complaints).toEqual([])
  })

  it('is isolated, for threads, and may ask nobody but its own server', async () => {
    const { page } = await test.openPage(site.url)
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    // A server that would let any page read it: only the page's own policy stands in between.
    const headers = { 'Access-Control-Allow-Origin': '*', 'Cross-Origin-Resource-Policy': 'cross-origin' }
    const other = await test.serve({ headers, files: { '/': 'hello' } })
    const refused = await page.evaluate(
      url =>
        fetch(url).then(
          () => 'let through',
          () => 'refused',
        ),
      `${other.url}/`,
    )
    expect(other.requests).toEqual([])
    expect(refused).toBe('refused')
  })
})

describe('a visit', () => {
  it('computes, then answers from memory, from IndexedDB after a reload, and without a network', async () => {
    const { page, context, complaints } = await test.openPage(site.url)
    const first = await embed(page)
    expect(first).toMatch(
      /^20 lines: 19 computed, 1 from the cache; the look-ups took .* loading the model\)\. Embed again: they come from memory\.$/,
    )
    expect(await letters(page)).toMatch(/^C+$/)
    expect(await page.locator('p[role=status]').textContent()).toBe('20 lines, 1 from memory, 19 computed')
    expect(await embed(page)).toMatch(/^20 lines from the cache: the look-ups took .* That saved .* of computing\.$/)
    expect(await letters(page)).toMatch(/^M+$/)
    expect(await page.locator('.station.answered .name').textContent()).toBe('memory')
    expect(await page.locator('.stats pre').textContent()).toContain('Embedding Cache: 19 / 10,000 entries')

    await page.getByRole('button', { name: 'Forget memory' }).click()
    await page.locator('.memory h2', { hasText: '0 of' }).waitFor()
    await embed(page)
    expect(await letters(page)).toMatch(/^D+$/)

    await page.locator('.net', { hasText: 'works offline' }).waitFor()
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    await context.setOffline(true)
    await page.reload()
    await page.locator('.notices', { hasText: 'You are offline' }).waitFor()
    await embed(page)
    expect(await letters(page)).toMatch(/^D+$/)
    expect(await page.locator('.station.answered .name').textContent()).toBe('IndexedDB')
    await page.getByRole('textbox', { name: 'Lines to embed' }).fill('a line that nobody asked for yet')
    await embed(page)
    expect(await letters(page)).toBe('C')

    await context.setOffline(false)
    await page.getByRole('button', { name: 'Forget all' }).click()
    await page.getByText('In IndexedDB: 0 vectors').waitFor()
    expect(complaints.filter(text => !text.includes('ERR_INTERNET_DISCONNECTED'))).toEqual([])
  })

  it('finds by meaning, draws the map, evicts in sight, and switches patterns', async () => {
    const { page, complaints } = await test.openPage(site.url)
    await page.getByRole('button', { name: 'sentences' }).click()
    await embed(page)
    await page.getByText('16 texts, PCA').waitFor()
    const nearest = page.getByRole('list', { name: 'Five nearest' }).getByRole('listitem')
    await nearest.first().filter({ hasText: 'A kitten naps by the sunny window.' }).waitFor()
    expect(await nearest.count()).toBe(5)

    await page.getByRole('searchbox').fill('storms in the hills')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('.found li').first().waitFor()
    expect((await page.locator('.found li .mono').allTextContents()).slice(0, 2).join()).toMatch(/rain|showers/i)

    await page.getByRole('slider').fill('2')
    await page.getByText('Evicted just now: 12.').waitFor()
    expect(await page.locator('.cell.gone').count()).toBe(12)
    expect(await page.locator('.stats pre').textContent()).toContain('5 / 5 entries (100% full')

    await page.getByRole('button', { name: 'log lines' }).click()
    await page.getByRole('radio', { name: 'template' }).check()
    await embed(page)
    expect(await letters(page)).toMatch(/P/)
    // Search and map hold what memory holds, and nothing of the space before.
    await page.getByText('5 texts, PCA').waitFor()
    expect(await page.locator('.patterns').textContent()).toMatch(/\d+ templates embedded, \d+ texts? answered by them/)
    expect(complaints).toEqual([])
  })

  it('is worked with keys alone', async () => {
    const { page } = await test.openPage(site.url)
    const lines = page.getByRole('textbox', { name: 'Lines to embed' })
    await lines.fill(Array.from({ length: 40 }, (_, i) => `line ${i}`).join('\n'))
    await lines.press('Control+Enter')
    await settled(page)
    const list = page.getByRole('listbox', { name: 'Answers' })
    await list.focus()
    const chosen = () => list.locator('[role=option][aria-selected=true]').textContent()
    expect(await chosen()).toMatch(/^line 0C computed, .*1\.00 like the selected$/)
    await list.press('ArrowDown')
    await list.press('ArrowDown')
    expect(await chosen()).toMatch(/^line 2C/)
    await list.press('End')
    await page.locator('#answer-39').waitFor()
    expect(await chosen()).toMatch(/^line 39C/)
    expect(await list.getAttribute('aria-activedescendant')).toBe('answer-39')
    await list.press('Home')
    expect(await chosen()).toMatch(/^line 0C/)
    const outline = await list.evaluate(element => getComputedStyle(element).outlineStyle)
    expect(outline).toBe('solid')
  })
})
