// One space is cleared beside others, in every process and whatever is under way, and nothing else is touched.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Key, Space } from '../../../src/ports.js'
import {
  clearSegments,
  clearSpaceOfSegments,
  type SegmentStore,
  sizeOfSegments,
  spacesOfSegments,
  verifySegments,
} from '../../../src/stores/segments.js'
import { keyOf } from '../../../src/testing/entries.js'
import { crc32, expectBytes, hash, temporaryFolder } from '../../support.js'
import { interrupted, items, SegmentBench, SPACE, valueFor } from './harness.js'

const OTHER = 'model@2' as Space

let bench: SegmentBench
beforeEach(() => {
  bench = new SegmentBench()
})
afterEach(() => bench.close())

function clearOne(space: Space, of: SegmentBench = bench): void {
  const found = spacesOfSegments(of.dir, { crc32 }).find(({ folder }) => folder === of.folder(space))
  if (found) clearSpaceOfSegments(of.dir, found, { hash })
}

const epochFile = (space: Space = SPACE) => join(bench.dir, `epoch-${hash.sha256(space).slice(0, 16)}`)

describe('one space', () => {
  it('is cleared for every store of it, flushed or not, and told to each of them once; others keep theirs', async () => {
    const [one, two, other] = [bench.open(), bench.open(), bench.open({ space: OTHER })]
    await one.setMany(items(0, 5))
    await other.setMany(items(0, 5))
    bench.settle()
    for (const store of [one, two, other]) expectBytes(store.getSync(keyOf(0)), valueFor(0))
    // In memory alone as yet.
    await one.setMany(items(5, 8))

    clearOne(SPACE)
    for (let n = 0; n < 8; n++) expect([one.getSync(keyOf(n)), two.getSync(keyOf(n))]).toEqual([undefined, undefined])
    for (let n = 0; n < 5; n++) expectBytes(other.getSync(keyOf(n)), valueFor(n))
    const told = (store: SegmentStore) => [store.clearedElsewhere?.(), store.clearedElsewhere?.()]
    for (const store of [one, two]) expect(told(store)).toEqual([true, false])
    expect(told(other)).toEqual([false, false])

    await one.setMany(items(20, 21))
    bench.settle()
    expectBytes(two.getSync(keyOf(20)), valueFor(20))
    expectBytes(bench.open().getSync(keyOf(20)), valueFor(20))
    expect(await verifySegments(bench.dir, { crc32 })).toMatchObject({ live: 6, stale: 0, foreign: [], damaged: 0 })
  })

  it('whose segment is put in its place after the clear has nothing of before', async () => {
    const [late, other] = [bench.open(), bench.open()]
    await other.setMany(items(0, 1))
    bench.settle()
    // The segment is written, and has no name yet.
    await interrupted(
      'renameSync',
      1,
      () => clearOne(SPACE),
      () => late.setMany(items(1, 2)),
    )
    late.flushSync()
    bench.clock.advance(100)
    expect(bench.open().getSync(keyOf(0))).toBeUndefined()
    await late.setMany(items(2, 3))
    bench.settle()
    expectBytes(bench.open().getSync(keyOf(2)), valueFor(2))
    expect(await verifySegments(bench.dir, { crc32 })).toMatchObject({ foreign: [], damaged: 0 })
  })

  it('stays cleared though a file could not be removed, and a later clear of all ends what was said of it', async () => {
    const store = bench.open()
    await store.setMany(items(0, 3))
    await store.close()
    const [file] = bench.segments()
    const kept = join(temporaryFolder(), 'kept')
    writeFileSync(kept, readFileSync(file!))
    clearOne(SPACE)
    // As a network file system does that was away meanwhile.
    mkdirSync(bench.folder(), { recursive: true })
    const back = () => writeFileSync(file!, readFileSync(kept))
    back()
    expect(bench.open().getSync(keyOf(0))).toBeUndefined()
    expect(await verifySegments(bench.dir, { crc32 })).toMatchObject({ segments: 0, stale: 1 })
    expect(sizeOfSegments(bench.dir, { crc32 })).toEqual({ entries: 0, bytes: 0 })

    clearSegments(bench.dir, { hash })
    expect(existsSync(epochFile())).toBe(false)
    mkdirSync(bench.folder(), { recursive: true })
    back()
    expect(bench.open().getSync(keyOf(0))).toBeUndefined()
    const again = bench.open()
    await again.setMany(items(9, 10))
    bench.settle()
    expectBytes(bench.open().getSync(keyOf(9)), valueFor(9))
  })

  it('is cleared of what is ours alone: not through links, and not what somebody put there', async () => {
    const store = bench.open()
    await store.setMany(items(0, 3))
    await store.close()
    const elsewhere = new SegmentBench()
    const there = elsewhere.open({ space: OTHER })
    await there.setMany(items(0, 3))
    await there.close()
    symlinkSync(elsewhere.folder(OTHER), bench.folder(OTHER))
    const linked = join(elsewhere.dir, 'other.vec')
    renameSync(elsewhere.segments(OTHER)[0]!, linked)
    symlinkSync(linked, join(bench.folder(), '00000000000001-0123456789abcdef.vec'))
    writeFileSync(join(bench.folder(), '00000000000002-0123456789abcdef.vec'), 'somebody else wrote this')
    writeFileSync(join(bench.folder(), 'notes.txt'), 'mine')
    const before = SegmentBench.snapshot(elsewhere.dir)
    const file = readFileSync(linked, 'latin1')

    expect(spacesOfSegments(bench.dir, { crc32 }).map(({ folder }) => folder)).toEqual([bench.folder()])
    clearOne(SPACE)
    expect(readdirSync(bench.folder()).sort()).toEqual([
      '00000000000001-0123456789abcdef.vec',
      '00000000000002-0123456789abcdef.vec',
      'notes.txt',
    ])
    expect(SegmentBench.snapshot(elsewhere.dir)).toEqual(before)
    expect(readFileSync(linked, 'latin1')).toBe(file)
    await elsewhere.close()
  })

  it('is cleared where its epoch is a file of somebody else, a link or blank', async () => {
    for (const put of [
      (file: string) => writeFileSync(file, 'somebody else wrote this\n'),
      (file: string) => symlinkSync('/etc/passwd', file),
      (file: string) => writeFileSync(file, Buffer.alloc(34)),
    ]) {
      const store = bench.open()
      await store.setMany(items(0, 3))
      bench.settle()
      put(epochFile())
      clearOne(SPACE)
      expect(store.getSync(keyOf(0))).toBeUndefined()
      await store.setMany(items(4, 5))
      bench.settle()
      expectBytes(bench.open().getSync(keyOf(4)), valueFor(4))
      await store.clear()
      rmSync(epochFile(), { force: true })
    }
  })

  it('beside another behaves as one Map each, over any sequence of calls, closings and clears', async () => {
    const spaces = [SPACE, OTHER]
    const op = fc.record({
      op: fc.oneof(
        { weight: 6, arbitrary: fc.constant('set' as const) },
        { weight: 2, arbitrary: fc.constant('reopen' as const) },
        { weight: 2, arbitrary: fc.constant('clear one' as const) },
        { weight: 1, arbitrary: fc.constant('clear all' as const) },
      ),
      who: fc.nat(3),
      keys: fc.array(fc.nat(5), { maxLength: 4 }),
      flush: fc.boolean(),
    })
    const all = Array.from({ length: 6 }, (_, n) => keyOf(n))
    const property = fc.asyncProperty(fc.array(op, { maxLength: 25 }), async ops => {
      const shared = new SegmentBench()
      const open = (who: number) => shared.open({ space: spaces[who % 2]! })
      const stores: SegmentStore[] = [0, 1, 2, 3].map(open)
      const models = [new Map<Key, Uint8Array>(), new Map<Key, Uint8Array>()]
      try {
        for (const { op, who, keys, flush } of ops) {
          const store = stores[who]!
          if (op === 'set') {
            const entries = keys.map(n => [keyOf(n), valueFor(n, who % 2)] as const)
            await store.setMany(entries)
            for (const [key, value] of entries) models[who % 2]!.set(key, value)
          } else if (op === 'reopen') {
            await store.close()
            stores[who] = open(who)
          } else if (op === 'clear all') {
            await store.clear()
            for (const model of models) model.clear()
          } else {
            // What is cleared has to be on the disk to be found there; what others still have in memory goes with it.
            if (models[who % 2]!.size > 0) store.flushSync()
            clearOne(spaces[who % 2]!, shared)
            if (!existsSync(shared.folder(spaces[who % 2]))) models[who % 2]!.clear()
          }
          if (flush || op !== 'set') shared.settle()
          if (!flush && op === 'set') continue
          for (const [at, store] of stores.entries())
            expect(await store.getMany(all)).toEqual(all.map(key => models[at % 2]!.get(key)))
        }
      } finally {
        await shared.close()
      }
    })
    await fc.assert(property, { numRuns: 40 })
  })
})
