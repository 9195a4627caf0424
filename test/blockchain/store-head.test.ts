// What `head` says is believed where it is so: one that is behind, or wrong, hides no block, and what was acknowledged is missed.
import { closeSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it, vi } from 'vitest'
import { lineText } from '../../src/blockchain/line.js'
import { HeadFile } from '../../src/blockchain/store/head-file.js'
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

const headPath = (dir: string) => join(dir, 'blockchain/head')

it('one that could not be written is not believed once its writer let go', async () => {
  const dir = memoryFolder()
  const { store } = testStore(dir)
  await store.append(drafts(2))
  const behind = readFileSync(headPath(dir))
  await store.append(drafts(3, 2))
  writeFileSync(headPath(dir), behind)
  const { store: reader } = opened(dir)
  // The writer holds the lock still, and this is what it said last.
  expect(reader.size()).toBe(2)
  await store.close()
  expect(reader.size()).toBe(5)
  expect(await allBlocks(reader)).toHaveLength(5)
})

it('one that cannot be written delays no append, but what works on the files', async () => {
  const dir = memoryFolder()
  const { store, warnings } = opened(dir)
  await store.append(drafts(2))
  const write = vi.spyOn(HeadFile.prototype, 'write').mockImplementation(() => {
    throw Object.assign(new Error('EIO: as the test said'), { code: 'EIO' })
  })
  try {
    expect(await store.append([draft(2)])).toMatchObject([{ number: 2 }])
    expect(warnings.join()).toContain('cannot write')
    expect(store.size()).toBe(3)
    // One answer: whoever was told that a block is there finds it.
    expect(await allBlocks(store)).toHaveLength(3)
    await store.append([draft('more')])
    expect(store.read(3)).toMatchObject({ number: 3 })
    expect(await allBlocks(store)).toHaveLength(4)
    for await (const lines of store.lines()) expect(lines).toHaveLength(4)
    await expect(store.exclusively(async () => {})).rejects.toMatchObject({ code: 'STORE' })
  } finally {
    write.mockRestore()
  }
  expect(await store.append([draft(4)])).toMatchObject([{ number: 4 }])
  await store.exclusively(async () => expect(store.size()).toBe(5))
})

it.each<[what: string, said: (bytes: number) => { readonly size: number; readonly bytes: number }]>([
  ['says less than there is', () => ({ size: 2, bytes: -1 })],
  ['says less, and that this is all', bytes => ({ size: 2, bytes })],
  ['says another place', bytes => ({ size: 5, bytes: bytes - 7 })],
])('one that %s hides nothing', async (_, said) => {
  const dir = memoryFolder()
  const { store } = testStore(dir)
  const blocks = await store.append(drafts(5))
  await store.close()
  const { length } = readFileSync(join(dir, 'blockchain/timing/000000000000.jsonl'))
  const { size, bytes } = said(length)
  const file = openSync(headPath(dir), 'r+')
  const head = { size, bytes, segment: 0, hash: blocks[size - 1]!.hash, lease: '0'.repeat(16) }
  new HeadFile(headPath(dir)).write(head, file)
  closeSync(file)
  const { store: reader } = opened(dir)
  expect(reader.size()).toBe(5)
  expect(await reader.append([draft('after')])).toMatchObject([{ number: 5 }])
})

it('one is there again as soon as segments were rewritten: what is cut off then is missed', async () => {
  const dir = memoryFolder()
  const { store } = testStore(dir)
  const blocks = await store.append(drafts(5))
  await store.exclusively(chain =>
    chain.rewrite(
      0,
      blocks.map(({ header }) => lineText({ header })),
    ),
  )
  await store.close()
  const segment = join(dir, 'blockchain/timing/000000000000.jsonl')
  const whole = readFileSync(segment)
  writeFileSync(segment, whole.subarray(0, -1))
  const { store: next } = opened(dir)
  await expect(next.append(drafts(1))).rejects.toMatchObject({ code: 'CHAIN_DAMAGED' })
  expect(readFileSync(segment)).toEqual(whole.subarray(0, -1))
})

it('where there is none, whole lines that are cut off are kept aside', async () => {
  const dir = memoryFolder()
  const { store } = testStore(dir)
  await store.append(drafts(1))
  await store.append(drafts(3, 1))
  await store.close()
  const segment = join(dir, 'blockchain/timing/000000000000.jsonl')
  const whole = readFileSync(segment)
  const [first] = whole.toString().split('\n')
  writeFileSync(segment, whole.subarray(0, -1))
  rmSync(headPath(dir))
  const { store: next, warnings } = opened(dir)
  await next.append(drafts(1))
  expect(warnings).toEqual([expect.stringMatching(/ kept as .*cut-off/)])
  const [name] = readdirSync(join(dir, 'blockchain/cut-off'))
  const kept = readFileSync(join(dir, 'blockchain/cut-off', name!))
  expect(kept).toEqual(whole.subarray(first!.length + 1, -1))
})
