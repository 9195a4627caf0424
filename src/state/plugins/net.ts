// The plugin `net`: bridges, ports and interfaces of Open vSwitch, links, addresses and routes of the kernel. An entry file: what asks,
// changes and watches is loaded when it is first needed.
import { existsSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import type { JsonObject } from '../../json/json.js'
import type { PluginCall, PluginTools, StatePlugin } from '../plugin.js'
import { checkNet } from './net/check.js'
import type { OvsdbClient } from './net/client.js'
import { UNORDERED } from './net/fields.js'
import { initialOf } from './net/initial.js'
import { prunes, refuses, takes } from './net/refuses.js'
import { onPath } from './on-path.js'

export interface NetOptions {
  /**
   * The socket of ovsdb-server, with or without `unix:` before it. Where it is said, it has to be there. Links in it are followed once,
   * when the plugin is made: it stays with that system, also where a link is led elsewhere later.
   */
  readonly ovsdb?: string | undefined
  /** So long apply waits until ovs-vswitchd has configured what was committed. Default 5 s. */
  readonly configureMs?: number | undefined
}

/** As `ovs-vsctl --db` takes them as well. */
const NO_UNIX_SOCKET = /^p?(tcp|ssl):/

/** Makes it; asks nothing. */
export function netPlugin(tools: PluginTools, options: NetOptions = {}): StatePlugin {
  const { clock, env, run, warn } = tools
  const socket = socketOf(options, env)
  const hasOvs = () => existsSync(socket)
  const asksOvs = () => options.ovsdb !== undefined || hasOvs()
  const hasIp = () => onPath('ip', env) !== undefined

  // One connection for all calls of a process. Those who come while it is being loaded wait for the same one.
  let opening: Promise<OvsdbClient> | undefined
  let closed = false
  const client = () => {
    opening ??= import('./net/client.js').then(({ OvsdbClient }) => {
      const made = new OvsdbClient(socket)
      if (closed) made.close()
      return made
    })
    return opening
  }
  const context = { client, configureMs: options.configureMs ?? 5_000 }

  async function query({ signal }: PluginCall): Promise<JsonObject> {
    const { queryNet } = await import('./net/query.js')
    return queryNet({ client: asksOvs() ? client : undefined, run: hasIp() ? run : undefined, warn, signal })
  }

  return {
    name: 'net',
    version: '1',
    scope: `unix:${socket}`,
    vantage: vantageOf(env),
    resources: {
      interfaces: {
        key: 'name',
        sets: ['ports'],
        unordered: UNORDERED,
        summary: ['type', 'up', 'ipv4.address', 'ports', 'bridge', 'tag', 'ipv6.address', 'controllers', 'mtu', 'mac'],
      },
      routes: { key: ['destination', 'device', 'metric'], summary: ['gateway', 'source'] },
      ovs: { single: true },
    },
    capabilities: { apply: true, atomic: true, rollback: true, watch: true },
    unavailable() {
      if (NO_UNIX_SOCKET.test(socket))
        return `the database of Open vSwitch is asked over a unix socket, and ${socket} is none`
      if (options.ovsdb !== undefined && !hasOvs()) return `there is no socket ${socket}: does ovsdb-server run?`
      if (hasOvs() || hasIp()) return undefined
      return `there is no program ip on the PATH, and no Open vSwitch (no socket ${socket})`
    },
    query,
    initial: initialOf,
    check: checkNet,
    refuses,
    prunes,
    takes,
    async apply(actions, call) {
      const { applyActions } = await import('./net/apply.js')
      await applyActions(context, actions, undefined, call)
    },
    async checkpoint(actions, { signal }) {
      const { saveRows } = await import('./net/checkpoint.js')
      return saveRows(await client(), actions, signal)
    },
    async rollback(actions, extra, call) {
      const { applyActions } = await import('./net/apply.js')
      await applyActions(context, actions, extra, call)
    },
    async watch(watcher, { signal }) {
      const { watchNet } = await import('./net/watch.js')
      return watchNet({ socket, ovs: asksOvs(), ip: hasIp(), env, clock, watcher, signal })
    },
    async close() {
      closed = true
      if (opening) (await opening).close()
    },
  }
}

/** Whose links these are, and what is asked: another network namespace, or a PATH without `ip`, makes another answer. */
function vantageOf(env: PluginTools['env']): string {
  return `${networkNamespace()} ip:${onPath('ip', env) === undefined ? 'none' : 'there'}`
}

/** As many links as Linux follows in one path. */
const MOST_LINKS = 40

/** Also of what is not there yet: /var/run is /run on most systems, and one socket has one scope. */
function realPathOf(path: string, links = MOST_LINKS): string {
  try {
    return realpathSync(path)
  } catch {
    const folder = dirname(path)
    if (folder === path) return path
    const target = links > 0 ? targetOf(path) : undefined
    if (target !== undefined) return realPathOf(resolve(realPathOf(folder, links - 1), target), links - 1)
    return join(realPathOf(folder, links), basename(path))
  }
}

/** Where a link leads to, also where nothing is there; undefined: it is none. */
function targetOf(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

/** `net:[4026531840]`; none where the kernel has none. */
function networkNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/net')
  } catch {
    return 'net:none'
  }
}

function socketOf({ ovsdb }: NetOptions, env: PluginTools['env']): string {
  if (ovsdb === undefined) return realPathOf(resolve(env.OVS_RUNDIR || '/var/run/openvswitch', 'db.sock'))
  return NO_UNIX_SOCKET.test(ovsdb) ? ovsdb : realPathOf(resolve(ovsdb.replace(/^unix:/, '')))
}
