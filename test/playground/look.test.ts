// How the playground looks in Chromium: what axe finds, widths, themes, forced colours, and that nothing jumps.
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { useBrowser } from '../browser/harness.js'
import { violations } from './axe.js'
import { embed, useProfile, useSite, type VisitOptions } from './site.js'

const test = useBrowser({ without: ['--enable-unsafe-webgpu'] })
const profile = useProfile(test, useSite())
/** As a first visitor, who sees what is to be fetched and how far it is. */
const open = (options: VisitOptions = {}) => profile.open({ known: 'nothing', ...options })

const PHONE = { width: 360, height: 740 }
const WIDE_WORDS = 'wide '.repeat(200)
const ONE_WORD = `${'x'.repeat(300)}/${'9'.repeat(300)}`

type Holding = { hold?: () => void; goOn?: () => void }

/** Lets what a page hands to its workers be held back: it goes on working for as long as somebody looks, and computes nothing. */
function holdable(): void {
  const { postMessage } = Worker.prototype
  let held: (() => void)[] | undefined
  Worker.prototype.postMessage = function (this: Worker, ...message: unknown[]) {
    const send = () => postMessage.apply(this, message as Parameters<typeof postMessage>)
    if (held) held.push(send)
    else send()
  }
  Object.assign(globalThis, {
    hold: () => {
      held ??= []
    },
    goOn: () => {
      for (const send of held ?? []) send()
      held = undefined
    },
  })
}

async function drawn(page: Page): Promise<void> {
  await page.locator('.plot canvas').first().waitFor()
  await page.locator('.net', { hasText: /kept|works/ }).waitFor()
}

/** Elements that end right of the page, or whose text is cut off without a sign of it. */
function cutOff(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const name = (element: Element) => `${element.tagName}.${element.className}`
    const beyond = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['the page'] : []
    const cut = [...document.querySelectorAll('main *, header *')].filter(element => {
      const { overflowX, textOverflow } = getComputedStyle(element)
      const hides = overflowX !== 'visible' && textOverflow !== 'ellipsis'
      return hides && element.scrollWidth > element.clientWidth && !element.matches('.unseen, textarea, input')
    })
    const right = [...document.querySelectorAll('main section, main table, main pre')].filter(
      element => element.getBoundingClientRect().right > document.documentElement.clientWidth + 1,
    )
    return [...beyond, ...cut.map(name), ...right.map(name)]
  })
}

describe('ears', () => {
  it('hear once what computes, what was found, and that the network is gone', async () => {
    const { page, context } = await profile.open()
    const heard = await page.locator('[aria-live=polite]:has(> p)').elementHandle()
    const said = () => heard!.evaluate(one => one.textContent)
    expect(await said()).toBe('')
    await embed(page)
    await expect.poll(said).toBe('WASM computes.')
    await context.setOffline(true)
    await expect.poll(said).toMatch(/^WASM computes\.You are offline\./)
    await page.getByRole('searchbox').fill('a service was started')
    await page.getByRole('button', { name: 'Search' }).dblclick()
    await page.locator('p[role=status]', { hasText: /^6 lines found, nearest: Started / }).waitFor()
  })
})

describe('colours', () => {
  it('follow the choice, and still do after a reload; without one, the system', async () => {
    const { page } = await profile.open({ media: { colorScheme: 'light' } })
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const choice = page.getByRole('combobox', { name: 'Theme' })
    expect(await background()).toBe('rgb(255, 255, 255)')
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await background()).toBe('rgb(20, 23, 26)')
    await choice.selectOption('light')
    expect(await background()).toBe('rgb(255, 255, 255)')
    await page.reload()
    expect(await choice.inputValue()).toBe('light')
    expect(await background()).toBe('rgb(255, 255, 255)')
    await choice.selectOption('system')
    await page.reload()
    expect(await choice.inputValue()).toBe('system')
    expect(await background()).toBe('rgb(20, 23, 26)')
  })

  it('of the system, where it forces them, leave marks and bars their own', async () => {
    const { page } = await profile.open({ media: { forcedColors: 'active' } })
    await embed(page)
    const colour = (selector: string, property: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((one, name) => getComputedStyle(one).getPropertyValue(name), property)
    expect(await colour('.legend [data-source=computed] .mark', 'fill')).toBe('rgb(213, 94, 0)')
    expect(await colour('.time[data-source=computed] .bar > span', 'background-color')).toBe('rgb(213, 94, 0)')
    expect(await colour('.line.selected', 'outline-style')).toBe('solid')
  })
})

