// The life of vectors: made in the background, kept, picked up again, mended, forgotten, and replaced by those of another model.
import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import { searchBlocks } from '../../src/blockchain/search.js'
import { VectorWriter } from '../../src/blockchain/store/vector-files.js'
import { BatchError, OpDbusError } from '../../src/errors.js'
import { openCaches } from '../../src/node.js'
import { memoryFolder } from '../support.js'
import { MemoryStore } from './memory-store.js'
import { openWorld, remember, WordEmbedder, type World } from './vectors-support.js'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function world(options?: Parameters<typeof openWorld>[0]): Promise<World> {
  const opened = await openWorld(options)
  open.push(opened)
  return opened
}

/** What a search for `text` finds, best first, where all is well. */
async function found({ store, vectors }: World, text: string, k = 3): Promise<number[]> {
  // A search by itself waits for few blocks alone.
  await vectors.bringUp()
  const report = await searchBlocks({ store, vectors }, text, { k })
  expect(report.pending).toBe(0)
  return report.found.map(({ block }) => block.number)
}

const texts = (count: number, of = 'text') => Array.from({ length: count }, (_, i) => `${of} ${i}`)

/** The folder of the only space. */
function folderOf({ folder }: World): string {
  const names = readdirSync(folder.dir).filter(name => name !== 'lock')
  expect(names).toHaveLength(1)
  return join(folder.dir, names[0]!)
}

function sealOf(one: World) {
  const reader = one.folder.open(one.folder.spaces()[0]!.space)!
  const seal = reader.seal()
  reader.close()
  return seal
}

function prune(store: MemoryStore, numbers: readonly number[]): void {
  store.disk.rewrite(blocks => {
    for (const number of numbers) {
      const { body: _, ...rest } = blocks[number]!
      blocks[number] = rest
    }
  })
}

