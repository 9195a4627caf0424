// The five sources as the page calls them, and the way of a look-up past them. Pure.
import { SOURCES } from '../look/sources.js'
import type { Source } from '../src/public.js'

/** What a browser calls the tier. */
export const NAMES: Readonly<Record<Source, string>> = {
  memory: 'memory',
  disk: 'IndexedDB',
  shared: 'shared',
  pattern: 'pattern',
  computed: 'computed',
}

/** `20 lines, 12 from memory, 8 computed`. */
export function summary(sources: readonly Source[], failed = 0): string {
  const total = sources.length + failed
  const parts = SOURCES.flatMap(source => {
    const count = sources.filter(one => one === source).length
    if (count === 0) return []
    return `${count} ${source === 'computed' ? 'computed' : `from ${NAMES[source]}`}`
  })
  if (failed > 0) parts.push(`${failed} failed`)
  return [`${total} ${total === 1 ? 'line' : 'lines'}`, ...parts].join(', ')
}

/** What happened at a station of one look-up. */
export type Visit = 'answered' | 'missed' | 'by template' | 'not asked' | 'off'
export type Way = Readonly<Record<Source, Visit>>

/**
 * The way of a look-up that `source` answered. A tier that is off was passed by; what lies behind the answer was not asked.
 * Where patterns are on, a text is made a template first and the tiers are asked for that: one of them had the vector, and the
 * cache does not tell which.
 */
export function wayOf(source: Source, off: ReadonlySet<Source>): Way {
  const way = {} as Record<Source, Visit>
  const before: Visit = source === 'pattern' ? 'by template' : 'missed'
  let answered = false
  for (const one of SOURCES) {
    if (one === source) way[one] = 'answered'
    else if (off.has(one)) way[one] = 'off'
    else way[one] = answered ? 'not asked' : before
    answered ||= one === source
  }
  return way
}
