// A process, or a thread of its own, that ends in mid-batch: with the outcome asked for, and nothing left behind.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { jsonLines, library, type Outcome, root, runNode } from '../processes.js'
import { temporaryFolder } from '../support.js'

/** Endings of each kind. Which moment of a batch is met is chance: the campaign meets many. */
const TIMES = process.env.OP_DBUS_CAMPAIGN === 'full' ? 50 : 1
const THREADS = process.env.OP_DBUS_CAMPAIGN === 'full' ? 50 : 2
const LIMIT = { timeout: process.env.OP_DBUS_CAMPAIGN === 'full' ? 600_000 : 60_000 }

/** What every script begins with. */
const HEAD = `
  import { Worker, isMainThread, parentPort } from 'node:worker_threads'
  import { readFileSync } from 'node:fs'
  import { openCaches } from ${JSON.stringify(library)}
  const open = () => openCaches({ dir: process.env.OPDBUS_CACHE_DIR, embeddingDiskCache: false, device: 'cpu' })
  /** Resolves when some texts are done and many are not: in mid-batch, at any moment of it, but for the one between two. */
  async function midBatch(caches) {
    const texts = Array.from({ length: 6000 }, (_, i) => 'text ' + i + ' word'.repeat(i % 40))
    await Promise.race(texts.map(text => caches.embeddings.getOrEmbed(text)))
    await new Promise(resolve => setTimeout(resolve, Math.random() * 200))
  }
  /** Process ids, and whether they are alive or only await their burial (Linux only). */
  const children = () => readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').split(' ').filter(Boolean).map(Number)
`
/** And one that is about the main thread. */
const BUSY = `${HEAD}
  const caches = await open()
  await midBatch(caches)
`

function run(body: string, flags: readonly string[] = []): Promise<Outcome> {
  const dir = temporaryFolder()
  const file = join(dir, 'script.mjs')
  writeFileSync(file, body)
  return runNode([...flags, file], { env: { OPDBUS_CACHE_DIR: dir, HOME: dir } })
}

async function outcomes(times: number, body: string, flags?: readonly string[]) {
  const found: Outcome[] = []
  for (let i = 0; i < times; i++) found.push(await run(body, flags))
  return found
}

/** No word of a runtime that was torn down. */
const quiet = { stderr: '' }

describe('a process that ends in mid-batch', LIMIT, () => {
  test('by process.exit(): with that code', async () => {
    for (const outcome of await outcomes(TIMES, `${BUSY} process.exit(7)`))
      expect(outcome).toMatchObject({ code: 7, ...quiet })
  })

  test('by an uncaught error: with code 1, and the error is printed', async () => {
    for (const { code, stderr } of await outcomes(TIMES, `${BUSY} setImmediate(() => { throw new Error('boom') })`)) {
      expect(code).toBe(1)
      expect(stderr).toMatch(/Error: boom\n {4}at /)
      expect(stderr).not.toMatch(/Napi|terminate/)
    }
  })

  test.skipIf(process.platform === 'win32')('by a handler of a signal that exits: with its code', async () => {
    const body = `process.on('SIGINT', () => process.exit(9)); ${BUSY} process.kill(process.pid, 'SIGINT')`
    for (const outcome of await outcomes(TIMES, body)) expect(outcome).toMatchObject({ code: 9, ...quiet })
  })

  test.skipIf(process.platform === 'win32').each(['SIGINT', 'SIGTERM'])('by %s: of that signal', async signal => {
    const body = `${BUSY} process.kill(process.pid, '${signal}')`
    for (const outcome of await outcomes(Math.ceil(TIMES / 2), body))
      expect(outcome).toMatchObject({ signal, ...quiet })
  })

  test('while a thread of its own embeds', async () => {
    const body = `${HEAD}
      if (isMainThread) new Worker(new URL(import.meta.url)).once('message', () => process.exit(7))
      else { await midBatch(await open()); parentPort.postMessage('busy') }`
    for (const outcome of await outcomes(Math.ceil(TIMES / 2), body))
      expect(outcome).toMatchObject({ code: 7, ...quiet })
  })

  test('where no process may be started, and a thread embeds', async () => {
    const permission = process.allowedNodeEnvironmentFlags.has('--permission')
      ? '--permission'
      : '--experimental-permission'
    const flags = ['--no-warnings', permission, '--allow-worker', '--allow-fs-read=*', '--allow-fs-write=*']
    if (process.allowedNodeEnvironmentFlags.has('--allow-addons')) flags.push('--allow-addons')
    const body = `${BUSY} process.exitCode = 7; process.stdout.write(String(process.permission.has('child')), () => process.exit())`
    for (const outcome of await outcomes(TIMES, body, flags))
      expect(outcome).toEqual({ code: 7, signal: null, stdout: 'false', ...quiet })
  })
})

