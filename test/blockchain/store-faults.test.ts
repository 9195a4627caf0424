// What a disk that says no leaves of an append: nothing, or a word that nobody knows.
import { cpSync, ftruncateSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { DISK, type WriteIo } from '../../src/blockchain/store/disk.js'
import { memoryFolder, TestClock } from '../support.js'
import { allBlocks, draft, drafts, type TestStore, testStore } from './store-parts.js'

const open: TestStore[] = []
afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close()
})

function opened(...args: Parameters<typeof testStore>): TestStore {
  const one = testStore(...args)
  open.push(one)
  return one
}

type Call = keyof WriteIo

/** A disk on which the calls fail that `fails` says, by their name and how many of that name there were. */
class Disk implements WriteIo {
  readonly counts: Record<Call, number> = { append: 0, write: 0, sync: 0, truncate: 0 }
  fails: (call: Call, count: number) => string | undefined = () => undefined

  /** What other processes do right before something is appended. */
  before: () => void = () => {}

  append(fd: number, bytes: Uint8Array): void {
    this.before()
    this.#maybe('append', () => writeSync(fd, bytes, 0, Math.floor(bytes.length / 2)))
    DISK.append(fd, bytes)
  }

  write(fd: number, bytes: Uint8Array, position: number): void {
    this.#maybe('write', () => {})
    DISK.write(fd, bytes, position)
  }

  async sync(fd: number): Promise<void> {
    this.#maybe('sync', () => {})
    await DISK.sync(fd)
  }

  truncate(fd: number, length: number): void {
    this.#maybe('truncate', () => {})
    ftruncateSync(fd, length)
  }

  #maybe(call: Call, partly: () => void): void {
    this.counts[call]++
    const errno = this.fails(call, this.counts[call])
    if (errno === undefined) return
    partly()
    throw Object.assign(new Error(`${errno}: as the test said`), { code: errno })
  }
}

const segment = (dir: string) => readFileSync(join(dir, 'blockchain/timing/000000000000.jsonl'))

describe('an append that fails', () => {
  for (const [call, errno] of [
    ['append', 'ENOSPC'],
    ['append', 'EIO'],
    ['sync', 'EIO'],
    ['sync', 'ENOSPC'],
  ] as const) {
    it(`with ${errno} at ${call} leaves nothing, and the next one goes on`, async () => {
      const dir = memoryFolder()
      const disk = new Disk()
      const { store } = opened(dir, { io: disk })
      const first = await store.append(drafts(2))
      const before = segment(dir)
      const { store: reader } = opened(dir)
      disk.fails = (what, count) => (what === call && count === failing ? errno : undefined)
      const failing = disk.counts[call] + 1
      const outcomes = await Promise.allSettled([store.append([draft('one')]), store.append(drafts(3))])
      for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'STORE', details: { errno } } })
      expect(outcomes[0]).not.toMatchObject({ reason: { details: { uncertain: true } } })
      expect(segment(dir)).toEqual(before)
      expect(reader.size()).toBe(2)
      const next = await store.append([draft('after')])
      expect(next).toMatchObject([{ number: 2 }])
      expect(await allBlocks(reader)).toEqual([...first, ...next])
    })
  }

  it('at the very first block leaves an empty chain', async () => {
    const dir = memoryFolder()
    const disk = new Disk()
    disk.fails = (what, count) => (what === 'append' && count === 1 ? 'ENOSPC' : undefined)
    const { store } = opened(dir, { io: disk })
    await expect(store.append([draft(1)])).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('the disk is full'),
    })
    expect(store.size()).toBe(0)
    expect(await store.append([draft(1)])).toMatchObject([{ number: 0 }])
  })

  it('at the first block of a segment leaves no segment', async () => {
    const dir = memoryFolder()
    const disk = new Disk()
    const { store } = opened(dir, { io: disk, segmentBytes: 1 })
    await store.append([draft(0)])
    disk.fails = (what, count) => (what === 'append' && count === 2 ? 'ENOSPC' : undefined)
    await expect(store.append([draft(1)])).rejects.toMatchObject({ details: { errno: 'ENOSPC' } })
    expect(readdirSync(join(dir, 'blockchain/timing'))).toEqual(['000000000000.jsonl'])
    // As a kill leaves it.
    writeFileSync(join(dir, 'blockchain/timing/000000000001.jsonl'), '')
    expect(opened(dir).store.size()).toBe(1)
    await store.exclusively(async chain => expect(chain.segments()).toHaveLength(1))
    expect(await store.append([draft(1)])).toMatchObject([{ number: 1 }])
    expect(await allBlocks(opened(dir).store)).toHaveLength(2)
  })

  it('and cannot be cut off is uncertain; the disk is looked at before the next', async () => {
    const dir = memoryFolder()
    const disk = new Disk()
    const { store } = opened(dir, { io: disk })
    const first = await store.append([draft(0)])
    const { sync, truncate } = disk.counts
    disk.fails = (what, count) =>
      (what === 'sync' && count === sync + 1) || (what === 'truncate' && count === truncate + 1) ? 'EIO' : undefined
    await expect(store.append([draft(1)])).rejects.toMatchObject({ code: 'STORE', details: { uncertain: true } })
    // It is there: whoever looks, sees it, and the next one goes behind it.
    expect(await store.append([draft(2)])).toMatchObject([{ number: 2 }])
    const blocks = await allBlocks(store)
    expect(blocks.slice(0, 1)).toEqual(first)
    expect(blocks.map(({ body }) => body?.data)).toEqual([{ what: 0 }, { what: 1 }, { what: 2 }])
  })

  it('refuses to go on while the disk cannot sync what was left', async () => {
    const dir = memoryFolder()
    const disk = new Disk()
    const { store } = opened(dir, { io: disk })
    await store.append([draft(0)])
    disk.fails = what => (what === 'sync' ? 'EIO' : undefined)
    await expect(store.append([draft(1)])).rejects.toMatchObject({ code: 'STORE', details: { uncertain: true } })
    await expect(store.append([draft(2)])).rejects.toMatchObject({ code: 'STORE' })
    disk.fails = () => undefined
    const [block] = await store.append([draft(3)])
    expect(store.size()).toBe(block!.number + 1)
    expect((await allBlocks(store)).at(-1)).toEqual(block)
  })

  it('writes what could not be synced over before it is tried again', async () => {
    const dir = memoryFolder()
    const { store: before } = testStore(dir)
    await before.append(drafts(2))
    await before.close()
    const disk = new Disk()
    // The first sync of a process is that of what another may have left.
    disk.fails = (what, count) => (what === 'sync' && count === 1 ? 'EIO' : undefined)
    const { store } = opened(dir, { io: disk })
    expect(await store.append([draft(2)])).toMatchObject([{ number: 2 }])
    expect(disk.counts).toMatchObject({ append: 1, write: 1 })
  })

  it('a block that is too long fails alone', async () => {
    const dir = memoryFolder()
    const { store } = opened(dir)
    const long: Parameters<typeof store.append>[0][number] = { ...draft(0), plugin: 'x'.repeat(5000) }
    const outcomes = await Promise.allSettled([
      store.append(drafts(2)),
      store.append([draft(1), long]),
      store.append([draft(2)]),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: { code: 'INVALID_INPUT' } })
    expect(await allBlocks(store)).toHaveLength(3)
    expect(segment(dir).toString()).not.toContain('xxxx')
  })
})

