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

const WHERE = { disk: 'on disk', memory: 'in memory', shared: 'shared' } as const

/** What goes, or went, all together: `1 200 entries, 3.1 MB on disk; 300 entries, 614 kB in memory`. */
export function goneText({ gone }: ClearReport): string {
  const told = (['disk', 'memory', 'shared'] as const).flatMap(tier => {
    const there = gone.filter(one => one.tier === tier)
    const sum = (what: 'entries' | 'bytes') => there.reduce((total, one) => total + (one[what] ?? 0), 0)
    if (there.length === 0 || (tier !== 'shared' && sum('entries') === 0)) return []
    return [`${plural(sum('entries'), 'entry', 'entries')}, ${bytes(sum('bytes'))} ${WHERE[tier]}`]
  })
  return told.join('; ') || 'nothing'
}
