// Real processes on one folder: killed, cleared from under, limited, disowned. Never a wrong value, nothing left behind.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Space } from '../../../src/ports.js'
import { clearSegments, openSegmentStore, type SegmentStore, type VerifyReport } from '../../../src/stores/segments.js'
import { keyOf } from '../../../src/testing/entries.js'
import { crc32, hash, temporaryFolder } from '../../support.js'
import { buildStoreProcess, StoreProcess, type StoreProcessOptions } from './processes.js'
import { isSelfMade, selfMade } from './self-made.js'

const ROUNDS = process.env.OP_DBUS_CAMPAIGN === 'full' ? 150 : 10
const NOBODY = 65_534
const VALUE_BYTES = 400

const program = await buildStoreProcess()
const running: StoreProcess[] = []
let dir: string
beforeEach(() => {
  dir = join(temporaryFolder(), 'embeddings')
})
afterEach(async () => {
  await Promise.all(running.splice(0).map(one => one.kill()))
})

async function start(options: Partial<StoreProcessOptions> = {}): Promise<StoreProcess> {
  const one = await StoreProcess.start(program, { dir, valueBytes: VALUE_BYTES, ...options })
  running.push(one)
  return one
}

/** A store of this process, on the same folder and space. */
function openHere(): SegmentStore {
  return openSegmentStore({
    dir,
    space: 'space' as Space,
    description: {},
    dims: 0,
    valueBytes: VALUE_BYTES,
    budgetBytes: 2 ** 30,
    hash,
    crc32,
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    warn: () => {},
  })
}

/** Files below the folder that are neither segments nor what belongs beside them. */
function leftovers(): string[] {
  const names = fs.readdirSync(dir, { recursive: true }) as string[]
  return names.filter(name => !/^([0-9a-f]{16}(\/(space\.json|\d{14}-[0-9a-f]{16}\.vec))?|epoch)$/.test(name))
}

const segmentCount = () => (fs.readdirSync(dir, { recursive: true }) as string[]).filter(n => n.endsWith('.vec')).length

