// One store's life: what it creates and when, what it keeps open, what it lets go of.
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Crc32, Key, Space } from '../../../src/ports.js'
import type { SegmentOptions, SegmentStore } from '../../../src/stores/segments.js'
import { keyOf } from '../../../src/testing/entries.js'
import { crc32, expectBytes } from '../../support.js'
import { items, SegmentBench, VALUE_BYTES, valueFor } from './harness.js'

let bench: SegmentBench
beforeEach(() => {
  bench = new SegmentBench()
})
afterEach(async () => {
  vi.useRealTimers()
  await bench.close()
})

/** Files below the folder that this process has open: one line each, marked where they were removed. */
function openFiles(): string[] {
  const links: string[] = []
  for (const fd of fs.readdirSync('/proc/self/fd')) {
    try {
      links.push(fs.readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      // The descriptor of this very listing.
    }
  }
  return links.filter(link => link.startsWith(bench.dir))
}
const noProc = fs.existsSync('/proc/self/fd') ? undefined : 'no /proc to count descriptors in'

const bytesOnDisk = () =>
  (fs.readdirSync(bench.dir, { recursive: true }) as string[])
    .filter(name => name.endsWith('.vec'))
    .reduce((sum, name) => sum + fs.statSync(join(bench.dir, name)).size, 0)

describe('a store', () => {
  it('creates nothing by opening, reading, deleting, listing, flushing and closing', async () => {
    const store = bench.open()
    expect(store.getSync(keyOf(1))).toBeUndefined()
    expect(await store.deleteMany([keyOf(1)])).toBe(0)
    expect(await store.size()).toEqual({ entries: 0, bytes: 0 })
    expect(await store.verify()).toMatchObject({ segments: 0, records: 0 })
    store.flushSync()
    await store.close()
    expect(fs.existsSync(bench.dir)).toBe(false)
  })

  it('adds nothing to a folder by a run of hits', async () => {
    const writer = bench.open()
    await writer.setMany(items(0, 10))
    await writer.close()
    const before = SegmentBench.snapshot(bench.dir)
    const store = bench.open()
    for (let n = 0; n < 10; n++) expectBytes(store.getSync(keyOf(n)), valueFor(n))
    await store.close()
    expect(SegmentBench.snapshot(bench.dir)).toEqual(before)
  })

  it('makes folders and files for its owner only, whatever the umask', async context => {
    if (process.platform === 'win32') return context.skip('no such permissions on Windows')
    const mask = process.umask(0)
    try {
      const store = bench.open()
      await store.setMany(items(0, 1))
      await store.close()
      await store.clear().catch(() => {})
      await bench.open().clear()
      const again = bench.open()
      await again.setMany(items(0, 1))
      await again.close()
    } finally {
      process.umask(mask)
    }
    const paths = (fs.readdirSync(bench.dir, { recursive: true }) as string[]).map(name => join(bench.dir, name))
    expect(paths.length).toBeGreaterThanOrEqual(4)
    for (const path of [bench.dir, ...paths]) {
      const stat = fs.statSync(path)
      expect(stat.mode & 0o777).toBe(stat.isDirectory() ? 0o700 : 0o600)
    }
    expect(bench.warnings).toEqual([])
  })

  it('warns once of a folder that others may write into', async context => {
    if (process.platform === 'win32') return context.skip('no such permissions on Windows')
    fs.mkdirSync(bench.dir)
    fs.chmodSync(bench.dir, 0o777)
    const store = bench.open()
    store.getSync(keyOf(1))
    store.getSync(keyOf(2))
    expect(bench.warnings).toEqual([expect.stringContaining('others may write')])
  })

  it('hands out values that a Float32Array can lie on', async () => {
    const store = bench.open()
    await store.setMany(items(0, 1))
    for (const flushed of [false, true]) {
      if (flushed) store.flushSync()
      const value = store.getSync(keyOf(0))!
      expect(value.byteOffset % 4).toBe(0)
      const floats = new Float32Array(value.buffer as ArrayBuffer, value.byteOffset + 8, (VALUE_BYTES - 8) / 4)
      expectBytes(new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength), valueFor(0).subarray(8))
    }
  })

  it('rejects values of another length, and measures that cannot be', async () => {
    const store = bench.open()
    for (const length of [0, VALUE_BYTES - 1, VALUE_BYTES + 1]) {
      const batch = [...items(0, 1), [keyOf(1), new Uint8Array(length)] as const]
      await expect(store.setMany(batch)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect((await store.size()).entries).toBe(0)
    await expect(store.getMany(['ABCD'.repeat(16) as Key])).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const bad: Partial<SegmentOptions>[] = [
      { valueBytes: 0 },
      { valueBytes: 2 ** 30 },
      { valueBytes: 1.5 },
      { budgetBytes: 100 },
      { budgetBytes: Number.NaN },
      { budgetBytes: Number.POSITIVE_INFINITY },
      { dims: -1 },
    ]
    for (const options of bad)
      expect(() => bench.open(options)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })

  it('lets other work run while it reads very many', async () => {
    const store = bench.open()
    await store.setMany(items(0, 100))
    // Every look at the clock takes a millisecond.
    bench.clock.monotonic = () => bench.clock.mono++
    let turns = 0
    const count = () => {
      turns++
      timer = setImmediate(count)
    }
    let timer = setImmediate(count)
    await store.getMany(Array.from({ length: 100 }, (_, n) => keyOf(n)))
    for await (const { bytes } of store.list()) expect(bytes).toBe(VALUE_BYTES)
    clearImmediate(timer)
    expect(turns).toBeGreaterThan(10)
    const abort = new AbortController()
    const reading = store.getMany(Array(100).fill(keyOf(1)), { signal: abort.signal })
    abort.abort()
    await expect(reading).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('writing', () => {
  it('reaches the file after 50 ms at the latest, and is read from memory before', async () => {
    vi.useFakeTimers()
    const store = bench.open()
    await store.setMany(items(0, 3))
    const [path] = bench.segments()
    expect(fs.statSync(path!).size).toBe(64)
    expectBytes(store.getSync(keyOf(1)), valueFor(1))
    vi.advanceTimersByTime(50)
    expect(fs.statSync(path!).size).toBe(64 + 3 * 64)
    expectBytes(store.getSync(keyOf(1)), valueFor(1))
  })

  it('reaches the file at once when much is pending', async () => {
    const store = bench.open()
    await store.setMany(items(0, 4097))
    expect(bytesOnDisk()).toBe(64 + 4096 * 64)
  })

  it('seals a segment at a sixteenth of the budget and goes on in the next; sealed ones open without reading records', async () => {
    const budgetBytes = 16 * 8192
    const store = bench.open({ budgetBytes })
    await store.setMany(items(0, 1000))
    await store.close()
    const sizes = bench.segments().map(path => fs.statSync(path).size)
    expect(sizes.length).toBe(Math.ceil(1000 / Math.floor((8192 - 64 - 32 - 3) / 73)))
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8192)
    let checks = 0
    const counting: Crc32 = (bytes, seed) => {
      checks++
      return crc32(bytes, seed)
    }
    const other = bench.open({ budgetBytes, crc32: counting })
    expect((await other.size()).entries).toBe(1000)
    // The space; and of every segment header, trailer and footer.
    expect(checks).toBe(1 + 3 * sizes.length)
    for (let n = 0; n < 1000; n += 7) expectBytes(other.getSync(keyOf(n)), valueFor(n))
  })

  it('leaves no segment of which nothing is alive', async () => {
    const store = bench.open()
    await store.setMany(items(0, 3))
    await store.deleteMany([0, 1, 2].map(keyOf))
    await store.close()
    expect(bench.segments()).toEqual([])
  })

  it('finds a later number where a name claims to be from the future', async () => {
    const store = bench.open()
    await store.setMany([[keyOf(1), valueFor(1)]])
    await store.close()
    const [path] = bench.segments()
    const future = join(dirname(path!), `09999999999999-${'f'.repeat(16)}.vec`)
    fs.renameSync(path!, future)
    const next = bench.open()
    await next.setMany(items(2, 3))
    await next.close()
    expect(bench.segments().at(-1)).toContain('10000000000000-')
  })
})

describe('descriptors', () => {
  it('are at most 64, whatever the number of segments', async context => {
    if (noProc) return context.skip(noProc)
    const writers: SegmentStore[] = []
    for (let n = 0; n < 90; n++) {
      const writer = bench.open({ space: 'many' as Space })
      await writer.setMany(items(n, n + 1))
      writer.flushSync()
      writers.push(writer)
    }
    bench.clock.advance(1000)
    const before = openFiles().length
    const reader = bench.open({ space: 'many' as Space })
    for (let round = 0; round < 2; round++) {
      for (let n = 0; n < 90; n++) expectBytes(reader.getSync(keyOf(n)), valueFor(n))
      expect(openFiles().length - before).toBeLessThanOrEqual(64)
    }
  })

  it('to removed files are not kept past the next look', async context => {
    if (noProc) return context.skip(noProc)
    for (let n = 0; n < 3; n++) {
      const writer = bench.open()
      await writer.setMany(items(n, n + 1))
      await writer.close()
    }
    const store = bench.open()
    expect((await store.size()).entries).toBe(3)
    expect(openFiles()).toHaveLength(3)
    fs.unlinkSync(bench.segments()[1]!)
    expect(openFiles().filter(link => link.endsWith('(deleted)'))).toHaveLength(1)
    bench.clock.advance(100)
    store.getSync(keyOf(0))
    expect(openFiles().filter(link => link.endsWith('(deleted)'))).toEqual([])
    expect((await store.size()).entries).toBe(2)
  })

  it('are not kept at all by a store that has nothing to do, nor after a close', async context => {
    if (noProc) return context.skip(noProc)
    vi.useFakeTimers()
    const store = bench.open()
    await store.setMany(items(0, 3))
    store.flushSync()
    expect(openFiles()).toHaveLength(1)
    vi.advanceTimersByTime(3000)
    expect(openFiles()).toEqual([])
    // And it goes on where it was.
    expectBytes(store.getSync(keyOf(1)), valueFor(1))
    await store.setMany(items(3, 5))
    store.flushSync()
    for (let n = 0; n < 5; n++) expectBytes(store.getSync(keyOf(n)), valueFor(n))
    expect(bench.segments()).toHaveLength(1)
    await store.close()
    expect(openFiles()).toEqual([])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('the budget', () => {
  // Segments of 14 records of 64 bytes.
  const budgetBytes = 16 * 1200

  it('is kept at every moment, the oldest going first', async () => {
    const store = bench.open({ budgetBytes })
    for (let n = 0; n < 1000; n += 5) {
      await store.setMany(items(n, n + 5))
      store.flushSync()
      expect(bytesOnDisk()).toBeLessThanOrEqual(budgetBytes)
    }
    const kept = Array.from({ length: 1000 }, (_, n) => n).filter(n => store.getSync(keyOf(n)))
    expect(kept.length).toBeGreaterThan(180)
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 1000 - kept.length + i))
    expect(store.counters.evicted).toBe(1000 - kept.length)
  })

  it('gives what was read another round', async () => {
    const store = bench.open({ budgetBytes })
    await store.setMany(items(0, 20))
    for (let n = 100; n < 2000; n += 5) {
      for (const hot of [3, 4, 5, 17]) expectBytes(store.getSync(keyOf(hot)), valueFor(hot))
      await store.setMany(items(n, n + 5))
    }
    for (const n of [0, 1, 2, 6, 16, 18]) expect(store.getSync(keyOf(n))).toBeUndefined()
    store.flushSync()
    expect(bytesOnDisk()).toBeLessThanOrEqual(budgetBytes)
    expect(await store.verify()).toMatchObject({ damaged: 0, duplicate: 0, dead: 0 })
  })

  it('is kept even where everything is read all the time', async () => {
    const store = bench.open({ budgetBytes })
    for (let n = 0; n < 600; n += 5) {
      await store.setMany(items(n, n + 5))
      for (let m = 0; m < n + 5; m++) store.getSync(keyOf(m))
      store.flushSync()
      expect(bytesOnDisk()).toBeLessThanOrEqual(budgetBytes)
    }
    expectBytes(store.getSync(keyOf(599)), valueFor(599))
  })

  it('is one for all spaces: an older space makes room for a newer', async () => {
    const old = bench.open({ budgetBytes, space: 'old' as Space })
    await old.setMany(items(0, 150))
    await old.close()
    bench.clock.advance(10)
    const store = bench.open({ budgetBytes })
    for (let n = 0; n < 300; n += 5) {
      await store.setMany(items(n, n + 5))
      store.flushSync()
      expect(bytesOnDisk()).toBeLessThanOrEqual(budgetBytes)
    }
    const again = bench.open({ budgetBytes, space: 'old' as Space })
    expect((await again.size()).entries).toBe(0)
    expect((await store.size()).entries).toBeGreaterThan(180)
  })

  it('holds at least the newest, where it holds but one', async () => {
    const store = bench.open({ budgetBytes: 200 })
    for (let n = 0; n < 10; n++) {
      await store.setMany(items(n, n + 1))
      store.flushSync()
      expectBytes(store.getSync(keyOf(n)), valueFor(n))
      expect(bytesOnDisk()).toBeLessThanOrEqual(200)
    }
  })
})
