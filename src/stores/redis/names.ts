// What our keys are called in a Redis, and where in a cluster they lie. Pure.
import type { Key } from '../../ports.js'

/** All that is ours begins so: what an access list has to name. */
export const PREFIX = 'opdbus:'
const VALUES = `${PREFIX}v:{`
/** The name of a value that nobody has. */
export const PROBE = `${PREFIX}v:none`
/** Generations lie together in a cluster, so that one connection hears of all. */
export const GENERATIONS = `${PREFIX}g:{opd}:`
/** The slot of `{opd}`. */
export const GENERATION_SLOT = 4897
/** Matches the names of all values. */
export const ANY_VALUE = `${PREFIX}v:*`

/**
 * A cluster puts a key into one of its 16,384 slots by CRC-16 of what is in braces. Keys that lie apart are commands apart, so there are
 * 16 places: the words of three letters that lie nearest to the middle of each sixteenth of the slots.
 */
const TAGS = [
  'ms3',
  'mws',
  'pt6',
  'arf',
  'mb1',
  'eoi',
  'pe4',
  'acd',
  'gxm',
  'ou5',
  'c0h',
  'ky8',
  'gio',
  'od7',
  'ceb',
  'rc2',
] as const
/** The slot of each tag. */
export const TAG_SLOTS: readonly number[] = TAGS.map((_, place) => 1024 * place + 512)

/** Which of the places `key` has. */
export function placeOf(key: string): number {
  let hash = 0
  for (let i = Math.max(0, key.length - 8); i < key.length; i++) hash = Math.imul(hash, 31) + key.charCodeAt(i)
  return (hash ^ (hash >>> 8)) & 15
}

const VALUE_NAMES = TAGS.map(tag => `${VALUES}${tag}}:`)
const LOCK_NAMES = TAGS.map(tag => `${PREFIX}l:{${tag}}:`)

export function valueName(key: Key): string {
  return VALUE_NAMES[placeOf(key)]! + key
}

export function lockName(key: Key): string {
  return LOCK_NAMES[placeOf(key)]! + key
}

/** The key that this is the value of; undefined for what is none of ours. */
export function keyOfValue(name: string): Key | undefined {
  if (!name.startsWith(VALUES)) return undefined
  const key = name.slice(name.indexOf('}:') + 2) as Key
  return isKey(key) && name === valueName(key) ? key : undefined
}

/** See {@link Key}. */
export function isKey(key: unknown): key is Key {
  if (typeof key !== 'string' || key.length === 0 || key.length > 100 || key.startsWith('.')) return false
  for (let i = 0; i < key.length; i++) if (!MAY_STAND[key.charCodeAt(i)]) return false
  return true
}

/** By character code; faster than an expression, and asked for every key of every question. */
const MAY_STAND = Uint8Array.from({ length: 128 }, (_, code) => Number(/[a-z0-9._-]/.test(String.fromCharCode(code))))

/** Undefined for what no name was made of by encodeURIComponent. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
