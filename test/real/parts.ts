// The real systems that plugins are tested with: Open vSwitch, systemd, LXC, iproute2 with namespaces. Found, or installed where
// that is allowed and harmless; where one cannot be had its tests are skipped, with the reason in their name.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, inject } from 'vitest'
import { ensure, type Found, mayInstall, onPath } from '../programs.js'

const PARTS = {
  ovs: {
    packages: 'openvswitch-common openvswitch-switch',
    programs: ['ovsdb-server', 'ovsdb-tool', 'ovs-vswitchd', 'ovs-vsctl'],
  },
  systemd: { packages: 'systemd dbus', programs: ['systemctl', 'dbus-daemon', 'unshare'] },
  lxc: { packages: 'lxc busybox-static', programs: ['lxc-create', 'lxc-start', 'lxc-ls', 'busybox'] },
  netns: { packages: 'iproute2', programs: ['ip', 'unshare'] },
} as const

export type Part = keyof typeof PARTS
/** By part: its programs' paths, by name, or why its tests are skipped. */
export type Parts = Readonly<Record<Part, Found<Readonly<Record<string, string>>>>>

declare module 'vitest' {
  interface ProvidedContext {
    /** Found once, before all tests. */
    parts: Parts
  }
}

const INSTALL_SECONDS = 180

/** Never rejects. Tells on the terminal what is skipped. */
export async function ensureParts(): Promise<Parts> {
  const parts = {} as Record<Part, Parts[Part]>
  for (const [part, { packages, programs }] of Object.entries(PARTS) as [Part, (typeof PARTS)[Part]][]) {
    const installation = { packages, unless: programs, seconds: INSTALL_SECONDS }
    const found = await ensure(installation, () => findAll(programs), refusal())
    const hindrance = 'programs' in found ? hindranceOf(part) : undefined
    parts[part] = hindrance === undefined ? found : { missing: hindrance }
    const { missing } = parts[part] as { missing?: string }
    if (missing !== undefined) console.error(`tests with ${part} are skipped: ${missing}`)
  }
  return parts
}

/** `describe`, where the part is here; else skipped, with the reason in the name. */
export function describeWith(part: Part, name: string, body: () => void): void {
  const found = inject('parts')[part]
  if ('missing' in found) describe.skip(`${name} (skipped: ${part}: ${found.missing})`, body)
  else describe(name, body)
}

/** The path of a program of a part; for what runs within {@link describeWith}. */
export function programOf(part: Part, name: string): string {
  const found = inject('parts')[part]
  const path = 'programs' in found ? found.programs[name] : undefined
  if (path === undefined) throw new Error(`${name} is not here`)
  return path
}

function findAll(names: readonly string[]): Readonly<Record<string, string>> | undefined {
  const found = names.flatMap(name => {
    const path = onPath(name)
    return path === undefined ? [] : [[name, path] as const]
  })
  return found.length === names.length ? Object.fromEntries(found) : undefined
}

/** These packages bring services that the next boot would start: on a machine that systemd runs, somebody has to want that. */
function refusal(): string | undefined {
  if (!mayInstall()) return 'not on this machine'
  return existsSync('/run/systemd/system') ? 'not installed on a machine that boots with systemd' : undefined
}

/** All of them run in namespaces of their own, so that nothing of this machine is touched; some need control groups of their own there. */
function hindranceOf(part: Part): string | undefined {
  const within = (program: string) =>
    spawnSync('unshare', ['-m', '-n', '--propagation', 'private', 'sh', '-c', program]).status === 0
  if (!within('true')) return 'namespaces are not ours to make here'
  if (part !== 'systemd' && part !== 'lxc') return undefined
  const group = `/sys/fs/cgroup/op-dbus-tests-${process.pid}`
  const mount = 'umount -R /sys/fs/cgroup 2>/dev/null; mount -t cgroup2 none /sys/fs/cgroup'
  return within(`${mount} && mkdir ${group} && rmdir ${group}`) ? undefined : 'control groups are not ours to make here'
}
