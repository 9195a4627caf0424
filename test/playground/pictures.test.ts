// Legend, charts, map and memory in Chromium: what they say while empty, what they tell apart, how keys and ears use the map.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { MARKS } from '../../look/marks.js'
import { shortTime, TIME_MARKS, timeMarkText } from '../../look/scale.js'
import { History } from '../../playground/history.js'
import { useBrowser } from '../browser/harness.js'
import { embed, useProfile, useSite } from './site.js'

const test = useBrowser({ without: ['--enable-unsafe-webgpu'] })
const site = useSite()
const profile = useProfile(test, site)

const map = (page: Page) => page.getByRole('listbox', { name: /on a plane/ })
const spoken = (page: Page) => page.locator('p[role=status]')

/** What the arrows are at, as it is spoken. */
function at(page: Page): Promise<string | undefined> {
  return map(page).evaluate(list => {
    const id = list.getAttribute('aria-activedescendant')
    return id === null ? undefined : document.getElementById(id)?.textContent
  })
}

/** How many pixels of the map have a colour, near enough. */
function pixels(page: Page, [red, green, blue]: readonly [number, number, number]): Promise<number> {
  return page.locator('.map canvas').evaluate(
    (canvas: HTMLCanvasElement, wanted) => {
      const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
      let found = 0
      for (let i = 0; i < data.length; i += 4) {
        if (data[i + 3]! > 200 && wanted.every((value, channel) => Math.abs(data[i + channel]! - value) < 8)) found++
      }
      return found
    },
    [red, green, blue],
  )
}

describe('pictures', () => {
  it('say what to do while they are empty, over the space that they keep; and so a minute after use', async () => {
    // In a profile of its own: a clock is that of all tabs.
    const { page } = await test.openPage(site.url)
    await page.clock.install()
    await page.reload()
    await page.locator('.plot canvas').first().waitFor()
    const empty = page.locator('.charts .empty')
    expect(await empty.allTextContents()).toEqual([
      expect.stringMatching(/^Embed some lines: /),
      expect.stringMatching(/^Embed some lines twice: /),
      expect.stringMatching(/^Embed some lines: /),
    ])
    const height = () => page.locator('.charts').evaluate(charts => charts.getBoundingClientRect().height)
    const before = await height()
    await embed(page)
    await page.getByText('19 texts, PCA').waitFor()
    expect(await empty.count()).toBe(0)
    expect(await height()).toBe(before)

    const accent = () =>
      page
        .locator('.plot canvas')
        .first()
        .evaluate((canvas: HTMLCanvasElement) => {
          const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height)
          // Axes are grey, the curve is not.
          return data.some((value, i) => i % 4 === 0 && data[i + 3]! > 200 && Math.abs(value - data[i + 2]!) > 60)
        })
    await expect.poll(accent).toBe(true)
    await page.clock.fastForward(61_000)
    const words = 'Nothing was asked for in the last minute.'
    await expect.poll(() => empty.allTextContents()).toEqual([words, words])
    await expect.poll(accent).toBe(false)
  })

  it('take the time of loading a model for no time of a text', () => {
    const history = new History()
    history.add({ at: 1, source: 'computed', ms: 1_400, count: 1, cold: true })
    history.add({ at: 2, source: 'computed', ms: 14, count: 1 })
    expect(history.timed(3).map(({ ms }) => ms)).toEqual([14])
    expect(history.recent(3).all).toBe(2)
  })

  it('have an axis of times up to slow ones, whose ends say that there is more beyond', () => {
    expect(TIME_MARKS.map(timeMarkText)).toEqual([
      '≤ 1 µs',
      '10 µs',
      '0.1 ms',
      '1 ms',
      '10 ms',
      '100 ms',
      '1 s',
      '10 s',
      '≥ 100 s',
    ])
  })

  it('tell times in two digits', () => {
    const told = [336, 321.4, 9.96, 99.6, 999.6, 34_400, 0.0104].map(shortTime)
    expect(told).toEqual(['340 ms', '320 ms', '10 ms', '100 ms', '1.0 s', '34 s', '10 µs'])
  })

  it('share a legend, which says what occurs, and draw in the colour of its source what a line answers for', async () => {
    const { page } = await profile.open({ media: { colorScheme: 'light' } })
    const occurs = () => page.locator('.legend li[data-source]:not(.none) .chip').allTextContents()
    expect(await page.locator('.legend .chip').allTextContents()).toEqual(['M', 'D', 'S', 'P', 'C'])
    expect(new Set(Object.values(MARKS)).size).toBe(6)
    expect(await occurs()).toEqual([])
    const lines = page.getByRole('textbox', { name: 'Lines to embed' })
    const [computed, quiet] = [
      [213, 94, 0],
      [86, 93, 100],
    ] as const
    await lines.fill('a cat\na dog')
    await embed(page)
    expect(await occurs()).toEqual(['C'])
    await page.getByText('2 texts, PCA').waitFor()
    await expect.poll(() => pixels(page, computed)).toBeGreaterThan(20)
    await embed(page)
    expect(await occurs()).toEqual(['M', 'C'])
    await lines.fill('rain')
    await embed(page)
    await page.getByText('3 texts, PCA').waitFor()
    // The other two are still in memory, but in no line: rings without a source.
    await expect.poll(() => pixels(page, quiet)).toBeGreaterThan(20)
    expect(await page.locator('.legend').textContent()).toContain('in memory, but in no line above')
  })

  it('mark templates by the lines that share them', async () => {
    const { page } = await profile.open({ media: { colorScheme: 'light' } })
    await page.getByRole('radio', { name: 'template' }).check()
    await embed(page)
    await page.getByText(/texts, PCA/).waitFor()
    await expect.poll(() => pixels(page, [213, 94, 0])).toBeGreaterThan(20)
    await map(page).focus()
    await map(page).press('End')
    await map(page).press('Enter')
    await spoken(page)
      .filter({ hasText: /^Nearest to / })
      .waitFor()
  })
})

