// A chain that is damaged for real, and repaired: what was sound stays as it was, what was there is kept, and blocks are taken again.
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { bodyFault, draftOf } from '../../src/blockchain/footprint.js'
import { pruneNoteIn } from '../../src/blockchain/prune-record.js'
import { repairChain } from '../../src/blockchain/repair.js'
import { listSnapshots } from '../../src/blockchain/snapshots.js'
import { verifyChain } from '../../src/blockchain/verify.js'
import { memoryFolder } from '../support.js'
import { random } from './chaos/random.js'
import { all, fill, hashes, type KeepParts, keepParts } from './keep-support.js'

const SEGMENT = 3000

/** A chain of some segments, of which the last append has three blocks. */
async function chainOf(blocks = 12) {
  const dataDir = memoryFolder()
  const first = keepParts(dataDir, SEGMENT)
  await fill(first, blocks - 3)
  const draft = (number: number) =>
    draftOf({ plugin_id: 'net', operation: 'apply', timestamp: 1, data: { number }, text: `batch ${number}` }, 0)
  await first.store.append([1, 2, 3].map(draft))
  const before = await all(first.store)
  await first.store.close()
  const timing = join(dataDir, 'blockchain', 'timing')
  const files = readdirSync(timing)
    .sort()
    .map(name => join(timing, name))
  return { dataDir, timing, files, before, parts: keepParts(dataDir, SEGMENT) }
}

const lines = (path: string) => readFileSync(path, 'utf8').split('\n').slice(0, -1)
const edit = (path: string, change: (text: string) => string) => {
  const text = readFileSync(path, 'utf8')
  const changed = change(text)
  expect(changed).not.toBe(text)
  writeFileSync(path, changed)
}
/** Of the line at this place of all. */
function editLine(files: readonly string[], number: number, change: (line: string) => string): void {
  let first = 0
  for (const path of files) {
    const there = lines(path)
    if (number < first + there.length) {
      there[number - first] = change(there[number - first]!)
      writeFileSync(path, there.map(line => `${line}\n`).join(''))
      return
    }
    first += there.length
  }
}

/** It is sound, and takes blocks. */
async function isSound(parts: KeepParts, kept: readonly Block[]): Promise<void> {
  expect(hashes(await all(parts.store)).slice(0, kept.length)).toEqual(hashes(kept))
  await fill(parts, 2, 'after')
  expect(await verifyChain(parts, {})).toMatchObject({ ok: true, faults: [] })
  expect((await repairChain(parts, { dryRun: true })).faults).toEqual([])
}

