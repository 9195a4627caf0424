// What the end of a chain may look like after a process, or the machine, stopped in mid-append: cut off and told, or damage, which is never
// written behind.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { memoryFolder } from '../support.js'
import { allBlocks, draft, drafts, type TestStore, testStore } from './store-parts.js'

const open: TestStore[] = []
afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close()
})

function opened(...args: Parameters<typeof testStore>): TestStore {
  const one = testStore(...args)
  open.push(one)
  return one
}

/** A chain of several appends on the disk, which nobody has open. */
async function written(dir: string, ...counts: number[]): Promise<Block[]> {
  const { store } = testStore(dir)
  const blocks: Block[] = []
  for (const count of counts) blocks.push(...(await store.append(drafts(count, blocks.length))))
  await store.close()
  return blocks
}

const firstSegment = (dir: string) => join(dir, 'blockchain/timing/000000000000.jsonl')
const headFile = (dir: string) => join(dir, 'blockchain/head')

/** As if the last append had not been acknowledged. */
function headBefore(dir: string, take: () => Promise<unknown>): Promise<Buffer> {
  const before = readFileSync(headFile(dir))
  return take().then(() => before)
}

describe('a torn tail', () => {
  it('is cut off at every byte of the last line, and told', async () => {
    const dir = memoryFolder()
    const blocks = await written(dir, 1, 2)
    const head = await headBefore(dir, () => written(dir, 1))
    const whole = readFileSync(firstSegment(dir))
    const end = whole.lastIndexOf(10, whole.length - 2) + 1
    const { store: reader } = opened(dir)
    for (let length = end + 1; length < whole.length; length++) {
      writeFileSync(firstSegment(dir), whole.subarray(0, length))
      writeFileSync(headFile(dir), head)
      expect(reader.size(), `${length}`).toBe(3)
      // What the writer does is the same at each.
      if (length % 100 === 0 || length === whole.length - 1) {
        const { store, warnings } = testStore(dir)
        expect(await store.append([draft('after')])).toMatchObject([{ number: 3 }])
        expect(warnings).toEqual([expect.stringMatching(`${length - end} bytes behind block 2 were removed`)])
        expect((await allBlocks(reader)).slice(0, 3)).toEqual(blocks)
        expect(reader.size()).toBe(4)
        await store.close()
      }
    }
  })

  it('is an append that was cut off between its lines', async () => {
    const dir = memoryFolder()
    const blocks = await written(dir, 2)
    const head = await headBefore(dir, () => written(dir, 4))
    const whole = readFileSync(firstSegment(dir))
    const ends = [...whole.keys()].filter(at => whole[at] === 10)
    for (const lines of [3, 4, 5]) {
      writeFileSync(firstSegment(dir), whole.subarray(0, ends[lines - 1]! + 1))
      writeFileSync(headFile(dir), head)
      const { store, warnings } = testStore(dir)
      expect(store.size()).toBe(2)
      expect(await allBlocks(store)).toEqual(blocks)
      expect(await store.append([draft(lines)])).toMatchObject([{ number: 2 }])
      expect(warnings).toHaveLength(1)
      await store.close()
    }
  })

  it('may have holes: a loss of power leaves any part of the last write', async () => {
    const dir = memoryFolder()
    const blocks = await written(dir, 2)
    const head = await headBefore(dir, () => written(dir, 4))
    const whole = readFileSync(firstSegment(dir))
    const ends = [...whole.keys()].filter(at => whole[at] === 10)
    for (const hole of [0, 1, 2, 3]) {
      const bytes = Buffer.from(whole).fill(0, ends[1 + hole]! + 1, ends[2 + hole]! - 3)
      writeFileSync(firstSegment(dir), bytes)
      writeFileSync(headFile(dir), head)
      const { store, warnings } = testStore(dir)
      expect(await store.append([draft(hole)]), `${hole}`).toMatchObject([{ number: 2 }])
      expect(warnings).toHaveLength(1)
      expect((await allBlocks(store)).slice(0, 2)).toEqual(blocks)
      await store.close()
    }
  })

  it('that is no append of ours is cut off, told and kept; readers judge as the writer does', async () => {
    const dir = memoryFolder()
    const blocks = await written(dir, 1, 2)
    appendFileSync(firstSegment(dir), '{"a":1}\nrest')
    const { store: reader } = opened(dir)
    expect(await allBlocks(reader)).toEqual(blocks)
    const { store, warnings } = opened(dir)
    expect(await store.append([draft('after')])).toMatchObject([{ number: 3 }])
    expect(warnings).toEqual([
      expect.stringMatching(/^12 bytes behind block 2 were not a whole append: removed .* kept as .*cut-off/),
    ])
    const [name] = readdirSync(join(dir, 'blockchain/cut-off'))
    expect(readFileSync(join(dir, 'blockchain/cut-off', name!), 'utf8')).toBe('{"a":1}\nrest')
    expect(reader.size()).toBe(4)
  })
})

