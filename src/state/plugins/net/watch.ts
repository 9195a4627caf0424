// Tells each change of the network at once: the database's own monitor, and the lines of `ip monitor`. A line, or an update, is a signal
// that something is another; what it is, the next query says.
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../../ports.js'
import type { PluginTools, Watch, Watcher } from '../../plugin.js'
import { pluginFailed } from '../errors.js'
import { followLines } from '../run.js'
import { isUnknownMethod, OvsdbClient } from './client.js'
import { COLUMNS } from './snapshot.js'
import { identityOf, watchSocketFile } from './socket-file.js'

export interface WatchOptions {
  readonly socket: string
  /** Whether there is an Open vSwitch at that socket, or has to be. */
  readonly ovs: boolean
  /** Whether there is the program `ip`. */
  readonly ip: boolean
  readonly env: PluginTools['env']
  readonly clock: Clock
  readonly watcher: Watcher
  /** Ends the setting up, and nothing that stands. */
  readonly signal: AbortSignal
}

/**
 * Resolves when both tell; where Open vSwitch comes, goes or is started anew, nothing is told any more.
 * @throws OpDbusError PLUGIN_FAILED where one of those that are there does not
 */
export async function watchNet(options: WatchOptions): Promise<Watch> {
  const { socket, ovs, ip, watcher, signal } = options
  const parts: Watch[] = []
  let standing = true
  const close = () => {
    standing = false
    for (const part of parts) part.close()
  }
  const lost = (why: string) => {
    if (!standing) return
    close()
    watcher.lost(why)
  }
  const changed = () => standing && watcher.changed()
  // Before the connection is made: what takes the path over meanwhile is another one.
  const identity = ovs ? identityOf(socket) : undefined
  // What is lost while it is being set up rejects there.
  let failed: string | undefined
  let ready = false
  const onLost = (why: string) => {
    if (ready) lost(why)
    else failed ??= why
  }
  try {
    const settingUp: Promise<void>[] = []
    parts.push(watchSocketFile(socket, identity, () => onLost(`another Open vSwitch is at ${socket}, or none`)))
    if (ovs) settingUp.push(monitorOvs(socket, changed, onLost, parts, signal))
    if (ip) settingUp.push(monitorIp(changed, onLost, parts, () => failed, options))
    await Promise.all(settingUp)
    if (failed !== undefined) throw pluginFailed(failed, { plugin: 'net' })
  } catch (error) {
    close()
    throw error
  }
  ready = true
  return { close }
}

async function monitorOvs(
  socket: string,
  changed: () => void,
  onLost: (why: string) => void,
  parts: Watch[],
  signal: AbortSignal,
): Promise<void> {
  const client = new OvsdbClient(socket, { onNotification: method => method.startsWith('update') && changed(), onLost })
  parts.push(client)
  const select = { initial: false, insert: true, delete: true, modify: true }
  const requests = Object.entries(COLUMNS).map(([table, columns]) => {
    return [table, { columns: columns.filter(column => column !== '_uuid'), select }] as const
  })
  // The newest first; older servers know the last alone.
  const lists = Object.fromEntries(requests.map(([table, request]) => [table, [request]]))
  const begin = '00000000-0000-0000-0000-000000000000'
  const ways: readonly (readonly [string, readonly unknown[]])[] = [
    ['monitor_cond_since', ['Open_vSwitch', 'net', lists, begin]],
    ['monitor_cond', ['Open_vSwitch', 'net', lists]],
    ['monitor', ['Open_vSwitch', 'net', lists]],
  ]
  for (const [method, params] of ways) {
    try {
      await client.call(method, params, signal)
      return
    } catch (error) {
      if (!isUnknownMethod(error) || method === 'monitor') throw error
    }
  }
}

/** As the kernel tells who listens: `ip monitor` says nothing before the first change. */
const LISTENERS = '/proc/self/net/netlink'
/** Where it is not seen to listen in this time (the program runs in another namespace), it is taken to do so. */
const BEGIN_MS = 500

async function monitorIp(
  changed: () => void,
  onLost: (why: string) => void,
  parts: Watch[],
  failed: () => string | undefined,
  { clock, env, signal }: WatchOptions,
): Promise<void> {
  const before = await listeners()
  parts.push(followLines('ip', ['monitor', 'link', 'address', 'route'], { env, onLine: changed, onEnd: onLost }))
  // Where the list cannot be read, the start is taken for the beginning.
  if (before === undefined) return
  const until = clock.monotonic() + BEGIN_MS
  while (failed() === undefined && clock.monotonic() < until) {
    const now = await listeners()
    if (now === undefined || [...now].some(one => !before.has(one))) return
    try {
      await sleep(2, undefined, { signal })
    } catch {
      throw pluginFailed('ip monitor did not begin to listen in time', { plugin: 'net', program: 'ip' })
    }
  }
}

/** The sockets of this network namespace that listen to links, addresses and routes: by process and inode. */
async function listeners(): Promise<Set<string> | undefined> {
  try {
    const lines = (await readFile(LISTENERS, 'utf8')).split('\n')
    const columns = lines.map(line => line.trim().split(/\s+/)).filter(isListener)
    return new Set(columns.map(([, , pid, ...rest]) => `${pid} ${rest.at(-1)}`))
  } catch {
    return undefined
  }
}

/** RTMGRP_LINK, and IFADDR and ROUTE of IPv4 and of IPv6: what `ip monitor link address route` asks for. */
const GROUPS = 0x551

/** Protocol 0 is NETLINK_ROUTE; groups is a mask in hexadecimal. */
const isListener = ([, protocol, , groups]: readonly string[]) =>
  protocol === '0' && (Number.parseInt(groups ?? '0', 16) & GROUPS) === GROUPS
