// Damaged, cut, swapped and foreign files in a store's folder: never a wrong value, never someone else's file touched.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Space } from '../../../src/ports.js'
import { clearSegments, sizeOfSegments, verifySegments } from '../../../src/stores/segments.js'
import { keyOf } from '../../../src/testing/entries.js'
import { crc32, expectBytes, hash } from '../../support.js'
import { items, SegmentBench, SPACE, valueFor } from './harness.js'

const HEADER = 64
const RECORD = 64
const COUNT = 5

let bench: SegmentBench
beforeEach(() => {
  bench = new SegmentBench()
})
afterEach(() => bench.close())

/** One sealed segment of COUNT records; its path and bytes. */
async function oneSegment(): Promise<{ path: string; bytes: Buffer }> {
  const store = bench.open()
  await store.setMany(items(0, COUNT))
  await store.close()
  const [path] = bench.segments()
  return { path: path!, bytes: fs.readFileSync(path!) }
}

/** What a newly opened store answers for each of the keys; every answer is the right one or none. */
async function answers(count = COUNT): Promise<{ hits: number[]; damaged: number }> {
  const store = bench.open()
  const hits: number[] = []
  for (let n = 0; n < count; n++) {
    const value = store.getSync(keyOf(n))
    if (value === undefined) continue
    expectBytes(value, valueFor(n))
    hits.push(n)
  }
  const { damaged } = store.counters
  await store.close()
  return { hits, damaged }
}

const all = Array.from({ length: COUNT }, (_, n) => n)

describe('a damaged segment', () => {
  it('with any one byte flipped answers no wrong value, and serves all other records', async () => {
    const { path, bytes } = await oneSegment()
    expect(bytes.length).toBe(HEADER + COUNT * RECORD + COUNT * 8 + 8 + 32)
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const changed = Buffer.from(bytes)
        changed[at]! ^= mask
        fs.writeFileSync(path, changed)
        const { hits, damaged } = await answers()
        const record = Math.floor((at - HEADER) / RECORD)
        const within = (at - HEADER) % RECORD
        if (at < HEADER) expect(hits).toEqual([])
        else if (record >= COUNT) expect(hits.length).toBeGreaterThanOrEqual(COUNT - 1)
        else if (within > 4 && within < 8) expect(hits).toEqual(all)
        else expect(hits).toEqual(all.filter(n => n !== record))
        // Each is counted once; a flipped state is a deletion, and damage in header or footer is no record's.
        const counted = at >= HEADER && record < COUNT && (within < 4 || within >= 8)
        expect(damaged).toBe(counted ? 1 : 0)
      }
    }
  })

  it('cut at any offset serves what is whole', async () => {
    const { path, bytes } = await oneSegment()
    for (let length = 0; length < bytes.length; length++) {
      fs.writeFileSync(path, bytes.subarray(0, length))
      const whole = Math.min(COUNT, Math.max(0, Math.floor((length - HEADER) / RECORD)))
      expect((await answers()).hits).toEqual(all.slice(0, whole))
    }
  })

  it('is repaired by writing again, and stays so', async () => {
    const { path, bytes } = await oneSegment()
    bytes[HEADER + 2 * RECORD + 50]! ^= 4
    fs.writeFileSync(path, bytes)
    const store = bench.open()
    expect(store.getSync(keyOf(2))).toBeUndefined()
    expect(await store.verify()).toMatchObject({ segments: 1, records: 5, live: 4, damaged: 1 })
    await store.setMany([[keyOf(2), valueFor(2)]])
    await store.close()
    expect(await answers()).toEqual({ hits: all, damaged: 0 })
  })

  it('that shrinks while it is open is left, and nothing wrong is read', async () => {
    const { path } = await oneSegment()
    const store = bench.open()
    expectBytes(store.getSync(keyOf(4)), valueFor(4))
    fs.truncateSync(path, HEADER + RECORD + 7)
    expect(store.getSync(keyOf(4))).toBeUndefined()
    bench.clock.advance(200)
    expectBytes(store.getSync(keyOf(0)), valueFor(0))
    expect(store.getSync(keyOf(1))).toBeUndefined()
  })

  it('without a footer gives way to what comes after the damage', async () => {
    const store = bench.open()
    await store.setMany(items(0, COUNT))
    store.flushSync()
    const [path] = bench.segments()
    const bytes = fs.readFileSync(path!)
    expect(bytes.length).toBe(HEADER + COUNT * RECORD)
    bytes.fill(0, HEADER + RECORD, HEADER + 3 * RECORD)
    fs.writeFileSync(path!, bytes)
    const other = bench.open()
    expect(other.getSync(keyOf(1))).toBeUndefined()
    expect(other.getSync(keyOf(2))).toBeUndefined()
    for (const n of [0, 3, 4]) expectBytes(other.getSync(keyOf(n)), valueFor(n))
    expect(other.counters.damaged).toBe(2)
  })

  it('without a footer that ends in damage is read on when more has come', async () => {
    const store = bench.open()
    await store.setMany(items(0, 2))
    store.flushSync()
    const [path] = bench.segments()
    const whole = fs.readFileSync(path!)
    const [one, two] = [whole.subarray(0, HEADER + RECORD), whole.subarray(HEADER + RECORD)]
    // The second record arrives in pieces.
    const cuts = [0, 10, 40, RECORD - 1]
    fs.truncateSync(path!, one.length)
    const reader = bench.open()
    for (const cut of cuts) {
      fs.writeFileSync(path!, Buffer.concat([one, two.subarray(0, cut), Buffer.alloc(cut === 40 ? 24 : 0)]))
      bench.clock.advance(100)
      expectBytes(reader.getSync(keyOf(0)), valueFor(0))
      expect(reader.getSync(keyOf(1))).toBeUndefined()
    }
    fs.writeFileSync(path!, whole)
    bench.clock.advance(100)
    expectBytes(reader.getSync(keyOf(1)), valueFor(1))
    expect(reader.counters.damaged).toBe(0)
  })
})

