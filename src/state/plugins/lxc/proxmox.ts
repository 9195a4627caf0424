// Containers of Proxmox VE on this node: `pvesh` (or `pct list`) says which there are and which run, their configuration how they are
// connected. Both programs take half a second and more to start, so that configuration is read from its files where those can be read.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PluginTools } from '../../plugin.js'
import { splitOnce } from '../split-once.js'
import { type Container, type ContainerNetwork, type Containers, firstNetwork } from './container.js'
import { failed, outputOf } from './program.js'

/** `pct shutdown` waits so long; what ends the wait before is the deadline of the call. */
const SHUTDOWN_SECONDS = '3600'
const PROPERTIES = ['hostname', 'memory', 'cores']

interface Listed {
  readonly id: string
  readonly running: boolean
  readonly name?: string
}

/** `folder`: where the configuration of this node's containers lies, as `ID.conf`. */
export function proxmox(tools: PluginTools, hasPvesh: boolean, folder: string): Containers {
  async function listed(signal: AbortSignal): Promise<readonly Listed[]> {
    if (!hasPvesh) return parsePctList(await outputOf(tools, 'pct', ['list'], signal))
    const args = ['get', '/nodes/localhost/lxc', '--output-format', 'json']
    return parsePvesh(await outputOf(tools, 'pvesh', args, signal))
  }

  async function configOf(id: string, signal: AbortSignal): Promise<string> {
    return readFile(join(folder, `${id}.conf`), 'utf8').catch(() => outputOf(tools, 'pct', ['config', id], signal))
  }

  return {
    async list(signal) {
      const containers: Container[] = []
      for (const { id, running, name } of await listed(signal)) {
        const { networks, properties } = parseProxmoxConfig(id, await configOf(id, signal))
        const called = properties.hostname ?? name
        containers.push({
          id,
          ...(called !== undefined && { name: called }),
          running,
          manager: 'proxmox',
          ...firstNetwork(networks),
          networks,
          properties,
        })
      }
      return containers
    },

    async running(signal) {
      return new Map((await listed(signal)).map(({ id, running }) => [id, running]))
    },

    async start(id, signal) {
      await outputOf(tools, 'pct', ['start', id], signal)
    },

    async stop(id, signal) {
      await outputOf(tools, 'pct', ['shutdown', id, '--timeout', SHUTDOWN_SECONDS], signal)
    },
  }
}

/** The answer of `pvesh get /nodes/NODE/lxc --output-format json`: `vmid` is a number in some versions and text in others. */
export function parsePvesh(text: string): Listed[] {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch (error) {
    throw failed(`pvesh answers no JSON: ${text.slice(0, 200)}`, error)
  }
  if (!Array.isArray(answer)) throw failed('pvesh answers no list of containers')
  return answer.map((entry: { vmid?: unknown; status?: unknown; name?: unknown } | null) => {
    const vmid = entry?.vmid
    const id = typeof vmid === 'number' || typeof vmid === 'string' ? String(vmid) : ''
    const running = runs(entry?.status)
    if (!/^\d+$/.test(id) || running === undefined) {
      throw failed(`pvesh answers what is no container: ${JSON.stringify(entry).slice(0, 200)}`)
    }
    return { id, running, ...(typeof entry?.name === 'string' && { name: entry.name }) }
  })
}

/**
 * The answer of `pct list`: columns `VMID Status Lock Name`, of which Lock is often empty. Where there is no name its column is
 * empty, too, and what follows the status may then be a lock: the heading tells where a column begins.
 */
export function parsePctList(text: string): Listed[] {
  const [heading, ...lines] = text.split('\n').filter(line => line.trim() !== '')
  // With no container at all some versions print nothing.
  if (heading === undefined) return []
  if (!/^VMID\s+Status\s+Lock\s+Name\s*$/.test(heading))
    throw failed(`pct answers no list of containers: ${heading.slice(0, 200)}`)
  const nameAt = heading.indexOf('Name')
  return lines.map(line => {
    const [, id = '', status, rest = ''] = /^(\d+)\s+(\S+)\s*(.*?)\s*$/.exec(line) ?? []
    const running = runs(status)
    if (id === '' || running === undefined)
      throw failed(`pct answers a line that is no container: ${line.slice(0, 200)}`)
    // A lock that is wider than its column pushes the name to the right.
    const name = line.slice(nameAt).trim() === rest ? rest : rest.split(/\s+/).at(1)
    return { id, running, ...(name !== undefined && name !== '' && { name }) }
  })
}

function runs(status: unknown): boolean | undefined {
  return status === 'running' ? true : status === 'stopped' ? false : undefined
}

/**
 * The configuration of container `id`, as its file or `pct config` has it: `key: value`, with snapshots and pending changes behind
 * headings in brackets. A network is `name=eth0,bridge=vmbr0,…`; its end at the host is called `vethIDiN` by Proxmox.
 */
export function parseProxmoxConfig(id: string, text: string): Pick<Container, 'networks' | 'properties'> {
  const values = new Map<string, string>()
  for (const line of text.split('\n')) {
    if (line.startsWith('[')) break
    const [, key, value = ''] = /^(\w+):\s*(.*?)\s*$/.exec(line) ?? []
    if (key !== undefined) values.set(key, value)
  }
  const indices = [...values.keys()].filter(key => /^net(0|[1-9]\d{0,3})$/.test(key)).map(key => Number(key.slice(3)))
  const networks: Record<string, ContainerNetwork> = {}
  for (const index of indices.sort((a, b) => a - b)) {
    const parts = new Map((values.get(`net${index}`) as string).split(',').map(part => splitOnce(part, '=')))
    const field = (key: string, as = key) => (parts.has(key) ? { [as]: parts.get(key) as string } : {})
    networks[`net${index}`] = { ...field('type'), ...field('bridge'), ...field('name'), veth: `veth${id}i${index}` }
  }
  const properties = PROPERTIES.filter(key => values.has(key)).map(key => [key, values.get(key) as string])
  return { networks, properties: Object.fromEntries(properties) }
}
