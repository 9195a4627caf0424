// The chain as a folder of tiles: what is written, what is left alone, what is refused.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exportTiles } from '../../src/blockchain/log/export-tiles.js'
import { openHead } from '../../src/blockchain/log/heads.js'
import { logKey } from '../../src/blockchain/log/log.js'
import { tilePath, tilesBetween } from '../../src/blockchain/log/tile-paths.js'
import { leafHash } from '../../src/blockchain/merkle.js'
import { memoryFolder } from '../support.js'
import { logParts } from './log-parts.js'

/** Every file below a folder, with its bytes as text: comparing buffers takes long. */
function filesIn(dir: string, below = ''): Map<string, string> {
  const files = new Map<string, string>()
  for (const entry of readdirSync(join(dir, below), { withFileTypes: true })) {
    const name = join(below, entry.name)
    if (entry.isDirectory()) for (const [inner, bytes] of filesIn(dir, name)) files.set(inner, bytes)
    else files.set(name, readFileSync(join(dir, name), 'latin1'))
  }
  return files
}

async function withBlocks(count: number) {
  const dir = memoryFolder()
  const parts = logParts(dir)
  await parts.store.fill(count)
  return { dir, parts, out: join(dir, 'out') }
}

describe('names of tiles', () => {
  it('are those of C2SP', () => {
    const path = (index: number, width = 256) => tilePath({ level: 0, index, width })
    expect(path(0)).toBe('tile/0/000')
    expect(path(1_234_067)).toBe('tile/0/x001/x234/067')
    expect(path(1000, 7)).toBe('tile/0/x001/000.p/7')
    expect(tilePath({ level: 'entries', index: 12, width: 255 })).toBe('tile/entries/012.p/255')
  })

  it('are as many as its example says, for 70,000 leaves', () => {
    const tiles = [...tilesBetween(0, 70_000)]
    const of = (level: number | 'entries', whole: boolean) =>
      tiles.filter(tile => tile.level === level && (tile.width === 256) === whole).map(({ width }) => width)
    expect(of(0, true)).toHaveLength(273)
    expect(of('entries', true)).toHaveLength(273)
    expect([of(0, false), of(1, true), of(1, false), of(2, false)]).toEqual([[112], [256], [17], [1]])
    expect([...tilesBetween(0, 256)].map(tilePath)).toEqual(['tile/entries/000', 'tile/0/000', 'tile/1/000.p/1'])
    expect([...tilesBetween(70_000, 70_000)]).toEqual([])
    expect([...tilesBetween(0, 0)]).toEqual([])
  })

  it('between two sizes are what the larger one has more', () => {
    const names = (old: number, size: number) => [...tilesBetween(old, size)].map(tilePath)
    for (const [old, size] of [
      [1, 2],
      [255, 256],
      [256, 257],
      [300, 700],
      [511, 512],
      [65_535, 65_537],
    ] as const) {
      const before = new Set(names(0, old))
      expect(names(old, size)).toEqual(names(0, size).filter(name => !before.has(name)))
    }
  })
})

