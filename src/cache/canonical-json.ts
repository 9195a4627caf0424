// Canonical JSON (RFC 8785), which no two different values share. Makes no digest.
import canonicalize from 'canonicalize'
import { messageOf, OpDbusError } from '../errors.js'
import { isPlain } from './estimate-size.js'

export interface Canonical {
  readonly text: string
  /** Nothing in the value can change any more, so that its text is known for as long as it lives. */
  readonly frozen: boolean
}

/**
 * The one JSON text of a value by RFC 8785 (JCS): keys in UTF-16 order, ECMAScript numbers, no white space.
 * Properties that are undefined count as absent.
 * @throws OpDbusError INVALID_INPUT for what JSON cannot say (undefined, functions, bigints, NaN, Maps, Dates, circles):
 *   two such values could share a text.
 */
export function canonicalJson(value: unknown): string {
  return canonical(value).text
}

/** The same, and whether it is there to stay. */
export function canonical(value: unknown): Canonical {
  const walk = new Walk()
  try {
    const sorted = walk.sorted(value)
    // Numbers and texts are written by RFC 8785 as ECMAScript does, so that only the order of keys is ours to see to.
    const text = walk.beyond ? (canonicalize as unknown as (value: unknown) => string)(value) : JSON.stringify(sorted)
    return { text, frozen: walk.frozen }
  } catch (error) {
    if (error instanceof OpDbusError) throw error
    // A circle, or a depth that no stack holds.
    throw new OpDbusError('INVALID_INPUT', `not a JSON value: ${messageOf(error)}`, { cause: error })
  }
}

/** One walk over a value; each part of it is looked at once. */
class Walk {
  frozen = true
  /** Has keys that an object cannot hold in the order wanted (numbers come first in any) or at all (`__proto__`). */
  beyond = false

  /** The value with its keys in order; itself where they are already. */
  sorted(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return value
      case 'number':
        if (Number.isFinite(value)) return value
        break
      case 'object':
        if (value === null) return value
        if (this.frozen && !Object.isFrozen(value)) this.frozen = false
        if (Array.isArray(value)) return this.#list(value)
        if (isPlain(value)) return this.#object(value as Readonly<Record<string, unknown>>)
    }
    throw new OpDbusError('INVALID_INPUT', 'not a JSON value')
  }

  #list(list: readonly unknown[]): readonly unknown[] {
    let copy: unknown[] | undefined
    for (let i = 0; i < list.length; i++) {
      const sorted = this.sorted(list[i])
      if (copy === undefined && sorted !== list[i]) copy = list.slice(0, i)
      copy?.push(sorted)
    }
    return copy ?? list
  }

  #object(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const keys = Object.keys(object)
    let same = true
    let index = false
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      if (isIndex(key)) index = true
      else if (key === '__proto__') this.beyond = true
      if (i > 0 && keys[i - 1]! > key) same = false
    }
    if (!same) {
      if (index) this.beyond = true
      keys.sort()
    }
    let copy: Record<string, unknown> | undefined = same ? undefined : {}
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!
      const value = object[key]
      if (value === undefined) continue
      const sorted = this.sorted(value)
      if (copy === undefined && sorted !== value) {
        copy = {}
        for (let before = 0; before < i; before++) copy[keys[before]!] = object[keys[before]!]
      }
      if (copy !== undefined) copy[key] = sorted
    }
    return copy ?? object
  }
}

/** The name of an array's element, which every object lists before its other keys, in the order of numbers. */
function isIndex(key: string): boolean {
  const first = key.charCodeAt(0)
  return first >= 0x30 && first <= 0x39 && /^(0|[1-9]\d{0,9})$/.test(key)
}