describe('what axe finds', () => {
  it('is nothing serious, light and dark: empty, working, filled, with a point chosen', async () => {
    const { page } = await profile.open({ before: holdable })
    const inBoth = async () => {
      await page.emulateMedia({ colorScheme: 'light' })
      expect(await violations(page), 'light').toEqual([])
      // Nothing but colours is another then.
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await violations(page, ['color-contrast']), 'dark').toEqual([])
    }
    await drawn(page)
    await inBoth()
    const many = Array.from({ length: 2_000 }, (_, i) => `a line that is number ${i}`)
    // Not as if typed: Chromium takes seconds for thousands of lines.
    await page.getByRole('textbox', { name: 'Lines to embed' }).evaluate((area: HTMLTextAreaElement, text) => {
      area.value = text
      area.dispatchEvent(new Event('input', { bubbles: true }))
    }, many.join('\n'))
    await page.getByRole('button', { name: /^Embed/ }).click()
    await page.getByText('texts, PCA').waitFor()
    const stop = page.locator('.input').getByRole('button', { name: 'Stop' })
    await stop.waitFor()
    await page.evaluate(() => (globalThis as Holding).hold!())
    await inBoth()
    await page.evaluate(() => (globalThis as Holding).goOn!())
    await stop.click()
    await page.getByRole('listbox', { name: /on a plane/ }).press('End')
    await page.getByRole('searchbox').fill('number')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('.found li').first().waitFor()
    await inBoth()
  })

  it('is nothing serious on a phone, and nothing moves where motion is unwelcome', async () => {
    const { page } = await open({ viewport: PHONE, media: { reducedMotion: 'reduce' } })
    await drawn(page)
    expect(await violations(page)).toEqual([])
    await embed(page)
    await page.getByText('texts, PCA').waitFor()
    expect(await violations(page)).toEqual([])
    await page.getByRole('button', { name: 'Forget all' }).click()
    await page.getByRole('textbox', { name: 'Lines to embed' }).fill('')
    await page.locator('.answers .empty').waitFor()
    expect(await violations(page)).toEqual([])
    const moving = await page.evaluate(
      () => [...document.querySelectorAll('*')].filter(one => getComputedStyle(one).animationName !== 'none').length,
    )
    expect(moving).toBe(0)
  })
})

describe('at every width', () => {
  it('nothing is cut off, with long lines and large numbers, and a line has room to be read', async () => {
    const { page } = await open()
    const atWidth = (width: number) => page.setViewportSize({ width, height: 740 })
    const nothingCutOff = async () => {
      for (const width of [360, 768, 1280]) {
        await atWidth(width)
        await expect.poll(() => cutOff(page), { message: `at ${width} px` }).toEqual([])
      }
    }
    await drawn(page)
    await nothingCutOff()

    const text = page.locator('.line .text').first()
    for (const width of [641, 700, 760, 820, 900, 901, 961, 1000, 1100, 1280]) {
      await atWidth(width)
      await expect.poll(() => text.evaluate(one => one.clientWidth), { message: `at ${width} px` }).toBeGreaterThan(300)
    }
    await atWidth(901)
    await embed(page)
    const strip = page.locator('.line .strip').first()
    expect(await strip.evaluate(one => one.clientWidth)).toBeGreaterThan(100)

    await page.getByRole('textbox', { name: 'Lines to embed' }).fill([WIDE_WORDS, ONE_WORD, 'short'].join('\n'))
    await page.getByRole('radio', { name: 'template' }).check()
    await embed(page)
    await page.getByText('3 texts, PCA').waitFor()
    await page.getByRole('searchbox').fill('wide')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.locator('.found li').first().waitFor()
    await page.getByRole('slider').fill('1')
    await page.getByText(/Evicted just now/).waitFor()
    await nothingCutOff()
  })

  it('cards take the place of the table on a phone', async () => {
    const { page } = await open({ viewport: PHONE })
    const line = page.locator('.line').first()
    await line.waitFor()
    expect(await line.evaluate(one => one.clientHeight)).toBeGreaterThan(80)
  })
})

describe('nothing jumps', () => {
  for (const [name, viewport] of [
    ['a desk', { width: 1280, height: 900 }],
    ['a phone', PHONE],
  ] as const) {
    it(`during a visit on ${name}`, async () => {
      const { page } = await open({
        viewport,
        before: () => {
          const shifts: number[] = []
          Object.assign(globalThis, { shifts })
          new PerformanceObserver(list => {
            // Also those that follow a press: what a press brings has its room, too.
            for (const entry of list.getEntries()) shifts.push((entry as unknown as { value: number }).value)
          }).observe({ type: 'layout-shift', buffered: true })
        },
      })
      const shifted = () =>
        page.evaluate(() =>
          (globalThis as unknown as { shifts: number[] }).shifts.reduce((sum, value) => sum + value, 0),
        )
      await drawn(page)
      await embed(page)
      await page.getByText('texts, PCA').waitFor()
      await embed(page)
      await page.locator('.compare').scrollIntoViewIfNeeded()
      await page.getByRole('searchbox').fill('a service was started')
      await page.getByRole('button', { name: 'Search' }).click()
      await page.locator('.found li').first().waitFor()
      await page.locator('.compare').getByRole('button', { name: 'Run' }).click()
      await page.locator('.compare').getByRole('button', { name: 'Run' }).waitFor({ timeout: 90_000 })
      // What browsers call good, over the whole visit and with what follows a press.
      expect(await shifted()).toBeLessThan(0.1)
    })
  }
})
