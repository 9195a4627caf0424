// `op-dbus cache warm` by names on disk: what memory held, what a trace asked for, alone and through a daemon; and what it would do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { DEFAULT_TRACE_BYTES, switchOff, switchOn } from '../../src/node/tuning/trace-folder.js'
import { cli, runCli, runScript } from '../processes.js'
import { temporaryFolder } from '../support.js'

const TEXTS = Array.from({ length: 20 }, (_, i) => `unit ${i}.service entered failed state`)

/** A folder in which a process with warm start, and traced, has had these texts. */
async function usedFolder(): Promise<string> {
  const dir = temporaryFolder()
  switchOn(dir, { rate: 1, maxBytes: DEFAULT_TRACE_BYTES })
  const { code, stderr } = await runScript(
    dir,
    `const caches = await lib.openCaches({ dir, warmStart: true })
     await caches.embeddings.embedMany(${JSON.stringify(TEXTS)})
     await caches.close()`,
  )
  switchOff(dir)
  expect([code, stderr]).toEqual([0, ''])
  return dir
}

it('refuses what does not go together', async () => {
  const calls: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /give one of FILE, --from FILE, --trace FILE and --hot N/],
    [['texts', '--hot', '3'], /give one of FILE/],
    [['--hot', '0'], /--hot "0" is not a whole number from 1 on/],
    [['--hot', '3', '--embed'], /--embed needs texts, and the list of what memory held has none/],
    [['--trace', 'x', '--embed'], /--embed needs texts, and a trace has none: it names entries by hashes alone\n/],
    [['--from', 'missing'], /cannot read missing: there is no such file/],
  ]
  const dir = temporaryFolder()
  const outcomes = await Promise.all(calls.map(([args]) => runCli(dir, ['cache', 'warm', ...args])))
  for (const [i, { code, stderr }] of outcomes.entries()) {
    expect(code).toBe(2)
    expect(stderr).toMatch(calls[i]![1])
  }
})

it('without a daemon reads what was hot, and with one loads it into its memory', async () => {
  const dir = await usedFolder()
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await runCli(dir, ['cache', 'warm', ...args, '--json'])
    expect([code, stderr]).toEqual([0, ''])
    return JSON.parse(stdout)
  }
  const file = join(dir, 'texts.txt')
  writeFileSync(file, `${TEXTS.slice(0, 5).join('\n')}\nnever seen\nnever seen\n`)
  const trace = join(dir, 'trace')
  const [hot, wouldBeHot, traced, looked, wouldLook] = await Promise.all([
    json('--hot', '15'),
    json('--hot', '1000', '--dry-run'),
    json('--trace', trace),
    json('--from', file),
    json('--from', file, '--dry-run'),
  ])
  expect(hot).toMatchObject({ asked: 15, loaded: 15, gone: 0, by: 'here' })
  expect(wouldBeHot).toMatchObject({ dryRun: true, asked: 20, there: 20, gone: 0 })
  expect(traced).toMatchObject({ asked: 20, loaded: 20, gone: 0, by: 'here' })
  expect(looked).toMatchObject({ texts: 7, absent: 2, rows: { disk: 5, computed: 0 } })
  expect(wouldLook).toMatchObject({ texts: 7, there: 5, absent: 1, toCompute: 0 })

  const env = {
    ...process.env,
    OPDBUS_CACHE_DIR: dir,
    OPDBUS_DATA_DIR: join(dir, 'data'),
    HOME: dir,
    OPDBUS_WARM_START: 'off',
  }
  const daemon = spawn(process.execPath, [cli, 'serve', '--port', '0'], { env, stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    await once(daemon.stdout, 'data')
    expect(await json('--hot', '15')).toMatchObject({ asked: 15, loaded: 15, there: 0, by: 'daemon' })
    expect(await json('--trace', trace)).toMatchObject({ asked: 20, loaded: 5, there: 15, by: 'daemon' })
    expect(await json('--from', file)).toMatchObject({ texts: 7, absent: 2, rows: { memory: 5 } })
    expect(await json(file)).toMatchObject({ texts: 7, rows: { memory: 6, computed: 1 }, computedBy: { daemon: 1 } })
  } finally {
    daemon.kill('SIGTERM')
    await once(daemon, 'exit')
  }
  // Warming is no asking: whatever was there was asked for by nobody.
  const { stdout } = await runCli(dir, ['cache', 'stats', '--json'])
  expect(JSON.parse(stdout).embeddings.lifetime).toMatchObject({ hits: 0, misses: 21 })
})

it('says that there is no list, which is no fault', async () => {
  const { code, stderr } = await runCli(temporaryFolder(), ['cache', 'warm', '--hot', '5'])
  expect(code).toBe(0)
  expect(stderr).toMatch(/^op-dbus: there is no list of what memory held for this model/)
})
