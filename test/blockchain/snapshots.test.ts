// Snapshots: kept whole, listed for what they are, and put back so that nothing that was acknowledged is lost.
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { pruneChain } from '../../src/blockchain/prune.js'
import {
  deleteSnapshot,
  listSnapshots,
  makeSnapshot,
  pruneSnapshots,
  restoreSnapshot,
} from '../../src/blockchain/snapshots.js'
import { statsOf } from '../../src/blockchain/stats.js'
import { memoryFolder } from '../support.js'
import { all, DAY_MS, fill, hashes, keepParts } from './keep-support.js'

const timing = (dir: string) => join(dir, 'timing')
const files = (dir: string) => readdirSync(timing(dir)).map(name => join(timing(dir), name))

/** Overwrites a byte in place: the snapshot's own file, or one that the chain shares. */
function damage(path: string, at = 100): void {
  const bytes = readFileSync(path)
  bytes[at] = bytes[at]! ^ 1
  writeFileSync(path, bytes)
}

async function chainOf(blocks: number, segmentBytes = 4000) {
  const dataDir = memoryFolder()
  const parts = keepParts(dataDir, segmentBytes)
  await fill(parts, blocks)
  return {
    dataDir,
    parts,
    chain: join(dataDir, 'blockchain'),
    snapshot: (name: string) => join(dataDir, 'snapshots', name),
  }
}

