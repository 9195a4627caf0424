// The command line beside a daemon: real ones as processes, and one that hangs, lies or ends in the middle.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { VERSION } from '../../src/version.js'
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

  it('embed works alone where it is told to, and where the daemon has another space', async () => {
    const before = await daemonRows()
    await beside(['embed', 'alone 1', '-q', '--no-daemon'])
    await beside(['embed', 'alone 2', '-q'], { OPDBUS_DAEMON: 'off' })
    await beside(['embed', 'alone 3', '-q', '--device', 'cpu'])
    const shorter = await beside(['embed', 'alone 4', '--json', '--patterns'])
    expect(rowsOf(shorter)[0]).toMatchObject({ source: 'computed', template: 'alone <number>' })
    expect(await daemonRows()).toEqual(before)
  }, 30_000)

  it('stats tell what the daemon holds in memory', async () => {
    const { stdout } = await beside(['cache', 'stats'])
    expect(stdout).toContain(`Served by: the daemon ${daemon.child.pid}`)
    expect(JSON.parse((await beside(['cache', 'stats', '--json'])).stdout).embeddings.memory.size).toBeGreaterThan(0)
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

describe('a daemon that is none', () => {
  const servers: Server[] = []
  const folders: string[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })

  /** Something that answers at the place of the daemon. */
  async function pretend(answer: RequestListener): Promise<string> {
    const dir = newFolder()
    folders.push(dir)
    const server = createServer(answer)
    servers.push(server)
    await new Promise<void>(resolve => server.listen(join(dir, 'daemon.sock'), resolve))
    return dir
  }
  const hello = { name: 'op-dbus', version: VERSION, may: { read: true, write: true } }

  /** `embed` answers all the same, with vectors of its own. */
  async function embedsAlone(dir: string): Promise<void> {
    const began = performance.now()
    const { code, stdout, stderr } = await runCli(dir, ['embed', 'one', 'two', '--json'])
    expect(code, stderr).toBe(0)
    const rows = jsonLines(stdout)
    expect(rows.map(({ source }) => source)).toEqual(['computed', 'computed'])
    expect(rows[0].vector).toHaveLength(512)
    expect(Math.hypot(...rows[0].vector)).toBeCloseTo(1, 4)
    // A bound, not a measure: what hangs for ever would take all of the test's time.
    expect(performance.now() - began).toBeLessThan(25_000)
  }

  it('is left alone where it answers nothing', async () => {
    await embedsAlone(await pretend(() => {}))
  }, 30_000)

  it('is left alone where it is something else, or of another version', async () => {
    await embedsAlone(await pretend((_, response) => response.end('<html>')))
    await embedsAlone(await pretend((_, response) => response.end(JSON.stringify({ ...hello, version: '99.0.0' }))))
  }, 30_000)

  it('is left alone where it says hello and then no more', async () => {
    let hellos = 0
    const dir = await pretend((request, response) => {
      if (request.url === '/api/daemon' && hellos++ === 0) response.end(JSON.stringify(hello))
    })
    await embedsAlone(dir)
  }, 30_000)

  it('is left alone where it ends in the middle of an answer', async () => {
    const dir = await pretend((request, response) => {
      if (request.url === '/api/daemon') return void response.end(JSON.stringify(hello))
      response.writeHead(200, { 'content-length': 100_000 })
      response.write('{"space":', () => response.destroy())
    })
    await embedsAlone(dir)
  }, 30_000)

  it('is not believed where its answer does not fit', async () => {
    // Vectors of ones, in a space of that name or not, of other dims, not finite, or too few.
    const wrong = (change: (answer: Record<string, unknown>) => object) =>
      pretend((request, response) => {
        if (request.url === '/api/daemon') return void response.end(JSON.stringify(hello))
        let text = ''
        request.on('data', chunk => (text += chunk))
        request.on('end', () => {
          const { texts, space } = JSON.parse(text)
          const n = texts.length
          const list = (value: unknown) => new Array(n).fill(value)
          const vectors = Buffer.from(new Float32Array(n * 512).fill(1).buffer).toString('base64')
          const sound = { space, dims: 512, vectors, sources: list('memory'), devices: list('cpu'), tokens: list(1) }
          response.end(JSON.stringify({ ...change({ ...sound, truncated: list(false), failed: [] }) }))
        })
      })
    const base64 = (floats: Float32Array) => Buffer.from(floats.buffer).toString('base64')
    for (const change of [
      (answer: object) => ({ ...answer, space: 'another' }),
      (answer: object) => ({ ...answer, dims: 256 }),
      (answer: object) => ({ ...answer, vectors: base64(new Float32Array(1024).fill(Number.NaN)) }),
      (answer: object) => ({ ...answer, vectors: base64(new Float32Array(512).fill(1)) }),
      (answer: object) => ({ ...answer, vectors: base64(new Float32Array(1024)) }),
      (answer: object) => ({ ...answer, sources: ['memory', 'guessed'] }),
    ]) {
      await embedsAlone(await wrong(change))
    }
  }, 60_000)

  it('that was killed leaves a socket behind, and commands go on', async () => {
    const dying = await startCli()
    await dying.stop('SIGKILL')
    expect(existsSync(dying.socket)).toBe(true)
    const { code, stdout } = await runCli(dying.dir, ['cache', 'stats'])
    expect(code).toBe(0)
    expect(stdout).not.toContain('Served by')
    await embedsAlone(dying.dir)
  }, 30_000)

  it('that stands still costs a moment', async () => {
    const still = await startCli()
    still.child.kill('SIGSTOP')
    try {
      await embedsAlone(still.dir)
      const { code, stderr } = await runCli(still.dir, ['cache', 'clear', '--diffs'])
      expect(stderr).toContain('cleared diffs')
      expect(code).toBe(0)
    } finally {
      still.child.kill('SIGCONT')
    }
  }, 30_000)
})
