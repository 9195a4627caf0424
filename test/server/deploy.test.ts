// What `deploy/` ships: units that systemd finds well locked, sockets that it hands over, readiness; and the container's steps, done by hand.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { health as healthCommand } from '../../src/cli/commands/serve.js'
import { cli, root } from '../processes.js'
import { onPath } from '../programs.js'
import { describeWith } from '../real/parts.js'
import { RealSystemd } from '../real/systemd.js'
import { temporaryFolder } from '../support.js'
import { freePort, until } from '../waiting.js'

const deploy = (name: string) => join(root, 'deploy', name)
const textOf = (name: string) => readFileSync(deploy(name), 'utf8')
const analyze = onPath('systemd-analyze')
const activate = onPath('systemd-socket-activate')

const children: ChildProcess[] = []
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
})

/** Status and body. */
function get(path: string, to: { readonly port: number } | { readonly socketPath: string }): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', path, agent: false, ...to }, response => {
      let text = ''
      response.on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve([response.statusCode!, text]))
    })
    asked.on('error', reject)
    asked.end()
  })
}

describe.skipIf(analyze === undefined)('the unit (skipped where there is no systemd-analyze)', () => {
  it('is exposed by at most 1.5, and by no more than a GPU takes with its drop-in', () => {
    const score = (folder: string, threshold: number) =>
      spawnSync(analyze!, ['security', '--offline=true', `--threshold=${threshold}`, join(folder, 'op-dbus.service')], {
        encoding: 'utf8',
      })
    const folder = temporaryFolder()
    copyFileSync(deploy('op-dbus.service'), join(folder, 'op-dbus.service'))
    const { status, stdout, stderr } = score(folder, 15)
    expect(status, stdout + stderr).toBe(0)
    mkdirSync(join(folder, 'op-dbus.service.d'))
    copyFileSync(deploy('drop-ins/gpu.conf'), join(folder, 'op-dbus.service.d', 'gpu.conf'))
    expect(score(folder, 22).status).toBe(0)
  })
})

describe('the Dockerfile', () => {
  const lines = textOf('Dockerfile')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
  const of = (name: string) =>
    lines.filter(line => line.startsWith(`${name} `)).map(line => line.slice(name.length + 1))

  it('ends as a user that is not root, by its number, with a health check, and no image that moves', () => {
    expect(of('FROM').map(image => image.split(' ')[0])).toEqual(['node:22-bookworm-slim', 'node:22-bookworm-slim'])
    expect(of('USER')).toEqual(['1000:1000'])
    expect(
      lines.findIndex(line => line.startsWith('RUN') && lines.indexOf('USER 1000:1000') < lines.indexOf(line)),
    ).toBe(-1)
    expect(of('HEALTHCHECK')[0]).toMatch(/CMD \["op-dbus", "health"\]$/)
    for (const form of [...of('ENTRYPOINT'), ...of('CMD')]) expect(JSON.parse(form)).toBeInstanceOf(Array)
    // What it writes to is what its variables name.
    const volumes: string[] = JSON.parse(of('VOLUME')[0]!)
    for (const [, path] of of('ENV')
      .at(-1)!
      .matchAll(/=(\/\S+)/g)) {
      expect(
        volumes.some(volume => path === volume || path!.startsWith(`${volume}/`)),
        path,
      ).toBe(true)
    }
  })

  it('waits longer for the health check than that waits for the daemon, so that it can say why', () => {
    const waits = Number(healthCommand.options.timeout?.default)
    const [check = ''] = of('HEALTHCHECK')
    expect(Number(/--timeout=(\d+)s/.exec(check)?.[1])).toBeGreaterThanOrEqual(waits + 5)
  })

  it('takes along what the build reads, name by name: no token or cache that lies beside it in a clone', () => {
    const [first, ...patterns] = textOf('Dockerfile.dockerignore')
      .split('\n')
      .filter(line => line !== '' && !line.startsWith('#'))
    expect(first).toBe('*')
    const taken = patterns.filter(line => line.startsWith('!')).map(line => line.slice(1))
    for (const name of taken) expect(existsSync(join(root, name)), name).toBe(true)
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const shipped = files.filter((name: string) => !name.startsWith('!') && name !== 'dist')
    expect(taken).toEqual(
      expect.arrayContaining(['src', 'test', 'build', 'build.mjs', 'package-lock.json', ...shipped]),
    )
    for (const name of ['dist', 'node_modules', '.build', '.git', 'shared']) expect(taken).not.toContain(name)
  })
})

