// The edges of the store: calls that throw, a disk that is full where a segment begins, files that are exchanged while they are read, what
// lies in the way of ours, and what stays open afterwards.
import { execFileSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openChain } from 'op-dbus/blockchain'
import { afterEach, describe, expect, it } from 'vitest'
import { lineText } from '../../src/blockchain/line.js'
import type { BlockStore } from '../../src/blockchain/ports.js'
import { makeSnapshot, restoreSnapshot } from '../../src/blockchain/snapshots.js'
import { DISK } from '../../src/blockchain/store/disk.js'
import { memoryFolder } from '../support.js'
import { fill, keepParts } from './keep-support.js'
import { allBlocks, draft, drafts, testStore } from './store-parts.js'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function opened(...args: Parameters<typeof testStore>): BlockStore {
  const { store } = testStore(...args)
  open.push(store)
  return store
}

async function chainOn(dataDir: string) {
  const embedder = { space: 'x', dims: 1, embed: async (texts: readonly string[]) => new Float32Array(texts.length) }
  return openChain({ dataDir, dir: join(dataDir, 'cache'), embedder })
}

describe('a call that cannot be drawn up', () => {
  it('is rejected, whatever it throws, and those beside it are appended', async () => {
    const store = opened(memoryFolder())
    const outcomes = await Promise.allSettled([
      store.append([draft(1)]),
      store.append([undefined as never]),
      store.append([draft(2)]),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(outcomes[1]).toMatchObject({ reason: expect.any(TypeError) })
    expect(store.size()).toBe(2)
  })

  it('is a batch with a hole, or with what is no footprint', async () => {
    const chain = await chainOn(memoryFolder())
    open.push(chain)
    const sound = { plugin_id: 'net', operation: 'apply' }
    // biome-ignore lint/suspicious/noSparseArray: that is what is tested.
    for (const batch of [[, sound], [null, sound], [undefined], [[sound]], ['net']]) {
      await expect(chain.addBatch(batch as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect(chain.size()).toBe(0)
  })
})

describe('a segment that nothing came into', () => {
  const segments = (dir: string) => readdirSync(join(dir, 'blockchain/timing')).sort()

  it('is taken back where the disk was full, and the next append begins it', async () => {
    const dir = memoryFolder()
    let full = false
    const append = (fd: number, bytes: Uint8Array) => {
      if (full) {
        writeSync(fd, bytes, 0, 10)
        throw Object.assign(new Error('ENOSPC: as the test said'), { code: 'ENOSPC' })
      }
      DISK.append(fd, bytes)
    }
    const store = opened(dir, { segmentBytes: 500, io: { ...DISK, append } })
    await store.append(drafts(2))
    full = true
    for (let tries = 0; tries < 2; tries++) {
      await expect(store.append([draft(2)])).rejects.toMatchObject({ code: 'STORE', details: { errno: 'ENOSPC' } })
      expect(segments(dir)).toEqual(['000000000000.jsonl'])
      expect(opened(dir).size()).toBe(2)
    }
    full = false
    await store.append([draft(2)])
    expect(segments(dir)).toEqual(['000000000000.jsonl', '000000000002.jsonl'])
    expect(await allBlocks(opened(dir))).toHaveLength(3)
  })

  it('is none for snapshots and a restore, where a process died right there', async () => {
    const dir = memoryFolder()
    const parts = keepParts(dir, 1e6)
    await fill(parts, 3)
    await parts.store.close()
    const empty = join(dir, 'blockchain/timing/000000000003.jsonl')
    writeFileSync(empty, '')
    const again = keepParts(dir, 1e6)
    open.push(again.store)
    expect(await makeSnapshot(again, 'one', {})).toMatchObject({ size: 3 })
    expect(await restoreSnapshot(again, 'one', {})).toMatchObject({ before: { size: 3 } })
    expect((await restoreSnapshot(again, 'one', {})).before).not.toHaveProperty('damaged')
    await fill(again, 1)
    expect(await allBlocks(again.store)).toHaveLength(4)
  })
})

describe('files that are exchanged meanwhile', () => {
  /** Scans; `text` takes the segment's place at the worst moment: between the look where a block lies and the look at what lies there. */
  function scanned(dir: string, text: string) {
    let left: string | undefined = text
    const learn = () => {
      if (left !== undefined) {
        exchange(join(dir, 'blockchain/timing/000000000002.jsonl'), left)
        exchange(join(dir, 'blockchain/rewrites'), 'another\n')
      }
      left = undefined
    }
    const nothing = { forget() {}, reset() {}, remove() {}, close() {}, size: () => ({ blocks: 0, bytes: 0 }) }
    const index = { find: () => undefined, times: () => undefined, learn, ...nothing }
    return allBlocks(opened(dir, { index }), 3)
  }

  function exchange(path: string, text: string): void {
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }

  it('are scanned on where they were pruned, and end the scan where they hold other blocks', async () => {
    for (const isSame of [true, false]) {
      const [dir, other] = [memoryFolder(), memoryFolder()]
      for (const [folder, from] of [[dir, 0] as const, [other, isSame ? 0 : 50] as const]) {
        const store = opened(folder, { segmentBytes: 500 })
        await store.append(drafts(2, from))
        await store.append(drafts(40, from))
        await store.close()
      }
      const blocks = await allBlocks(opened(dir))
      const pruned = isSame ? blocks : await allBlocks(opened(other))
      const lines = pruned.slice(2).map(({ header }) => lineText({ header }))
      const scan = scanned(dir, lines.join(''))
      if (isSame) expect((await scan).map(({ hash }) => hash)).toEqual(blocks.slice(3).map(({ hash }) => hash))
      else await expect(scan).rejects.toMatchObject({ code: 'STORE' })
    }
  })

  it('leave no index of what they were', async () => {
    const dir = memoryFolder()
    const [one, two] = [keepParts(dir, 1e9), keepParts(dir, 1e9)]
    open.push(two.store)
    await one.store.append(drafts(300))
    await two.store.exclusively(async chain => {
      const blocks = await allBlocks(two.store)
      await chain.rewrite(
        0,
        blocks.map(({ header }) => lineText({ header })),
      )
    })
    await one.store.append([draft(300)])
    await one.store.close()
    const again = keepParts(dir, 1e9)
    open.push(again.store)
    for (const number of [0, 150, 299]) {
      const location = again.index!.find(number)
      const length = location?.bytes
      expect([undefined, Buffer.byteLength(lineText({ header: again.store.read(number)!.header })) - 1]).toContain(
        length,
      )
    }
  })
})

describe('who waits', () => {
  it('is told of it once, leaves nothing on a signal, and draws no warning of Node', async () => {
    const dir = memoryFolder()
    const [one, two] = [opened(dir), opened(dir)]
    const warned: Error[] = []
    const onWarning = (warning: Error) => void warned.push(warning)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    let told = 0
    const call = { signal, onWait: () => void told++ }
    let appends: Promise<unknown>[] = []
    await one.exclusively(async () => {
      appends = Array.from({ length: 30 }, (_, at) => two.append([draft(at)], call))
      while (told === 0) await new Promise(resolve => setImmediate(resolve))
      appends.push(two.append([draft(30)], call))
    })
    await Promise.all(appends)
    process.off('warning', onWarning)
    expect(told).toBe(1)
    expect(warned).toEqual([])
    expect(getEventListeners(signal, 'abort')).toEqual([])
    expect(two.size()).toBe(31)
  })

  it('appends also where what it told throws', async () => {
    const dir = memoryFolder()
    const [one, two] = [opened(dir), opened(dir)]
    let append: Promise<unknown> | undefined
    await one.exclusively(async () => {
      const told = new Promise<void>(resolve => {
        const onWait = () => {
          resolve()
          throw new Error('as the test said')
        }
        append = two.append([draft(1)], { onWait })
      })
      await told
    })
    await append
    expect(two.size()).toBe(1)
  })
})

describe.skipIf(process.platform === 'win32')('what is in the way', () => {
  const put = {
    link: (path: string) => symlinkSync('/etc/hostname', path),
    fifo: (path: string) => execFileSync('mkfifo', [path]),
    folder: (path: string) => mkdirSync(path),
  }
  const names = ['head', 'lock', 'rewrites', 'restoring', 'timing/000000000000.jsonl']

  it('of a file of ours is named, and nothing is written there', async () => {
    for (const name of names) {
      for (const kind of ['link', 'fifo', 'folder'] as const) {
        const dir = memoryFolder()
        const before = testStore(dir).store
        await before.append(drafts(2))
        await before.close()
        const path = join(dir, 'blockchain', name)
        rmSync(path, { force: true })
        put[kind](path)
        const said = await opened(dir)
          .append([draft(2)])
          .catch((error: unknown) => error)
        expect(said, `${kind} ${name}`).toMatchObject({ code: 'STORE', message: expect.stringContaining(path) })
        expect((said as Error).message).toContain('remove it')
      }
    }
  })

  it.skipIf(process.getuid?.() === 0)(
    'of a prune, where the folder is for reading alone, is told as what it is',
    async () => {
      const dir = memoryFolder()
      const store = opened(dir)
      await store.append(drafts(2))
      chmodSync(join(dir, 'blockchain'), 0o500)
      await expect(store.exclusively(async () => {})).rejects.toThrow('cannot lock the chain')
      chmodSync(join(dir, 'blockchain'), 0o700)
    },
  )
})

describe.skipIf(process.platform !== 'linux')('a chain that is closed', () => {
  it('leaves no file open', async () => {
    const dir = memoryFolder()
    const count = () => readdirSync('/proc/self/fd').length
    const round = async (at: number) => {
      const chain = await chainOn(dir)
      await chain.addFootprint({ plugin_id: 'net', operation: 'apply', text: `round ${at}` })
      await chain.search('round')
      await chain.proof(0)
      await chain.getBlock('latest')
      await chain.close()
    }
    for (let at = 0; at < 2; at++) await round(at)
    const before = count()
    for (let at = 2; at < 10; at++) await round(at)
    expect(count() - before).toBeLessThan(3)
  })
})
