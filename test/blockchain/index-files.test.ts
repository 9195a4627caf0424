// The index of the chain: found again by another process, and a miss wherever a file is not what was written.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/blockchain/footprint.js'
import type { Location } from '../../src/blockchain/ports.js'
import { openBlockIndex } from '../../src/blockchain/store/index-files.js'
import { clearBlockIndex, sizeOfBlockIndex, verifyBlockIndex } from '../../src/blockchain/store/index-folder.js'
import { ENTRY_BYTES, entryAt, FILE_BYTES } from '../../src/blockchain/store/index-format.js'
import { crc32, hash, TestClock, temporaryFolder } from '../support.js'

const SEGMENT = 8123

/** Where block `number` of a chain lies, whose segments have 8,123 blocks each. */
function place(number: number, chain = 'a'): Location {
  const segment = number - (number % SEGMENT)
  const offset = 700 * (number - segment)
  return {
    number,
    hash: sha256(`${chain}${number}`),
    segment,
    offset,
    bytes: 699,
    timestamp: 1_700_000_000_000 + number,
  }
}

function run(from: number, to: number, chain = 'a'): Location[] {
  return Array.from({ length: to - from }, (_, i) => place(from + i, chain))
}

function open(dir: string | undefined, chain = 'a') {
  const warnings: string[] = []
  const clock = new TestClock()
  const parts = { clock, hash, crc32, warn: (message: string) => void warnings.push(message) }
  const index = openBlockIndex({ dir, chain: () => sha256(`${chain}0`), ...parts })
  return { index, warnings, clock }
}

/** What a process that learned these leaves behind. */
function written(dir: string, ...runs: Location[][]): string[] {
  const { index, warnings } = open(dir)
  for (const locations of runs) index.learn(locations)
  index.close()
  expect(warnings).toEqual([])
  return readdirSync(dir).sort()
}

const nameOf = (first: number, chain = 'a') =>
  `${sha256(`${chain}0`).slice(0, 16)}-${String(first).padStart(12, '0')}.json`

