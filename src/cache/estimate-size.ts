// Estimates what a JavaScript value costs in memory, and tells whether JSON can hold it. Looks only; copies nothing, calls nothing of the value's.

import { isArrayBuffer, isMap, isSet } from '../realms.js'

export interface SizeEstimate {
  /** Estimated bytes in memory, rather too many than too few: see below. */
  readonly bytes: number
  /**
   * True for what JSON can say: plain objects, arrays without holes, strings, finite numbers, booleans, null. A property that is
   * undefined counts as absent. A circle is not noticed here; JSON.stringify throws.
   */
  readonly json: boolean
  /** True when JSON would bring back an equal value: the same without -0, which it writes as 0. */
  readonly exact: boolean
}

/*
   As V8 lays values out. Measured with frozen states of networks, units and containers, parsed, copied and cloned: what is estimated
   is 1.05 to 3 times what the heap grows by, most where many short texts are equal, which a parser makes one. Objects of one kind
   share their names; a large object is a table of its own.
*/
const OBJECT = 56
const SLOT = 8
const HEAP_NUMBER = 16
/** Of an object with more than `MOST_SLOTS` properties, for each of them. */
const TABLE_ENTRY = 64
const MOST_SLOTS = 100
const NAME = 40
const STRING = 20
const BEYOND_LATIN1 = /[^\x00-\xff]/

/** Does not recurse, so that a very deep value is no danger; an object met twice is weighed once. With `freeze` each is frozen on the way. */
export function estimateSize(value: unknown, freeze = false): SizeEstimate {
  let bytes = 0
  let json = true
  let negativeZero = false
  const seen = new Set<object>()
  const names = new Set<string>()
  const stack: unknown[] = [value]
  while (stack.length > 0) {
    const item = stack.pop()
    switch (typeof item) {
      case 'string':
        bytes += STRING + (BEYOND_LATIN1.test(item) ? 2 : 1) * item.length
        break
      case 'number':
        // A small integer lies in the slot itself.
        if ((item | 0) !== item) bytes += HEAP_NUMBER
        json &&= Number.isFinite(item)
        negativeZero ||= Object.is(item, -0)
        break
      case 'boolean':
        break
      case 'object': {
        if (item === null || seen.has(item)) break
        seen.add(item)
        bytes += OBJECT
        if (ArrayBuffer.isView(item) || isArrayBuffer(item)) {
          bytes += item.byteLength
          json = false
        } else if (Array.isArray(item)) {
          bytes += SLOT * item.length
          for (const element of item) stack.push(element)
        } else if (isMap(item) || isSet(item)) {
          json = false
          for (const part of isMap(item) ? [...item].flat(1) : item) stack.push(part)
        } else {
          json &&= isPlain(item)
          // Without the pairs of `entries`: large states are weighed each time they are asked for.
          const own = Object.keys(item)
          bytes += own.length * (own.length > MOST_SLOTS ? TABLE_ENTRY : SLOT)
          for (const name of own) {
            const part = (item as Readonly<Record<string, unknown>>)[name]
            if (!names.has(name)) {
              names.add(name)
              bytes += NAME + 2 * name.length
            }
            if (part !== undefined) stack.push(part)
          }
        }
        if (freeze && json) Object.freeze(item)
        break
      }
      default:
        bytes += 16
        json = false
    }
  }
  return { bytes, json, exact: json && !negativeZero }
}

/** An object of no class: what JSON brings back. */
export function isPlain(item: object): boolean {
  const prototype = Object.getPrototypeOf(item)
  // Another realm's Object.prototype (a vm context, a frame) is a prototype without a prototype.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
