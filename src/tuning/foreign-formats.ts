// Traces as other programs write and read them: rows of CSV, and libCacheSim's oracleGeneral. Pure: touches no file.

import type { CacheName } from '../ports.js'
import { mixBits } from './mix-bits.js'
import type { OneRequest } from './request-list.js'
import {
  CACHE_ORDER,
  KEY_SPAN,
  MOST_AT,
  MOST_COUNT,
  MOST_MICROS,
  OUTCOMES,
  type Outcome,
  type Requests,
} from './requests.js'

/**
 * The first line of our CSV. Seconds since 1970, the key as a whole number, bytes, name of the cache, outcome, tokens, and microseconds: of
 * computing, and of the request. libCacheSim reads the first three.
 */
export const CSV_HEADER = 'time,obj_id,obj_size,cache,outcome,tokens,cost_us,micros'

export function csvRow(requests: Requests, i: number): string {
  const { at, key, bytes, cache, outcome, tokens, cost, micros } = requests
  const names = `${CACHE_ORDER[cache[i]!]},${OUTCOMES[outcome[i]!]}`
  return `${at[i]! / 1000},${key[i]},${bytes[i]},${names},${tokens[i]},${short(cost[i]!)},${short(micros[i]!)}`
}

/** All digits that a 32-bit float has, and no more. */
function short(value: number): string {
  return String(Number(value.toPrecision(9)))
}

type Column = 'time' | 'id' | 'size' | 'cache' | 'outcome' | 'tokens' | 'cost' | 'micros'

/** What others call their columns. */
const NAMES: Readonly<Record<Column, readonly string[]>> = {
  time: ['time', 'timestamp', 'ts', 'clock_time', 'at'],
  id: ['obj_id', 'id', 'key', 'obj', 'object', 'object_id', 'block', 'lba', 'lbn', 'offset'],
  size: ['obj_size', 'size', 'bytes', 'object_size', 'length', 'len'],
  cache: ['cache'],
  outcome: ['outcome'],
  tokens: ['tokens'],
  cost: ['cost_us', 'cost'],
  micros: ['micros'],
}

/** Reads rows of CSV whose columns it learns from the first one. Says what is wrong with a row, in words and without the row's, by returning that. */
export class CsvRows {
  readonly #one: OneRequest = fromElsewhere()
  #places: Partial<Record<Column, number>> | undefined
  #separator = ','
  /** Keys are taken as they are. */
  #ours = false

  /** Whether a column tells how large entries are; known from the first row on. */
  get hasSizes(): boolean {
    return this.#places?.size !== undefined
  }

  /** The request in a row; undefined where it is the heading or empty. */
  read(line: string): Readonly<OneRequest> | undefined | string {
    const row = line.endsWith('\r') ? line.slice(0, -1) : line
    if (row === '' || row.startsWith('#')) return undefined
    if (this.#places === undefined) this.#separator = [',', '\t', ';'].find(one => row.includes(one)) ?? ' '
    const cells = cellsOf(row, this.#separator)
    if (cells === undefined) return 'a quotation mark has no partner'
    if (this.#places === undefined) {
      const places = headingOf(cells)
      this.#ours = row === CSV_HEADER
      this.#places = places ?? { time: 0, id: 1, ...(cells.length > 2 && { size: 2 }) }
      if (places !== undefined) return places.id === undefined ? 'no column says what was asked for' : undefined
    }
    return this.#request(cells, this.#places)
  }

  #request(cells: readonly string[], places: Partial<Record<Column, number>>): Readonly<OneRequest> | string {
    const one = this.#one
    const text = (column: Column) => (places[column] === undefined ? undefined : (cells[places[column]] ?? ''))
    const id = text('id')
    if (!id) return 'it does not say what was asked for'
    const at = inMs(number(text('time')))
    if (!(at >= 0 && at <= MOST_AT)) return 'its time is no number, or before 1970 or after 2200'
    one.at = Math.round(at)
    const key = this.#ours ? number(id) : keyOfText(id)
    if (!(Number.isInteger(key) && key >= 0 && key < KEY_SPAN)) return 'its key is none of ours'
    one.key = key
    for (const [field, column, most] of FIELDS) {
      const value = number(text(column))
      if (!(value >= 0 && value <= most)) return `its ${column} is no number from 0 to ${most}`
      one[field] = value
    }
    const [cache, outcome] = [text('cache'), text('outcome')]
    one.cache = cache === undefined ? 0 : CACHE_ORDER.indexOf(cache as CacheName)
    if (one.cache < 0) return `its cache is none of ${CACHE_ORDER.join(', ')}`
    one.outcome = outcome === undefined ? COMPUTED : OUTCOMES.indexOf(outcome as Outcome)
    if (one.outcome < 0) return `its outcome is none of ${OUTCOMES.join(', ')}`
    return one
  }
}

/** Undefined where a quoted cell does not end. */
function cellsOf(row: string, separator: string): string[] | undefined {
  if (!row.includes('"')) return row.split(separator).map(cell => cell.trim())
  const cells: string[] = []
  for (let at = 0; at <= row.length; ) {
    while (row[at] === ' ' && separator !== ' ') at++
    const [whole, quoted] = row[at] === '"' ? (/^"((?:[^"]|"")*)" */.exec(row.slice(at)) ?? []) : []
    if (row[at] === '"' && whole === undefined) return undefined
    let end = row.indexOf(separator, at + (whole?.length ?? 0))
    if (end < 0) end = row.length
    if (quoted !== undefined && end > at + whole!.length) return undefined
    cells.push(quoted?.replaceAll('""', '"') ?? row.slice(at, end).trim())
    at = end + 1
  }
  return cells
}

