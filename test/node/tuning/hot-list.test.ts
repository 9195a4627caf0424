// The list of hot embeddings as bytes: what was written is read, and nothing else is believed.
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeHotList,
  encodeHotList,
  hasHotLists,
  hotListPath,
  lastUsed,
  readHotList,
  removeLeftLists,
  writeHotList,
} from '../../../src/node/tuning/hot-list.js'
import { NAME_BYTES, NameTable, nameAt, packNames } from '../../../src/node/tuning/names.js'
import type { Key } from '../../../src/ports.js'
import { crc32, temporaryFolder } from '../../support.js'

const SPACE = 'lengths@1'
const nameArb = fc
  .uint8Array({ minLength: NAME_BYTES, maxLength: NAME_BYTES })
  .map(bytes => Buffer.from(bytes).toString('hex') as Key)
const listArb = fc.array(nameArb, { maxLength: 12 }).chain(keys =>
  fc.record({
    names: fc.constant(packNames(keys)),
    ranks: fc.shuffledSubarray([...keys.keys()], { minLength: keys.length }).map(ranks => Uint32Array.from(ranks)),
    savedAt: fc.integer({ min: 0, max: 2 ** 42 }),
  }),
)

describe('the list of hot embeddings', () => {
  it('reads what was written, in both orders', () => {
    fc.assert(
      fc.property(listArb, list => {
        const read = decodeHotList(encodeHotList(list, SPACE), SPACE)
        if (typeof read === 'string') return expect.fail(read)
        expect(Buffer.compare(read.names, list.names)).toBe(0)
        expect(read).toMatchObject({ ranks: list.ranks, savedAt: list.savedAt })
        const last = lastUsed(read, 5)
        expect(last.length).toBe(NAME_BYTES * Math.min(5, list.ranks.length))
        list.ranks.forEach((rank, i) => {
          if (rank < 5) expect(nameAt(last, rank)).toBe(nameAt(list.names, i))
        })
      }),
    )
  })

  it('believes no bytes that are cut, changed, or of anybody else', () => {
    fc.assert(
      fc.property(listArb, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, at, change) => {
        const bytes = encodeHotList(list, SPACE)
        const changed = Uint8Array.from(bytes)
        changed[at % bytes.length]! ^= change
        expect(['damaged', 'other version']).toContain(decodeHotList(changed, SPACE))
        expect(typeof decodeHotList(bytes.subarray(0, at % bytes.length), SPACE)).toBe('string')
        expect(decodeHotList(bytes, 'another@1')).toBe('other space')
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => void expect(decodeHotList(bytes, SPACE)).toBe('damaged')),
    )
  })

  it('takes no ranks that are none, whatever the checksum says', () => {
    const names = packNames(['a'.repeat(64), 'b'.repeat(64)] as Key[])
    for (const ranks of [
      [0, 0],
      [0, 2],
      [4_000_000_000, 1],
    ]) {
      const bytes = Buffer.from(encodeHotList({ names, ranks: Uint32Array.from(ranks), savedAt: 1 }, SPACE))
      expect(bytes.readUInt32LE(12)).toBe(crc32(bytes.subarray(16)))
      expect(decodeHotList(bytes, SPACE)).toBe('damaged')
    }
  })

  it('is replaced as a whole, and what a killed process left goes after an hour', async () => {
    const dir = temporaryFolder()
    expect(hasHotLists(dir)).toBe(false)
    const list = { names: packNames(['a'.repeat(64) as Key]), ranks: Uint32Array.of(0), savedAt: 5 }
    await writeHotList(dir, SPACE, { ...list, savedAt: 4 })
    await writeHotList(dir, SPACE, list)
    expect(readHotList(hotListPath(dir, SPACE), SPACE)).toMatchObject({ savedAt: 5 })
    expect(readHotList(hotListPath(dir, 'another@1'), 'another@1')).toBe('absent')
    expect(hasHotLists(dir)).toBe(true)
    const left = `${hotListPath(dir, SPACE)}.0123456789abcdef.tmp`
    writeFileSync(left, 'half')
    writeFileSync(join(dir, 'warm', 'mine.tmp'), 'of the user')
    removeLeftLists(dir, Date.now())
    expect(readdirSync(join(dir, 'warm'))).toHaveLength(3)
    removeLeftLists(dir, Date.now() + 2 * 3_600_000)
    expect(readdirSync(join(dir, 'warm')).filter(name => name.endsWith('.tmp'))).toEqual(['mine.tmp'])
  })

  it('numbers names once each, as many as there is room for', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 20 }), fc.nat(6), (letters, most) => {
        const keys = letters.map(letter => letter.repeat(64) as Key)
        const table = new NameTable(most)
        const numbers = table.addAll(packNames(keys))
        const different = [...new Set(keys)].slice(0, most)
        expect(different.map((_, i) => nameAt(table.names, i))).toEqual(different)
        expect(different.map(key => table.find(key))).toEqual([...different.keys()])
        expect([...numbers].filter(number => number >= 0)).toEqual([...different.keys()])
        expect(table.find('f'.repeat(64) as Key)).toBe(-1)
      }),
    )
  })
})
