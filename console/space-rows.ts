// Spaces as the page lists them: what they are in words, what a clear takes. Pure.
import { bytes, plural } from '../src/format.js'
import type { CacheName } from '../src/ports.js'
import type { ClearCall, ClearReport, SpaceInfo } from '../src/server/api.js'

/** What tells one space of a model from another, in a line: `512 dims, dtype q8, pooling mean`. Hashes and what is empty are left out. */
export function detailsOf({ description, dims }: SpaceInfo): string {
  const told = Object.entries(description).filter(
    ([name, value]) => !['model', 'dims', 'format'].includes(name) && !/sha256$/i.test(name) && value !== '',
  )
  return [`${dims} dims`, ...told.map(([name, value]) => `${name} ${value}`)].join(', ')
}

/** What people call it: its model, else the beginning of its hash. */
export function nameOf({ description, space }: Pick<SpaceInfo, 'description' | 'space'>): string {
  const { model } = description
  return typeof model === 'string' && model !== '' ? model : space.slice(0, 12)
}

/** `Clear the space builtin`, `Clear all four caches`. */
export function clearTitle({ caches, space }: ClearCall, name: string): string {
  if (space !== undefined) return `Clear the space ${name}`
  return caches === undefined ? 'Clear all four caches' : `Clear ${listed(caches)}`
}

function listed(names: readonly CacheName[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}

/** What goes, or went, all together: `1 200 entries, 3.1 MB`. */
export function goneText({ gone }: ClearReport): string {
  const [entries, size] = [
    gone.reduce((sum, one) => sum + one.entries, 0),
    gone.reduce((sum, one) => sum + one.bytes, 0),
  ]
  return `${plural(entries, 'entry', 'entries')}, ${bytes(size)}`
}
