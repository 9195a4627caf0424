// The command line beside a daemon: real processes. What hangs, lies or ends in the middle is for daemon-embeddings.test.ts.
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { jsonLines, type Outcome, runCli } from '../processes.js'
import { type CliDaemon, startCli } from '../server/daemon.js'
import { newFolder } from '../support.js'

let daemon: CliDaemon
let system: string

beforeAll(async () => {
  system = join(newFolder(), 'system.json')
  writeFileSync(system, JSON.stringify({ things: [{ name: 'one', size: 1 }], mode: { fast: false } }))
  daemon = await startCli([], { env: stateEnv() })
}, 30_000)

const PLUGIN = new URL('./file-plugin.mjs', import.meta.url).pathname
const stateEnv = () => ({ OPDBUS_PLUGINS: PLUGIN, TEST_SYSTEM: system })

/** A command on the daemon's folders, which says when a model was loaded here. */
const beside = (args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> =>
  runCli(daemon.dir, args, { env: { OPDBUS_DATA_DIR: daemon.dataDir, ...stateEnv(), ...env } })

const rowsOf = ({ stdout }: Outcome) => jsonLines(stdout)

async function daemonRows(): Promise<Record<string, number>> {
  const { stdout } = await beside(['cache', 'stats', '--json'])
  return JSON.parse(stdout).daemon.rows
}

describe('beside a daemon', () => {
  it('embed has what is not on disk computed there, and the vectors are those of alone', async () => {
    const before = await daemonRows()
    const texts = ['a text', 'another text', 'a text']
    const there = await beside(['embed', ...texts, '--json'])
    expect(there.stderr).toBe('')
    expect(rowsOf(there).map(({ source }) => source)).toEqual(['computed', 'computed', 'memory'])
    const after = await daemonRows()
    expect(after.computed! - before.computed!).toBe(2)
    const alone = await runCli(newFolder(), ['embed', ...texts, '--json', '--no-daemon'])
    const vectors = (outcome: Outcome) => rowsOf(outcome).map(({ vector }) => vector)
    for (const [i, vector] of vectors(there).entries()) {
      for (const [j, value] of vector.entries()) expect(value).toBeCloseTo(vectors(alone)[i][j], 5)
    }
    // Now on disk: nobody is asked.
    expect(rowsOf(await beside(['embed', 'a text', '--json']))[0].source).toBe('disk')
    expect(await daemonRows()).toEqual(after)
  }, 30_000)

  it('embed works alone where the daemon has another space', async () => {
    const before = await daemonRows()
    const masked = await beside(['embed', 'Created container 100', '--json', '--patterns', '-q'])
    expect(rowsOf(masked)[0]).toMatchObject({ source: 'computed', template: 'Created container <number>' })
    expect(await daemonRows()).toEqual(before)
  }, 30_000)

  it('stats tell what the daemon holds in memory', async () => {
    const { stdout } = await beside(['cache', 'stats'])
    expect(stdout).toContain(`Served by: the daemon ${daemon.child.pid}`)
    const { embeddings, tuning } = JSON.parse((await beside(['cache', 'stats', '--json'])).stdout)
    expect(embeddings.memory.size).toBeGreaterThan(0)
    expect(tuning).toMatchObject({ policies: { embeddings: 'lru' }, warm: { loaded: expect.any(Number) } })
    expect((await beside(['cache', 'stats', '--no-daemon'])).stdout).not.toContain('Served by')
  })

  it('warm goes through it, and then all of it is on disk', async () => {
    const file = join(daemon.folder, 'texts.txt')
    writeFileSync(file, Array.from({ length: 30 }, (_, i) => `warm ${i % 20}\n`).join('\n'))
    const before = await daemonRows()
    const { code, stdout, stderr } = await beside(['cache', 'warm', file, '--json'])
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ texts: 30, failed: 0, rows: { computed: 20, memory: 10 } })
    expect((await daemonRows()).computed! - before.computed!).toBe(20)
    const alone = await beside(['cache', 'warm', file, '--no-daemon'])
    expect(alone.stderr).toMatch(/warmed 30 texts: 0 computed, 30 there already/)
  }, 20_000)

  it('query asks it, whose memory outlives the command', async () => {
    const query = () => beside(['query', 'things', '--format', 'text'])
    expect((await query()).stdout).toMatch(/things {2}\S* ?computed/)
    expect((await query()).stdout).toMatch(/things {2}\S* ?memory/)
    // Another system is nothing that this daemon knows.
    const other = join(newFolder(), 'other.json')
    writeFileSync(other, JSON.stringify({ things: [{ name: 'two', size: 2 }], mode: { fast: true } }))
    const elsewhere = await beside(['query', 'things', '--json'], { TEST_SYSTEM: other })
    expect(JSON.parse(elsewhere.stdout).plugins.things.things).toEqual([{ name: 'two', size: 2 }])
  }, 20_000)

  it('clear empties its memory as well, and says what went', async () => {
    const { code, stderr } = await beside(['cache', 'clear', '--embeddings'])
    expect(code).toBe(0)
    expect(stderr).toMatch(/^cleared embeddings \(\d+ entries, /)
    const stats = JSON.parse((await beside(['cache', 'stats', '--json'])).stdout)
    expect(stats.embeddings.memory.size).toBe(0)
    expect(stats.embeddings.onDisk.entries).toBe(0)
  })
})

describe('a daemon that does not answer', () => {
  it('because it stands still costs a moment; killed, it leaves a socket behind, and commands go on', async () => {
    const still = await startCli()
    still.child.kill('SIGSTOP')
    const { code, stdout, stderr } = await runCli(still.dir, ['embed', 'one', '--json'])
    expect(code, stderr).toBe(0)
    expect(jsonLines(stdout)[0].source).toBe('computed')
    expect((await runCli(still.dir, ['cache', 'clear', '--diffs'])).stderr).toContain('cleared diffs')
    await still.stop('SIGKILL')
    expect(existsSync(still.socket)).toBe(true)
    const stats = await runCli(still.dir, ['cache', 'stats'])
    expect(stats.code).toBe(0)
    expect(stats.stdout).not.toContain('Served by')
  }, 30_000)
})
