// Estimates what a JavaScript value costs in memory, and tells whether JSON can hold it. Looks only; copies nothing, calls nothing of the value's.

import { isArrayBuffer, isMap, isSet } from '../realms.js'

export interface SizeEstimate {
  /** Estimated bytes in memory: strings at two bytes a character, numbers at eight, 56 for an object, 16 a property. */
  readonly bytes: number
  /**
   * True for what JSON can say: plain objects, arrays without holes, strings, finite numbers, booleans, null. A property that is
   * undefined counts as absent. A circle is not noticed here; JSON.stringify throws.
   */
  readonly json: boolean
  /** True when JSON would bring back an equal value: the same without -0, which it writes as 0. */
  readonly exact: boolean
}

/** Does not recurse, so that a very deep value is no danger; an object met twice is weighed once. With `freeze` each is frozen on the way. */
export function estimateSize(value: unknown, freeze = false): SizeEstimate {
  let bytes = 0
  let json = true
  let negativeZero = false
  const seen = new Set<object>()
  const stack: unknown[] = [value]
  while (stack.length > 0) {
    const item = stack.pop()
    switch (typeof item) {
      case 'string':
        bytes += 16 + 2 * item.length
        break
      case 'number':
        bytes += 8
        json &&= Number.isFinite(item)
        negativeZero ||= Object.is(item, -0)
        break
      case 'boolean':
        bytes += 8
        break
      case 'object': {
        if (item === null || seen.has(item)) break
        seen.add(item)
        bytes += 56
        if (ArrayBuffer.isView(item) || isArrayBuffer(item)) {
          bytes += item.byteLength
          json = false
        } else if (Array.isArray(item)) {
          bytes += 8 * item.length
          for (const element of item) stack.push(element)
        } else if (isMap(item) || isSet(item)) {
          json = false
          for (const part of isMap(item) ? [...item].flat(1) : item) stack.push(part)
        } else {
          json &&= isPlain(item)
          // Without the pairs of `entries`: large states are weighed each time they are asked for.
          for (const name of Object.keys(item)) {
            const part = (item as Readonly<Record<string, unknown>>)[name]
            bytes += 16 + 2 * name.length
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