describe('in the background', () => {
  it('delays no append: a model that hangs is waited for by nobody, and one that ends at once loads none', async () => {
    const one = await world()
    let go = () => {}
    one.embedder.gate = new Promise<void>(resolve => (go = resolve))
    await remember(one.store, texts(3))
    expect(one.timer.waiting).toHaveLength(1)
    expect(one.embedder.asked).toEqual([])
    one.timer.run()
    await remember(one.store, texts(3, 'more'))
    expect(one.store.size()).toBe(6)
    go()
    await one.vectors.bringUp()
    expect(sealOf(one)).toMatchObject({ records: 6, next: 6 })
    expect(one.embedder.asked).toHaveLength(6)
  })

  it("is in nobody's way: blocks without a text take one batch, and those that come meanwhile wait for the next", async () => {
    const one = await world()
    const appended = vi.spyOn(VectorWriter.prototype, 'append')
    try {
      await remember(
        one.store,
        Array.from({ length: 1000 }, () => ''),
      )
      await remember(one.store, ['text'])
      let go = () => {}
      one.embedder.gate = new Promise<void>(resolve => (go = resolve))
      one.timer.run()
      await vi.waitUntil(() => one.embedder.asked.length > 0)
      await remember(one.store, ['later'])
      go()
      await vi.waitUntil(() => one.timer.waiting.length > 0)
      expect(sealOf(one)).toMatchObject({ records: 1, next: 1001 })
      expect(appended).toHaveBeenCalledTimes(1)
      one.timer.run()
      await one.vectors.bringUp()
      expect(sealOf(one)).toMatchObject({ records: 2, next: 1002 })
    } finally {
      appended.mockRestore()
    }
  })

  it('goes on where another process stopped, and computes nothing twice', async () => {
    const first = await world()
    await remember(first.store, texts(600))
    await first.vectors.bringUp()
    await first.close()
    await remember(first.store, texts(5, 'later'))
    const second = await world({ dir: first.dir, store: first.store })
    expect(await found(second, 'later 3', 1)).toEqual([603])
    expect(second.embedder.asked.sort()).toEqual([...texts(5, 'later')].sort())
  })

  it('ends in the middle when it is closed, and what is sealed stays', async () => {
    const first = await world()
    await remember(first.store, texts(1000))
    first.embedder.gate = new Promise(() => {})
    const work = first.vectors.bringUp()
    const outcome = work.catch((error: OpDbusError) => error.code)
    while (first.embedder.asked.length === 0) await new Promise(resolve => setImmediate(resolve))
    await first.close()
    expect(await outcome).toBe('CLOSED')
    const second = await world({ dir: first.dir, store: first.store })
    expect(await found(second, 'text 999', 1)).toEqual([999])
  })

  it('does not embed a text that is not what was written, and says so', async () => {
    const one = await world()
    await remember(one.store, ['one', 'two', 'three'])
    const { body, ...rest } = one.store.disk.blocks[1]!
    one.store.disk.blocks[1] = { ...rest, body: { ...body!, text: 'secret' } }
    await one.vectors.bringUp()
    expect(one.embedder.asked).toEqual(['one', 'three'])
    expect(one.warnings).toEqual([expect.stringMatching(/does not find block 1: block 1 is damaged/)])
    expect(sealOf(one)).toMatchObject({ records: 3, next: 3 })
    // It is told once, and every search counts it, in every process, until what was written stands there again.
    const other = await world({ dir: one.dir, store: new MemoryStore(one.store.disk) })
    for (const process of [one, one, other])
      expect(await searchBlocks(process, 'two')).toMatchObject({ searched: 2, pending: 0, refused: 1 })
    expect((await searchBlocks(one, 'two', { plugin: 'lxc' })).refused).toBe(0)
    expect(await one.vectors.stats()).toMatchObject([{ vectors: 2, pending: 0 }])
    expect(await faultsOf(one)).toEqual([])
    one.store.disk.blocks[1] = { ...rest, body: body! }
    expect(await faultsOf(one)).toEqual([1])
    for (const process of [other, one]) {
      expect(await searchBlocks(process, 'two', { k: 1 })).toMatchObject({ searched: 3, refused: 0 })
      expect(await found(process, 'two', 1)).toEqual([1])
    }
    expect(await faultsOf(one)).toEqual([])
    expect(one.embedder.asked).not.toContain('secret')
  })

  it('makes all that are missing before a search that waits for them answers, and tells how far it is', async () => {
    const one = await world()
    await remember(one.store, texts(600))
    const seen: number[] = []
    const wait = { wait: true, k: 1, onProgress: (done: number) => void seen.push(done) }
    const { found, pending, searched } = await searchBlocks(one, 'text 7', wait)
    expect({ found: numbersOf(found), pending, searched }).toEqual({ found: [7], pending: 0, searched: 600 })
    expect(seen).toEqual([256, 512, 600])
    one.embedder.down = true
    await remember(one.store, ['later'])
    await expect(searchBlocks(one, 'text 7', wait)).rejects.toMatchObject({ code: 'EMBEDDER_FAILED' })
  })

  it('passes a text over that the embedder refuses, and says so once', async () => {
    const one = await world()
    await remember(one.store, ['one', 'poison', '', 'two'])
    expect(await found(one, 'two', 9)).toEqual([3, 0])
    expect(one.warnings).toEqual([
      expect.stringMatching(/^search by meaning does not find block 1: .*poison is not taken/),
    ])
    expect(sealOf(one)).toMatchObject({ records: 3, next: 4 })
    expect(await searchBlocks(one, 'two')).toMatchObject({ searched: 2, refused: 1 })
    const again = await world({ dir: one.dir, store: one.store })
    expect(await found(again, 'two', 9)).toEqual([3, 0])
    expect(again.warnings).toEqual([])
    // Without a body it is pruned, not refused.
    prune(again.store, [1])
    expect(await searchBlocks(again, 'two')).toMatchObject({ searched: 2, refused: 0 })
  })

  it('passes a text over that kills the embedder each time, and embeds what is behind it', async () => {
    const lost = new OpDbusError('WORKER_LOST', 'the embedding worker is gone: SIGSEGV')
    const asked: string[] = []
    let isDown = false
    const caches = await openCaches({ dir: memoryFolder(), embedder: new WordEmbedder(), embeddingDiskCache: false })
    const { embeddings } = caches
    const kills = (texts: readonly string[]) => isDown || texts.includes('killer')
    const one = await world({
      embeddings: {
        async compute(texts, call) {
          if (kills(texts)) throw lost
          return embeddings.compute(texts, call)
        },
        computing: (...call) => embeddings.computing(...call),
        async embedMany(texts, call) {
          if (kills(texts))
            throw new BatchError(
              Array.from(texts, (_, index) => ({ index, error: lost })),
              texts.length,
            )
          return embeddings.embedMany(texts, call)
        },
        async getOrEmbed(text, call) {
          asked.push(text)
          if (kills([text])) throw lost
          return embeddings.getOrEmbed(text, call)
        },
      },
    })
    open.push(caches)
    await remember(one.store, ['one', 'killer', 'two'])
    await one.vectors.bringUp()
    expect(sealOf(one)).toMatchObject({ records: 3, next: 3 })
    expect(one.warnings).toEqual([expect.stringMatching(/^search by meaning does not find block 1: .*worker is gone/)])
    expect(asked.filter(text => text === 'killer')).toHaveLength(2)
    expect(await found(one, 'two', 2)).toEqual([2, 0])
    // Where nothing can be embedded at all, no text is at fault.
    isDown = true
    await remember(one.store, ['three', 'four'])
    await expect(one.vectors.bringUp()).rejects.toMatchObject({ code: 'WORKER_LOST' })
    expect(sealOf(one)).toMatchObject({ records: 3, next: 3 })
  })

  it('tries a device that fails later, and longer each time', async () => {
    const one = await world()
    one.embedder.down = true
    await remember(one.store, texts(3))
    const waits: number[] = []
    for (let tries = 0; tries < 3; tries++) {
      waits.push(...one.timer.waiting.map(({ ms }) => ms))
      one.timer.run()
      await one.vectors.bringUp().catch(() => undefined)
      while (one.timer.waiting.length === 0) await new Promise(resolve => setImmediate(resolve))
    }
    expect(waits).toEqual([250, 1000, 2000])
    expect(one.warnings[0]).toMatch(/cannot be made now, and are tried later: .*nobody is there/)
    expect(one.folder.spaces()).toHaveLength(1)
    expect(sealOf(one)).toMatchObject({ records: 0, next: 0 })
    one.embedder.down = false
    one.timer.run()
    await one.vectors.bringUp()
    expect(sealOf(one)).toMatchObject({ records: 3, next: 3 })
  })

  it('says how many are missing where they are too many to wait for', async () => {
    const one = await world()
    await remember(one.store, texts(2000))
    const { pending, searched } = await searchBlocks(one, 'text 7')
    expect({ pending, searched }).toEqual({ pending: 2000, searched: 0 })
    expect(one.timer.waiting).toHaveLength(1)
    await one.vectors.bringUp()
    expect(await found(one, 'text 7', 1)).toEqual([7])
  })
})