describe.skipIf(process.platform !== 'linux')('what computes (Linux only: read from /proc)', LIMIT, () => {
  /** Runs `body`, which prints ids of processes; answers them. */
  async function left(body: string): Promise<number[]> {
    const { stdout } = await run(body)
    const ids = jsonLines(stdout)[0] as number[]
    expect(ids).toHaveLength(1)
    return ids
  }
  const goneSoon = (ids: number[]) =>
    vi.waitFor(() => expect(ids.filter(id => stateOf(id) !== undefined)).toEqual([]), { timeout: 30_000 })

  test('goes with its process in mid-batch, also when that is killed', async () => {
    await goneSoon(await left(`${BUSY} console.log(JSON.stringify(children())); process.kill(process.pid, 'SIGKILL')`))
  })

  test('holds up neither exit nor close() when it does not answer', async () => {
    const stopped = `${BUSY} const ids = children(); console.log(JSON.stringify(ids)); process.kill(ids[0], 'SIGSTOP')`
    await goneSoon(await left(`${stopped}; process.exit(7)`))
    await goneSoon(await left(`${stopped}; await caches.close()`))
  })

  test('hears what it is asked also where a preloaded script listens to the same channel', async () => {
    const preload = join(temporaryFolder(), 'preload.cjs')
    writeFileSync(preload, 'process.on("message", () => {})')
    const { code, stdout } = await run(`${HEAD}
      process.env.NODE_OPTIONS = ${JSON.stringify(`--require ${preload}`)}
      const caches = await open()
      console.log(JSON.stringify((await caches.embeddings.getOrEmbed('one')).source))
      await caches.close()`)
    expect([code, jsonLines(stdout)]).toEqual([0, ['computed']])
  })

  test('is replaced when it is killed from outside, and only what it had in hand is lost', async () => {
    const { code, stdout } = await run(`${HEAD}
      const caches = await open()
      await caches.embeddings.getOrEmbed('one')
      const inHand = caches.embeddings.getOrEmbed('two').catch(error => error)
      process.kill(children()[0], 'SIGKILL')
      const { code, message } = await inHand
      const { source } = await caches.embeddings.getOrEmbed('three')
      console.log(JSON.stringify({ code, message, source }))`)
    expect(code).toBe(0)
    const message = 'the embedding worker is gone: it ended with SIGKILL'
    expect(jsonLines(stdout)).toEqual([{ code: 'WORKER_LOST', message, source: 'computed' }])
  })

  test('answers signals of a terminal by nothing: they are the application’s', async () => {
    const dir = temporaryFolder()
    const file = join(dir, 'script.mjs')
    writeFileSync(
      file,
      `${HEAD}
      const caches = await open()
      const vectors = caches.embeddings.embedMany(Array.from({ length: 400 }, (_, i) => 'line ' + i))
      await caches.embeddings.getOrEmbed('one')
      const before = children()
      const alive = setInterval(() => {}, 1000)
      await new Promise(resolve => { process.once('SIGINT', resolve); process.kill(-process.pid, 'SIGINT') })
      const found = await vectors
      console.log(JSON.stringify({ before, after: children(), texts: found.count }))
      clearInterval(alive)
      await caches.close()`,
    )
    // Of a group of its own, so that the signal reaches all of it and nothing else.
    const child = spawn(process.execPath, [file], { detached: true, env: { ...process.env, OPDBUS_CACHE_DIR: dir } })
    let out = ''
    child.stdout.on('data', chunk => {
      out += chunk
    })
    const code = await new Promise(resolve => child.once('close', resolve))
    const [{ before, after, texts }] = jsonLines(out)
    expect({ code, texts, after }).toEqual({ code: 0, texts: 400, after: before })
  })

  function stateOf(id: number): string | undefined {
    try {
      return /^\d+ \(.*\) (\S)/.exec(readFileSync(`/proc/${id}/stat`, 'utf8'))![1]
    } catch {
      return undefined
    }
  }
})

describe("a thread of the application's own that ends in mid-batch", LIMIT, () => {
  test.each([
    ['that is terminated', 'await worker.terminate()', '', 1],
    ['that calls process.exit()', '', 'process.exit(3)', 3],
  ])('%s, many times in a row: the process lives, and embeds', async (_how, outside, inside, ends) => {
    const { code, stdout, stderr } = await run(`${HEAD}
      if (isMainThread) {
        const codes = []
        for (let i = 0; i < ${THREADS}; i++) {
          const worker = new Worker(new URL(import.meta.url))
          const exit = new Promise(resolve => worker.once('exit', resolve))
          // A thread that ends itself may be gone before its message is here.
          await Promise.race([exit, new Promise(resolve => worker.once('message', resolve))])
          ${outside}
          codes.push(await exit)
        }
        const zombies = process.platform === 'linux' ? children().length : 0
        const caches = await open()
        console.log(JSON.stringify({ codes, zombies, ...await caches.embeddings.getOrEmbed('still here'), vector: undefined }))
      } else {
        await midBatch(await open())
        parentPort.postMessage('busy')
        ${inside}
      }`)
    expect([code, stderr]).toEqual([0, ''])
    const codes = Array(THREADS).fill(ends)
    expect(jsonLines(stdout)).toMatchObject([{ codes, zombies: 0, source: 'computed', device: 'cpu' }])
  })

  test('of Vitest, at a test that takes too long', async () => {
    const dir = temporaryFolder()
    mkdirSync(join(dir, 'node_modules'))
    symlinkSync(join(root, 'node_modules/vitest'), join(dir, 'node_modules/vitest'), 'dir')
    writeFileSync(
      join(dir, 'busy.test.mjs'),
      `${HEAD}
      import { test, expect } from 'vitest'
      const caches = await open()
      test('is in time', async () => { expect((await caches.embeddings.getOrEmbed('one')).source).toBe('computed') })
      test('is late', async () => { await midBatch(caches); await new Promise(() => {}) }, 2000)`,
    )
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const args = [vitest, 'run', '--root', dir, '--pool', 'threads', '--reporter', 'json']
    const { code, signal, stdout } = await runNode(args, { cwd: dir, env: { OPDBUS_CACHE_DIR: dir, HOME: dir } })
    expect([code, signal]).toEqual([1, null])
    expect(JSON.parse(stdout)).toMatchObject({ numPassedTests: 1, numFailedTests: 1 })
  })
})