describe('a snapshot', () => {
  it('shares all but the last segment with the chain, for its owner alone, and stays as it is', async () => {
    const { parts, chain, snapshot } = await chainOf(30)
    const before = await all(parts.store)
    const made = await makeSnapshot(parts, 'one', {})
    expect(made).toEqual({
      name: 'one',
      created: new Date(parts.clock.now()).toISOString(),
      size: 30,
      hash: before.at(-1)!.hash,
      bytes: files(chain).reduce((sum, path) => sum + statSync(path).size, 0),
    })
    const [ours, theirs] = [files(snapshot('one')), files(chain)]
    expect(ours.length).toBeGreaterThan(3)
    expect(ours.map(path => statSync(path).ino === statSync(theirs[ours.indexOf(path)]!).ino)).toEqual(
      ours.map((_, i) => i < ours.length - 1),
    )
    const modes = ['', 'manifest.json', 'timing'].map(name => statSync(join(snapshot('one'), name)).mode & 0o777)
    expect(modes).toEqual([0o700, 0o600, 0o700])
    const bytes = ours.map(path => readFileSync(path, 'utf8'))
    await fill(parts, 10)
    await pruneChain(parts, { last: 1 })
    expect(ours.map(path => readFileSync(path, 'utf8'))).toEqual(bytes)
    expect(await listSnapshots(parts, { full: true })).toEqual([made])
    expect(await statsOf(parts, {})).toMatchObject({ size: 41, pruned: 39, snapshots: 1, plugins: { net: 40 } })
    await parts.store.close()
  })

  it('is called by the time, or by a name that is free and leads nowhere', async () => {
    const { parts, dataDir } = await chainOf(2)
    parts.clock.wall = Date.parse('2026-11-27T17:15:00.123Z')
    const names = [await makeSnapshot(parts, undefined, {}), await makeSnapshot(parts, undefined, {})].map(
      ({ name }) => name,
    )
    expect(names).toEqual(['20261127T171500.123Z', '20261127T171500.123Z-2'])
    await makeSnapshot(parts, 'Größe 1', {})
    const bad = ['', '..', '../x', 'a/b', 'a\\b', '.hidden', 'a\nb', 'a\0b', 'x'.repeat(256), '\ud800', 5 as never]
    for (const name of bad) {
      const refused = { code: 'INVALID_INPUT' }
      await expect(makeSnapshot(parts, name, {}), JSON.stringify(name)).rejects.toMatchObject(refused)
      await expect(restoreSnapshot(parts, name, {})).rejects.toMatchObject(refused)
      await expect(deleteSnapshot(parts, name)).rejects.toMatchObject(refused)
    }
    await expect(makeSnapshot(parts, 'Größe 1', {})).rejects.toThrow(/there is a snapshot "Größe 1" already/)
    await expect(deleteSnapshot(parts, 'none')).rejects.toThrow(/there is no snapshot "none"\nthere are: /)
    await deleteSnapshot(parts, 'Größe 1')
    expect(readdirSync(join(dataDir, 'snapshots')).sort()).toEqual(names)
    await parts.store.close()
  })

  it('is not made of nothing, of a damaged chain, or of an append that was cut off', async () => {
    const empty = keepParts(memoryFolder())
    await expect(makeSnapshot(empty, 'x', {})).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: /there is no block yet/,
    })
    const { parts, chain, dataDir } = await chainOf(30)
    await parts.store.close()
    const again = keepParts(dataDir)
    appendFileSync(files(chain).at(-1)!, '{"header":{"content":"')
    await makeSnapshot(again, 'torn', {})
    await restoreSnapshot(again, 'torn', {})
    expect(await all(again.store)).toHaveLength(30)
    await again.store.close()
    const body = readFileSync(files(chain)[0]!, 'utf8')
    writeFileSync(files(chain)[0]!, body.replace('"text":"first 1"', '"text":"other 1"'))
    await expect(makeSnapshot(keepParts(dataDir), 'edited', {})).rejects.toMatchObject({
      code: 'CHAIN_DAMAGED',
      message: /block 1 is damaged: its text is not what its header says/,
    })
    writeFileSync(files(chain)[0]!, body)
    rmSync(files(chain)[1]!)
    await expect(makeSnapshot(keepParts(dataDir), 'gap', {})).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' })
    expect(readdirSync(join(dataDir, 'snapshots')).filter(name => /gap|edited|making/.test(name))).toEqual([])
  })

  it('that is damaged or half written says so, and is never restored', async () => {
    const { parts, snapshot } = await chainOf(30)
    const names = ['bytes', 'edited', 'gone', 'half', 'longer', 'manifest', 'other', 'sound']
    for (const name of names) await makeSnapshot(parts, name, {})
    // Shared files would be damaged for all.
    for (const name of names) {
      cpSync(snapshot(name), `${snapshot(name)}.copy`, { recursive: true })
      rmSync(snapshot(name), { recursive: true })
      cpSync(`${snapshot(name)}.copy`, snapshot(name), { recursive: true })
      rmSync(`${snapshot(name)}.copy`, { recursive: true })
    }
    damage(files(snapshot('bytes'))[0]!)
    rmSync(files(snapshot('gone'))[0]!)
    rmSync(join(snapshot('half'), 'manifest.json'))
    appendFileSync(files(snapshot('longer')).at(-1)!, '\n')
    damage(join(snapshot('manifest'), 'manifest.json'))
    mkdirSync(snapshot('empty'))
    symlinkSync('/etc', snapshot('link'))
    rmSync(files(snapshot('other'))[0]!)
    symlinkSync('/etc/passwd', files(snapshot('sound'))[0]!.replace('sound', 'other'))
    // A manifest that was made to fit, over a block that was changed: its link to the next one is broken.
    const edited = files(snapshot('edited'))[0]!
    writeFileSync(edited, readFileSync(edited, 'utf8').replace('first 3', 'forge 3'))
    const path = join(snapshot('edited'), 'manifest.json')
    const { sha256: _, ...manifest } = JSON.parse(readFileSync(path, 'utf8'))
    const { createHash } = await import('node:crypto')
    const { canonicalJson } = await import('../../src/cache/canonical-json.js')
    const digest = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
    manifest.files[0].sha256 = digest(readFileSync(edited))
    writeFileSync(path, JSON.stringify({ ...manifest, sha256: digest(canonicalJson(manifest)) }))

    const list = async (full: boolean) =>
      Object.fromEntries((await listSnapshots(parts, { full })).map(({ name, damaged }) => [name, damaged]))
    const known = {
      empty: 'it has no manifest: it was not finished',
      gone: expect.stringContaining('is missing'),
      half: 'it has no manifest: it was not finished',
      longer: expect.stringContaining('bytes instead of'),
      manifest: 'its manifest is not what was written',
      other: expect.stringContaining('is missing'),
      sound: undefined,
    }
    expect(await list(false)).toEqual({ ...known, bytes: undefined, edited: undefined })
    expect(await list(true)).toEqual({
      ...known,
      bytes: expect.stringContaining('is not what was written'),
      edited: undefined,
    })
    const before = await all(parts.store)
    for (const name of [...names.filter(one => one !== 'sound'), 'empty']) {
      const restored = restoreSnapshot(parts, name, {})
      await expect(restored, name).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', message: /the chain is as it was$/ })
    }
    expect(await all(parts.store)).toEqual(before)
    // Damaged ones stay when others are pruned: whoever made them may know more.
    expect(await pruneSnapshots(parts, { everything: true })).toMatchObject({
      kept: [],
      removed: expect.arrayContaining(['sound']),
    })
    expect(Object.keys(await list(false)).sort()).toEqual(['empty', 'gone', 'half', 'longer', 'manifest', 'other'])
    await parts.store.close()
  })

  it('is pruned by retention', async () => {
    const { parts } = await chainOf(3)
    for (let day = 0; day < 6; day++) {
      for (const hour of [1, 2]) await makeSnapshot(parts, `day ${day} ${hour}`, {})
      parts.clock.advance(DAY_MS)
    }
    await expect(pruneSnapshots(parts, {})).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    const planned = await pruneSnapshots(parts, { daily: 2, dryRun: true })
    expect(planned.kept).toEqual(['day 4 2', 'day 5 2'])
    expect(await listSnapshots(parts, {})).toHaveLength(12)
    expect(await pruneSnapshots(parts, { daily: 2 })).toEqual({ ...planned, dryRun: false })
    expect((await listSnapshots(parts, {})).map(({ name }) => name)).toEqual(['day 4 2', 'day 5 2'])
    await parts.store.close()
  })
})