describe('files in the wrong place', () => {
  it('two segments that changed names serve on, also for a store that had them open', async () => {
    for (const from of [0, 5]) {
      const store = bench.open()
      await store.setMany(items(from, from + 5))
      await store.close()
      bench.clock.advance(1000)
    }
    const open = bench.open()
    expectBytes(open.getSync(keyOf(0)), valueFor(0))
    const [one, two] = bench.segments() as [string, string]
    fs.renameSync(one, `${one}.x`)
    fs.renameSync(two, one)
    fs.renameSync(`${one}.x`, two)
    bench.clock.advance(1000)
    for (let n = 0; n < 10; n++) expectBytes(open.getSync(keyOf(n)), valueFor(n))
    expect((await answers(10)).hits).toHaveLength(10)
  })

  it('a record moved to another slot, and one overwritten by another, are what they say or nothing', async () => {
    const { path, bytes } = await oneSegment()
    bytes.copy(bytes, HEADER + 3 * RECORD, HEADER, HEADER + RECORD)
    fs.writeFileSync(path, bytes)
    expect((await answers()).hits).toEqual([0, 1, 2, 4])
  })

  it('a segment of another space is not served, though it has our keys', async () => {
    const { path } = await oneSegment()
    const space = 'model@2 fp32 mean' as Space
    fs.mkdirSync(bench.folder(space))
    fs.copyFileSync(path, join(bench.folder(space), path.split('/').at(-1)!))
    const other = bench.open({ space })
    expect(other.getSync(keyOf(0))).toBeUndefined()
    expect((await other.size()).entries).toBe(0)
    expect((await other.verify()).foreign).toHaveLength(1)
  })

  it('a record of another space inside our segment fails its check', async () => {
    const { path, bytes } = await oneSegment()
    const space = 'model@2 fp32 mean' as Space
    const other = bench.open({ space })
    await other.setMany([[keyOf(0), valueFor(77)]])
    await other.close()
    const stolen = fs.readFileSync(bench.segments(space)[0]!).subarray(HEADER, HEADER + RECORD)
    stolen.copy(bytes, HEADER)
    fs.writeFileSync(path, bytes)
    expect(await answers()).toEqual({ hits: [1, 2, 3, 4], damaged: 1 })
  })

  it('a segment of another format version, or of another length, is left alone', async () => {
    const { path, bytes } = await oneSegment()
    bytes.writeUInt16LE(9, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
    fs.writeFileSync(path, bytes)
    const before = SegmentBench.snapshot(bench.dir)
    expect((await answers()).hits).toEqual([])
    const store = bench.open({ valueBytes: 48, dims: 10 })
    expect(store.getSync(keyOf(0))).toBeUndefined()
    expect((await store.verify()).foreign).toEqual([path])
    expect(SegmentBench.snapshot(bench.dir)).toEqual(before)
    // Clearing is for all of op-dbus, of whichever version.
    await store.clear()
    expect(fs.existsSync(path)).toBe(false)
  })

  it('folders, FIFOs, links, huge and empty files under our names are passed over, and kept', async () => {
    const { path, bytes } = await oneSegment()
    const outside = join(bench.dir, '..', 'outside.vec')
    fs.writeFileSync(outside, bytes)
    const place = (digit: number) => join(bench.folder(), `${String(digit).padStart(14, '0')}-${'a'.repeat(16)}.vec`)
    fs.mkdirSync(place(1))
    execFileSync('mkfifo', [place(2)])
    fs.symlinkSync(outside, place(3))
    fs.symlinkSync('/dev/zero', place(4))
    // 10 GiB, of which only the header is there.
    fs.copyFileSync(path, place(5))
    fs.truncateSync(place(5), 10 * 2 ** 30)
    fs.writeFileSync(place(6), '')
    fs.writeFileSync(place(7), 'my own notes about vectors, longer than a header of sixty-four bytes is')
    const before = process.memoryUsage.rss()
    expect((await answers()).hits).toEqual(all)
    const store = bench.open()
    await store.setMany(items(5, 10))
    expect((await store.verify()).segments).toBe(2)
    expect(sizeOfSegments(bench.dir, { crc32 }).entries).toBe(COUNT + 5)
    await store.clear()
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 * 2 ** 20)
    for (const digit of [1, 2, 3, 4, 7]) expect(fs.lstatSync(place(digit))).toBeDefined()
    expect(fs.readFileSync(outside).equals(bytes)).toBe(true)
    // What begins as ours does is ours to clear.
    for (const digit of [5, 6]) expect(fs.existsSync(place(digit))).toBe(false)
  })

  it('counts that lie are not believed', async () => {
    const { path, bytes } = await oneSegment()
    const trailer = bytes.length - 32
    for (const slots of [6, 0xffffffff, 0x7fffffff, 0]) {
      const lying = Buffer.from(bytes)
      lying.writeUInt32LE(slots, trailer + 16)
      lying.writeUInt32LE(crc32(lying.subarray(trailer, trailer + 28)), trailer + 28)
      fs.writeFileSync(path, lying)
      expect((await answers()).hits).toEqual(all)
    }
    const vast = Buffer.from(bytes)
    vast.writeUInt32LE(0xffffffff, 16)
    vast.writeUInt32LE(crc32(vast.subarray(0, 60)), 60)
    fs.writeFileSync(path, vast)
    expect((await answers()).hits).toEqual([])
    expect(sizeOfSegments(bench.dir, { crc32 }).entries).toBe(0)
    expect(await verifySegments(bench.dir, { crc32 })).toMatchObject({ records: 0 })
  })
})

