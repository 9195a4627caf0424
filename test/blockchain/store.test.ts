// The store: what is appended is there, in order, for every process and after every end.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { memoryFolder } from '../support.js'
import { allBlocks, draft, drafts, testStore } from './store-parts.js'

describe('the store', () => {
  it('makes no file by reading', async () => {
    const dir = memoryFolder()
    const { store } = testStore(dir)
    expect(store.size()).toBe(0)
    expect(store.read(0)).toBeUndefined()
    expect(await allBlocks(store)).toEqual([])
    expect(store.rewrites()).toBe('')
    await store.close()
    expect(readdirSync(dir)).toEqual([])
  })

  it('appends, reads, scans, and another store sees all of it', async () => {
    const dir = memoryFolder()
    const { store } = testStore(dir)
    const first = await store.append([draft('one')])
    const more = await store.append(drafts(300))
    const written = [...first, ...more]
    expect(written.map(block => block.number)).toEqual(written.map((_, at) => at))
    expect(store.size()).toBe(301)
    expect(store.read(0)).toEqual(first[0])
    expect(store.read(300)).toEqual(more.at(-1))
    expect(store.read(301)).toBeUndefined()
    const { store: other } = testStore(dir)
    expect(other.size()).toBe(301)
    expect(other.read(17)).toEqual(more[16])
    expect(await allBlocks(other)).toEqual(written)
    expect(await allBlocks(other, 20, 30)).toEqual(written.slice(20, 30))
    await store.append([draft('later')])
    expect(other.size()).toBe(302)
    expect(await other.append([draft('from the other')])).toMatchObject([{ number: 302 }])
    expect(store.size()).toBe(303)
    await Promise.all([store.close(), other.close()])
    expect(readdirSync(join(dir, 'blockchain')).sort()).toEqual(['head', 'timing'])
  })

  it('begins a segment where the last is long', async () => {
    const dir = memoryFolder()
    const { store } = testStore(dir, { segmentBytes: 5000 })
    const written: Block[] = []
    for (let at = 0; at < 40; at++) written.push(...(await store.append(drafts(3, at))))
    expect(readdirSync(join(dir, 'blockchain/timing')).length).toBeGreaterThan(5)
    expect(await allBlocks(store)).toEqual(written)
    await store.close()
    const { store: again } = testStore(dir, { segmentBytes: 5000 })
    expect(await again.append([draft(1)])).toMatchObject([{ number: 120 }])
    for (const block of written) expect(again.read(block.number)).toEqual(block)
    await again.close()
  })

  it('has two that append at once', async () => {
    const dir = memoryFolder()
    const [one, two] = [testStore(dir).store, testStore(dir).store]
    const append = async (store: typeof one) => {
      for (let at = 0; at < 30; at++) await store.append([draft(at)])
    }
    await Promise.all([append(one), append(two)])
    expect(one.size()).toBe(60)
    expect((await allBlocks(two)).length).toBe(60)
    await Promise.all([one.close(), two.close()])
  })

  it('tells who follows', async () => {
    const dir = memoryFolder()
    const [one, two] = [testStore(dir).store, testStore(dir).store]
    const waits = two.moreThan(0, undefined)
    await one.append([draft(1)])
    await waits
    expect(two.size()).toBe(1)
    const later = two.moreThan(1, undefined)
    await one.append([draft(2)])
    await later
    await Promise.all([one.close(), two.close()])
  })

  it('cuts off what an append has left', async () => {
    const dir = memoryFolder()
    const { store } = testStore(dir)
    await store.append(drafts(2))
    const head = readFileSync(join(dir, 'blockchain/head'), 'utf8')
    expect(head).toContain('size                2')
    await store.close()
  })
})