describe('on the disk', () => {
  async function filled(count = 300): Promise<World> {
    const one = await openWorld()
    await remember(one.store, texts(count))
    await one.vectors.bringUp()
    await one.close()
    return one
  }

  it('is for its owner alone', async () => {
    const one = await filled()
    for (const path of [one.folder.dir, folderOf(one)]) expect(statSync(path).mode & 0o777).toBe(0o700)
    for (const name of ['floats', 'scan', 'seal', 'space'])
      expect(statSync(join(folderOf(one), name)).mode & 0o777).toBe(0o600)
  })

  it('cuts off what a writer left that was killed in mid-write, wherever that was', async () => {
    const one = await filled()
    const files = ['floats', 'scan'].map(name => join(folderOf(one), name))
    const whole = files.map(path => readFileSync(path))
    const record = whole.map(bytes => bytes.length / 300)
    const seal = readFileSync(join(folderOf(one), 'seal'))
    for (const [tornFloats, tornScan] of [
      [7, 0],
      [record[0]! * 3 + 1, 0],
      [record[0]! * 3, record[1]! * 2 + 5],
      [record[0]! * 3, record[1]! * 3],
    ] as const) {
      for (const [i, torn] of [tornFloats, tornScan].entries()) {
        writeFileSync(files[i]!, Buffer.concat([whole[i]!, whole[i]!.subarray(0, torn).map(byte => byte ^ 0x55)]))
      }
      writeFileSync(join(folderOf(one), 'seal'), seal)
      const store = new MemoryStore()
      await remember(store, [...texts(300), 'later'])
      const next = await world({ dir: one.dir, store })
      expect(await found(next, 'later', 1)).toEqual([300])
      expect(next.warnings).toEqual([])
      expect(await faultsOf(next)).toEqual([])
    }
  })

  it.each([
    ['floats are shorter than sealed', (dir: string) => truncateSync(join(dir, 'floats'), 1000)],
    ['rows are shorter than sealed', (dir: string) => truncateSync(join(dir, 'scan'), 1001)],
    ['no row is there', (dir: string) => truncateSync(join(dir, 'scan'), 0)],
    ['the seal is no JSON', (dir: string) => writeFileSync(join(dir, 'seal'), '{"generation":')],
    ['the seal is empty', (dir: string) => writeFileSync(join(dir, 'seal'), '')],
    [
      'the seal says what cannot be',
      (dir: string) =>
        writeFileSync(join(dir, 'seal'), '{"generation":"a","rewrites":"","records":-1,"next":0,"checksum":7}'),
    ],
    ['the seal says more than there is', (dir: string) => patchSeal(dir, { records: 9000 })],
    ['the seal says less than there is', (dir: string) => patchSeal(dir, { records: 5 })],
    ['the seal is ahead of the chain', (dir: string) => patchSeal(dir, { next: 9000 })],
    ['the space is no JSON', (dir: string) => writeFileSync(join(dir, 'space'), 'x')],
    ['a row is damaged', (dir: string) => flip(join(dir, 'scan'), 5000)],
    ['a vector is damaged', (dir: string) => flip(join(dir, 'floats'), 7 * (48 + 96) + 60)],
    ['the last vector is damaged', (dir: string) => flip(join(dir, 'floats'), 299 * (48 + 96) + 60)],
  ])('makes anew what is wrong: %s', async (_what, damage) => {
    const one = await filled()
    damage(folderOf(one))
    const next = await world({ dir: one.dir, store: one.store })
    expect(await faultsOf(next)).not.toEqual([])
    expect(await found(next, 'text 7', 1)).toEqual([7])
    expect(await found(next, 'text 299', 1)).toEqual([299])
    expect(next.warnings[0]).toMatch(/made anew$/)
    expect(sealOf(next)).toMatchObject({ records: 300, next: 300 })
    expect(await faultsOf(next)).toEqual([])
  })

  it('tells the damage to verify, by the number of the block', async () => {
    const one = await filled()
    flip(join(folderOf(one), 'floats'), 7 * (48 + 96) + 60)
    flip(join(folderOf(one), 'scan'), 9 * 64 + 50)
    const next = await world({ dir: one.dir, store: one.store })
    expect(await faultsOf(next)).toEqual([7, 9])
  })

  it('serves other processes: one writes, the other sees it', async () => {
    const one = await world()
    await remember(one.store, texts(300))
    const other = await world({ dir: one.dir, store: new MemoryStore(one.store.disk) })
    const [first, second] = await Promise.all([found(one, 'text 7', 1), found(other, 'text 8', 1)])
    expect([first, second]).toEqual([[7], [8]])
    // Whoever came second found the vectors made.
    expect(one.embedder.asked.length + other.embedder.asked.length).toBe(301)
    await remember(one.store, ['later'])
    expect(await found(one, 'later', 1)).toEqual([300])
    expect(await found(other, 'later', 1)).toEqual([300])
    expect(await faultsOf(one)).toEqual([])
  })
})

