// One look-up as its way past the stations, and what two answers have in common. Pure.
import { SOURCES } from '../look/sources.js'
import type { Source } from '../src/public.js'
import type { LookupReport } from '../src/server/api.js'

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

/** `patterns`: whether they are on in the daemon. */
export function wayOf(report: LookupReport, patterns: boolean): Station[] {
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
    if (one === 'pattern') return { source: one, visit: patternVisit(patterns, i < end), micros: undefined }
    if (one === 'computed') return { source: one, visit: 'not-asked', micros: undefined }
    // Memory is asked always; its time is part of the whole. A tier below that was passed by without a word is not there.
    if (one === 'memory') return { source: one, visit: 'missed', micros: undefined }
    return { source: one, visit: i > end ? 'not-asked' : 'off', micros: undefined }
  })
}

function patternVisit(on: boolean, before: boolean): Visit {
  if (!on) return 'off'
  return before ? 'by-template' : 'not-asked'
}

/** `dims` floats, little-endian, as base64. @throws Error where it is not that */
export function vectorOf(base64: string, dims: number): Float32Array {
  const text = atob(base64)
  if (text.length !== 4 * dims) throw new Error(`the vector has ${text.length} bytes, not ${4 * dims}`)
  const view = new DataView(new ArrayBuffer(text.length))
  for (let i = 0; i < text.length; i++) view.setUint8(i, text.charCodeAt(i))
  return Float32Array.from({ length: dims }, (_, i) => view.getFloat32(4 * i, true))
}