describe('what is learned', () => {
  it('is found by another process, each block by one line of a file that is JSON', () => {
    const dir = join(temporaryFolder(), 'cache', 'blocks')
    expect(written(dir, run(0, 2000))).toEqual([nameOf(0), nameOf(1000)])
    const { index } = open(dir)
    for (const number of [0, 1, 999, 1000, 1999]) expect(index.find(number)).toEqual(place(number))
    for (const number of [2000, 5000, -1, 0.5, Number.NaN, 2 ** 60]) expect(index.find(number)).toBeUndefined()
    expect(index.times(1500)).toEqual({
      first: 1000,
      last: 1999,
      hash: place(1999).hash,
      least: place(1000).timestamp,
      greatest: place(1999).timestamp,
    })
    index.close()
    const file = readFileSync(join(dir, nameOf(1000)), 'utf8')
    const { blocks, first, known } = JSON.parse(file)
    expect({ first, known }).toEqual({ first: 1000, known: 1000 })
    expect(blocks).toEqual(run(1000, 2000))
    const lines = file.split('\n').slice(1, 1001)
    expect(new Set(lines.map(line => line.length))).toEqual(new Set([ENTRY_BYTES - 1]))
    expect(file.slice(entryAt(1234)).startsWith(`{"number":        1234,"hash":"${place(1234).hash}"`)).toBe(true)
    expect(statSync(join(dir, nameOf(0))).mode & 0o777).toBe(0o600)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
  })

  it('is in memory at once, and on the disk once a thousand is whole, a turn later', async () => {
    const dir = temporaryFolder()
    const { index } = open(dir)
    for (let number = 0; number < 999; number += 3) index.learn(run(number, number + 3))
    expect(index.find(998)).toEqual(place(998))
    index.learn(run(999, 1001))
    expect(index.find(1000)).toEqual(place(1000))
    await new Promise(resolve => setImmediate(resolve))
    expect(readdirSync(dir)).toContain(nameOf(0))
    expect(sizeOfBlockIndex(dir, crc32)).toEqual({ entries: 1000, bytes: FILE_BYTES })
    index.close()
    expect(readdirSync(dir)).toEqual([nameOf(0)])
  })

  it('of one long append is written without holding all of it', () => {
    const dir = temporaryFolder()
    expect(written(dir, run(0, 40_000))).toHaveLength(40)
    const { index } = open(dir)
    expect([0, 20_000, 39_999].map(number => index.find(number))).toEqual([0, 20_000, 39_999].map(n => place(n)))
    index.close()
  })

  it('of two segments, by two processes, comes together in one file; only who saw all of it tells its times', () => {
    const dir = temporaryFolder()
    written(dir, run(SEGMENT, 9500))
    expect(JSON.parse(readFileSync(join(dir, nameOf(8000)), 'utf8'))).toMatchObject({ known: 877, timed: false })
    written(dir, run(0, SEGMENT))
    const { index } = open(dir)
    for (const number of [8000, SEGMENT - 1, SEGMENT, 8999]) expect(index.find(number)).toEqual(place(number))
    expect(index.times(8000)).toBeUndefined()
    index.close()
    expect(JSON.parse(readFileSync(join(dir, nameOf(8000)), 'utf8'))).toMatchObject({ known: 1000, timed: false })
    written(dir, run(7900, 9001))
    expect(open(dir).index.times(8000)).toMatchObject({ first: 8000, last: 8999 })
  })

  it('again is not written again; what differs is', () => {
    const dir = temporaryFolder()
    written(dir, run(0, 2000))
    const before = readdirSync(dir).map(name => statSync(join(dir, name)).ino)
    written(dir, run(0, 2000))
    written(dir, run(300, 400))
    expect(readdirSync(dir).map(name => statSync(join(dir, name)).ino)).toEqual(before)
    const moved = run(0, 2000).map(location => ({ ...location, offset: location.offset / 2 }))
    written(dir, moved)
    expect(open(dir).index.find(1500)).toEqual(moved[1500])
  })

  it('that contradicts a file makes an end of what else is in it, and is not written with each block', async () => {
    const dir = temporaryFolder()
    written(dir, run(0, 1000))
    const inode = () => statSync(join(dir, nameOf(0))).ino
    const before = inode()
    const { index } = open(dir)
    const restored = run(0, 1000, 'b').map((location, i) => (i < 600 ? place(i) : location))
    for (const location of restored.slice(600, 700)) {
      index.learn([location])
      await new Promise(resolve => setImmediate(resolve))
    }
    expect(inode()).toBe(before)
    expect([650, 5].map(number => index.find(number))).toEqual([restored[650], place(5)])
    expect(index.times(5)).toBeUndefined()
    for (const location of restored.slice(700)) index.learn([location])
    index.close()
    const fresh = open(dir).index
    expect([5, 650, 999].map(number => fresh.find(number))).toEqual([undefined, restored[650], restored[999]])
    expect(fresh.times(999)).toBeUndefined()
  })

  it('of several chains lies in one folder, each chain its own', () => {
    const dir = temporaryFolder()
    written(dir, run(0, 1000))
    const other = open(dir, 'b')
    expect(other.index.find(5)).toBeUndefined()
    other.index.learn(run(0, 1000, 'b'))
    other.index.close()
    expect(readdirSync(dir)).toHaveLength(2)
    expect(open(dir).index.find(5)).toEqual(place(5))
    expect(open(dir, 'b').index.find(5)).toEqual(place(5, 'b'))
  })

  it('and was wrong is forgotten, in memory and on the disk', () => {
    const dir = temporaryFolder()
    written(dir, run(0, 2000))
    const { index } = open(dir)
    index.learn(run(2000, 2100))
    index.forget(5)
    index.forget(2050)
    expect([5, 999, 2050, 2001].map(number => index.find(number))).toEqual([undefined, undefined, undefined, undefined])
    expect(index.find(1000)).toEqual(place(1000))
    expect(readdirSync(dir)).toEqual([nameOf(1000)])
    index.close()
  })

  it('of a chain that was replaced is forgotten: the new one has files of its own', () => {
    const dir = temporaryFolder()
    let chain = 'a'
    const parts = { clock: new TestClock(), hash, crc32, warn: () => {} }
    const index = openBlockIndex({ dir, chain: () => sha256(`${chain}0`), ...parts })
    index.learn(run(0, 1500))
    chain = 'b'
    index.reset()
    expect([0, 1400].map(number => index.find(number))).toEqual([undefined, undefined])
    index.learn(run(0, 1000, 'b'))
    index.close()
    expect(open(dir, 'b').index.find(7)).toEqual(place(7, 'b'))
  })
})

