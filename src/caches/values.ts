// Values of the query, diff and block caches: in and out as structured clones, or shared as they are where nobody can change
// them; to disk as JSON. Knows no cache.

import { estimateSize } from '../cache/estimate-size.js'
import { deepFreeze } from '../cache/frozen.js'
import { messageOf, OpDbusError } from '../errors.js'

/** A value as memory holds it: a clone that nobody outside has, or one that is frozen. */
export interface Held {
  readonly value: unknown
  readonly bytes: number
  /** JSON can say it, so it may be frozen and shared. */
  readonly json: boolean
  /** JSON brings back an equal value, so a disk tier may have it too. */
  readonly exact: boolean
  /** How long memory may hold it, in ms, where that is not the cache's own limit. */
  readonly ttlMs?: number | undefined
  /** Past its time when it was read, and good only until there is another. */
  readonly late?: boolean
  /** Frozen to its leaves. */
  frozen: boolean
}

/** @throws OpDbusError UNCACHEABLE when the value holds a function, a symbol, a socket, or is nested too deep. */
export function hold(value: unknown): Held {
  return { ...estimateSize(value), value: clone(value), frozen: false }
}

/** Holds what was read from disk, and nobody else has. */
export function holdRead(value: unknown): Held {
  return { ...estimateSize(value), value, frozen: false }
}

/**
 * Freezes a JSON value to its leaves and holds it as it is.
 * @throws OpDbusError UNCACHEABLE when it is none; some of it may be frozen then
 */
export function holdFrozen(value: unknown): Held {
  const size = estimateSize(value, true)
  if (!size.json) throw new OpDbusError('UNCACHEABLE', NOT_SHARED)
  return { ...size, value, frozen: true }
}

/** A copy of a held value, for a caller to do with as they like. */
export function release<T>(held: Held): T {
  return clone(held.value) as T
}

/**
 * The held value itself, frozen.
 * @throws OpDbusError UNCACHEABLE when it is no JSON value
 */
export function share<T>(held: Held): T {
  if (!held.json) throw new OpDbusError('UNCACHEABLE', NOT_SHARED)
  if (!held.frozen) {
    deepFreeze(held.value)
    held.frozen = true
  }
  return held.value as T
}

const NOT_SHARED = 'only a JSON value can be shared frozen; ask for a copy of any other'

export function heldBytes(held: Held, id: string): number {
  return held.bytes + 2 * id.length + 200
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** JSON as bytes, or undefined when this value has none (a circle, nested too deep). */
export function toJson(value: unknown): Uint8Array | undefined {
  try {
    return encoder.encode(JSON.stringify(value))
  } catch {
    return undefined
  }
}

/** The object in `bytes`, or undefined when they hold none. */
export function fromJson(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function clone(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch (error) {
    throw new OpDbusError('UNCACHEABLE', `a value that cannot be cloned: ${messageOf(error)}`, { cause: error })
  }
}
