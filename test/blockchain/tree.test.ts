// The Merkle tree over the chain: what it says, what it keeps, and what it does not believe.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineOf } from '../../src/blockchain/line.js'
import { steadily } from '../../src/blockchain/steadily.js'
import { canonicalJson } from '../../src/cache/canonical-json.js'
import { seeded } from '../../src/sample-lines.js'
import { memoryFolder } from '../support.js'
import { type LogParts, logParts } from './log-parts.js'
import { oracleConsistency, oraclePath, oracleRoot } from './merkle-oracle.js'

const leavesOf = ({ disk }: LogParts) => disk.blocks.map(({ hash }) => Buffer.from(hash, 'hex'))
const rootOf = (parts: LogParts, size: number) => oracleRoot(leavesOf(parts).slice(0, size)).toString('hex')
const hexes = (hashes: readonly Buffer[]) => hashes.map(hash => hash.toString('hex'))
const treeDir = (dir: string) => join(dir, 'blockchain', 'tree')

/** Other blocks from `number` on, each of which names the one before: a restore, and what came afterwards. */
async function restoredTo(parts: LogParts, number: number, then: number): Promise<void> {
  parts.disk.rewrite(blocks => void blocks.splice(number))
  parts.disk.now += 1
  if (then > 0) await parts.store.fill(then)
}