describe.skipIf(activate === undefined)(
  'a socket that is handed over (skipped where there is no systemd-socket-activate)',
  () => {
    it('is served, over TCP and unix, and what comes before the daemon is up waits', async () => {
      const folder = temporaryFolder()
      const port = await freePort()
      const socketPath = join(folder, 'handed.sock')
      const env = [`OPDBUS_CACHE_DIR=${folder}/cache`, `OPDBUS_DATA_DIR=${folder}/data`, `HOME=${folder}`]
      const sockets = ['-l', `127.0.0.1:${port}`, '-l', socketPath]
      const child = spawn(activate!, [...sockets, ...env.flatMap(one => ['-E', one]), process.execPath, cli, 'serve'], {
        stdio: 'ignore',
      })
      children.push(child)
      await until(() => existsSync(socketPath))
      expect(await get('/healthz', { port })).toEqual([200, expect.stringContaining('ok')])
      expect((await get('/healthz', { socketPath }))[0]).toBe(200)
      // Its own lies where the command line looks for it.
      expect((await get('/metrics', { socketPath: join(folder, 'cache', 'daemon.sock') }))[0]).toBe(200)
    })
  },
)

const MOUNTS = [
  ...['ProtectSystem', 'ProtectHome', 'PrivateTmp', 'PrivateUsers', 'PrivateDevices', 'PrivateMounts', 'ProtectClock'],
  ...['Tunables', 'Modules', 'Logs'].map(what => `ProtectKernel${what}`),
  ...['ProtectControlGroups', 'ProtectHostname'],
]

describeWith('systemd', 'the units under a real systemd', () => {
  it('start with the first connection, are ready when they say so, and stop with nothing left', {
    timeout: 60_000,
  }, async () => {
    const port = await freePort()
    const folder = temporaryFolder()
    const socket = textOf('op-dbus.socket').replace('127.0.0.1:8787', `127.0.0.1:${port}`)
    const systemd = await RealSystemd.start({ 'op-dbus.socket': socket, 'op-dbus.service': textOf('op-dbus.service') })
    try {
      mkdirSync(join(systemd.dir, 'units', 'op-dbus.service.d'))
      // A manager of a user makes no users, and no mounts: the rest of the lock is as it is shipped, calls to the system above all.
      const here = [
        '[Service]\nDynamicUser=no\nUser=\nCacheDirectory=\nStateDirectory=',
        ...MOUNTS.map(name => `${name}=no`),
        'ProtectProc=default\nKeyringMode=inherit\nDevicePolicy=auto',
        `ExecStart=\nExecStart=${process.execPath} ${cli} serve`,
        `Environment=OPDBUS_CACHE_DIR=${folder}/cache OPDBUS_DATA_DIR=${folder}/data HOME=${folder}`,
      ]
      systemd.writeUnit('op-dbus.service.d/here.conf', `${here.join('\n')}\n`)
      systemd.systemctl('daemon-reload')
      systemd.systemctl('start', 'op-dbus.socket')
      expect(systemd.isActive('op-dbus.socket', 'op-dbus.service')).toBe('active\ninactive')
      expect((await get('/healthz', { port }))[0]).toBe(200)
      // Returns when the service has said that it is ready, or fails.
      systemd.systemctl('start', 'op-dbus.service')
      expect(systemd.isActive('op-dbus.service')).toBe('active')
      // Its workers live within the same lock.
      expect(await get('/readyz', { port })).toEqual([200, expect.stringContaining('"ready":true')])
      expect(systemd.systemctl('show', '-P', 'NotifyAccess', 'op-dbus.service')).toBe('all')
      systemd.systemctl('stop', 'op-dbus.socket', 'op-dbus.service')
      expect(systemd.systemctl('show', '-P', 'Result', 'op-dbus.service')).toBe('success')
      expect(systemd.systemctl('show', '-P', 'ExecMainStatus', 'op-dbus.service')).toBe('0')
      expect(existsSync(join(folder, 'cache', 'daemon.sock'))).toBe(false)
    } finally {
      await systemd.stop()
    }
  })
})