describe('when the chain is not what it was', () => {
  it('forgets what was pruned, in every process, and leaves no float of it on the disk', async () => {
    const one = await world()
    await remember(one.store, texts(300))
    const other = await world({ dir: one.dir, store: new MemoryStore(one.store.disk) })
    expect(await found(other, 'text 7', 1)).toEqual([7])
    prune(one.store, [7, 8, 299])
    // Before anybody is told: the chain has no such body any more.
    expect(await found(other, 'text 7', 1)).not.toEqual([7])
    await one.vectors.forget([7, 8, 299])
    for (const process of [one, other]) {
      const { found, searched } = await searchBlocks(process, 'text 7', { k: 300 })
      expect(searched).toBe(297)
      expect(found.map(({ block }) => block.number)).not.toContain(7)
    }
    const floats = readFileSync(join(folderOf(one), 'floats'))
    for (const place of [7, 8, 299])
      expect(floats.subarray(place * 144 + 48, (place + 1) * 144).every(byte => byte === 0)).toBe(true)
    expect(await faultsOf(one)).toEqual([])
    await remember(one.store, ['later'])
    expect(await found(other, 'later', 1)).toEqual([300])
  })

  it('looks at no block again after a prune that said which went', async () => {
    const one = await world()
    await remember(one.store, texts(300))
    await one.vectors.bringUp()
    const before = one.store.rewrites()
    prune(one.store, [7, 8])
    await one.vectors.forget([7, 8], undefined, { before, after: one.store.rewrites() })
    one.store.asked.length = 0
    expect((await searchBlocks(one, 'text 7', { k: 1 })).searched).toBe(298)
    expect(one.store.asked.length).toBeLessThan(10)
  })

  it('takes out what was pruned when nobody said so', async () => {
    const one = await world()
    await remember(one.store, texts(300))
    await one.vectors.bringUp()
    prune(one.store, [7, 299])
    await one.vectors.bringUp()
    expect(await faultsOf(one)).toEqual([])
    expect(sealOf(one)).toMatchObject({ records: 300, next: 300, rewrites: one.store.rewrites() })
    // And is not looked for again.
    one.store.asked.length = 0
    await one.vectors.bringUp()
    expect(one.store.asked.length).toBeLessThan(10)
    expect((await searchBlocks(one, 'text 7', { k: 300 })).searched).toBe(298)
  })

  it('has vectors again of blocks whose bodies came back', async () => {
    const one = await world()
    await remember(one.store, texts(20))
    await one.vectors.bringUp()
    const bodies = [...one.store.disk.blocks]
    prune(one.store, [7])
    await one.vectors.forget([7])
    expect(await found(one, 'text 7', 1)).not.toEqual([7])
    one.store.disk.rewrite(blocks => blocks.splice(0, blocks.length, ...bodies))
    expect(await found(one, 'text 7', 1)).toEqual([7])
  })

  it('tells a vector that outlived its body', async () => {
    const one = await world()
    await remember(one.store, texts(20))
    await one.vectors.bringUp()
    prune(one.store, [7])
    expect(await faultsOf(one)).toEqual([7])
  })

  it('drops what is not of this chain any more, and keeps what is', async () => {
    const one = await world()
    await remember(one.store, texts(300))
    await one.vectors.bringUp()
    const other = new MemoryStore()
    await remember(other, [...texts(100), ...texts(300, 'other')])
    one.store.disk.rewrite(blocks => blocks.splice(0, blocks.length, ...other.disk.blocks))
    one.embedder.asked.length = 0
    expect(await found(one, 'other 7', 1)).toEqual([107])
    expect(one.embedder.asked.filter(text => text.startsWith('text'))).toEqual([])
    expect(sealOf(one)).toMatchObject({ records: 400, next: 400 })
    expect(await faultsOf(one)).toEqual([])
    one.store.disk.rewrite(blocks => blocks.splice(50))
    expect(await found(one, 'text 7', 1)).toEqual([7])
    expect(sealOf(one)).toMatchObject({ records: 50, next: 50 })
  })
})

