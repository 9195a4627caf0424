// Any value as plain JSON of our own: checked, copied, in one order. Opens no file.
import { messageOf } from '../errors.js'
import type { JsonObject, JsonValue } from './json.js'
import { pointerTo } from './pointer.js'

export { deepFreeze } from '../cache/frozen.js'

/** How deep a state may nest, and how long its JSON text may be. What walks a state calls itself once for each level. */
export const MAX_DEPTH = 128
export const MAX_BYTES = 16 * 1024 * 1024

export interface PlainOptions {
  /** Told of what is not JSON and where (RFC 6901): throws, or answers what is to stand there instead. */
  fault(path: string, message: string): JsonValue
  /** What becomes of an integer that no double holds exactly: its digits as text, or a fault. */
  readonly unsafe: 'text' | 'fault'
  /** Whether a text with half a surrogate pair is a fault: it has no UTF-8, so that two such texts would share one. Default false. */
  readonly wellFormed?: boolean
  readonly maxDepth?: number
  readonly maxBytes?: number
}

/** A new object of plain JSON: keys sorted, members that are undefined left out, -0 as 0, bigints as decimal text. Not frozen. */
export function plainJson(value: unknown, options: PlainOptions): JsonValue {
  return new Copy(options).of(value)
}

class Copy {
  readonly #options: PlainOptions
  readonly #maxDepth: number
  readonly #maxBytes: number
  readonly #path: (string | number)[] = []
  /** The objects around the value in hand: one that comes again within itself is a circle. */
  readonly #around = new Set<object>()
  #bytes = 0
  #full = false

  constructor(options: PlainOptions) {
    this.#options = options
    this.#maxDepth = options.maxDepth ?? MAX_DEPTH
    this.#maxBytes = options.maxBytes ?? MAX_BYTES
  }

  of(value: unknown): JsonValue {
    if (value === null || typeof value === 'boolean') return this.#counted(5, value)
    if (typeof value === 'string') return this.#counted(value.length + 3, this.#text(value))
    if (typeof value === 'number') return this.#counted(8, this.#number(value))
    if (typeof value === 'bigint') return this.#counted(20, String(value))
    if (typeof value === 'object') return this.#nested(value)
    return this.#fault(value === undefined ? 'is undefined' : `is a ${typeof value}, which JSON does not have`)
  }

  #text(value: string): string {
    // Whatever the fault answers: the text is not to be used.
    if (this.#options.wellFormed && !value.isWellFormed())
      this.#fault('holds half a surrogate pair, which UTF-8 does not have')
    return value
  }

  #number(value: number): JsonValue {
    if (!Number.isFinite(value)) return this.#fault(`is ${value}, which JSON does not have`)
    if (!Number.isInteger(value) || Number.isSafeInteger(value)) return value === 0 ? 0 : value
    if (this.#options.unsafe === 'text') return String(BigInt(value))
    return this.#fault('is an integer beyond 2^53, which is not kept exactly: write it as text, "9007199254740993"')
  }

  #nested(value: object): JsonValue {
    if (this.#around.has(value)) return this.#fault('leads back to what it is in')
    if (this.#around.size === this.#maxDepth) return this.#fault(`is nested deeper than ${this.#maxDepth}`)
    // Counted before what is in it, and as what it takes in memory: empty lists within one another have to end, too.
    this.#counted(16, null)
    this.#around.add(value)
    try {
      if (Array.isArray(value)) return this.#list(value)
      if (isPlain(value)) return this.#object(value as Record<string, unknown>)
    } finally {
      this.#around.delete(value)
    }
    return this.#fault(`is ${Object.prototype.toString.call(value)} and no plain object`)
  }

  #list(list: readonly unknown[]): JsonValue[] {
    const copy: JsonValue[] = []
    for (let index = 0; index < list.length && !this.#full; index++) {
      this.#path.push(index)
      copy.push(this.of(list[index]))
      this.#path.pop()
    }
    return copy
  }

  #object(object: Record<string, unknown>): JsonObject {
    const copy: Record<string, JsonValue> = {}
    for (const key of Object.keys(object).sort()) {
      if (this.#full) break
      this.#path.push(key)
      this.#text(key)
      const value = this.#read(object, key)
      // Assigning it would change what the object inherits from, and lose the member.
      if (key === '__proto__') this.#fault('is no name that a member may have')
      else if (value !== undefined) copy[key] = this.#counted(key.length + 4, this.of(value))
      this.#path.pop()
    }
    return copy
  }

  #read(object: Record<string, unknown>, key: string): unknown {
    try {
      return object[key]
    } catch (error) {
      return this.#fault(`cannot be read: ${messageOf(error)}`)
    }
  }

  #counted<T extends JsonValue>(bytes: number, value: T): T {
    this.#bytes += bytes
    if (this.#bytes > this.#maxBytes && !this.#full) {
      this.#full = true
      this.#options.fault('', `is more than ${this.#maxBytes / 1024 / 1024} MiB of JSON`)
    }
    return value
  }

  #fault(message: string): JsonValue {
    return this.#options.fault(pointerTo(this.#path), message)
  }
}

/** An object that is nothing but its members, whichever realm made it. */
function isPlain(value: object): boolean {
  const parent = Object.getPrototypeOf(value)
  return (
    parent === null ||
    parent === Object.prototype ||
    (Object.getPrototypeOf(parent) === null && Object.hasOwn(parent, 'isPrototypeOf'))
  )
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `object[name]`, where it is a member of its own: `constructor` is a name like any other. */
export function memberOf(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined
}

/** Whether two JSON values are equal; the order of keys does not matter. */
export function sameJson(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  if (one === other) return true
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((value, i) => sameJson(value, other[i]))
  }
  if (!isObject(one) || !isObject(other)) return false
  const keys = Object.keys(one)
  return (
    keys.length === Object.keys(other).length &&
    keys.every(key => Object.hasOwn(other, key) && sameJson(one[key], other[key]))
  )
}

/** In one order, each once: lists that are sets. Numbers by size, all else by its JSON text. */
export function asSet(list: readonly JsonValue[]): JsonValue[] {
  const texts = new Map(list.map(value => [JSON.stringify(value), value]))
  return [...texts].sort(bySizeOrText).map(([, value]) => value)
}

function bySizeOrText([one, a]: [string, JsonValue], [other, b]: [string, JsonValue]): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return one < other ? -1 : 1
}