describe('what was acknowledged and is not there is damage, never an append that was cut off', () => {
  const cuts: [what: string, cut: (path: string) => void, there: number][] = [
    ['its last byte', path => truncateSync(path, statSync(path).size - 1), 5],
    ['the last line of a batch', path => truncateSync(path, readFileSync(path).lastIndexOf('\n{') + 1), 5],
    ['half a batch', path => truncateSync(path, statSync(path).size - 1000), 4],
    ['all', path => rmSync(path), 0],
  ]
  it.each(cuts)('%s', async (_, cut, there) => {
    const dir = memoryFolder()
    const blocks = await written(dir, 2, 4)
    cut(firstSegment(dir))
    const left = existsSync(firstSegment(dir)) && readFileSync(firstSegment(dir))
    const head = readFileSync(headFile(dir))
    const { store, warnings } = opened(dir)
    expect(store.size()).toBe(there)
    expect(warnings).toEqual([expect.stringContaining(`behind the first ${there}`)])
    for (let at = 0; at < there; at++) expect(store.read(at)).toEqual(blocks[at])
    const told = { code: 'CHAIN_DAMAGED', details: { block: there, acknowledged: 6 } }
    expect(() => store.read(there)).toThrow(expect.objectContaining({ code: told.code }))
    expect(store.read(6)).toBeUndefined()
    await expect(allBlocks(store)).rejects.toMatchObject(told)
    await expect(store.append([draft('after')])).rejects.toMatchObject(told)
    expect(existsSync(firstSegment(dir)) && readFileSync(firstSegment(dir))).toEqual(left)
    expect(readFileSync(headFile(dir))).toEqual(head)
  })
})