describe('another model', () => {
  /** Older vectors of all blocks but the last 10; of the newer ones, none. */
  async function changed(openOlder?: Parameters<typeof openWorld>[0]): Promise<World> {
    const one = await openWorld()
    await remember(one.store, texts(1500))
    await one.vectors.bringUp()
    await one.close()
    const next = await world({ dir: one.dir, store: one.store, embedder: new WordEmbedder('others', 5), ...openOlder })
    return next
  }

  it('lets the older vectors serve until its own are complete, then removes them', async () => {
    const asked: unknown[] = []
    const closed: string[] = []
    const next = await changed({
      openOlder: async record => {
        asked.push(record)
        const caches = await openCaches({
          dir: memoryFolder(),
          embedder: new WordEmbedder(),
          embeddingDiskCache: false,
        })
        return {
          embeddings: caches.embeddings,
          close: async () => {
            closed.push('older')
            await caches.close()
          },
        }
      },
    })
    const { vectors, store, folder } = next
    const before = await searchBlocks({ store, vectors }, 'text 7', { k: 2 })
    expect(before.found[0]!.block.number).toBe(7)
    expect(before).toMatchObject({ pending: 1500, searched: 1500, older: { searched: 1500 } })
    // Some of the new ones are there: both answer, each for its own blocks.
    await partly(next, 1)
    const meanwhile = await searchBlocks({ store, vectors }, 'text 7', { k: 4 })
    expect(meanwhile).toMatchObject({ pending: 1244, searched: 1500, older: { searched: 1244 } })
    expect(numbersOf(meanwhile.found)).toContain(7)
    expect(new Set(numbersOf(meanwhile.found)).size).toBe(4)
    expect(meanwhile.found[0]!.score).toBeCloseTo(1 / 61, 9)
    expect(asked).toEqual([{ space: expect.stringContaining('words'), dims: 24 }])
    await vectors.bringUp()
    const after = await searchBlocks({ store, vectors }, 'text 7', { k: 2 })
    expect(after).toMatchObject({ pending: 0, searched: 1500 })
    expect(after.older).toBeUndefined()
    expect(after.found[0]!.score).toBeCloseTo(1, 5)
    expect(folder.spaces().map(({ space }) => space)).toEqual([after.space])
    await vectors.close()
    expect(closed).toEqual(['older'])
  })

  it('says where the older model is not to be had any more, and searches what there is', async () => {
    const next = await changed({
      openOlder: async () => {
        throw new OpDbusError('MODEL_NOT_FOUND', 'it was removed')
      },
    })
    await partly(next, 1)
    const report = await searchBlocks(next, 'text 7', { k: 1 })
    expect(report).toMatchObject({
      pending: 1244,
      searched: 256,
      older: { searched: 0, problem: expect.stringMatching(/it was removed$/) },
    })
    expect(numbersOf(report.found)).toEqual([7])
    expect(next.warnings).toEqual([expect.stringMatching(/cannot be opened any more/)])
  })

  it('does not take another embedder for the older one', async () => {
    const caches = await openCaches({
      dir: memoryFolder(),
      embedder: new WordEmbedder('third', 9),
      embeddingDiskCache: false,
    })
    const next = await changed({
      openOlder: async () => ({ embeddings: caches.embeddings, close: () => caches.close() }),
    })
    const { older, searched } = await searchBlocks(next, 'text 7', { k: 1 })
    expect(searched).toBe(0)
    expect(older!.problem).toMatch(/makes other vectors now/)
  })
})