describe('a restore', () => {
  it('puts the snapshot in the chain’s place, and keeps what was there', async () => {
    const { parts, dataDir } = await chainOf(25)
    const old = await all(parts.store)
    await makeSnapshot(parts, 'old', {})
    await fill(parts, 15)
    const now = await all(parts.store)
    mkdirSync(join(dataDir, 'blockchain/tree'))
    writeFileSync(join(dataDir, 'blockchain/checkpoint'), 'op-dbus/test\n40\nAAAA\n\n')
    const other = keepParts(dataDir)
    expect(other.store.size()).toBe(40)
    const told: unknown[] = []
    parts.diagnostics.on('restored', event => told.push(event))
    const report = await restoreSnapshot(parts, 'old', {})
    expect(report).toMatchObject({ restored: { name: 'old', size: 25 }, before: { size: 40 }, signedAhead: 40 })
    expect(report.before!.name).toMatch(/^before-restore-\d{8}T\d{6}\.\d{3}Z$/)
    expect(told).toEqual([{ size: 25, before: 40, micros: expect.any(Number) }])
    expect(await all(parts.store)).toEqual(old)
    expect(readdirSync(join(dataDir, 'blockchain'))).not.toContain('tree')
    // Another process that had it open, and one that appends behind.
    other.clock.advance(5)
    expect(await all(other.store)).toEqual(old)
    expect(other.store.read(30)).toBeUndefined()
    await fill(other, 5, 'anew')
    expect(parts.store.read(27)!.body!.text).toBe('anew 27')
    // And back: to the very chain that was there before.
    await restoreSnapshot(other, report.before!.name, {})
    expect(hashes(await all(other.store))).toEqual(hashes(now))
    parts.clock.advance(5)
    expect(parts.store.read(27)).toEqual(now[27])
    expect((await restoreSnapshot(parts, 'old', {})).before!.name).not.toBe(report.before!.name)
    await Promise.all([parts.store.close(), other.store.close()])
  })

  it('mends a chain that is damaged, and keeps that too; makes one where there is none', async () => {
    const { parts, chain, dataDir, snapshot } = await chainOf(30)
    await makeSnapshot(parts, 'whole', {})
    const whole = await all(parts.store)
    await parts.store.close()
    // The shared file is the snapshot's as well, so the chain gets one of its own first.
    for (const path of files(chain)) {
      const bytes = readFileSync(path)
      rmSync(path)
      writeFileSync(path, bytes)
    }
    rmSync(files(chain)[1]!)
    const again = keepParts(dataDir)
    await expect(all(again.store)).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' })
    const report = await restoreSnapshot(again, 'whole', {})
    expect(await all(again.store)).toEqual(whole)
    expect(report.before!.damaged).toMatch(/is missing/)
    await expect(restoreSnapshot(again, report.before!.name, {})).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' })
    await again.store.close()
    rmSync(chain, { recursive: true })
    const third = keepParts(dataDir)
    expect((await restoreSnapshot(third, 'whole', {})).before).toBeUndefined()
    expect(await all(third.store)).toEqual(whole)
    expect(readdirSync(snapshot('whole'))).toEqual(['manifest.json', 'timing'])
    await third.store.close()
  })

  it('shows readers one chain or the other, never a mixture, while it happens again and again', async () => {
    const { parts, dataDir } = await chainOf(20, 1500)
    await makeSnapshot(parts, 'short', {})
    const short = hashes(await all(parts.store)).join()
    await pruneChain(parts, { last: 1 })
    await fill(parts, 20, 'second')
    await makeSnapshot(parts, 'long', {})
    const long = hashes(await all(parts.store)).join()
    const reader = keepParts(dataDir, 1500)
    let [ended, seen, mixtures] = [false, 0, 0]
    const reading = (async () => {
      while (!ended) {
        reader.clock.advance(5)
        try {
          const found = hashes(await all(reader.store)).join()
          if (found !== short && found !== long) mixtures++
          seen++
        } catch (error) {
          expect(error).toMatchObject({ code: 'STORE', message: /was pruned or restored while it was read/ })
        }
        await sleep(2)
      }
    })()
    for (let round = 0; round < 6; round++) {
      await restoreSnapshot(parts, round % 2 === 0 ? 'short' : 'long', {})
      parts.clock.advance(1000)
    }
    ended = true
    await reading
    expect(seen).toBeGreaterThan(0)
    expect(mixtures).toBe(0)
    await Promise.all([parts.store.close(), reader.store.close()])
  })
})