describe('processes on one folder', () => {
  it(`killed at random while two write, ${ROUNDS} times: what is there is right, and nothing else is`, async () => {
    let hits = 0
    for (let round = 0; round < ROUNDS; round++) {
      const writers = await Promise.all([start(), start()])
      if (round === 0) {
        // However little a busy machine lets them write before they die, there is something to be found.
        await writers[0]!.call(
          'set',
          Array.from({ length: 300 }, (_, n) => n),
        )
        await writers[0]!.call('flush')
      }
      for (const writer of writers) writer.call('churn', 300).catch(() => {})
      // From the middle of the first write to well into flushing and sealing.
      await new Promise(resolve => setTimeout(resolve, 5 + ((round * 37) % 150)))
      for (const writer of writers) expect(await writer.kill()).toBe('SIGKILL')
      running.length = 0

      const store = openHere()
      for (let n = 0; n < 300; n++) {
        const value = store.getSync(keyOf(n))
        if (value === undefined) continue
        hits++
        expect(isSelfMade(value, n)).toBe(true)
      }
      expect(await store.verify()).toMatchObject({ damaged: 0, stale: 0, foreign: [] })
      expect(store.counters.damaged).toBe(0)
      await store.setMany([[keyOf(1000), selfMade(1000, 0, VALUE_BYTES)]])
      await store.close()
      expect(leftovers()).toEqual([])
      // Those of the killed were merged.
      expect(segmentCount()).toBeLessThanOrEqual(8)
    }
    expect(hits).toBeGreaterThan(100 * ROUNDS)
  })

  it('eight at once: no wrong value, and every key is there', async () => {
    const eight = await Promise.all(Array.from({ length: 8 }, () => start()))
    type Seen = { hit: number; miss: number; wrong: number }
    const seen = await Promise.all(eight.map(one => one.call<Seen>('fill', 1000, 250)))
    for (const { wrong, hit, miss } of seen) {
      expect(wrong).toBe(0)
      expect(hit + miss).toBe(1000)
      // Each computes a key at most once: afterwards it has it.
      expect(miss).toBeLessThanOrEqual(250)
    }
    for (const one of eight) await one.call('close')
    const store = openHere()
    const report = await store.verify()
    expect(report).toMatchObject({ damaged: 0, foreign: [] })
    for (let n = 0; n < 250; n++) expect(isSelfMade(store.getSync(keyOf(n))!, n)).toBe(true)
    await store.close()
    expect(leftovers()).toEqual([])
  })

  it('compacted and evicted by others while one reads runs: nothing wrong', async () => {
    // Some 600 records for 400 keys, in segments of 38.
    const [reader, ...others] = await Promise.all(Array.from({ length: 3 }, () => start({ budgetBytes: 600 * 448 })))
    await others[0]!.call(
      'set',
      Array.from({ length: 400 }, (_, n) => n),
    )
    await others[0]!.call('flush')
    for (const other of others) other.call('compact', 400).catch(() => {})
    const seen = await reader!.call<Record<'hit' | 'miss' | 'wrong', number>>('readRuns', 60, 400)
    expect(seen.wrong).toBe(0)
    expect(seen.hit).toBeGreaterThan(60 * 40)
    expect(await reader!.call('counters')).toMatchObject({ damaged: 0 })
  })

  it('cleared by one: the next look-up of all others misses, and what they write afterwards is found', async () => {
    const [writer, reader] = await Promise.all([start(), start()])
    await writer!.call('set', [1, 2])
    await writer!.call('flush')
    expect(await reader!.call('get', [1, 2])).toEqual(['hit', 'hit'])
    await writer!.call('set', [3])
    clearSegments(dir, { hash })
    expect(await writer!.call('get', [1, 2, 3])).toEqual(['miss', 'miss', 'miss'])
    expect(await reader!.call('get', [1, 2])).toEqual(['miss', 'miss'])
    await writer!.call('set', [2])
    await writer!.call('flush')
    const third = await start()
    expect(await third.call('get', [1, 2, 3])).toEqual(['miss', 'hit', 'miss'])
  })

  it('cleared again and again while two write: nothing wrong, and they go on', async () => {
    const writers = await Promise.all([start(), start()])
    const churning = writers.map(writer => writer.call('churn', 100).catch((error: Error) => error.message))
    for (let i = 0; i < 20; i++) {
      clearSegments(dir, { hash })
      await new Promise(resolve => setTimeout(resolve, 10))
    }
    for (const writer of writers) await writer.kill()
    expect(await Promise.all(churning)).toEqual(Array(2).fill('the process ended: SIGKILL'))
    running.length = 0
    const store = openHere()
    for (let n = 0; n < 100; n++) {
      const value = store.getSync(keyOf(n))
      if (value !== undefined) expect(isSelfMade(value, n)).toBe(true)
    }
    expect(await store.verify()).toMatchObject({ damaged: 0, foreign: [] })
    await store.close()
  })

  it('that end without closing lose nothing, and twelve of them leave a handful of segments', async () => {
    for (let n = 0; n < 12; n++) {
      const one = await start()
      await one.call('set', [n])
      expect(await one.leave()).toBe(0)
    }
    const store = openHere()
    for (let n = 0; n < 12; n++) expect(isSelfMade(store.getSync(keyOf(n))!, n)).toBe(true)
    await store.close()
    expect(segmentCount()).toBeLessThanOrEqual(8)
  })
})

