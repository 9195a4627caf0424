// A real Open vSwitch of a test's own: ovsdb-server, and ovs-vswitchd in userspace with dummy devices, so that nothing of this machine is
// touched. With `ovs-vsctl` as the oracle, and a proxy that counts what is asked.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, watch } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MessageFramer } from '../../src/state/plugins/net/framing.js'
import { programOf } from './parts.js'

const run = promisify(execFile)
const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema'

export interface OvsOptions {
  /** Without ovs-vswitchd what is committed is never configured. Default: with it. */
  readonly vswitchd?: boolean
}

/** Ends with {@link Ovs.close}, which every test has to call, also where it fails. */
export class Ovs {
  readonly dir = mkdtempSync(join(tmpdir(), 'op-dbus-ovs-'))
  readonly socket = join(this.dir, 'db.sock')
  readonly #children: ChildProcess[] = []

  static async start({ vswitchd = true }: OvsOptions = {}): Promise<Ovs> {
    const ovs = new Ovs()
    try {
      await run(programOf('ovs', 'ovsdb-tool'), ['create', join(ovs.dir, 'conf.db'), SCHEMA])
      await ovs.startServer()
      if (vswitchd) await ovs.startVswitchd()
      return ovs
    } catch (error) {
      await ovs.close()
      throw error
    }
  }

  async startServer(): Promise<void> {
    const at = (name: string) => join(this.dir, name)
    const own = ['--no-chdir', '-vconsole:off', `--unixctl=${at('server.ctl')}`, `--log-file=${at('server.log')}`]
    const args = [at('conf.db'), `--remote=punix:${this.socket}`, ...own]
    await this.#start(programOf('ovs', 'ovsdb-server'), args, this.socket)
    // The socket's file is there a moment before anybody listens.
    await this.vsctl('--retry --timeout=20 init')
  }

  async startVswitchd(): Promise<void> {
    const at = (name: string) => join(this.dir, name)
    const own = ['--no-chdir', '-vconsole:off', `--unixctl=${at('vswitchd.ctl')}`, `--log-file=${at('vswitchd.log')}`]
    const args = [`unix:${this.socket}`, '--enable-dummy=override', '--disable-system', ...own]
    await this.#start(programOf('ovs', 'ovs-vswitchd'), args, at('vswitchd.ctl'))
  }

  /** What `ovs-vsctl` prints; several commands are separated by `--`, words by one blank each. It does not wait for ovs-vswitchd. */
  async vsctl(...commands: string[]): Promise<string> {
    const words = commands.flatMap(command => command.split(' '))
    const { stdout } = await run(programOf('ovs', 'ovs-vsctl'), [`--db=unix:${this.socket}`, '--no-wait', ...words])
    return stdout
  }

  /** `ovs-vsctl show`, without what changes by itself, in an order that does not depend on uuids: by bridge. */
  async show(): Promise<Record<string, string>> {
    const text = await this.vsctl('show')
    const parts = text.split(/^ {4}(?=Bridge )/m).slice(1)
    return Object.fromEntries(parts.map(part => [part.split(/\s/)[1] as string, orderedPorts(part)]))
  }

  /** Removes all bridges, and what is kept of Open vSwitch itself. */
  async empty(): Promise<void> {
    const bridges = (await this.vsctl('list-br')).split('\n').filter(Boolean)
    await this.vsctl(
      ...bridges.flatMap(each => ['--', 'del-br', each]),
      '--',
      'clear',
      'Open_vSwitch',
      '.',
      'external_ids',
    )
  }

  /** Ends the server; the connections to it break. */
  async stopServer(): Promise<void> {
    await end(this.#children[0])
    this.#children.shift()
  }

  async close(): Promise<void> {
    await Promise.all(this.#children.map(end))
    rmSync(this.dir, { recursive: true, force: true })
  }

  async #start(program: string, args: string[], socket: string): Promise<void> {
    rmSync(socket, { force: true })
    const env = { PATH: process.env.PATH ?? '', OVS_RUNDIR: this.dir, OVS_LOGDIR: this.dir, OVS_DBDIR: this.dir }
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'], env })
    this.#children.push(child)
    let said = ''
    child.stderr?.on('data', chunk => {
      said += chunk
    })
    // The file is there when the program listens.
    const watcher = watch(this.dir)
    try {
      while (!existsSync(socket)) {
        if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`)
        await Promise.race([once(watcher, 'change'), once(child, 'exit')])
      }
    } finally {
      watcher.close()
    }
  }
}

/** In front of a server: counts the transacts that pass, and lets a test stop or break what goes through. */
export class CountingProxy {
  /** Of all clients together. */
  transacts = 0
  /** By method: `transact`, `monitor_cond_since`, `echo`. */
  readonly calls = new Map<string, number>()
  /** Called for each call before it is passed on; what it awaits is waited for. */
  before: (method: string, params: readonly unknown[]) => Promise<void> | void = () => {}
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  private constructor(
    readonly socket: string,
    readonly target: string,
  ) {
    this.#server = createServer(client => this.#serve(client))
  }

  static async start(socket: string, target: string): Promise<CountingProxy> {
    const proxy = new CountingProxy(socket, target)
    proxy.#server.listen(socket)
    await once(proxy.#server, 'listening')
    return proxy
  }

  #serve(client: Socket): void {
    const server = connect(this.target)
    const framer = new MessageFramer(64 << 20)
    let order = Promise.resolve()
    for (const socket of [client, server]) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        server.destroy()
      })
    }
    server.on('data', chunk => client.write(chunk))
    client.on('data', chunk => {
      for (const message of framer.push(chunk) as { method?: string; params?: readonly unknown[] }[]) {
        const method = message.method ?? 'reply'
        this.calls.set(method, (this.calls.get(method) ?? 0) + 1)
        if (method === 'transact') this.transacts++
        order = order
          .then(() => this.before(method, message.params ?? []))
          .then(() => void server.write(JSON.stringify(message)))
      }
    })
  }

  /** Breaks what is connected now; new connections pass. */
  break(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.break()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** `ovs-vsctl show` tells ports, and their interfaces, in the order of their uuids. */
function orderedPorts(bridge: string): string {
  return ordered(bridge, /^ {8}(?=Port )/m, port => ordered(port, /^ {12}(?=Interface )/m, each => each))
}

function ordered(text: string, before: RegExp, each: (part: string) => string): string {
  const [head, ...parts] = text.split(before)
  return [head, ...parts.map(each).sort()].join('')
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}
