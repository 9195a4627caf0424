// Whether a value is what a caller says it is, whichever realm made it: `instanceof` is false for what comes from a vm context,
// a frame, or a test of Jest's. Looks only; changes nothing.

import { OpDbusError } from './errors.js'
import type { CallOptions } from './ports.js'

/** A typed array of that name. Its tag is a getter over an internal slot, the same in every realm. */
function isTyped(value: unknown, name: string): boolean {
  return ArrayBuffer.isView(value) && (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag] === name
}

export function isFloat32Array(value: unknown): value is Float32Array {
  return value instanceof Float32Array || isTyped(value, 'Float32Array')
}

export function isUint8Array(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || isTyped(value, 'Uint8Array')
}

/** The same numbers in the same memory, as an array of this realm: what is cut from it goes to callers. */
export function ownFloats(values: Float32Array): Float32Array {
  const { buffer, byteOffset, length } = values
  return values instanceof Float32Array ? values : new Float32Array(buffer, byteOffset, length)
}

export function isArrayBuffer(value: unknown): value is ArrayBuffer {
  return value instanceof ArrayBuffer || isBranded(value, 'ArrayBuffer', byteLengthOf)
}

export function isMap(value: unknown): value is Map<unknown, unknown> {
  return value instanceof Map || isBranded(value, 'Map', sizeOfMap)
}

export function isSet(value: unknown): value is Set<unknown> {
  return value instanceof Set || isBranded(value, 'Set', sizeOfSet)
}

export function isRegExp(value: unknown): value is RegExp {
  return value instanceof RegExp || isBranded(value, 'RegExp', sourceOf)
}

const getterOf = (prototype: object, name: string) => Object.getOwnPropertyDescriptor(prototype, name)!.get!
const byteLengthOf = getterOf(ArrayBuffer.prototype, 'byteLength')
const sizeOfMap = getterOf(Map.prototype, 'size')
const sizeOfSet = getterOf(Set.prototype, 'size')
const sourceOf = getterOf(RegExp.prototype, 'source')

/** The tag alone can be made up; a getter over an internal slot throws for anything else. */
function isBranded(value: unknown, tag: string, getter: () => unknown): boolean {
  if (Object.prototype.toString.call(value) !== `[object ${tag}]`) return false
  try {
    getter.call(value)
    return true
  } catch {
    return false
  }
}

/**
 * The signal that a caller passed; undefined where there is none. Null counts as none, as in `fetch`. An
 * AbortSignal of another realm, or of a library's making, does as well.
 * @throws OpDbusError INVALID_INPUT for anything else, and for what is no object with the options of a call
 */
export function signalOf(call: CallOptions | null | undefined): AbortSignal | undefined {
  if (call === undefined || call === null) return undefined
  if (typeof call !== 'object') throw notCall('the options of a call are an object such as { signal }', 'call')
  if (isSignal(call)) throw notCall('a signal is given as { signal }, not by itself', 'signal')
  const signal: unknown = call.signal
  if (signal === undefined || signal === null) return undefined
  if (isSignal(signal)) return signal
  throw notCall('signal must be an AbortSignal, such as the signal of an AbortController', 'signal')
}

function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null) return false
  const { aborted, addEventListener, removeEventListener } = value as Partial<AbortSignal>
  return (
    typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof removeEventListener === 'function'
  )
}

function notCall(why: string, option: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', why, { details: { option } })
}