describe('damage', () => {
  const damages: [string, (lines: string[]) => string[]][] = [
    ['a byte of the last block', lines => [...lines.slice(0, -1), lines.at(-1)!.replace('"net"', '"not"')]],
    ['a byte in the middle', lines => lines.map((line, at) => (at === 2 ? line.replace('{', '[') : line))],
    ['a block that is missing', lines => lines.filter((_, at) => at !== 2)],
    ['a block that is there twice', lines => lines.flatMap((line, at) => (at === 2 ? [line, line] : [line]))],
    ['two that are swapped', lines => [lines[0]!, lines[2]!, lines[1]!, ...lines.slice(3)]],
    [
      'bytes of a header',
      lines => lines.map((line, at) => (at === 3 ? line.replace('"plugin":"net"', '"plugin":"nat"') : line)),
    ],
  ]
  for (const [what, damage] of damages) {
    it(`is ${what}: nothing is appended`, async () => {
      const dir = memoryFolder()
      await written(dir, 1, 1, 1, 1, 1)
      const lines = readFileSync(firstSegment(dir), 'utf8').trimEnd().split('\n')
      const bytes = `${damage(lines).join('\n')}\n`
      writeFileSync(firstSegment(dir), bytes)
      const { store } = opened(dir)
      await expect(store.append([draft('after')])).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' })
      await expect(allBlocks(store)).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' })
      expect(readFileSync(firstSegment(dir), 'utf8')).toBe(bytes)
    })
  }

  it('of before is looked for where the segment was written to since its end was told, and else by whoever reads it', async () => {
    const dir = memoryFolder()
    await written(dir, 5)
    const text = readFileSync(firstSegment(dir), 'utf8')
    const lines = text.split('\n')
    const spoil = (number: number) =>
      writeFileSync(
        firstSegment(dir),
        lines.map((line, at) => (at === number ? line.replace('{', '[') : line)).join('\n'),
      )
    const head = join(dir, 'blockchain/head')
    const refused = { code: 'CHAIN_DAMAGED', details: expect.objectContaining({ block: 4 }) }
    // As if `head` had been written last.
    const later = new Date(Date.now() + 60_000)
    utimesSync(head, later, later)
    spoil(4)
    await expect(opened(dir).store.append([draft('after')])).rejects.toMatchObject(refused)
    spoil(2)
    const { store } = opened(dir)
    expect(await store.append([draft('after')])).toMatchObject([{ number: 5 }])
    expect(() => store.read(2)).toThrow(expect.objectContaining({ code: 'CHAIN_DAMAGED' }))
  })

  it('names the block, and others are read', async () => {
    const dir = memoryFolder()
    const blocks = await written(dir, 5)
    const lines = readFileSync(firstSegment(dir), 'utf8').split('\n')
    writeFileSync(firstSegment(dir), lines.map((line, at) => (at === 2 ? line.replace('{', '[') : line)).join('\n'))
    const { store } = opened(dir)
    expect(store.read(1)).toEqual(blocks[1])
    expect(store.read(4)).toEqual(blocks[4])
    expect(() => store.read(2)).toThrow(
      expect.objectContaining({ code: 'CHAIN_DAMAGED', details: expect.objectContaining({ block: 2 }) }),
    )
    const raw = []
    for await (const piece of store.lines()) raw.push(...piece)
    expect(raw).toHaveLength(5)
  })

  it('is a segment that went away', async () => {
    const dir = memoryFolder()
    const { store } = testStore(dir, { segmentBytes: 1 })
    for (let at = 0; at < 4; at++) await store.append([draft(at)])
    await store.close()
    rmSync(join(dir, 'blockchain/timing/000000000002.jsonl'))
    const { store: again } = opened(dir, { segmentBytes: 1 })
    await expect(again.append([draft('after')])).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', details: { block: 2 } })
    expect(() => again.read(2)).toThrow(expect.objectContaining({ code: 'CHAIN_DAMAGED' }))
    expect(again.read(3)?.number).toBe(3)
  })
})

describe("what is no file in a segment's place", () => {
  const kinds: [string, (path: string, dir: string) => void][] = [
    ['a folder', path => mkdirSync(path)],
    [
      'a link',
      (path, dir) => {
        writeFileSync(join(dir, 'elsewhere'), 'precious')
        symlinkSync(join(dir, 'elsewhere'), path)
      },
    ],
  ]
  for (const [what, put] of kinds) {
    it(`${what} is neither followed nor removed`, async () => {
      const dir = memoryFolder()
      mkdirSync(join(dir, 'blockchain/timing'), { recursive: true })
      put(firstSegment(dir), dir)
      const { store } = opened(dir)
      expect(() => store.size()).toThrow(
        expect.objectContaining({ code: 'STORE', message: expect.stringContaining(what) }),
      )
      await expect(store.append([draft(1)])).rejects.toMatchObject({ code: 'STORE' })
      if (what === 'a link') expect(readFileSync(join(dir, 'elsewhere'), 'utf8')).toBe('precious')
    })
  }

  it('files of other names are left alone', async () => {
    const dir = memoryFolder()
    await written(dir, 1)
    appendFileSync(join(dir, 'blockchain/timing/notes.txt'), 'mine')
    const { store } = opened(dir)
    await store.append([draft(1)])
    expect(await allBlocks(store)).toHaveLength(2)
    expect(readFileSync(join(dir, 'blockchain/timing/notes.txt'), 'utf8')).toBe('mine')
  })
})
