// Checks that throw a plain Error with a sentence, so that a suite needs no test runner's own. Compares bytes and plain values.
import { messageOf } from '../errors.js'

/** Equal numbers, texts or booleans, or both undefined. */
export function same(actual: unknown, expected: unknown, what: string): void {
  if (!Object.is(actual, expected)) throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`)
}

/** The same bytes, in a Uint8Array. */
export function sameBytes(actual: unknown, expected: Uint8Array, what: string): void {
  if (!(actual instanceof Uint8Array))
    throw new Error(`${what}: expected ${expected.length} bytes, got ${show(actual)}`)
  same(actual.length, expected.length, `${what}: bytes`)
  for (let i = 0; i < expected.length; i++) {
    if (actual[i] !== expected[i]) throw new Error(`${what}: byte ${i} is ${actual[i]}, not ${expected[i]}`)
  }
}

/** One answer for each, in that order. */
export function sameAnswers(actual: unknown, expected: readonly (Uint8Array | undefined)[], what: string): void {
  if (!Array.isArray(actual)) throw new Error(`${what}: expected a list, got ${show(actual)}`)
  same(actual.length, expected.length, `${what}: answers`)
  for (const [i, bytes] of expected.entries()) {
    if (bytes === undefined) same(actual[i], undefined, `${what}: answer ${i}`)
    else sameBytes(actual[i], bytes, `${what}: answer ${i}`)
  }
}

export function sameMap(
  actual: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
  what: string,
): void {
  for (const [key, value] of expected) same(actual.get(key), value, `${what}: ${key}`)
  for (const key of actual.keys()) if (!expected.has(key)) throw new Error(`${what}: ${key} is not there any more`)
}

/** `call` throws or rejects with an error of that code. */
export async function fails(call: () => unknown, code: string, what: string): Promise<void> {
  let answer: unknown
  try {
    answer = await call()
  } catch (error) {
    if ((error as { code?: unknown } | undefined)?.code === code) return
    throw new Error(`${what}: expected an error with code ${code}, got: ${messageOf(error)}`)
  }
  throw new Error(`${what}: expected an error with code ${code}, got ${show(answer)}`)
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
