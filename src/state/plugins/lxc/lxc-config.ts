// The part of an LXC container's configuration that the plugin tells: its host name and its networks. The format is that of
// lxc.container.conf(5): `key = value`, a later line over an earlier one, an empty value takes back, `lxc.include` is read in place.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerNetwork } from './container.js'
import { failed } from './program.js'

/** As deep as files may include one another: one that includes itself has an end. */
const MOST_INCLUDES = 16
const FIELDS: Readonly<Record<string, keyof ContainerNetwork>> = {
  type: 'type',
  link: 'bridge',
  name: 'name',
  'veth.pair': 'veth',
}

export interface LxcConfig {
  readonly name?: string
  readonly networks: Readonly<Record<string, ContainerNetwork>>
}

/** Nothing where there is no such file. @throws OpDbusError PLUGIN_FAILED where it cannot be read */
export async function readLxcConfig(file: string): Promise<LxcConfig> {
  const values = new Map<string, string>()
  await readInto(values, file, 0)
  const networks: Record<string, ContainerNetwork> = {}
  for (const index of indicesIn(values)) {
    const found = Object.entries(FIELDS).flatMap(([key, field]) => {
      const value = values.get(`lxc.net.${index}.${key}`)
      return value === undefined ? [] : [[field, value]]
    })
    const { veth, ...network }: ContainerNetwork = Object.fromEntries(found)
    // What was said for another type before does not count.
    networks[`net${index}`] = veth !== undefined && network.type === 'veth' ? { ...network, veth } : network
  }
  const name = values.get('lxc.uts.name')
  return { ...(name !== undefined && { name }), networks }
}

async function readInto(values: Map<string, string>, file: string, depth: number): Promise<void> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw failed(`${file} cannot be read: ${(error as Error).message}`, error)
  }
  for (const line of text.split('\n')) {
    const [, key, quoted = ''] = /^\s*([\w.-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (key === undefined) continue
    const value = quoted.replace(/^(["'])(.*)\1$/, '$2')
    if (key === 'lxc.include') {
      if (depth < MOST_INCLUDES)
        for (const included of await filesOf(value)) await readInto(values, included, depth + 1)
    } else if (value === '') {
      for (const known of [...values.keys()]) if (known === key || known.startsWith(`${key}.`)) values.delete(known)
    } else {
      values.set(key, value)
    }
  }
}

/** An included folder means its files whose names end in `.conf`. */
async function filesOf(path: string): Promise<readonly string[]> {
  const isFolder = await stat(path).then(
    found => found.isDirectory(),
    () => false,
  )
  if (!isFolder) return [path]
  const names = await readdir(path)
  return names
    .filter(name => name.endsWith('.conf'))
    .sort()
    .map(name => join(path, name))
}

function indicesIn(values: ReadonlyMap<string, string>): readonly number[] {
  const found = [...values.keys()].flatMap(key => {
    const index = /^lxc\.net\.(0|[1-9]\d{0,3})\./.exec(key)?.[1]
    return index === undefined ? [] : [Number(index)]
  })
  return [...new Set(found)].sort((a, b) => a - b)
}