it('embeds every text again, whatever the cache says, and names the block whose vector is not that of its text', async () => {
  const one = await world()
  await remember(one.store, texts(100))
  await one.vectors.bringUp()
  one.embedder.asked.length = 0
  expect(await faultsOf(one, { recompute: true })).toEqual([])
  expect(one.embedder.asked.sort()).toEqual(texts(100).sort())
  await remember(one.store, ['not yet'])
  const counts = { compared: 0, passed: 0, missing: 0 }
  for await (const _ of one.vectors.faults({ recompute: true }, counts)) throw new Error('a fault')
  expect(counts).toEqual({ compared: 100, passed: 0, missing: 1 })
  const { body, ...rest } = one.store.disk.blocks[7]!
  one.store.disk.blocks[7] = { ...rest, body: { ...body!, text: 'another text' } }
  expect(await faultsOf(one, { recompute: true })).toEqual([7])
  expect(await faultsOf(one)).toEqual([])
})

const numbersOf = (found: readonly { block: Block }[]) => found.map(({ block }) => block.number)

async function faultsOf({ vectors }: World, call?: Parameters<World['vectors']['faults']>[0]): Promise<unknown[]> {
  const blocks: unknown[] = []
  for await (const { block, kind } of vectors.faults(call)) {
    expect(kind).toBe('vector')
    blocks.push(block)
  }
  return blocks
}

/** Lets the work do so many batches of 256 blocks, and fail then. */
async function partly({ embedder, vectors }: World, batches: number): Promise<void> {
  const embed = embedder.embed
  embedder.embed = async given => {
    if (new Set(embedder.asked).size >= 256 * batches) throw new Error('enough')
    return embed(given)
  }
  await vectors.bringUp().catch(() => undefined)
  embedder.embed = embed
}

function patchSeal(dir: string, change: object): void {
  const path = join(dir, 'seal')
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...change }))
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at]! ^= 0xff
  writeFileSync(path, bytes)
}