describe('clear', () => {
  it('leaves what is not ours', async () => {
    await oneSegment()
    const mine = ['notes.txt', 'epoch.bak', 'ffffffffffffffff', '00000000000001-aaaaaaaaaaaaaaaa.vec.orig'].map(name =>
      join(bench.dir, name),
    )
    for (const file of mine) fs.writeFileSync(file, 'mine')
    const inside = join(bench.folder(), 'vectors.vec')
    fs.writeFileSync(inside, 'mine')
    const lookalike = join(bench.dir, '0123456789abcdef')
    fs.mkdirSync(lookalike)
    fs.writeFileSync(join(lookalike, 'space.json'), '{"name":"a space of my own"}')
    const elsewhere = join(bench.dir, '..', 'elsewhere')
    fs.mkdirSync(elsewhere)
    const store = bench.open({ dir: elsewhere })
    await store.setMany(items(0, 1))
    await store.close()
    fs.symlinkSync(join(elsewhere, hash.sha256(SPACE).slice(0, 16)), join(bench.dir, 'eeeeeeeeeeeeeeee'))
    const before = SegmentBench.snapshot(elsewhere)

    clearSegments(bench.dir, { hash })

    for (const file of [...mine, inside]) expect(fs.readFileSync(file, 'utf8')).toBe('mine')
    expect(fs.readdirSync(lookalike)).toEqual(['space.json'])
    expect(fs.readdirSync(bench.folder())).toEqual(['vectors.vec'])
    expect(SegmentBench.snapshot(elsewhere)).toEqual(before)
    expect((await answers()).hits).toEqual([])
  })

  it('of a hard link leaves the other name its bytes', async () => {
    const { path, bytes } = await oneSegment()
    const backup = join(bench.dir, '..', 'backup.vec')
    fs.linkSync(path, backup)
    clearSegments(bench.dir, { hash })
    expect(fs.existsSync(path)).toBe(false)
    expect(fs.readFileSync(backup).equals(bytes)).toBe(true)
  })

  it('makes void what it could not remove, and a later writer removes it', async () => {
    const { path, bytes } = await oneSegment()
    clearSegments(bench.dir, { hash })
    fs.mkdirSync(bench.folder())
    fs.writeFileSync(path, bytes)
    expect((await answers()).hits).toEqual([])
    expect(await verifySegments(bench.dir, { crc32 })).toMatchObject({ segments: 0, stale: 1 })
    const store = bench.open()
    await store.setMany(items(2, 3))
    await store.close()
    expect(fs.existsSync(path)).toBe(false)
    expect((await answers()).hits).toEqual([2])
  })

  it('of a folder that is not there does nothing', async () => {
    clearSegments(bench.dir, { hash })
    await bench.open().clear()
    expect(fs.existsSync(bench.dir)).toBe(false)
    expect(sizeOfSegments(bench.dir, { crc32 })).toEqual({ entries: 0, bytes: 0 })
  })
})