describe('an export', () => {
  it('holds the headers, the tree, the key and the head, for everybody to read', async () => {
    const { parts, out } = await withBlocks(300)
    const umask = process.umask(0o022)
    const report = await exportTiles(parts, out, {}).finally(() => process.umask(umask))
    const files = filesIn(out)
    expect([...files.keys()].sort()).toEqual([
      'checkpoint',
      'key.pub',
      'tile/0/000',
      'tile/0/001.p/44',
      'tile/1/000.p/1',
      'tile/entries/000',
      'tile/entries/001.p/44',
    ])
    expect(report).toMatchObject({ dir: out, from: 0, files: 7 })
    expect(report.bytes).toBe([...files.values()].reduce((sum, { length }) => sum + length, 0))
    expect(files.get('key.pub')!).toBe(`${report.verifierKey}\n`)
    const signed = openHead(Buffer.from(files.get('checkpoint')!, 'latin1').toString(), [report.verifierKey])
    expect(report.head).toEqual({ ...signed, keyMade: true })
    expect(statSync(join(out, 'checkpoint')).mode & 0o777).toBe(0o644)
    expect(statSync(join(out, 'tile/0')).mode & 0o777).toBe(0o755)

    const bundle = readFileSync(join(out, 'tile/entries/001.p/44'))
    const tile = readFileSync(join(out, 'tile/0/001.p/44'))
    for (let at = 0, i = 0; at < bundle.length; i++) {
      const entry = bundle.subarray(at + 2, at + 2 + bundle.readUInt16BE(at))
      expect(leafHash(entry)).toEqual(tile.subarray(i * 32, i * 32 + 32))
      expect(JSON.parse(entry.toString())).toEqual(parts.disk.blocks[256 + i]!.header)
      at += 2 + entry.length
    }
  })

  it('writes what is new, and never again what is whole', async () => {
    const { dir, parts, out } = await withBlocks(300)
    await exportTiles(parts, out, {})
    const before = filesIn(out)
    expect(await exportTiles(parts, out, {})).toMatchObject({ from: 300, files: 0, bytes: 0 })
    for (const name of ['tile/0/000', 'tile/entries/000']) chmodSync(join(out, name), 0o400)
    await parts.store.fill(300)
    parts.store.asked.length = 0
    const progress: number[] = []
    const again = logParts(dir, parts.disk)
    const report = await exportTiles(again, out, { onProgress: done => progress.push(done) })
    expect(report).toMatchObject({ from: 300, head: { size: 600 } })
    expect(progress).toEqual([256, 512, 600])
    const after = filesIn(out)
    expect([...after.keys()].filter(name => !before.has(name)).sort()).toEqual([
      'tile/0/001',
      'tile/0/002.p/88',
      'tile/1/000.p/2',
      'tile/entries/001',
      'tile/entries/002.p/88',
    ])
    expect(report.files).toBe(6)
    for (const [name, bytes] of before) if (name !== 'checkpoint') expect(after.get(name)).toEqual(bytes)
    expect(statSync(join(out, 'tile/0/000')).mode & 0o777).toBe(0o400)
  })

  it('of no blocks has a head', async () => {
    const { parts, out } = await withBlocks(0)
    await exportTiles(parts, out, {})
    expect([...filesIn(out).keys()].sort()).toEqual(['checkpoint', 'key.pub'])
    await parts.store.fill(1)
    expect(await exportTiles(parts, out, {})).toMatchObject({ from: 0, files: 3 })
  })

  it('goes on where one was cut off, whatever that has left', async () => {
    const { parts, out } = await withBlocks(600)
    const { root } = (await exportTiles(parts, out, {})).head
    const files = filesIn(out)
    unlinkSync(join(out, 'checkpoint'))
    unlinkSync(join(out, 'tile/0/001'))
    // What a loss of power leaves of a file that was not on the disk yet.
    writeFileSync(join(out, 'tile/entries/000'), '')
    expect(await exportTiles(parts, out, {})).toMatchObject({ from: 0, head: { root }, files: 3, mended: 0 })
    expect(filesIn(out)).toEqual(files)
  })

  it('ends when it is told to, without a head', async () => {
    const { parts, out } = await withBlocks(600)
    const controller = new AbortController()
    const call = { signal: controller.signal, onProgress: () => controller.abort() }
    await expect(exportTiles(parts, out, call)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(existsSync(join(out, 'checkpoint'))).toBe(false)
    expect(await exportTiles(parts, out, {})).toMatchObject({ head: { size: 600 } })
  })

  it('writes anew what it should hold and does not, and says how much that is', async () => {
    const { parts, out } = await withBlocks(600)
    await exportTiles(parts, out, {})
    const files = filesIn(out)
    const change = (name: string, changed: (bytes: Buffer) => Uint8Array) =>
      writeFileSync(join(out, name), changed(readFileSync(join(out, name))))
    unlinkSync(join(out, 'tile/0/000'))
    change('tile/0/001', bytes => bytes.subarray(1))
    change('tile/1/000.p/2', bytes => bytes.fill(0, 40, 41))
    change('tile/entries/000', bytes => bytes.fill(0, 9000, 9001))
    change('tile/entries/002.p/88', bytes => Buffer.concat([bytes, Buffer.of(0)]))
    expect(await exportTiles(parts, out, {})).toMatchObject({ from: 600, files: 5, mended: 5 })
    expect(filesIn(out)).toEqual(files)
    rmSync(join(out, 'tile/entries'), { recursive: true })
    await parts.store.fill(1)
    expect(await exportTiles(parts, out, {})).toMatchObject({ from: 600, files: 5, mended: 2 })
  })

  it('leaves what is not its own', async () => {
    const { parts, out } = await withBlocks(3)
    mkdirSync(join(out, '.git'), { recursive: true })
    await exportTiles(parts, out, {})
    writeFileSync(join(out, 'index.html'), 'mine')
    await parts.store.fill(1)
    await exportTiles(parts, out, {})
    expect(readFileSync(join(out, 'index.html'), 'utf8')).toBe('mine')
  })

  it('refuses a folder that holds something else, and changes nothing there', async () => {
    const { parts, out, dir } = await withBlocks(300)
    const other = await withBlocks(400)
    await exportTiles(other.parts, out, {})
    const refused = async (where = out) => {
      const before = filesIn(dir)
      await expect(exportTiles(parts, where, {})).rejects.toMatchObject({
        code: 'INVALID_INPUT',
        message: expect.stringMatching(where === '' ? 'empty' : 'nothing was written'),
      })
      // Nor was a key made for it.
      expect(filesIn(dir)).toEqual(before)
    }
    await refused()
    unlinkSync(join(out, 'checkpoint'))
    await refused()
    unlinkSync(join(out, 'key.pub'))
    await refused()
    writeFileSync(join(out, 'checkpoint'), 'a list of things to do\n')
    await refused()
    rmSync(join(out, 'checkpoint'))
    mkdirSync(join(out, 'checkpoint'))
    await refused()
    await refused('')
    for (const where of [dir, join(dir, 'blockchain'), join(dir, 'blockchain', 'log'), join(dir, 'snapshots')])
      await refused(where)
  })

  it('refuses a folder with more blocks than there are, or others, or with the log of a key before', async () => {
    const { parts, out, dir } = await withBlocks(300)
    await exportTiles(parts, out, {})
    const before = filesIn(out)
    const conflict = (message: string) => ({ code: 'CONFLICT', message: expect.stringContaining(message) })
    await logKey(parts, { renew: true })
    await expect(exportTiles(parts, out, {})).rejects.toMatchObject(conflict('another key is another log'))
    await exportTiles(parts, join(dir, 'second'), {})
    parts.disk.rewrite(blocks => void blocks.splice(200))
    parts.disk.now++
    await parts.store.fill(200)
    await expect(exportTiles(parts, join(dir, 'second'), {})).rejects.toMatchObject(
      conflict('holds 300 blocks that this chain does not continue'),
    )
    expect(filesIn(out)).toEqual(before)
  })

  it('says so where it cannot write', async () => {
    const { parts, dir } = await withBlocks(3)
    const file = join(dir, 'file')
    writeFileSync(file, '')
    await expect(exportTiles(parts, file, {})).rejects.toMatchObject({ code: 'STORE' })
    await expect(exportTiles(parts, join(file, 'below'), {})).rejects.toMatchObject({ code: 'STORE' })
  })

  it('names the block that is not what is in the tree', async () => {
    const { parts, out } = await withBlocks(600)
    await parts.tree.root(600)
    parts.disk.rewrite(blocks => {
      blocks[300] = { ...blocks[301]!, number: 300 }
    })
    await expect(exportTiles(parts, out, {})).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', details: { block: 300 } })
    expect(existsSync(join(out, 'checkpoint'))).toBe(false)
  })
})