describe('a folder that refuses', () => {
  /** As a user who is not root, to whom the permissions of a file mean something. */
  const asUser = () => (process.getuid?.() === 0 ? { uid: NOBODY } : {})
  const own = (path: string) => {
    if (process.getuid?.() === 0) fs.chownSync(path, NOBODY, NOBODY)
  }

  async function filledFolder(): Promise<string[]> {
    fs.chmodSync(dirname(dir), 0o755)
    fs.mkdirSync(dir)
    own(dir)
    const writer = await start(asUser())
    await writer.call('set', [1, 2, 3])
    await writer.call('close')
    await writer.leave()
    return (fs.readdirSync(dir, { recursive: true }) as string[]).map(name => join(dir, name)).concat(dir)
  }

  it('to be written serves what it has, says STORE to the rest, and is used again once it can be', async context => {
    if (process.platform === 'win32') return context.skip('permissions are not like this on Windows')
    const paths = await filledFolder()
    for (const path of paths) fs.chmodSync(path, fs.statSync(path).isDirectory() ? 0o500 : 0o400)
    const user = await start(asUser())
    expect(await user.call('get', [1, 2, 3, 4])).toEqual(['hit', 'hit', 'hit', 'miss'])
    await expect(user.call('set', [4])).rejects.toMatchObject({ code: 'STORE' })
    await expect(user.call('delete', [1])).rejects.toMatchObject({ code: 'STORE' })
    await expect(user.call('clear')).rejects.toMatchObject({ code: 'STORE' })
    expect(await user.call('get', [1, 4])).toEqual(['hit', 'miss'])
    for (const path of paths) fs.chmodSync(path, fs.statSync(path).isDirectory() ? 0o700 : 0o600)
    await user.call('set', [4])
    expect(await user.call('delete', [1])).toBe(1)
    expect(await user.call('get', [1, 4])).toEqual(['miss', 'hit'])
  })

  it('to be read says STORE to who asks, and is used again once it can be', async context => {
    if (process.platform === 'win32') return context.skip('permissions are not like this on Windows')
    await filledFolder()
    fs.chmodSync(dir, 0)
    const user = await start(asUser())
    await expect(user.call('get', [1])).rejects.toMatchObject({ code: 'STORE' })
    await expect(user.call('set', [1])).rejects.toMatchObject({ code: 'STORE' })
    fs.chmodSync(dir, 0o700)
    expect(await user.call('get', [1])).toEqual(['hit'])
  })

  it('larger files says STORE, serves what it has, and leaves no damage', async context => {
    if (process.platform === 'win32') return context.skip('no limit on file sizes to set')
    const limited = await start({ fileLimit: 400 })
    let set = 0
    const failing = async () => {
      for (; set < 4000; set += 20) {
        await limited.call(
          'set',
          Array.from({ length: 20 }, (_, i) => set + i),
        )
      }
    }
    await expect(failing()).rejects.toMatchObject({ code: 'STORE' })
    expect(set).toBeGreaterThan(500)
    const all = Array.from({ length: set }, (_, n) => n)
    const answers = await limited.call<string[]>('get', all)
    expect(new Set(answers)).toEqual(new Set(['hit']))
    await limited.kill()
    const store = openHere()
    const { live, damaged } = await store.verify()
    // 930 records fit; what did not reach the file is at most one buffer, of 590.
    expect(live).toBeGreaterThan(930 - 590)
    expect(damaged).toBe(0)
    await store.close()
  })

  it('anything more because it is full says STORE, serves what it has, and takes more once there is room', async context => {
    fs.mkdirSync(dir)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', dir], { stdio: 'ignore' })
    } catch {
      return context.skip('mounting a small file system needs root')
    }
    const store = openHere()
    try {
      const set = (from: number) =>
        store.setMany(
          Array.from({ length: 100 }, (_, i) => [keyOf(from + i), selfMade(from + i, 0, VALUE_BYTES)] as const),
        )
      const hits = (to: number) => {
        let count = 0
        for (let n = 0; n < to; n++) {
          const value = store.getSync(keyOf(n))
          if (value !== undefined && isSelfMade(value, n)) count++
        }
        return count
      }
      await set(0)
      store.flushSync()
      const filler = join(dir, 'filler')
      fs.writeFileSync(filler, '')
      try {
        for (;;) fs.appendFileSync(filler, Buffer.alloc(4096))
      } catch {
        // Full.
      }
      let next = 100
      const failing = async () => {
        for (; next < 2000; next += 100) await set(next)
      }
      await expect(failing()).rejects.toMatchObject({ code: 'STORE' })
      expect(() => store.flushSync()).toThrow(expect.objectContaining({ code: 'STORE' }))
      expect(hits(next)).toBe(next)
      fs.unlinkSync(filler)
      await set(next)
      store.flushSync()
      expect(hits(next + 100)).toBe(next + 100)
      const report: VerifyReport = await store.verify()
      expect(report).toMatchObject({ live: next + 100, damaged: 0, duplicate: 0 })
    } finally {
      await store.close()
      execFileSync('umount', [dir])
    }
  })
})
