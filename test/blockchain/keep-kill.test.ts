// A process that is killed at any moment of a prune, a snapshot, a restore or a repair, before a call that changes a file: what is there afterwards
// is one of the two that there may be, whole. Before each call with OP_DBUS_CHAOS=full, else before every fifth.
import { execFile } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { bodyFault } from '../../src/blockchain/footprint.js'
import { pruneChain } from '../../src/blockchain/prune.js'
import { repairChain } from '../../src/blockchain/repair.js'
import { listSnapshots, makeSnapshot, restoreSnapshot } from '../../src/blockchain/snapshots.js'
import { finishCutOff } from '../../src/blockchain/store/restoring.js'
import { verifyChain } from '../../src/blockchain/verify.js'
import { memoryFolder, newFolder } from '../support.js'
import { rounds } from './chaos/scale.js'
import { all, fill, hashes, type KeepParts, type KeepTask, keepParts } from './keep-support.js'

const SEGMENT = 3000
const EVERY = rounds(5, 1)
const folder = newFolder()
const program = join(folder, 'keep-child.mjs')

beforeAll(async () => {
  await build({
    entryPoints: [join(import.meta.dirname, 'keep-child.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    plugins: [
      {
        // What tests share knows vitest, which is not there in a process of its own.
        name: 'no-vitest',
        setup(own) {
          own.onResolve({ filter: /^vitest$/ }, () => ({ path: 'vitest', namespace: 'none' }))
          own.onLoad({ filter: /.*/, namespace: 'none' }, () => ({
            contents: 'export const afterEach = () => {}, expect = undefined',
          }))
        },
      },
    ],
  })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** How many calls there were; undefined where it was killed. */
function run(task: KeepTask): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [program, JSON.stringify(task)], { timeout: 30_000 }, (error, stdout) => {
      if (error === null) resolve(Number(stdout))
      else if (error.signal === 'SIGKILL') resolve(undefined)
      else reject(error)
    })
  })
}