describe('a clock that went back', () => {
  it('is in the times of its thousand', () => {
    const dir = temporaryFolder()
    const locations = run(0, 1000)
    locations[500] = { ...locations[500]!, timestamp: -7 }
    written(dir, locations)
    expect(open(dir).index.times(0)).toMatchObject({ least: -7, greatest: place(999).timestamp })
  })
})

describe('what is not as it was written', () => {
  const spoilt = (spoil: (path: string) => void) => {
    const dir = temporaryFolder()
    written(dir, run(0, 1000))
    spoil(join(dir, nameOf(0)))
    return { dir, ...open(dir) }
  }
  const change = (at: number, text: string) => (path: string) => {
    const bytes = readFileSync(path)
    bytes.write(text, at, 'latin1')
    writeFileSync(path, bytes)
  }
  const replaced = (make: (path: string) => void) => (path: string) => {
    rmSync(path)
    make(path)
  }

  it.each<[string, (path: string) => void]>([
    ['gone', path => rmSync(path)],
    ['empty', path => writeFileSync(path, '')],
    ['cut', path => writeFileSync(path, readFileSync(path).subarray(0, -1))],
    ['longer', path => writeFileSync(path, `${readFileSync(path, 'utf8')}\n`)],
    ['zeros', path => writeFileSync(path, new Uint8Array(FILE_BYTES))],
    ['of another version', change(35, '2')],
    ['of another chain', change(60, 'dead')],
    [
      'of a later thousand',
      path => writeFileSync(path, readFileSync(path, 'utf8').replace('"first":   ', '"first":  1')),
    ],
    ['a link', replaced(path => symlinkSync('/etc/passwd', path))],
    ['a folder', replaced(path => mkdirSync(path))],
    ['a FIFO', replaced(path => execFileSync('mkfifo', [path]))],
    ['deep JSON', path => writeFileSync(path, '['.repeat(FILE_BYTES))],
  ])('%s is a miss', (_what, spoil) => {
    const { dir, index, warnings } = spoilt(spoil)
    expect(index.find(7)).toBeUndefined()
    expect(index.times(7)).toBeUndefined()
    // What was learned anew serves, whether or not it could be put there.
    index.learn(run(0, 1000))
    expect(index.find(7)).toEqual(place(7))
    index.close()
    expect(warnings).toEqual([])
    expect(verifyBlockIndex(dir, crc32).damaged).toBe(0)
  })

  it.each([
    ['the number', 10, '        8'],
    ['the hash', 40, 'XY'],
    ['the segment', 110, '           9'],
    ['the end of the line', ENTRY_BYTES - 2, ';'],
  ])('%s of an entry makes that entry a miss, and no other', (_what, at, text) => {
    const { index, dir } = spoilt(change(entryAt(7) + at, text))
    expect(index.find(7)).toBeUndefined()
    expect(index.find(8)).toEqual(place(8))
    index.close()
    expect(verifyBlockIndex(dir, crc32)).toMatchObject({ files: 1, entries: 0, damaged: 1 })
  })

  it('any byte at all: what is found is what was written, or another place that holds another hash', () => {
    const dir = temporaryFolder()
    written(dir, run(0, 1000))
    const path = join(dir, nameOf(0))
    const bytes = readFileSync(path)
    fc.assert(
      fc.property(fc.nat(FILE_BYTES - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Buffer.from(bytes)
        damaged[at]! ^= flip
        writeFileSync(path, damaged)
        const number = Math.min(999, Math.max(0, Math.floor((at - entryAt(0)) / ENTRY_BYTES)))
        const { index } = open(dir)
        const found = index.find(number)
        const times = index.times(number)
        index.close()
        if (found !== undefined) expect(Object.keys(found)).toEqual(Object.keys(place(0)).sort(byOrder))
        if (times !== undefined)
          expect(times).toMatchObject({ least: place(0).timestamp, greatest: place(999).timestamp })
        expect(verifyBlockIndex(dir, crc32).damaged + verifyBlockIndex(dir, crc32).foreign).toBe(1)
      }),
      { numRuns: 60 },
    )
  })
  const order = ['number', 'hash', 'segment', 'offset', 'bytes', 'timestamp']
  const byOrder = (one: string, other: string) => order.indexOf(one) - order.indexOf(other)

  it('somebody else’s file of our name is not read, replaced or removed', () => {
    const dir = temporaryFolder()
    writeFileSync(join(dir, nameOf(0)), 'mine')
    written(dir, run(0, 1000))
    const { index } = open(dir)
    index.forget(3)
    index.close()
    clearBlockIndex(dir)
    expect(readFileSync(join(dir, nameOf(0)), 'utf8')).toBe('mine')
    expect(verifyBlockIndex(dir, crc32)).toMatchObject({ files: 0, foreign: 1 })
  })
})

