// How a plugin's answer lies on disk: its file's name, and what makes it good. Asks nobody and decides nothing else.
import type { Codec } from '../cache/codec.js'
import type { Clock, Hash, Key } from '../ports.js'
import { subjectOf } from './query-names.js'
import { fromJson, type Held, holdRead, toJson } from './values.js'

const TOKEN = '.token'
const HOLD = '.hold'

/** Tokens and holds outlive the answers beside them: how old their files may grow, in ms. */
const TOKEN_AGE_MS = 24 * 3600 * 1000
/** So far readings of two processes may be apart, in ms: an answer that seems to come from later is of just now. */
const APART_MS = 1

/**
 * How old a file of the query store may grow, in ms, where answers are served for `ttlMs` and `staleMs` more; for the store's own
 * housekeeping.
 */
export function queryFileAge(ttlMs: number, staleMs = 0): (key: Key) => number {
  const ageMs = ttlMs + staleMs
  // Who keeps nothing does not judge what others keep.
  return key => (isAnswer(key) ? ageMs || TOKEN_AGE_MS : Math.max(TOKEN_AGE_MS, 10 * ageMs))
}

/** Whether what lies there is what a plugin answered, and not what is known about it. */
export function isAnswer(key: Key): boolean {
  return !key.endsWith(TOKEN) && !isHold(key)
}

const PLAIN = /^[a-z0-9][a-z0-9_-]{0,49}$/
/** What a device is called on Windows is no file's name. */
const DEVICE = /^(con|prn|aux|nul|(com|lpt)\d)$/
/** The end of a name that was made here. */
const HASHED = /-[0-9a-f]{32}$/
const READABLE = /^[a-z0-9][a-z0-9_-]{0,39}/

/**
 * Names that are a file name on every system, and the same one for no other plugin, stay as they are. Others are called by what can
 * be read of them and a part of their hash: `net@1:unix:/x/db.sock` is `net-3f2a9c...`.
 */
export function queryKey(hash: Hash, plugin: string): Key {
  if (PLAIN.test(plugin) && !DEVICE.test(plugin) && !HASHED.test(plugin)) return plugin as Key
  return `${READABLE.exec(plugin)?.[0] ?? '_'}-${hash.sha256(plugin).slice(0, 32)}` as Key
}

export function tokenKey(hash: Hash, plugin: string): Key {
  return `${queryKey(hash, subjectOf(plugin))}${TOKEN}` as Key
}

/** Of one holder; names of plugins have no dot. */
export function holdKey(hash: Hash, plugin: string, holder: string): Key {
  return `${queryKey(hash, subjectOf(plugin))}.${holder}${HOLD}` as Key
}

/** Whether somebody holds this plugin there. */
export function isHoldOf(hash: Hash, plugin: string): (key: Key) => boolean {
  const begin = `${queryKey(hash, subjectOf(plugin))}.`
  return key => isHold(key) && key.startsWith(begin)
}

export function isHold(key: Key): boolean {
  return key.endsWith(HOLD)
}

export interface QueryFileParts {
  readonly ttlMs: number
  readonly staleMs: number
  readonly clock: Clock
  readonly hash: Hash
  /** Monotonic readings are comparable within one boot only. Empty where the system names none. */
  readonly bootId: string
  readonly tokens: {
    /** The token that is current as this look-up sees it; undefined where there is none. */
    tokenOf(plugin: string): string | undefined
    /** The token that is current as a query begins; makes one where there is none. */
    begin(plugin: string): string | undefined
  }
}

export function queryCodec({ ttlMs, staleMs, clock, hash, bootId, tokens }: QueryFileParts): Codec<Held> {
  return {
    key: plugin => queryKey(hash, plugin),
    ticket: async plugin => tokens.begin(plugin),
    encode(plugin, held, token) {
      if (!held.exact || token === undefined) return undefined
      const [wallMs, monotonicMs] = [clock.now(), clock.monotonic()]
      const storedAt = new Date(wallMs).toISOString()
      return toJson({ plugin, storedAt, wallMs, monotonicMs, bootId, token, value: held.value })
    },
    decode(plugin, bytes) {
      const file = fromJson(bytes)
      const token = tokens.tokenOf(plugin)
      if (file === undefined || file.plugin !== plugin || token === undefined || file.token !== token) return undefined
      if (file.bootId !== bootId || !('value' in file)) return undefined
      // Both clocks must agree that it is young: the wall clock steps, the monotonic one stands still in sleep. Where the
      // system names no boot, monotonic readings of two processes have nothing to do with each other.
      const wallAge = clock.now() - Number(file.wallMs)
      const monotonicAge = bootId === '' ? wallAge : clock.monotonic() - Number(file.monotonicMs)
      const age = Math.max(wallAge, monotonicAge, 0)
      if (!(Math.min(wallAge, monotonicAge) >= -APART_MS && age < ttlMs + staleMs)) return undefined
      return { value: { ...holdRead(file.value), late: age >= ttlMs }, ttlMs: ttlMs - age }
    },
  }
}