describe('the tree', () => {
  it('has the roots and proofs of the RFC, in memory and from files', { timeout: 30_000 }, async () => {
    const dir = memoryFolder()
    const first = logParts(dir)
    await first.store.fill(3000)
    const leaves = leavesOf(first)
    await first.tree.root(3000)
    for (const parts of [first, logParts(dir, first.disk)]) {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 3000 }), fc.nat(), async (size, n) => {
          const of = leaves.slice(0, size)
          expect(await parts.tree.root(size)).toBe(oracleRoot(of).toString('hex'))
          expect(await parts.tree.inclusion(n % size, size)).toEqual(hexes(oraclePath(n % size, of)))
          const old = 1 + (n % size)
          expect(await parts.tree.consistency(old, size)).toEqual(hexes(oracleConsistency(old, of)))
        }),
        {
          numRuns: 8,
          examples: [
            [2816, 2815],
            [2817, 255],
            [256, 0],
            [3000, 2559],
          ],
        },
      )
      expect(parts.warnings).toEqual([])
    }
  })

  it('keeps whole tiles in files, so that the next process reads few blocks', async () => {
    const dir = memoryFolder()
    const first = logParts(dir)
    await first.store.fill(5000)
    const root = await first.tree.root(5000)
    expect(readdirSync(treeDir(dir)).sort()).toEqual(['00', '08', 'record'])
    expect(statSync(join(treeDir(dir), '00')).size).toBe(4864 * 32)
    expect(statSync(join(treeDir(dir), '08')).size).toBe(19 * 32)
    expect(statSync(treeDir(dir)).mode & 0o777).toBe(0o700)
    expect(statSync(join(treeDir(dir), '00')).mode & 0o777).toBe(0o600)

    const second = logParts(dir, first.disk)
    expect(await second.tree.root(5000)).toBe(root)
    expect(second.store.asked.length).toBeLessThan(200)
    await second.store.fill(10)
    expect(await second.tree.root(5010)).toBe(rootOf(second, 5010))
    expect(statSync(join(treeDir(dir), '00')).size).toBe(4864 * 32)
    await second.store.fill(2000)
    expect(await second.tree.root(7010)).toBe(rootOf(second, 7010))
    expect(statSync(join(treeDir(dir), '00')).size).toBe(6912 * 32)
    expect(await first.tree.root(7010)).toBe(rootOf(second, 7010))
  })

  it('writes nothing for a small chain', async () => {
    const dir = memoryFolder()
    const parts = logParts(dir)
    expect(await parts.tree.root(0)).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
    await parts.store.fill(1000)
    expect(await parts.tree.root(1000)).toBe(rootOf(parts, 1000))
    expect(existsSync(treeDir(dir))).toBe(false)
  })

  it('finds what is damaged in its files, wherever that is, and makes it anew', { timeout: 30_000 }, async () => {
    const dir = memoryFolder()
    const first = logParts(dir)
    await first.store.fill(1300)
    const root = await first.tree.root(1300)
    const files = ['00', '08', 'record']
    const whole = new Map(files.map(name => [name, readFileSync(join(treeDir(dir), name))]))
    const random = seeded(4)
    for (let i = 0; i < 30; i++) {
      for (const [name, bytes] of whole) writeFileSync(join(treeDir(dir), name), bytes)
      const name = files[i % 3]!
      const file = join(treeDir(dir), name)
      const broken = Buffer.from(whole.get(name)!)
      const at = Math.floor(random() * broken.length)
      broken[at]! ^= 1 << Math.floor(random() * 8)
      if (i % 5 === 4) truncateSync(file, at)
      else if (i % 5 === 3) rmSync(file)
      else writeFileSync(file, broken)
      const parts = logParts(dir, first.disk)
      expect(await parts.tree.root(1300), `${name} ${at}`).toBe(root)
      // Whatever is asked: every path, every tile.
      const number = name === '00' ? Math.min(1279, Math.floor(at / 32)) : 0
      expect(await parts.tree.inclusion(number, 1300)).toEqual(hexes(oraclePath(number, leavesOf(first))))
      expect(await parts.tree.inclusion(number ^ 1, 1300)).toEqual(hexes(oraclePath(number ^ 1, leavesOf(first))))
      if (name === '08') expect(parts.warnings).toEqual([expect.stringContaining('is damaged, and is made anew')])
    }
  })

  it('follows a chain that was restored, and one that was written anew from some block on', async () => {
    const dir = memoryFolder()
    const first = logParts(dir)
    await first.store.fill(2600)
    const other = logParts(dir, first.disk)
    await other.tree.root(2600)
    await first.tree.root(2600)
    for (const [back, then] of [
      [2000, 0],
      [1990, 500],
      [1500, 1500],
      [1, 1200],
      [0, 1100],
    ] as const) {
      await restoredTo(first, back, then)
      const size = back + then
      const third = logParts(dir, first.disk)
      for (const { tree, warnings } of [first, other, third]) {
        expect(await tree.root(size)).toBe(rootOf(first, size))
        expect(await tree.inclusion(0, size)).toEqual(hexes(oraclePath(0, leavesOf(first))))
        expect(warnings).toEqual([])
        // What is kept is of no other chain: whoever compares it would find it wrong.
        const stored = tree.stored()!
        expect(stored.size).toBeLessThanOrEqual(size)
        expect(stored.root).toBe(rootOf(first, stored.size))
      }
    }
  })

  it('is looked at again where the chain is restored meanwhile, which is no damage', async () => {
    const parts = logParts(memoryFolder())
    const { store, disk, tree } = parts
    await store.fill(1600)
    const all = store.scan.bind(store)
    let restores = 3
    store.scan = async function* (from, to) {
      for await (const blocks of all(from, to)) {
        yield blocks
        if (restores-- > 0) disk.rewrite(blocks => void blocks.splice(1500 + restores))
      }
    }
    const head = async () => {
      const size = store.size()
      return { size, root: await tree.root(size) }
    }
    expect(await steadily(store, head)).toEqual({ size: 1500, root: rootOf(parts, 1500) })
    expect(restores).toBeLessThan(0)
    store.scan = async function* (from, to) {
      disk.rewrite(() => {})
      yield* all(from + 1, to)
    }
    await store.fill(100)
    await expect(tree.root(1600)).rejects.toMatchObject({ code: 'STORE', message: expect.stringContaining('restored') })
    store.scan = all
    expect(await tree.root(1600)).toBe(rootOf(parts, 1600))
  })

  it('is right in several processes that extend it at once', async () => {
    const dir = memoryFolder()
    const first = logParts(dir)
    const all = [first, ...Array.from({ length: 3 }, () => logParts(dir, first.disk))]
    for (const size of [2000, 2100, 4000]) {
      await first.store.fill(size - first.store.size())
      const root = rootOf(first, size)
      expect(await Promise.all(all.map(({ tree }) => tree.root(size)))).toEqual(all.map(() => root))
    }
    expect(all.flatMap(({ warnings }) => warnings)).toEqual([])
    expect(readdirSync(treeDir(dir)).sort()).toEqual(['00', '08', 'record'])
  })

  it('answers calls that come together', async () => {
    const parts = logParts(memoryFolder())
    await parts.store.fill(2500)
    const sizes = Array.from({ length: 25 }, (_, i) => (i + 1) * 100)
    expect(await Promise.all(sizes.map(size => parts.tree.root(size)))).toEqual(sizes.map(size => rootOf(parts, size)))
  })

  it('is worked out in memory where its files cannot be written, and says so once', async () => {
    const dir = memoryFolder()
    const parts = logParts(dir)
    await parts.store.fill(2000)
    // Something of that name is there, and it is no folder.
    writeFileSync(treeDir(dir), '')
    expect(await parts.tree.root(2000)).toBe(rootOf(parts, 2000))
    await parts.store.fill(2000)
    expect(await parts.tree.root(4000)).toBe(rootOf(parts, 4000))
    expect(parts.warnings).toEqual([expect.stringContaining('cannot be kept')])
  })

  it('answers from memory where what it keeps never comes back as it was', async () => {
    const dir = memoryFolder()
    const first = logParts(dir)
    await first.store.fill(2000)
    await first.tree.root(2000)
    // A folder in place of the file: neither read nor written.
    rmSync(join(treeDir(dir), '00'))
    mkdirSync(join(treeDir(dir), '00'))
    const parts = logParts(dir, first.disk)
    expect(await parts.tree.inclusion(77, 2000)).toEqual(hexes(oraclePath(77, leavesOf(first))))
    expect(parts.warnings.length).toBeGreaterThan(0)
  })

  it.skipIf(process.getuid?.() === 0)('says nothing of a folder that may only be read', async () => {
    const dir = memoryFolder()
    const parts = logParts(dir)
    await parts.store.fill(2000)
    chmodSync(join(dir, 'blockchain'), 0o500)
    expect(await parts.tree.root(2000)).toBe(rootOf(parts, 2000))
    expect(parts.warnings).toEqual([])
    chmodSync(join(dir, 'blockchain'), 0o700)
  })

  it('names the block that does not continue the one before it', async () => {
    const parts = logParts(memoryFolder())
    await parts.store.fill(600)
    const { disk } = parts
    const { header, body } = disk.blocks[300]!
    const { plugin, operation } = header
    const draft = { body: body!, json: canonicalJson(body), told: header, plugin, operation }
    disk.rewrite(blocks => {
      blocks[300] = lineOf(draft, { number: 300, previous: header.previous, timestamp: 5 }).block
    })
    await expect(parts.tree.root(600)).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', details: { block: 301 } })
    expect(await parts.tree.root(300)).toBe(rootOf(parts, 300))
    disk.rewrite(blocks => void blocks.splice(200, 1))
    await expect(parts.tree.root(599)).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', details: { block: 200 } })
  })

  it('refuses what the chain does not have', async () => {
    const { store, tree } = logParts(memoryFolder())
    await store.fill(10)
    await expect(tree.root(11)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(tree.inclusion(10, 10)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(tree.consistency(5, 4)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('finds blocks by the beginning of their hash', async () => {
    const dir = memoryFolder()
    const first = logParts(dir)
    await first.store.fill(2500)
    const hashes = first.disk.blocks.map(({ hash }) => hash)
    await first.tree.root(2500)
    for (const { tree } of [first, logParts(dir, first.disk)]) {
      for (const number of [0, 255, 256, 2303, 2304, 2499]) {
        for (const digits of [4, 5, 8, 63, 64]) {
          const prefix = hashes[number]!.slice(0, digits)
          const all = hashes.flatMap((hash, i) => (hash.startsWith(prefix) ? [i] : []))
          expect(await tree.withPrefix(prefix, 2500, 10)).toEqual(all.slice(0, 10))
        }
      }
      const many = hashes.flatMap((hash, i) => (hash.startsWith('a') ? [i] : []))
      expect(await tree.withPrefix('A', 2500, 2)).toEqual(many.slice(0, 2))
      expect(await tree.withPrefix('a', 1000, 9999)).toEqual(many.filter(i => i < 1000))
      expect(await tree.withPrefix(hashes[2400]!, 2400, 10)).toEqual([])
    }
  })

  it('does not say that there is no such hash when the file is damaged', async () => {
    const dir = memoryFolder()
    const first = logParts(dir)
    await first.store.fill(2500)
    await first.tree.root(2500)
    const file = join(treeDir(dir), '00')
    const bytes = readFileSync(file)
    bytes[700 * 32]! ^= 1
    writeFileSync(file, bytes)
    const { tree, disk } = logParts(dir, first.disk)
    expect(await tree.withPrefix(disk.blocks[700]!.hash, 2500, 10)).toEqual([700])
  })
})
