// The console in Firefox and WebKit: one run through every screen, as an operator would go.
import { describe, expect, inject, it, vi } from 'vitest'
import type { Engine, Tab } from '../browser/engines/engine.js'
import { launchFirefox } from '../browser/engines/firefox.js'
import { press, texts, type } from '../browser/engines/in-page.js'
import { useEngine } from '../browser/engines/use-engine.js'
import { launchWebKit } from '../browser/engines/webkit.js'
import type { Found } from '../programs.js'
import { ask } from '../server/daemon.js'
import { memoryPlugin } from '../state/managed.js'
import { useDaemon } from './site.js'

const PATIENCE = { timeout: 30_000 }

const house = memoryPlugin('house')
const site = useDaemon({ plugins: [house.plugin] })
vi.setConfig({ testTimeout: 120_000 })

for (const [name, found, launch] of [
  ['Firefox', inject('engines').firefox, launchFirefox],
  ['WebKit', inject('engines').webkit, launchWebKit],
] as const) {
  engineTests(name, found as Found<never>, launch as (programs: never) => Promise<Engine>)
}

function engineTests<T>(name: string, found: Found<T>, launch: (programs: T) => Promise<Engine>): void {
  if ('missing' in found) {
    it.skip(`${name} (skipped: ${found.missing})`, () => {})
    return
  }
  describe(name, () => {
    const test = useEngine(() => launch(found.programs))
    it('shows every screen, looks a text up and hears of what happens', async () => {
      const { daemon } = site
      await ask(daemon, '/api/lookup', { body: { text: 'one' } })
      await daemon.context.chain!.addFootprint({ plugin_id: 'net', operation: 'apply', data: { name: 'eth0' } })
      const tab = await test.openTab(`${daemon.url}/#/overview`)
      await tab.evaluate(listen)
      await shows(tab, '.pulse', /connected, live/)
      await shows(tab, '.tiers tbody', /computed/)
      await expect.poll(() => tab.evaluate(() => document.querySelectorAll('.plot canvas').length), PATIENCE).toBe(2)

      await goTo(tab, 'Look-up')
      await type(tab, '.asked textarea', 'one')
      await expect.poll(() => press(tab, 'Look up'), PATIENCE).toBe(true)
      await shows(tab, '.station.answered .name', /memory/)
      expect(await texts(tab, 'canvas.strip')).toHaveLength(1)

      for (const [title, expected] of [
        ['Entries', /fake|space/i],
        ['Queries', /house/],
        ['State', /desired/i],
        ['Blocks', /net/],
        ['Search', /search/i],
        ['Models', /ready/],
        ['Tuning', /Advice is made/],
      ] as const) {
        await goTo(tab, title)
        await shows(tab, 'main', expected)
      }

      await goTo(tab, 'Queries')
      await expect.poll(() => press(tab, 'Fresh now'), PATIENCE).toBe(true)
      await shows(tab, '.tree-row .name', /interfaces/)
      await goTo(tab, 'State')
      await type(
        tab,
        '.desired textarea',
        '{ "version": 1, "plugins": { "house": { "items": { "one": { "value": 10 } } } } }',
      )
      await expect.poll(() => press(tab, 'Plan'), PATIENCE).toBe(true)
      await shows(tab, '.changes ins', /10/)
      await goTo(tab, 'Blocks')
      await expect.poll(() => press(tab, 'Verify'), PATIENCE).toBe(true)
      await shows(tab, '.verified', /sound: \d+ block/)
      await goTo(tab, 'Search')
      await type(tab, '.search-form input', 'eth0')
      await expect.poll(() => press(tab, 'Search'), PATIENCE).toBe(true)
      await shows(tab, '.results', /[1-9]\d* blocks? of/)
      await goTo(tab, 'Overview')
      await daemon.context.chain!.addFootprint({ plugin_id: 'net', operation: 'apply' })
      await shows(tab, '.news', /block appended/)
      expect(await tab.evaluate(() => (globalThis as unknown as { heard: string[] }).heard)).toEqual([])
      expect(test.engine.complaints).toEqual([])
    })
  })
}

/** What `selector` finds says it, sooner or later. */
async function shows(tab: Tab, selector: string, expected: RegExp): Promise<void> {
  await expect.poll(async () => (await texts(tab, selector)).join('\n'), PATIENCE).toMatch(expected)
}

async function goTo(tab: Tab, title: string): Promise<void> {
  await tab.evaluate(wanted => {
    const links = [...document.querySelectorAll<HTMLAnchorElement>('nav a')]
    links.find(link => link.textContent === wanted)!.click()
  }, title)
  await shows(tab, 'main h1', new RegExp(`^${title}$`))
  await expect.poll(() => texts(tab, 'main .loading'), PATIENCE).toEqual([])
}

/** Runs in the page: notes what goes wrong from now on. */
function listen(): void {
  const heard: string[] = []
  Object.assign(globalThis, { heard })
  addEventListener('error', event => heard.push(event.message))
  addEventListener('unhandledrejection', ({ reason }) => heard.push(String(reason)))
  document.addEventListener('securitypolicyviolation', event => heard.push(`${event.effectiveDirective}`))
}
