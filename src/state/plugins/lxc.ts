// The plugin of containers: those of Proxmox VE where that is installed, else those of LXC, else what control groups tell of them. It
// starts and stops them; it makes, changes and removes none. What it takes to ask is loaded at the first question.
import { existsSync } from 'node:fs'
import type { JsonObject } from '../../json/json.js'
import type { PluginTools, StateAction, StatePlugin } from '../plugin.js'
import { cgroups, containersInCgroups } from './lxc/cgroups.js'
import { checkContainers } from './lxc/check.js'
import type { Container, ContainerManager, Containers } from './lxc/container.js'
import { onPath } from './on-path.js'

export interface LxcOptions {
  /** The folder of LXC's containers; undefined: the one that LXC itself names. Where it is given, Proxmox is not asked. */
  readonly path?: string
  /** Where Proxmox keeps the configuration of this node's containers. */
  readonly proxmoxFolder?: string
  /** Where control groups are. */
  readonly cgroupFolder?: string
}

const COLLECTION = 'containers'
const NONE =
  'neither LXC (lxc-ls, lxc-start) nor Proxmox VE (pct) is on the PATH, and no control group is that of a container'

/** `{ containers: [{ id, name, running, error, manager, bridge, veth, networks, properties }] }`: what is in it says {@link Container}. */
export function lxcPlugin(tools: PluginTools, options: LxcOptions = {}): StatePlugin {
  const { path, proxmoxFolder = '/etc/pve/lxc', cgroupFolder = '/sys/fs/cgroup' } = options
  const has = (program: string) => onPath(program, tools.env) !== undefined

  /** Looked at each time: what is installed while a process lives is found. */
  const kind = (): ContainerManager | undefined => {
    // Also where its programs are not on the PATH of this user: what Proxmox keeps is never started behind its back.
    if (path === undefined && (has('pct') || existsSync(proxmoxFolder))) return 'proxmox'
    if (has('lxc-ls') && has('lxc-start')) return 'lxc'
    return path === undefined && containersInCgroups(cgroupFolder).length > 0 ? 'cgroups' : undefined
  }

  const open = async (): Promise<Containers> => {
    const found = kind()
    if (found === 'proxmox') return (await import('./lxc/proxmox.js')).proxmox(tools, has('pvesh'), proxmoxFolder)
    if (found === 'lxc') return (await import('./lxc/lxc-tools.js')).lxcTools(tools, path)
    return cgroups(cgroupFolder)
  }

  return {
    name: 'lxc',
    version: '1',
    ...(path !== undefined && { scope: path }),
    resources: { [COLLECTION]: { key: 'id', summary: ['running', 'name', 'bridge', 'veth', 'manager'] } },
    // It does not push: lxc-monitor tells no container that is made, removed or configured otherwise, nor when it has begun to listen.
    capabilities: { apply: true, atomic: false, rollback: true, watch: false },
    // A container that starts or stops brings and takes links, and is a unit of systemd.
    affects: ['net', 'systemd'],

    unavailable() {
      if (kind() === undefined) return NONE
      if (path !== undefined && !existsSync(path)) return `there is no folder ${path}`
      return undefined
    },

    async query({ signal }) {
      const containers = await (await open()).list(signal)
      return { [COLLECTION]: [...containers].sort(byId) as unknown as JsonObject[] }
    },

    initial: state => ({
      [COLLECTION]: (state[COLLECTION] as unknown as Container[]).flatMap(({ id, running }) =>
        running === undefined ? [] : [{ id, running }],
      ),
    }),

    check: checkContainers,
    refuses,

    async apply(actions, call) {
      const { startAndStop } = await import('./lxc/start-and-stop.js')
      await startAndStop(await open(), actions, call)
    },
  }
}

function refuses(action: StateAction, current: JsonObject | undefined): string | undefined {
  if (action.kind === 'create') {
    return 'containers are not made by op-dbus: make it with lxc-create or pct create, then declare whether it runs'
  }
  if (action.kind === 'delete') return 'containers are not removed by op-dbus: lxc-destroy or pct destroy does that'
  if (action.kind !== 'modify') return undefined
  const others = action.changes.filter(change => change.path !== '/running').map(change => change.path.slice(1))
  if (others.length > 0)
    return `op-dbus starts and stops containers, and changes nothing else of them: ${others.join(', ')}`
  if (current?.error !== undefined) return `it is neither started nor stopped: ${current.error}`
  return current?.manager === 'cgroups'
    ? 'no program here starts or stops containers: neither lxc-start nor pct is on the PATH'
    : undefined
}

function byId(a: Container, b: Container): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0
}
