// `op-dbus serve` and `health` as processes: what they print, how they end, sockets that systemd hands over, and kill -9 under load.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Caches, openCaches } from '../../src/node.js'
import { cli, root, runCli } from '../processes.js'
import { deferred, temporaryFolder } from '../support.js'
import { ask, type CliDaemon, startCli } from './daemon.js'

/** OP_DBUS_CHAOS=full: the twenty that the promise names. */
const KILLS = process.env.OP_DBUS_CHAOS === 'full' ? 20 : 2

describe('op-dbus serve', () => {
  it('says where it is and what to try; health says whether it is ready; SIGTERM ends it well', async () => {
    const daemon = await startCli()
    const { stdout, url, dir, dataDir } = daemon
    expect(stdout()).toContain(`serves at ${url}`)
    expect(stdout()).toContain(join(dataDir, 'daemon', 'write-token'))
    expect(stdout()).toContain(daemon.socket)
    const curl = /^ {2}(curl .*)$/m.exec(stdout())![1]!
    const tried = spawnSync('sh', ['-c', curl.replace('curl', 'curl -s')], { encoding: 'utf8' })
    // Where there is no curl, what it would send is sent all the same.
    const body = /-d '([^']*)'/.exec(curl)![1]!
    const answer =
      tried.status === 127 ? (await ask(daemon, '/v1/embeddings', { body })).json : JSON.parse(tried.stdout)
    expect(answer.data[0].embedding.length).toBeGreaterThan(100)

    expect(await runCli(dir, ['health'])).toMatchObject({ code: 0, stdout: 'ready\n' })
    expect(await runCli(dir, ['health', '--live', '--url', url])).toMatchObject({ code: 0, stdout: 'lives\n' })
    const again = await runCli(dir, ['serve', '--port', new URL(url).port], { env: { OPDBUS_DATA_DIR: dataDir } })
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('choose another port: --port')])
    expect(await daemon.stop('SIGTERM')).toBe(0)
    const gone = await runCli(dir, ['health'])
    expect([gone.code, gone.stderr]).toEqual([12, expect.stringContaining('not ready')])
    const events = daemon
      .stderr()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).event)
    expect(events).toEqual(['listening', 'stopping', 'stopped'])
  })

  it('tells what is wrong with how it was called', async () => {
    const dir = temporaryFolder()
    const wrong: [string[], RegExp][] = [
      [['--host', '0.0.0.0'], /--token-file/],
      [['--port', 'x'], /--port "x" is not a whole number/],
      [['--cors', '*'], /is not an origin/],
      [['--alias', 'x'], /NAME=MODEL/],
      [['--token-file', join(dir, 'none')], /cannot read/],
      [['--log-level', 'loud'], /logLevel must be one of/],
    ]
    for (const [args, why] of wrong) {
      const { code, stderr } = await runCli(dir, ['serve', '--port', '0', ...args], { env: { OPDBUS_DATA_DIR: dir } })
      expect([code === 2 || code === 6, stderr], args.join(' ')).toEqual([true, expect.stringMatching(why)])
      expect(stderr.trim().split('\n').length).toBeLessThanOrEqual(3)
    }
  })

  it('takes the sockets that systemd hands over, tells it readiness, and trusts a unix socket that is for its owner alone', async () => {
    const dir = temporaryFolder()
    const tcp = await listening(server => server.listen(0, '127.0.0.1'))
    const path = join(dir, 'own.sock')
    const unix = await listening(server => server.listen(path))
    chmodSync(path, 0o600)
    // Stands for systemd-notify, which needs a socket of datagrams, and Node has none.
    mkdirSync(join(dir, 'bin'))
    writeFileSync(join(dir, 'bin', 'systemd-notify'), `#!/bin/sh\necho "$@" >> ${dir}/told\n`, { mode: 0o755 })
    // As systemd does: the process that it started is told its own number.
    const child = spawn('sh', ['-c', `LISTEN_PID=$$ exec "${process.execPath}" "${cli}" serve`], {
      env: {
        PATH: `${join(dir, 'bin')}:${process.env.PATH}`,
        HOME: dir,
        OPDBUS_CACHE_DIR: join(dir, 'cache'),
        OPDBUS_DATA_DIR: join(dir, 'data'),
        LISTEN_FDS: '2',
        NOTIFY_SOCKET: join(dir, 'notify'),
      },
      stdio: ['ignore', 'pipe', 'pipe', descriptorOf(tcp), descriptorOf(unix)],
    })
    const ended = new Promise(resolve => child.once('exit', resolve))
    try {
      let said = ''
      await new Promise<void>((resolve, reject) => {
        child.stdout!.on('data', chunk => {
          said += chunk
          if (said.includes('curl')) resolve()
        })
        child.stderr!.on('data', chunk => (said += chunk))
        void ended.then(() => reject(new Error(said)))
      })
      const { port } = tcp.address() as { port: number }
      // From here on the child alone has them. Node removes the name of a socket that it closes.
      tcp.close()
      linkSync(path, `${path}.kept`)
      await new Promise(resolve => unix.close(resolve))
      renameSync(`${path}.kept`, path)
      const at = { url: `http://127.0.0.1:${port}`, socket: path }
      expect((await ask(at, '/api/daemon')).json.may).toEqual({ read: true, write: false })
      expect((await ask(at, '/api/daemon', { overSocket: true })).json.may).toEqual({ read: true, write: true })
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
      expect(readFileSync(join(dir, 'told'), 'utf8')).toBe('READY=1\nSTOPPING=1\n')
    } finally {
      child.kill('SIGKILL')
      await ended
    }
  })
})

