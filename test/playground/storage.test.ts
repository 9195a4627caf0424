// What the playground says of IndexedDB when it is missing, blocked or full, and when it is none of these.
import { describe, expect, it } from 'vitest'
import { storageTrouble } from '../../playground/storage.js'
import { useBrowser } from '../browser/harness.js'
import { embed, letters, useFaultySite, useProfile } from './site.js'

const test = useBrowser({ without: ['--enable-unsafe-webgpu'] })

const site = useFaultySite()
const profile = useProfile(test, site)
const open = (before?: () => void) => profile.open(before && { before })

/** Everything that the page says of storage. */
async function said(page: Awaited<ReturnType<typeof open>>['page']) {
  return {
    notices: await page.locator('.notices li').allTextContents(),
    station: await page.locator('.station[data-source=disk] .visit').textContent(),
    stats: await page.locator('.stats p').textContent(),
    foot: await page.locator('.foot').textContent(),
  }
}

describe('storage', () => {
  it('that is blocked is said once, is no part of the way, and is not claimed to keep vectors', async () => {
    const { page } = await open(() => {
      IDBFactory.prototype.open = () => {
        throw new DOMException('denied', 'SecurityError')
      }
    })
    expect(await embed(page)).toMatch(/19 computed/)
    const { notices, station, stats, foot } = await said(page)
    expect(notices).toHaveLength(1)
    expect(notices[0]).toMatch(/^The browser's settings forbid .*until this page is closed\.$/)
    expect(station).toBe('off: blocked')
    expect(stats).toMatch(/^In IndexedDB: blocked\. /)
    expect(foot).toContain('where it allows that')
    await embed(page)
    expect(await letters(page)).toMatch(/^M+$/)
  })

  it('that is missing is said in its own words', async () => {
    const { page } = await open(() => {
      Object.defineProperty(globalThis, 'indexedDB', { value: undefined })
    })
    await embed(page)
    const { notices, station } = await said(page)
    expect(notices).toHaveLength(1)
    expect(notices[0]).toMatch(/no storage/)
    expect(station).toBe('off: not in this browser')
  })

  it('that is full still answers for what it has', async () => {
    const { page } = await open(() => {
      const { transaction } = IDBDatabase.prototype
      IDBDatabase.prototype.transaction = function (...[stores, mode, options]: Parameters<typeof transaction>) {
        if (mode === 'readwrite') throw new DOMException('no room', 'QuotaExceededError')
        return transaction.call(this, stores, mode, options)
      }
    })
    await embed(page)
    const { notices, station } = await said(page)
    expect(notices).toHaveLength(1)
    expect(notices[0]).toMatch(/no more storage/)
    expect(station).toBe('did not have it')
  })

  it('that works is not called off when the engine failed to open', async () => {
    // What is kept is not asked for.
    const { page } = await profile.open({ known: 'nothing' })
    site.fault('/op-dbus/op-dbus-assets.json', { status: 503 })
    await embed(page)
    await page.getByRole('alert').waitFor()
    expect((await said(page)).station).toBe('')
    expect((await said(page)).foot).toContain('IndexedDB')
  })
})

describe('storageTrouble', () => {
  it('is nothing before anybody asked, and while nothing is wrong', () => {
    expect(storageTrouble(undefined)).toBeUndefined()
    expect(storageTrouble({ storage: { database: 'x' } })).toBeUndefined()
  })
})
