// Values of the query, diff and block caches: in and out as structured clones, to disk as JSON. Knows no cache.

import { estimateSize } from '../cache/estimate-size.js'
import { messageOf, OpDbusError } from '../errors.js'

/** A value as memory holds it: a clone that nobody outside has. */
export interface Held {
  readonly value: unknown
  readonly bytes: number
  /** JSON brings back an equal value, so a disk tier may have it too. */
  readonly exact: boolean
}

/** @throws OpDbusError UNCACHEABLE when the value holds a function, a symbol, a socket, or is nested too deep. */
export function hold(value: unknown): Held {
  const { bytes, exact } = estimateSize(value)
  return { value: clone(value), bytes, exact }
}

/** A copy of a held value, for a caller to do with as they like. */
export function release<T>(held: Held): T {
  return clone(held.value) as T
}

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