describe('a writer that is stopped right before its write, until another has taken the chain over', () => {
  it('writes over nothing, acknowledges nothing, and the chain is told damaged behind what is good', async () => {
    const [dir, twin] = [memoryFolder(), memoryFolder()]
    const disk = new Disk()
    const { store } = opened(dir, { io: disk })
    const first = await store.append([draft(0)])
    cpSync(dir, twin, { recursive: true })
    rmSync(join(twin, 'blockchain/lock'), { force: true })
    const { store: other } = opened(twin)
    await other.append([draft('of the other')])
    const taken = segment(twin)
    disk.before = () => {
      rmSync(join(dir, 'blockchain/lock'))
      writeFileSync(join(dir, 'blockchain/timing/000000000000.jsonl'), taken)
    }
    await expect(store.append(drafts(2))).rejects.toMatchObject({ code: 'STORE', details: { uncertain: true } })
    expect(segment(dir).subarray(0, taken.length)).toEqual(taken)
    disk.before = () => {}
    await expect(store.append([draft(3)])).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', details: { block: 2 } })
    expect(store.read(0)).toEqual(first[0])
    expect(store.read(1)?.body?.data).toEqual({ what: 'of the other' })
    expect(() => store.read(2)).toThrow(/block 1 is in its place/)
  })
})

it('a clock that went back is told once, and changes no order', async () => {
  const clock = new TestClock()
  const { store, warnings } = opened(memoryFolder(), { clock })
  await store.append([draft(0)])
  clock.wall -= 1_000
  await store.append([draft(1)])
  expect(warnings).toEqual([])
  clock.wall -= 60_000
  for (let at = 2; at < 5; at++) await store.append([draft(at)])
  expect(warnings).toEqual([expect.stringMatching(/^the clock went back: block 1 says 2023-/)])
  expect((await allBlocks(store)).map(({ number, body }) => [number, body?.data])).toEqual(
    [0, 1, 2, 3, 4].map(at => [at, { what: at }]),
  )
})

describe('a group commit', () => {
  it('is one sync for all that came while one was under way', async () => {
    const dir = memoryFolder()
    const disk = new Disk()
    const { store } = opened(dir, { io: disk })
    await store.append([draft(0)])
    const before = disk.counts.sync
    const calls: Promise<readonly Block[]>[] = []
    for (let at = 0; at < 100; at++) calls.push(store.append([draft(at)]))
    await calls[0]
    for (let at = 0; at < 100; at++) calls.push(store.append([draft(at)]))
    const numbers = (await Promise.all(calls)).map(([block]) => block!.number)
    expect(numbers).toEqual(numbers.map((_, at) => at + 1))
    expect(disk.counts.sync - before).toBe(2)
  })

  it('tells listeners in order, once it is on the disk', async () => {
    const dir = memoryFolder()
    const { store, warnings } = opened(dir)
    const told: number[] = []
    const end = store.onAppended(blocks => {
      told.push(...blocks.map(({ number }) => number))
      expect(store.size()).toBe(told.length)
    })
    store.onAppended(() => {
      throw new Error('a listener')
    })
    await Promise.all([store.append(drafts(3)), store.append([draft(1)])])
    await store.append([draft(2)])
    end()
    await store.append([draft(3)])
    expect(told).toEqual([0, 1, 2, 3, 4])
    expect(warnings).toHaveLength(3)
  })
})
