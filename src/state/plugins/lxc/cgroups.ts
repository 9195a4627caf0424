// Containers that run, by the control groups that the kernel keeps for them: all that can be known where the programs of LXC and
// Proxmox cannot be had. A container that is stopped has none, and so is not told.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Container, Containers } from './container.js'
import { failed } from './program.js'

/** Below the root of control groups: version 2 alone, then where version 1 has a place for it. */
const HIERARCHIES = ['', 'unified', 'systemd']
/** Where a folder is that of a container, and how it is called then. */
const FORMS = [
  { parent: '', name: /^lxc\.payload\.(.+)$/ },
  { parent: 'lxc', name: /^([^.].*)$/ },
  { parent: 'lxc.payload', name: /^(.+)$/ },
  { parent: 'system.slice', name: /^pve-container@(\d+)\.service$/ },
]

/** The containers that run now, by name, sorted. Cheap: a few folders are listed. */
export function containersInCgroups(root: string): readonly string[] {
  const found = new Set<string>()
  for (const hierarchy of HIERARCHIES) {
    for (const { parent, name } of FORMS) {
      const folder = join(root, hierarchy, parent)
      for (const entry of foldersIn(folder)) {
        const id = name.exec(entry)?.[1]
        if (id !== undefined && isPopulated(join(folder, entry))) found.add(id)
      }
    }
  }
  return [...found].sort()
}

export function cgroups(root: string): Containers {
  const neither = async () => {
    throw failed('no program here starts or stops containers')
  }
  return {
    async list() {
      return containersInCgroups(root).map(
        (id): Container => ({ id, running: true, manager: 'cgroups', networks: {}, properties: {} }),
      )
    },
    running: async () => new Map(containersInCgroups(root).map(id => [id, true])),
    start: neither,
    stop: neither,
  }
}

function foldersIn(path: string): readonly string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap(entry => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}

/** A group that is left over has no process in it or below. Version 1 does not tell. */
function isPopulated(folder: string): boolean {
  try {
    return !/^populated 0$/m.test(readFileSync(join(folder, 'cgroup.events'), 'utf8'))
  } catch {
    return true
  }
}
