// One look-up as its way past the stations, and what two answers have in common. Pure.
import { SOURCES } from '../look/sources.js'
import type { Source } from '../src/public.js'
import type { DaemonStats, LookupReport } from '../src/server/api.js'

export type Visit = 'answered' | 'missed' | 'skipped' | 'not-asked' | 'off' | 'by-template'

export interface Station {
  readonly source: Source
  readonly visit: Visit
  /** What this station took, µs; undefined where nobody timed it. */
  readonly micros: number | undefined
  /** Why it was left out. */
  readonly why?: string
}

const WHY = {
  timeout: 'did not answer in time',
  breaker: 'left alone, it failed before',
  error: 'failed',
} as const

/** `off`: what the daemon does without. */
export function wayOf(report: LookupReport, off: ReadonlySet<Source>): Station[] {
  const { source, tiers } = report
  const end = source === undefined ? SOURCES.length - 1 : SOURCES.indexOf(source)
  const asked = tiers.reduce((sum, one) => sum + one.micros, 0)
  return SOURCES.map((one, i): Station => {
    const tier = tiers.find(visit => visit.tier === one)
    if (tier?.kind === 'skipped')
      return { source: one, visit: 'skipped', micros: tier.micros, why: WHY[tier.why ?? 'error'] }
    // The whole of it but for the tiers that were asked before.
    if (one === source)
      return { source: one, visit: 'answered', micros: tier?.micros ?? Math.max(0, report.micros - asked) }
    if (tier) return { source: one, visit: 'missed', micros: tier.micros }
    if (one === 'pattern') return { source: one, visit: patternVisit(off.has(one), i < end), micros: undefined }
    if (one === 'computed') return { source: one, visit: 'not-asked', micros: undefined }
    // Memory is asked always; its time is part of the whole. A tier below that was passed by without a word is not there.
    if (one === 'memory') return { source: one, visit: 'missed', micros: undefined }
    return { source: one, visit: i > end && !off.has(one) ? 'not-asked' : 'off', micros: undefined }
  })
}

function patternVisit(off: boolean, before: boolean): Visit {
  if (off) return 'off'
  return before ? 'by-template' : 'not-asked'
}

/** What a daemon does without; nothing as long as nobody knows. */
export function offIn(stats: DaemonStats | undefined): ReadonlySet<Source> {
  if (!stats) return new Set()
  const { disk, onDisk, shared, patterns } = stats.caches.embeddings
  const off: Source[] = []
  // Before the first text no tier is open: what lies on disk, and where the shared store is, is known all the same.
  if (!disk && !onDisk) off.push('disk')
  if (!shared && !stats.shared) off.push('shared')
  if ((patterns?.mode ?? 'off') === 'off') off.push('pattern')
  return new Set(off)
}

/** `dims` floats, little-endian, as base64. @throws Error where it is not that */
export function vectorOf(base64: string, dims: number): Float32Array {
  const text = atob(base64)
  if (text.length !== 4 * dims) throw new Error(`the vector has ${text.length} bytes, not ${4 * dims}`)
  const view = new DataView(new ArrayBuffer(text.length))
  for (let i = 0; i < text.length; i++) view.setUint8(i, text.charCodeAt(i))
  return Float32Array.from({ length: dims }, (_, i) => view.getFloat32(4 * i, true))
}
