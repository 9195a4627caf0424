// The five sources: their letters, their names, their order on the way of a look-up. Pure.
import type { Source } from '../src/public.js'

export const SOURCES = ['memory', 'disk', 'shared', 'pattern', 'computed'] as const satisfies readonly Source[]

export const LETTERS: Readonly<Record<Source, string>> = {
  memory: 'M',
  disk: 'D',
  shared: 'S',
  pattern: 'P',
  computed: 'C',
}

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
export type Visit = 'answered' | 'missed' | 'not asked' | 'off'

/**
 * The way of a look-up that `source` answered. A tier that is off was passed by; what lies behind the answer was not asked.
 * Templates are applied before memory is asked, so with them the pattern station is no stop of its own.
 */
export function pathOf(source: Source, off: ReadonlySet<Source>): Record<Source, Visit> {
  const path = {} as Record<Source, Visit>
  let answered = false
  for (const one of SOURCES) {
    if (one === source) path[one] = 'answered'
    else if (off.has(one)) path[one] = 'off'
    else path[one] = answered ? 'not asked' : 'missed'
    answered ||= one === source
  }
  return path
}
