// The mutex between processes: one at a time, taken over from the dead, given up by the aborted.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { acquireMutex, type MutexIo } from '../../src/fs/mutex.js'
import { NODE_IO } from '../../src/hub/io.js'
import { deferred, temporaryFolder } from '../support.js'

let dir: string
let lock: string
let clock: number
/** Time passes only in sleep. */
let io: MutexIo
beforeEach(() => {
  dir = temporaryFolder()
  lock = join(dir, '.locks/model/op-dbus.lock')
  clock = 0
  io = {
    ...NODE_IO,
    monotonic: () => clock,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      clock += ms
    },
  }
})

const held = async (
  run: () => Promise<unknown>,
  signal?: AbortSignal,
  onWait?: (who: string) => void,
  awaitsTheLiving = false,
) => {
  const release = await acquireMutex(lock, { below: dir, io, signal, onWait, awaitsTheLiving })
  try {
    return await run()
  } finally {
    await release()
  }
}
/** What our own process writes into a lock. */
const ownText = async () => {
  let text = ''
  await held(async () => {
    text = readFileSync(lock, 'utf8')
  })
  return text
}
const deadPid = () => spawnSync(process.execPath, ['-e', '']).pid

test('one at a time; whoever waits is told whom for, and gets what the first left', async () => {
  const told: string[] = []
  let inside = 0
  const run = async () => {
    expect(++inside).toBe(1)
    await new Promise(setImmediate)
    inside--
  }
  const onWait = (who: string) => void told.push(who)
  io = { ...io, sleep: NODE_IO.sleep }
  await Promise.all(Array.from({ length: 8 }, () => held(run, undefined, onWait)))
  expect(told.length).toBeGreaterThan(0)
  expect(new Set(told)).toEqual(new Set([`process ${process.pid}`]))
  expect(existsSync(lock)).toBe(false)
})

test('a failure inside lets go as well, and passes on', async () => {
  await expect(held(async () => Promise.reject(new Error('inside')))).rejects.toThrow('inside')
  expect(existsSync(lock)).toBe(false)
})

test('an owner that died here is followed at once', async () => {
  const text = await ownText()
  writeFileSync(lock, JSON.stringify({ ...JSON.parse(text), pid: deadPid() }))
  await held(async () => {})
  expect(clock).toBe(0)
})

test('an owner elsewhere, or a lock nobody signed, is followed after a minute without a sign of life', async () => {
  const text = await ownText()
  for (const left of [
    JSON.stringify({ ...JSON.parse(text), place: 'another host' }),
    '',
    'what is this',
    '{"pid":-1}',
  ]) {
    clock = 0
    writeFileSync(lock, left)
    await held(async () => {})
    expect(clock).toBeGreaterThanOrEqual(60_000)
    expect(clock).toBeLessThan(61_000)
  }
})

test.runIf(process.platform === 'linux')(
  'an owner that lives here and does nothing is waited for where that is asked',
  async () => {
    const text = await ownText()
    writeFileSync(lock, text)
    const controller = new AbortController()
    io = {
      ...io,
      sleep: async ms => {
        clock += ms
        if (clock >= 600_000) controller.abort()
      },
    }
    await expect(held(async () => {}, controller.signal, undefined, true)).rejects.toMatchObject({ code: 'ABORTED' })
    expect(readFileSync(lock, 'utf8')).toBe(text)
    // Its id has gone to another process since: it is not the owner.
    clock = 0
    writeFileSync(lock, JSON.stringify({ ...JSON.parse(text), started: '1' }))
    await held(async () => {}, undefined, undefined, true)
    expect(clock).toBe(0)
  },
)

test('an owner elsewhere that touches its lock is waited for, however long', async () => {
  await ownText()
  writeFileSync(lock, JSON.stringify({ pid: 1, place: 'another host', id: 'x' }))
  const controller = new AbortController()
  let beats = 0
  io = {
    ...io,
    sleep: async (ms, signal) => {
      signal?.throwIfAborted()
      clock += ms
      // A sign of life each half minute, for ten minutes.
      if (clock % 30_000 === 0) utimesSync(lock, 1_000 + ++beats, 1_000 + beats)
      if (clock >= 600_000) controller.abort()
    },
  }
  await expect(held(async () => {}, controller.signal)).rejects.toMatchObject({ code: 'ABORTED' })
  expect(beats).toBe(20)
  expect(existsSync(lock)).toBe(true)
})

test('one that died while it took a lock over is followed, too', async () => {
  const dead = JSON.stringify({ ...JSON.parse(await ownText()), pid: deadPid() })
  const elsewhere = JSON.stringify({ ...JSON.parse(dead), place: 'another host' })
  for (const [left, guard] of [
    [dead, dead],
    [elsewhere, elsewhere],
  ] as const) {
    clock = 0
    writeFileSync(lock, left)
    writeFileSync(`${lock}.taking`, guard)
    await held(async () => {})
    expect(clock).toBeLessThan(121_000)
    expect(existsSync(`${lock}.taking`)).toBe(false)
  }
})

test('many who find a dead lock at once: still one at a time', async () => {
  const text = await ownText()
  writeFileSync(lock, JSON.stringify({ ...JSON.parse(text), pid: deadPid() }))
  io = { ...io, sleep: (ms, signal) => NODE_IO.sleep(Math.min(ms, 1), signal) }
  let inside = 0
  let done = 0
  const run = async () => {
    expect(++inside).toBe(1)
    await new Promise(setImmediate)
    inside--
    done++
  }
  await Promise.all(Array.from({ length: 12 }, () => held(run)))
  expect(done).toBe(12)
})

test('abort ends the wait, not the work of the holder', async () => {
  const { promise, resolve } = deferred<void>()
  const entered = deferred<void>()
  const first = held(async () => {
    entered.resolve()
    await promise
  })
  await entered.promise
  const controller = new AbortController()
  io = { ...io, sleep: NODE_IO.sleep }
  const second = held(async () => 'never', controller.signal)
  controller.abort()
  await expect(second).rejects.toMatchObject({ code: 'ABORTED' })
  expect(existsSync(lock)).toBe(true)
  resolve()
  await first
  expect(existsSync(lock)).toBe(false)
})

test('a lock that was taken over meanwhile is left to who has it now', async () => {
  await held(async () => writeFileSync(lock, 'of another'))
  expect(readFileSync(lock, 'utf8')).toBe('of another')
})

test('what is no lock is refused, and a link is not followed', async () => {
  await ownText()
  const outside = join(dir, 'outside')
  symlinkSync(outside, lock)
  await expect(held(async () => {})).rejects.toMatchObject({ code: 'STORE' })
  expect(existsSync(outside)).toBe(false)
  lock = join(dir, 'folder/x.lock')
  mkdirSync(join(dir, 'elsewhere'))
  symlinkSync('elsewhere', join(dir, 'folder'))
  await expect(held(async () => {})).rejects.toMatchObject({ code: 'STORE' })
  lock = join(dir, 'file/locks/x.lock')
  mkdirSync(join(dir, 'file'))
  writeFileSync(join(dir, 'file/locks'), '')
  await expect(held(async () => {})).rejects.toMatchObject({ code: 'ENOTDIR' })
})