describe('memory', () => {
  it('names who went last first, and says so', async () => {
    const { page } = await profile.open()
    const lines = Array.from({ length: 8 }, (_, i) => `line ${i + 1}`)
    await page.getByRole('textbox', { name: 'Lines to embed' }).fill(lines.join('\n'))
    await embed(page)
    await page.getByRole('slider').fill('2')
    const evicted = page.locator('.evicted')
    await expect
      .poll(() => evicted.textContent())
      .toBe('Evicted just now: 3. The least recently used goes first. Last to go: line 3 · line 2 · line 1')
  })
})

describe('the map by keys', () => {
  it('moves with arrows, chooses with Enter, and says what was chosen', async () => {
    const { page } = await profile.open()
    await page.getByRole('button', { name: 'sentences' }).click()
    await embed(page)
    await page.getByText('16 texts, PCA').waitFor()
    const first = 'The cat sleeps on the warm window sill.'
    await page.locator('.caption', { hasText: `nearest to ${first}` }).waitFor()
    expect(await at(page)).toBeUndefined()
    // By Tab from the table above it, as keys come there.
    await page.getByRole('listbox', { name: 'Answers' }).focus()
    await page.keyboard.press('Tab')
    await expect.poll(() => at(page)).toBe(first)
    expect(await map(page).evaluate(list => getComputedStyle(list).outlineStyle)).toBe('solid')

    const seen = new Set([await at(page)])
    for (const key of ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown', 'ArrowLeft', 'ArrowUp', 'ArrowRight']) {
      await map(page).press(key)
      seen.add(await at(page))
    }
    expect(seen.size).toBeGreaterThan(2)
    await map(page).press('End')
    const chosen = await at(page)
    expect(chosen).not.toBe(first)
    expect(await page.locator('.caption').textContent()).toBe(`C${chosen}`)
    await map(page).press('Enter')
    await spoken(page)
      .filter({ hasText: `Nearest to ${chosen}: ` })
      .waitFor()
    expect(await page.locator('.line.selected .text').textContent()).toBe(chosen)
    expect(await page.locator('.map [role=option]').getAttribute('aria-selected')).toBe('true')
    await page.getByRole('searchbox').focus()
    await page.locator('.caption', { hasText: `nearest to ${chosen}` }).waitFor()
    expect(await at(page)).toBeUndefined()
  })

  it('also chooses by click, points at what is under the pointer, and counts one text as one', async () => {
    const { page } = await profile.open()
    await page.getByRole('textbox', { name: 'Lines to embed' }).fill('alone')
    await embed(page)
    await page.getByText('1 text, PCA').waitFor()
    // One point lies in the middle.
    await map(page).hover()
    await page.locator('.caption', { hasText: /^Calone$/ }).waitFor()
    await map(page).click()
    await spoken(page).filter({ hasText: 'Nearest to alone' }).waitFor()
  })
})