describe('a repair', () => {
  it('of a sound chain does nothing, and makes no snapshot', async () => {
    const { parts, before } = await chainOf()
    expect(await repairChain(parts, { dropBodies: true })).toEqual({
      dryRun: false,
      faults: [],
      faultCount: 0,
      lines: 12,
      acknowledged: 12,
      size: 12,
      cut: 0,
      lost: 0,
      repaired: false,
      bodies: [],
      missing: [],
    })
    expect(await listSnapshots(parts, {})).toEqual([])
    expect(await all(parts.store)).toEqual(before)
    await parts.store.close()
  })

  it.each<[string, number, (chain: Awaited<ReturnType<typeof chainOf>>) => void]>([
    ['a line that is no block', 5, ({ files }) => editLine(files, 5, line => line.slice(3))],
    ['a header that was changed', 4, ({ files }) => editLine(files, 4, line => line.replace('"net"', '"lxc"'))],
    ['the last header changed', 11, ({ files }) => editLine(files, 11, line => line.replace('"net"', '"lxc"'))],
    ['a segment that is gone', 0, ({ files }) => rmSync(files[0]!)],
    ['an acknowledged end that is gone', 11, ({ files }) => edit(files.at(-1)!, text => text.replace(/[^\n]*\n$/, ''))],
    [
      'one byte of it that is gone',
      11,
      ({ files }) => truncateSync(files.at(-1)!, readFileSync(files.at(-1)!).length - 1),
    ],
    ['a line twice', 12, ({ files }) => edit(files.at(-1)!, text => `${text}${lines(files.at(-1)!).at(-1)}\n`)],
  ])('of %s keeps all before it, and what was there as a snapshot', async (_, size, damage) => {
    const chain = await chainOf()
    const { parts, before } = chain
    damage(chain)
    const raw = readdirSync(chain.timing).map(name => readFileSync(join(chain.timing, name), 'utf8'))
    const planned = await repairChain(parts, { dryRun: true })
    expect(planned).toMatchObject({ dryRun: true, size, repaired: true })
    expect(planned.faultCount).toBeGreaterThan(0)
    expect(planned.faults.map(({ message }) => message).join()).not.toContain('before it was acknowledged')
    expect(readdirSync(chain.timing).map(name => readFileSync(join(chain.timing, name), 'utf8'))).toEqual(raw)
    const report = await repairChain(parts, {})
    expect(report).toMatchObject({ dryRun: false, size, repaired: true, bodies: [], acknowledged: 12 })
    expect(report.lines).toBe(raw.flatMap(text => text.split('\n').filter(line => line !== '')).length)
    expect(report).toMatchObject({ cut: report.lines - size, lost: Math.max(0, 12 - report.lines) })
    const [snapshot] = await listSnapshots(parts, {})
    expect(snapshot).toMatchObject({
      name: report.snapshot!.name,
      damaged: expect.stringContaining('damaged when it was kept'),
    })
    const kept = join(chain.dataDir, 'snapshots', snapshot!.name, 'timing')
    expect(readdirSync(kept).map(name => readFileSync(join(kept, name), 'utf8'))).toEqual(raw)
    await isSound(parts, before.slice(0, size))
    await parts.store.close()
  })

  it('keeps whole lines in front of damage also where nobody says what was acknowledged, and no append that was cut off', async () => {
    for (const [size, damage] of [
      [10, (line: string) => line.slice(3)],
      [9, undefined],
    ] as const) {
      const { parts, before, files, dataDir } = await chainOf()
      rmSync(join(dataDir, 'blockchain', 'head'))
      if (damage) editLine(files, 10, damage)
      else edit(files.at(-1)!, text => text.slice(0, -9))
      expect(await repairChain(parts, {})).toMatchObject({ size, repaired: true })
      await isSound(parts, before.slice(0, size))
      await parts.store.close()
    }
  })

  it('and a verify count whole lines of an append that was cut off', async () => {
    const { parts, files } = await chainOf()
    const path = files.at(-1)!
    truncateSync(path, readFileSync(path).length - 1)
    const { faults } = await verifyChain(parts, {})
    expect(faults).toContainEqual({
      block: 11,
      kind: 'head',
      message: 'what the last writer said is of 12 blocks, and there are 11: those behind were cut off',
    })
    expect((await repairChain(parts, { dryRun: true })).faults).toContainEqual(
      expect.objectContaining({
        kind: 'tail',
        message: 'the end of the chain was cut off here: 12 blocks were acknowledged',
      }),
    )
    await parts.store.close()
  })

  it('tells of damaged bodies, and takes them away where that is wanted: a block says which', async () => {
    const { parts, before, files } = await chainOf()
    for (const number of [2, 3, 10])
      editLine(files, number, line => line.replace(/"text":"(first|batch)/, '"text":"other'))
    expect(await repairChain(parts, {})).toMatchObject({ repaired: false, bodies: [2, 3, 10], faultCount: 3, cut: 0 })
    expect(await listSnapshots(parts, {})).toEqual([])
    const report = await repairChain(parts, { dropBodies: true })
    expect(report).toMatchObject({ repaired: false, bodies: [2, 3, 10], block: 12, snapshot: { size: 12 } })
    const after = await all(parts.store)
    expect(after.flatMap(({ number, body }) => (body === undefined ? [number] : []))).toEqual([2, 3, 10])
    expect(pruneNoteIn(after[12]!)?.ranges).toEqual([
      [2, 3],
      [10, 10],
    ])
    expect(parts.gone).toEqual([2, 3, 10])
    await isSound(parts, before)
    await parts.store.close()
  })

  it('tells of bodies that nobody announced, and says in a block that they were found missing', async () => {
    const { parts, before, files } = await chainOf()
    for (const number of [2, 3, 10]) editLine(files, number, line => line.replace(/,"body":.*?(,"more":\d+)?}$/, '$1}'))
    editLine(files, 5, line => line.replace('"text":"first', '"text":"other'))
    expect(await verifyChain(parts, {})).toMatchObject({ ok: false, pruned: 3, unannounced: 3 })
    const told = { repaired: false, bodies: [5], missing: [2, 3, 10], faultCount: 4, cut: 0 }
    expect(await repairChain(parts, {})).toMatchObject(told)
    expect(parts.store.size()).toBe(12)
    const planned = await repairChain(parts, { dropBodies: true, dryRun: true })
    expect(planned).not.toHaveProperty('missingBlock')
    const report = await repairChain(parts, { dropBodies: true })
    expect(report).toMatchObject({ ...told, block: 12, missingBlock: 13, snapshot: { size: 12 } })
    const note = (await all(parts.store))[13]!
    expect(note.body!.text).toMatch(/^Repaired the chain: 3 bodies of 12 blocks were found missing\./)
    expect(pruneNoteIn(note)?.ranges).toEqual([
      [2, 3],
      [10, 10],
    ])
    await isSound(parts, before)
    await parts.store.close()
  })

  it('says so as well where the block that announced them is lost, and makes no snapshot where nothing goes', async () => {
    const { parts, before, files } = await chainOf()
    editLine(files, 4, line => line.replace('"text":"first', '"text":"other'))
    await repairChain(parts, { dropBodies: true })
    const last = readdirSync(join(parts.store.dir, 'timing')).sort().at(-1)!
    edit(join(parts.store.dir, 'timing', last), text => text.replace(/,"body":[^\n]*\n$/, '}\n'))
    const snapshots = await listSnapshots(parts, {})
    const report = await repairChain(parts, { dropBodies: true })
    expect(report).toMatchObject({ repaired: false, bodies: [], missing: [4, 12], missingBlock: 13, faultCount: 2 })
    expect(report).not.toHaveProperty('snapshot')
    expect(await listSnapshots(parts, {})).toHaveLength(snapshots.length)
    await isSound(parts, before)
    await parts.store.close()
  })

  it('refuses where something else lies among the segments, which would go', async () => {
    const { parts, timing, files } = await chainOf()
    editLine(files, 5, line => line.slice(3))
    writeFileSync(join(timing, 'notes.txt'), 'mine')
    await expect(repairChain(parts, {})).rejects.toMatchObject({ code: 'STORE', message: /notes.txt is no segment/ })
    expect(await listSnapshots(parts, {})).toEqual([])
    await parts.store.close()
  })

  it('of any damage leaves a chain that is sound, and no block that was not written', async () => {
    const next = random(7)
    for (let round = 0; round < 40; round++) {
      const { parts, before, files } = await chainOf(10)
      const path = files[Math.floor(next() * files.length)]!
      const bytes = readFileSync(path)
      const at = Math.floor(next() * bytes.length)
      if (round % 4 === 0) truncateSync(path, at)
      else if (round % 4 === 1) writeFileSync(path, Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 40)]))
      else bytes[at] = bytes[at]! ^ (1 << Math.floor(next() * 8))
      if (round % 4 > 1) writeFileSync(path, bytes)
      const { size } = await repairChain(parts, { dropBodies: true })
      const after = await all(parts.store)
      expect(hashes(after).slice(0, size)).toEqual(hashes(before).slice(0, size))
      expect(after.every(({ header, body }) => body === undefined || bodyFault(header, body) === undefined)).toBe(true)
      await fill(parts, 1, 'after')
      expect(await verifyChain(parts, {})).toMatchObject({ ok: true })
      await parts.store.close()
    }
  })
})