describe('where nothing can be kept', () => {
  it('memory does: without a folder', () => {
    const { index, warnings } = open(undefined)
    index.learn(run(0, 1000))
    expect(index.find(5)).toEqual(place(5))
    index.close()
    expect(warnings).toEqual([])
  })

  it('memory does: a folder that cannot be made is told once', async () => {
    const parent = temporaryFolder()
    writeFileSync(join(parent, 'blocks'), 'a file')
    const { index, warnings } = open(join(parent, 'blocks'))
    index.learn(run(0, 3000))
    await new Promise(resolve => setImmediate(resolve))
    expect([5, 2999].map(number => index.find(number))).toEqual([place(5), place(2999)])
    rmSync(join(parent, 'blocks'))
    index.close()
    expect(warnings).toHaveLength(1)
    expect(existsSync(join(parent, 'blocks'))).toBe(false)
  })

  it('memory does, until the disk can again', async () => {
    const parent = temporaryFolder()
    writeFileSync(join(parent, 'blocks'), 'a file')
    const { index, warnings, clock } = open(join(parent, 'blocks'))
    index.learn(run(0, 1000))
    await new Promise(resolve => setImmediate(resolve))
    expect(warnings).toHaveLength(1)
    rmSync(join(parent, 'blocks'))
    clock.advance(60_000)
    index.learn(run(0, 1001))
    index.close()
    expect(readdirSync(join(parent, 'blocks'))).toEqual([nameOf(0)])
  })

  it.skipIf(process.getuid?.() === 0)('memory does: in a folder that is read-only', () => {
    const dir = temporaryFolder()
    chmodSync(dir, 0o500)
    const { index, warnings } = open(dir)
    index.learn(run(0, 1000))
    index.close()
    expect(warnings).toHaveLength(1)
    expect(existsSync(join(dir, nameOf(0)))).toBe(false)
  })

  it('memory is bounded', () => {
    const { index } = open(undefined)
    index.learn(run(0, 30_000))
    expect(index.find(0)).toBeUndefined()
    expect(index.find(29_999)).toEqual(place(29_999))
  })
})

it('clear removes what is ours alone, and follows no link', () => {
  const dir = temporaryFolder()
  written(dir, run(0, 2000))
  writeFileSync(join(dir, `.${nameOf(0)}.0123abcd.tmp`), '')
  writeFileSync(join(dir, '7.json'), '{}')
  expect(sizeOfBlockIndex(dir, crc32).entries).toBe(2000)
  const link = join(temporaryFolder(), 'blocks')
  symlinkSync(dir, link)
  expect(() => clearBlockIndex(link)).toThrow(expect.objectContaining({ code: 'STORE' }))
  clearBlockIndex(join(dir, 'nothing'))
  clearBlockIndex(dir)
  expect(readdirSync(dir)).toEqual(['7.json'])
})