const FIELDS = [
  ['bytes', 'size', MOST_COUNT],
  ['tokens', 'tokens', MOST_COUNT],
  ['cost', 'cost', MOST_MICROS],
  ['micros', 'micros', MOST_MICROS],
] as const

/** Nobody says how it was answered: as if nothing had been kept. */
const COMPUTED = OUTCOMES.indexOf('computed')

function fromElsewhere(): OneRequest {
  return { at: 0, cache: 0, key: 0, bytes: 0, tokens: 0, cost: 0, micros: 0, outcome: COMPUTED }
}

/** Which column stands where; undefined where the first row is none of names. */
function headingOf(cells: readonly string[]): Partial<Record<Column, number>> | undefined {
  const places: Partial<Record<Column, number>> = {}
  const lower = cells.map(cell => cell.toLowerCase().replace(/[\s-]+/g, '_'))
  for (const [column, names] of Object.entries(NAMES) as [Column, readonly string[]][]) {
    const place = lower.findIndex(cell => names.includes(cell))
    if (place >= 0) places[column] = place
  }
  const aNumber = cells.some(cell => cell !== '' && Number.isFinite(Number(cell)))
  return Object.keys(places).length === 0 && aNumber ? undefined : places
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i

/** 0 where there is no such column, NaN where what stands there is no number as people write it. */
function number(text: string | undefined): number {
  if (text === undefined) return 0
  return DECIMAL.test(text) ? Number(text) : Number.NaN
}

/** Seconds, as most write them; nanoseconds, microseconds or milliseconds since 1970 by their size. */
function inMs(time: number): number {
  if (time > 1e17) return time / 1e6
  if (time > 1e14) return time / 1e3
  return time > 1e11 ? time : 1000 * time
}

export const ORACLE_BYTES = 24
/** How oracleGeneral says that nothing asks for it again: as -1, and as the largest number, both are in use. */
const NEVER_LOW = 0xffff_ffff
/** More than any file has, in units of 2^32. */
const MOST_REQUESTS = 2 ** 12

/**
 * The record `number`, from 0, of oracleGeneral: u32 seconds, u64 id, u32 bytes, i64 number of the next request to the same, little-endian.
 * Returns what is wrong with it where it is none.
 */
export function decodeOracle(view: DataView, offset: number, number: number, into: OneRequest): string | undefined {
  const high = view.getInt32(offset + 20, true)
  const low = view.getUint32(offset + 16, true)
  const never = (high === -1 || high === 0x7fff_ffff) && low === NEVER_LOW
  // It comes later. Of a part of a trace the numbers may be those of the whole, which are larger.
  if (!never && (high < 0 || high > MOST_REQUESTS || high * 2 ** 32 + low <= number)) {
    return 'the number of the next request to the same is impossible'
  }
  into.at = 1000 * view.getUint32(offset, true)
  into.key = keyOfParts(view.getUint32(offset + 4, true), view.getUint32(offset + 8, true))
  into.bytes = view.getUint32(offset + 12, true)
  return undefined
}

export function oracleRecord(): OneRequest {
  return fromElsewhere()
}

/** `next`: the number of the next request to the same; undefined where there is none. */
export function encodeOracle(
  view: DataView,
  offset: number,
  requests: Requests,
  i: number,
  next: number | undefined,
): void {
  const key = requests.key[i]!
  const low = key % 2 ** 32
  view.setUint32(offset, Math.min(NEVER_LOW, Math.floor(requests.at[i]! / 1000)), true)
  view.setUint32(offset + 4, low, true)
  view.setUint32(offset + 8, (key - low) / 2 ** 32, true)
  view.setUint32(offset + 12, requests.bytes[i]!, true)
  view.setUint32(offset + 16, next ?? NEVER_LOW, true)
  view.setInt32(offset + 20, next === undefined ? -1 : 0, true)
}

/** Ids of others may be 1, 2, 3, or addresses: samples are taken by key, so a key has to look as if it were drawn by chance. */
function keyOfParts(low: number, high: number): number {
  const one = mixBits(low ^ Math.imul(mixBits(high ^ 0x9e37_79b9), 0x85eb_ca6b))
  const other = mixBits(high ^ Math.imul(one, 0xc2b2_ae35) ^ Math.imul(low, 0x27d4_eb2f))
  return (one & (2 ** 20 - 1)) * 2 ** 32 + (other >>> 0)
}

export function keyOfText(text: string): number {
  let [low, high] = [0x811c_9dc5, 0x1b87_3593]
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    // FNV-1a, and a second one over what it made.
    low = Math.imul(low ^ code, 0x0100_0193)
    high = Math.imul(high ^ (low >>> 5) ^ code, 0x5bd1_e995)
  }
  return keyOfParts(low, high)
}

/** What unpacks a file that begins so. */
export function packing(start: Uint8Array): string | undefined {
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd) return '`zstd -d`'
  if (start[0] === 0x1f && start[1] === 0x8b) return '`gunzip`'
  return undefined
}

/** Text has none of the bytes that records of numbers are full of. */
export function isText(start: Uint8Array): boolean {
  return start.every(byte => byte >= 32 || byte === 9 || byte === 10 || byte === 13)
}

/** Whether a file that begins so is a trace of other programs, and no text with a request in each line. */
export function isForeignTrace(start: Uint8Array): boolean {
  if (start.length === 0) return false
  if (!isText(start)) return true
  const lines = new TextDecoder().decode(start).split('\n')
  const first = lines.find(line => line.trim() !== '' && !line.startsWith('#'))
  return first !== undefined && typeof new CsvRows().read(first) !== 'string'
}