describe('kill -9 under load', () => {
  const TEXTS = Array.from({ length: 60 }, (_, i) => `Created container ${100 + i} for user ${i % 7}`)
  let reference: Caches
  let vectors: Float32Array[]
  beforeAll(async () => {
    reference = await openCaches({ dir: temporaryFolder(), offline: true, embeddingDiskCache: false })
    vectors = await Promise.all(TEXTS.map(async text => (await reference.embeddings.getOrEmbed(text)).vector))
  })
  afterAll(() => reference.close())

  it(
    `${KILLS} times: it starts again, with every acknowledged block and no wrong vector`,
    async () => {
      const folder = temporaryFolder()
      const system = join(folder, 'system.json')
      writeFileSync(system, JSON.stringify({ things: [{ name: 'one', size: 0 }], mode: { fast: false } }))
      const env = { OPDBUS_PLUGINS: join(root, 'test/cli/file-plugin.mjs'), TEST_SYSTEM: system }
      /** Numbers of the blocks of every apply that was answered. */
      const acknowledged: number[] = []
      let size = 0
      for (let round = 0; round < KILLS; round++) {
        const daemon = await startCli([], { folder, env })
        const enough = acknowledged.length + 2 + round
        let embedded = 0
        let dead = false
        const { promise: loaded, resolve: isLoaded } = deferred<void>()
        const look = () => {
          if (acknowledged.length >= enough && embedded >= 20) isLoaded()
        }
        const embed = async (first: number) => {
          for (let i = first; !dead; i = (i + 7) % TEXTS.length) {
            await compare(daemon, [i, (i + 1) % TEXTS.length])
            embedded++
            look()
          }
        }
        const apply = async () => {
          while (!dead) {
            acknowledged.push(...(await applyOne(daemon, ++size)))
            look()
          }
        }
        const ended = (run: Promise<void>) =>
          run.catch(error => {
            // Once it was killed nobody answers; before that everything is answered.
            if (!dead) throw error
          })
        const load = Promise.all([embed(0), embed(20), embed(40), apply()].map(ended))
        await Promise.race([loaded, load])
        dead = true
        expect(await daemon.stop('SIGKILL')).toBe('SIGKILL')
        await load
      }
      const daemon = await startCli([], { folder, env })
      for (let i = 0; i < TEXTS.length; i++) await compare(daemon, [i])
      const verified = await ask(daemon, '/api/verify', { body: { full: true }, overSocket: true })
      expect(verified).toMatchObject({ status: 200, json: { ok: true } })
      const { json } = await ask(daemon, '/api/blocks?limit=1000')
      expect(json.blocks.map(({ header }: { header: { number: number } }) => header.number)).toEqual(
        expect.arrayContaining(acknowledged),
      )
      expect(await daemon.stop()).toBe(0)
    },
    60_000 + 15_000 * KILLS,
  )

  async function compare(daemon: CliDaemon, rows: readonly number[]): Promise<void> {
    const { status, json, text } = await ask(daemon, '/v1/embeddings', { body: { input: rows.map(row => TEXTS[row]) } })
    expect(status, text).toBe(200)
    for (const [i, row] of rows.entries()) {
      const vector: number[] = json.data[i].embedding
      // Of length 1, both: this is their cosine.
      const cosine = vector.reduce((sum, value, at) => sum + value * vectors[row]![at]!, 0)
      expect(cosine, TEXTS[row]!).toBeGreaterThan(0.9999)
    }
  }

  async function applyOne(daemon: CliDaemon, size: number): Promise<number[]> {
    const desired = JSON.stringify({ version: 1, plugins: { things: { things: [{ name: 'one', size }] } } })
    const { json } = await ask(daemon, '/api/plan', { body: { desired }, overSocket: true })
    const report = await ask(daemon, '/api/apply', { body: { plan: json.plan }, overSocket: true })
    expect(report).toMatchObject({ status: 200, json: { success: true } })
    return report.json.blocks
  }
})

function listening(listen: (server: Server) => void): Promise<Server> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('listening', () => resolve(server))
    listen(server)
  })
}

/** The number under which this process has a socket. */
const descriptorOf = (server: Server) => (server as unknown as { _handle: { fd: number } })._handle.fd
