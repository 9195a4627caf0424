// Who may append: one at a time, in turns; what died holds nobody up, what lives elsewhere is respected, and who lost the right writes nothing.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { pidPlace, startOf } from '../../src/fs/process-identity.js'
import { deferred, memoryFolder } from '../support.js'
import { allBlocks, draft, type TestStore, testStore } from './store-parts.js'

const open: TestStore[] = []
afterEach(async () => {
  for (const { store } of open.splice(0)) await store.close()
})

function opened(...args: Parameters<typeof testStore>): TestStore {
  const one = testStore(...args)
  open.push(one)
  return one
}

const lockOf = (dir: string) => join(dir, 'blockchain/lock')

/** A process that is gone. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  return child.pid!
}

function put(path: string, owner: object): void {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, JSON.stringify(owner))
}

describe('the right to append', () => {
  it('is taken at once from a process that died, and so is a place in the queue', async () => {
    const dir = memoryFolder()
    const dead = { pid: await deadPid(), place: pidPlace(), started: '1', id: 'a'.repeat(16) }
    put(lockOf(dir), dead)
    put(`${lockOf(dir)}.next`, dead)
    put(`${lockOf(dir)}.taking`, dead)
    put(`${lockOf(dir)}.${dead.id}.tmp`, dead)
    const { store } = opened(dir)
    expect(await store.append([draft(1)])).toMatchObject([{ number: 0 }])
    await store.close()
    expect(readdirSync(join(dir, 'blockchain')).sort()).toEqual(['head', 'timing'])
  })

  it('of another host is respected until it is silent for a minute', async () => {
    const dir = memoryFolder()
    let now = 0
    const slept: number[] = []
    const aborts = new AbortController()
    put(lockOf(dir), { pid: 1, place: 'boot namespace elsewhere', id: 'b'.repeat(16) })
    const waits: string[] = []
    const { store } = opened(dir, {
      lock: {
        id: () => 'c'.repeat(16),
        monotonic: () => now,
        sleep: async ms => {
          slept.push(ms)
          now += 10_000
          // It works still.
          if (slept.length === 5) utimesSync(lockOf(dir), 5, 5)
          await new Promise(resolve => setImmediate(resolve))
        },
      },
    })
    await store.append([draft(1)], { onWait: who => waits.push(who), signal: aborts.signal })
    expect(waits).toEqual(['process 1'])
    expect(slept.length).toBe(11)
  })

  it('is waited for until the signal fires', async () => {
    const dir = memoryFolder()
    put(lockOf(dir), { pid: process.ppid, place: pidPlace(), started: startOf(process.ppid), id: 'd'.repeat(16) })
    const { store } = opened(dir)
    const aborts = new AbortController()
    const waiting = deferred<string>()
    const call = store.append([draft(1)], { signal: aborts.signal, onWait: waiting.resolve })
    expect(await waiting.promise).toBe(`process ${process.ppid}`)
    aborts.abort()
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
    expect(existsSync(`${lockOf(dir)}.next`)).toBe(false)
    expect(store.size()).toBe(0)
    expect(JSON.parse(readFileSync(lockOf(dir), 'utf8')).pid).toBe(process.ppid)
  })

  it('goes to who waits, also while appends follow one another', async () => {
    const dir = memoryFolder()
    const [one, two] = [opened(dir).store, opened(dir).store]
    let stop = false
    const busy = (async () => {
      while (!stop) await one.append([draft('one')])
    })()
    for (let at = 0; at < 5; at++) await two.append([draft('two')])
    stop = true
    await busy
    const { store } = opened(dir)
    expect((await allBlocks(store)).filter(({ body }) => (body!.data as { what: string }).what === 'two')).toHaveLength(
      5,
    )
  })

  it('that another process took over is noticed before anything is written', async () => {
    const dir = memoryFolder()
    const { store, warnings } = opened(dir)
    await store.append([draft(1)])
    // As if it had been suspended for longer than anybody waits: the lock is another's, which appended.
    const { store: other } = opened(dir)
    const lock = readFileSync(lockOf(dir), 'utf8')
    writeFileSync(lockOf(dir), JSON.stringify({ ...JSON.parse(lock), pid: await deadPid(), started: '1' }))
    await other.append([draft(2)])
    expect(await store.append([draft(3)])).toMatchObject([{ number: 2 }])
    expect((await allBlocks(store)).map(({ body }) => body?.data)).toEqual([{ what: 1 }, { what: 2 }, { what: 3 }])
    expect(warnings).toEqual([])
  })

  it('is a file: what else is there is left alone', async () => {
    const dir = memoryFolder()
    mkdirSync(lockOf(dir), { recursive: true })
    const { store } = opened(dir)
    await expect(store.append([draft(1)])).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('in the way'),
    })
    expect(existsSync(lockOf(dir))).toBe(true)
  })
})

describe('work that is done alone', () => {
  it('keeps appends waiting, in this process and in others', async () => {
    const dir = memoryFolder()
    const [one, two] = [opened(dir).store, opened(dir).store]
    await one.append([draft(0)])
    const done: string[] = []
    const [began, waits] = [deferred<void>(), deferred<string>()]
    const work = one.exclusively(async chain => {
      expect(chain.segments()).toHaveLength(1)
      began.resolve()
      done.push('began')
      await waits.promise
      done.push('ended')
      return 'answer'
    })
    await began.promise
    const appends = [one, two].map(store =>
      store.append([draft(1)], { onWait: waits.resolve }).then(() => done.push('appended')),
    )
    expect(await work).toBe('answer')
    await Promise.all(appends)
    expect(done).toEqual(['began', 'ended', 'appended', 'appended'])
  })

  it('rewrites segments, and everybody sees it', async () => {
    const dir = memoryFolder()
    const [one, two] = [opened(dir, { segmentBytes: 2000 }).store, opened(dir, { segmentBytes: 2000 }).store]
    for (let at = 0; at < 9; at++) await one.append([draft(at)])
    const word = two.rewrites()
    expect(two.read(1)?.body).toBeDefined()
    expect(two.read(8)?.body).toBeDefined()
    const { lineText } = await import('../../src/blockchain/line.js')
    const before = await allBlocks(two)
    await one.exclusively(async chain => {
      for (const [at, { first }] of chain.segments().entries()) {
        const next = chain.segments()[at + 1]?.first ?? before.length
        await chain.rewrite(
          first,
          before.slice(first, next).map(({ header }) => lineText({ header })),
        )
      }
    })
    const after = await allBlocks(one)
    expect(after.map(({ hash }) => hash)).toEqual(before.map(({ hash }) => hash))
    expect(after.every(({ body }) => body === undefined)).toBe(true)
    // Where the word is looked up is late by some milliseconds, by design.
    await expect.poll(() => two.rewrites()).not.toBe(word)
    expect(await allBlocks(two)).toEqual(after)
    expect(two.read(8)).toEqual(after[8])
    expect(await two.append([draft(9)])).toMatchObject([{ number: 9 }])
    expect(one.size()).toBe(10)
  })

  it('that throws leaves the chain as it was', async () => {
    const dir = memoryFolder()
    const { store } = opened(dir)
    await store.append([draft(0)])
    await expect(
      store.exclusively(async () => {
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await store.append([draft(1)])).toMatchObject([{ number: 1 }])
  })
})