/** Runs `work` on copies of a folder, killed before one of its calls after the other, and has `check` look at what is left. */
async function atCalls(
  base: string,
  work: KeepTask['work'],
  check: (parts: KeepParts, dataDir: string) => Promise<void>,
): Promise<number> {
  const copy = () => {
    const dataDir = memoryFolder()
    // Hard links between the chain and its snapshots become files of their own, which changes nothing here.
    cpSync(base, dataDir, { recursive: true })
    return dataDir
  }
  const whole = copy()
  const calls = (await run({ dataDir: whole, work, killAt: 0, segmentBytes: SEGMENT }))!
  await check(keepParts(whole, SEGMENT), whole)
  let next = 1
  const worker = async () => {
    while (next <= calls) {
      const killAt = next
      next += EVERY
      const dataDir = copy()
      expect(await run({ dataDir, work, killAt, segmentBytes: SEGMENT })).toBeUndefined()
      const parts = keepParts(dataDir, SEGMENT)
      try {
        await check(parts, dataDir)
      } catch (error) {
        throw new Error(`killed before call ${killAt} of ${calls}: ${(error as Error).message}`, { cause: error })
      }
      await parts.store.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
  await Promise.all([worker(), worker()])
  return calls
}

const sound = (blocks: readonly Block[]) =>
  blocks.every(({ header, body }) => body === undefined || bodyFault(header, body) === undefined)

/** Nothing is left of what was begun, once somebody has written again; but for a minute what nobody knows the maker of. */
function nothingLeft(dataDir: string): void {
  const left = ['blockchain', 'blockchain/timing', 'snapshots'].flatMap(name => {
    const dir = join(dataDir, name)
    return existsSync(dir) ? readdirSync(dir).map(one => join(dir, one)) : []
  })
  const anonymous = (path: string) =>
    statSync(path).isDirectory() ? !existsSync(join(path, 'owner')) : statSync(path).size === 0
  expect(left.filter(path => /tmp$|\/\.|\/restoring/.test(path) && !anonymous(path))).toEqual([])
}

describe('killed', () => {
  it('in a prune: every block is there, with its body or without, and the next prune ends it', async () => {
    const base = memoryFolder()
    const parts = keepParts(base, SEGMENT)
    await fill(parts, 12)
    await parts.store.close()
    const before = await all(parts.store)
    const calls = await atCalls(base, 'prune', async (parts, dataDir) => {
      const after = await all(parts.store)
      expect(hashes(after.slice(0, 12))).toEqual(hashes(before))
      expect(sound(after)).toBe(true)
      expect(after.slice(9, 12)).toEqual(before.slice(-3))
      // No body goes that nobody spoke of, and nothing is said twice.
      expect(await verifyChain(parts)).toMatchObject({ faults: [] })
      const said = after.length - 12
      const report = await pruneChain(parts, { last: 3 })
      expect(report).toMatchObject({ kept: 3 + said, size: 12 + said })
      expect(report.block).toBe(said === 0 ? 12 : undefined)
      expect(await verifyChain(parts)).toMatchObject({ faults: [], size: 13, pruned: 9 })
      await fill(parts, 1)
      expect(hashes(await all(parts.store)).slice(0, 12)).toEqual(hashes(before))
      if (report.pruned > 0) nothingLeft(dataDir)
    })
    expect(calls).toBeGreaterThan(10)
  }, 60_000)

  it('in a snapshot: it is there whole or not at all, and the chain is as it was', async () => {
    const base = memoryFolder()
    const parts = keepParts(base, SEGMENT)
    await fill(parts, 12)
    await parts.store.close()
    const before = await all(parts.store)
    const calls = await atCalls(base, 'snapshot', async (parts, dataDir) => {
      expect(await all(parts.store)).toEqual(before)
      const list = await listSnapshots(parts, { full: true })
      expect(list.map(({ damaged }) => damaged)).toEqual(list.map(() => undefined))
      if (list.length === 0) await makeSnapshot(parts, 'new', {})
      await fill(parts, 2)
      await restoreSnapshot(parts, 'new', {})
      expect(await all(parts.store)).toEqual(before)
      nothingLeft(dataDir)
    })
    expect(calls).toBeGreaterThan(10)
  }, 60_000)

  it('in a restore: one of the two chains is there whole, to readers and to whoever writes next, and none is lost', async () => {
    const base = memoryFolder()
    const parts = keepParts(base, SEGMENT)
    await fill(parts, 8)
    const old = await all(parts.store)
    await makeSnapshot(parts, 'old', {})
    await pruneChain(parts, { last: 2 })
    await fill(parts, 6, 'second')
    const now = await all(parts.store)
    await parts.store.close()
    let [restored, kept] = [0, 0]
    await atCalls(base, 'restore', async (parts, dataDir) => {
      // A reader that may not write, which waits for nobody, sees one of the two or is told why not.
      const seen = await all(parts.store).catch((error: unknown) => error as { code: string })
      if (Array.isArray(seen)) expect([old, now]).toContainEqual(seen)
      else expect(seen).toMatchObject({ code: 'STORE' })
      await finishCutOff(parts.store)
      expect([old, now]).toContainEqual(await all(parts.store))
      await fill(parts, 1, 'third')
      const after = (await all(parts.store)).slice(0, -1)
      expect([old, now]).toContainEqual(after)
      const list = await listSnapshots(parts, { full: true })
      expect(list.every(({ damaged }) => damaged === undefined)).toBe(true)
      const before = list.find(({ name }) => name.startsWith('before-restore-'))
      if (after.length === old.length) {
        restored++
        // What was there before is not lost.
        await restoreSnapshot(parts, before!.name, {})
        expect(await all(parts.store)).toEqual(now)
      } else {
        kept++
        await restoreSnapshot(parts, 'old', {})
        expect(await all(parts.store)).toEqual(old)
      }
      nothingLeft(dataDir)
    })
    expect(restored).toBeGreaterThan(2)
    expect(kept).toBeGreaterThan(2)
  }, 60_000)

  it('in a repair: the damaged chain is there whole or the one that is sound, and another repair ends it', async () => {
    const base = memoryFolder()
    const parts = keepParts(base, SEGMENT)
    await fill(parts, 12)
    const before = await all(parts.store)
    await parts.store.close()
    const timing = (dataDir: string) => join(dataDir, 'blockchain', 'timing')
    const textOf = (folder: string) =>
      readdirSync(folder)
        .sort()
        .map(name => readFileSync(join(folder, name), 'utf8'))
        .join('')
    const [one, two] = readdirSync(timing(base))
      .sort()
      .map(name => join(timing(base), name))
    // A damaged body, and behind it a line that is no block.
    writeFileSync(one!, readFileSync(one!, 'utf8').replace('"text":"first 1"', '"text":"first 9"'))
    writeFileSync(two!, readFileSync(two!, 'utf8').replace('"header"', '"head"'))
    const damaged = textOf(timing(base))
    let [old, repaired] = [0, 0]
    await atCalls(base, 'repair', async (parts, dataDir) => {
      await finishCutOff(parts.store)
      if (textOf(timing(dataDir)) === damaged) old++
      else repaired++
      await repairChain(parts, { dropBodies: true })
      const after = await all(parts.store)
      const kept = after.findIndex(({ hash }, i) => hash !== before[i]?.hash)
      expect(kept).toBeGreaterThan(2)
      expect(after[1]!.body).toBeUndefined()
      expect(sound(after)).toBe(true)
      await fill(parts, 1, 'second')
      expect((await repairChain(parts, { dryRun: true })).faultCount).toBe(0)
      const snapshots = join(dataDir, 'snapshots')
      const [first] = readdirSync(snapshots)
        .filter(name => name.startsWith('before-repair-'))
        .sort()
      expect(textOf(join(snapshots, first!, 'timing'))).toBe(damaged)
    })
    expect(old).toBeGreaterThan(3)
    expect(repaired).toBeGreaterThan(3)
  }, 60_000)
})
