// The bytes of a trace file: a header, then blocks of records, each with a checksum of its own. Pure: reads and writes no file.
//
//   file    = header block*
//   header  = "opdtrace"  u32 version  u32 length  u32 crc  JSON[length]      crc: of version, length and JSON
//   block   = "blok"  u32 number  u32 records  u32 crc  f64 at  f64 rate  record[records]
//   record  = u32 key, low    u32 key, high | cache << 20 | outcome << 24    u32 at    u32 bytes    u32 tokens    f32 cost    f32 micros
//
// All little-endian. A block's crc goes over the block without the crc and continues the header's, so that no block of another file fits; blocks
// are numbered from 0, so that none is missing or twice. `at` of a record is ms after its block's. A block without records is the last one: a
// file without it is still written to, or its process was killed, or it was cut between two blocks.
import type { PolicyName } from '../cache/eviction.js'
import type { CacheName, Crc32 } from '../ports.js'
import type { OneRequest } from './request-list.js'
import { CACHE_ORDER, KEY_SPAN, LEAST_RATE, MOST_AT, MOST_COUNT, MOST_MICROS, OUTCOMES } from './requests.js'

export const TRACE_VERSION = 1
const MAGIC = new TextEncoder().encode('opdtrace')
/** Bytes before the JSON of a header. */
export const HEADER_BYTES = 20
/** Bytes of JSON that a header may have. */
export const HEADER_LIMIT = 16_384
export const BLOCK_BYTES = 32
export const RECORD_BYTES = 28
/** Records of a block at most: with its head 56 KB. */
export const BLOCK_RECORDS = 2048
const BLOCK_MAGIC = 0x6b6f_6c62
const HIGH = 2 ** 20 - 1

/** What a trace says of a cache at the time when it was begun. */
export interface TracedCache {
  /** A disk tier lay behind memory. */
  readonly disk: boolean
  readonly policy: PolicyName
  /** Entries that memory held at most; absent where nothing but bytes bounded it. */
  readonly capacity?: number
  /** Bytes that memory held at most; absent where it is not known, or nothing but entries bounded it. */
  readonly bytes?: number
}

export interface TraceHeader {
  /** Random, 32 hex digits: the same in all files of one process, and says nothing of it. */
  readonly process: string
  /** Place among the files of the process, from 1. */
  readonly part: number
  /** Milliseconds since 1970. */
  readonly began: number
  readonly caches: Readonly<Partial<Record<CacheName, TracedCache>>>
}

/** Why bytes are no trace that can be read. */
export type HeaderFault = 'no-trace' | 'version' | 'damaged'

export function encodeHeader(header: TraceHeader, crc32: Crc32): { readonly bytes: Uint8Array; readonly crc: number } {
  const json = new TextEncoder().encode(JSON.stringify(header))
  const bytes = new Uint8Array(HEADER_BYTES + json.length)
  const view = new DataView(bytes.buffer)
  bytes.set(MAGIC)
  view.setUint32(8, TRACE_VERSION, true)
  view.setUint32(12, json.length, true)
  bytes.set(json, HEADER_BYTES)
  const crc = headerCrc(bytes, crc32)
  view.setUint32(16, crc, true)
  return { bytes, crc }
}

function headerCrc(bytes: Uint8Array, crc32: Crc32): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(8, 16)))
}

/** Whether bytes begin as a trace of any version does. */
export function isTrace(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.every((byte, i) => bytes[i] === byte)
}

/** The header at the beginning of `bytes`, which need not be longer than the longest header, and where the first block begins. */
export function decodeHeader(
  bytes: Uint8Array,
  crc32: Crc32,
): { readonly header: TraceHeader; readonly crc: number; readonly end: number } | HeaderFault {
  if (!isTrace(bytes)) return 'no-trace'
  if (bytes.length < HEADER_BYTES) return 'damaged'
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  // Before the checksum: another version may have another.
  if (view.getUint32(8, true) !== TRACE_VERSION) return 'version'
  const end = HEADER_BYTES + view.getUint32(12, true)
  if (end > HEADER_BYTES + HEADER_LIMIT || end > bytes.length) return 'damaged'
  const crc = view.getUint32(16, true)
  if (headerCrc(bytes.subarray(0, end), crc32) !== crc) return 'damaged'
  const header = headerOf(new TextDecoder().decode(bytes.subarray(HEADER_BYTES, end)))
  return header === undefined ? 'damaged' : { header, crc, end }
}

/** Checked, since a sound checksum does not say who wrote it. */
function headerOf(json: string): TraceHeader | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  const { process, part, began, caches } = (value ?? {}) as Record<string, unknown>
  if (typeof process !== 'string' || !/^[0-9a-f]{32}$/.test(process)) return undefined
  if (!isCount(part) || typeof began !== 'number' || !isTime(began)) return undefined
  return { process, part, began, caches: cachesOf(caches) }
}

function cachesOf(value: unknown): TraceHeader['caches'] {
  const caches: Partial<Record<CacheName, TracedCache>> = {}
  for (const name of CACHE_ORDER) {
    const one = ((value ?? {}) as Record<string, unknown>)[name]
    const { disk, policy, capacity, bytes } = (one ?? {}) as Record<string, unknown>
    // A later version may know policies that this one does not: it is kept as it was told, and whoever reads it looks whether it knows it.
    if (typeof disk !== 'boolean' || typeof policy !== 'string' || !/^[a-z0-9-]{1,40}$/.test(policy)) continue
    caches[name] = {
      disk,
      policy: policy as PolicyName,
      ...(isCount(capacity) && capacity <= MOST_COUNT && { capacity }),
      ...(isCount(bytes) && { bytes }),
    }
  }
  return caches
}

function isTime(value: number): boolean {
  return value >= 0 && value <= MOST_AT
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** The records of a block as they come. */
export class TraceBlock {
  readonly #bytes = new Uint8Array(BLOCK_BYTES + BLOCK_RECORDS * RECORD_BYTES)
  readonly #view = new DataView(this.#bytes.buffer)
  #records = 0
  #at = 0
  #rate = 1

  get records(): number {
    return this.#records
  }

  /** Whether there is room for a record of that time and part of the keys; an empty block takes any. */
  takes(at: number, rate: number): boolean {
    if (this.#records === 0) return true
    return this.#records < BLOCK_RECORDS && rate === this.#rate && at >= this.#at && at - this.#at < 2 ** 32
  }

  /** Only what it `takes`. A number that is not finite, or beyond what its field holds, becomes the nearest that fits. */
  add(one: Readonly<OneRequest>, rate: number): void {
    if (this.#records === 0) {
      this.#at = one.at
      this.#rate = rate
    }
    const view = this.#view
    const offset = BLOCK_BYTES + this.#records * RECORD_BYTES
    const low = one.key % 2 ** 32
    view.setUint32(offset, low, true)
    view.setUint32(offset + 4, (one.key - low) / 2 ** 32 + one.cache * 2 ** 20 + one.outcome * 2 ** 24, true)
    view.setUint32(offset + 8, one.at - this.#at, true)
    view.setUint32(offset + 12, uint32(one.bytes), true)
    view.setUint32(offset + 16, uint32(one.tokens), true)
    view.setFloat32(offset + 20, micros32(one.cost), true)
    view.setFloat32(offset + 24, micros32(one.micros), true)
    this.#records++
  }

  /** The bytes of the block, good until the next `add`. It is empty then. */
  finish(number: number, headerCrc: number, crc32: Crc32): Uint8Array {
    const view = this.#view
    const bytes = this.#bytes.subarray(0, BLOCK_BYTES + this.#records * RECORD_BYTES)
    view.setUint32(0, BLOCK_MAGIC, true)
    view.setUint32(4, number, true)
    view.setUint32(8, this.#records, true)
    view.setFloat64(16, this.#at, true)
    view.setFloat64(24, this.#rate, true)
    view.setUint32(12, blockCrc(bytes, headerCrc, crc32), true)
    this.#records = 0
    return bytes
  }
}

function blockCrc(bytes: Uint8Array, headerCrc: number, crc32: Crc32): number {
  return crc32(bytes.subarray(16), crc32(bytes.subarray(0, 12), headerCrc))
}

function uint32(value: number): number {
  return value > 0 ? Math.min(Math.round(value), MOST_COUNT) : 0
}

function micros32(value: number): number {
  return value > 0 ? Math.min(value, MOST_MICROS) : 0
}

/** How long the block is whose head lies at `offset` of `bytes`; undefined where no block begins there. At least its head has to be there. */
export function blockLength(bytes: Uint8Array, offset: number): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, BLOCK_BYTES)
  const records = view.getUint32(8, true)
  if (view.getUint32(0, true) !== BLOCK_MAGIC || records > BLOCK_RECORDS) return undefined
  return BLOCK_BYTES + records * RECORD_BYTES
}

/** What a sound block says of itself. */
export interface DecodedBlock {
  /** 0: the file ends with it. */
  readonly records: number
  readonly rate: number
  /** Calls `take` with each record, in order. It is one object, filled anew. */
  each(take: (one: Readonly<OneRequest>) => void): void
}

/** The block that `bytes` are, where they are one, unchanged, and its number is this. */
export function decodeBlock(
  bytes: Uint8Array,
  number: number,
  headerCrc: number,
  crc32: Crc32,
): DecodedBlock | undefined {
  if (bytes.length < BLOCK_BYTES || blockLength(bytes, 0) !== bytes.length) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint32(4, true) !== number || view.getUint32(12, true) !== blockCrc(bytes, headerCrc, crc32)) {
    return undefined
  }
  const [at, rate] = [view.getFloat64(16, true), view.getFloat64(24, true)]
  if (!isTime(at) || !(rate >= LEAST_RATE && rate <= 1)) return undefined
  const records = view.getUint32(8, true)
  return { records, rate, each: take => eachRecord(view, records, at, take) }
}

function eachRecord(view: DataView, records: number, at: number, take: (one: Readonly<OneRequest>) => void): void {
  const one: OneRequest = { at: 0, cache: 0, key: 0, bytes: 0, tokens: 0, cost: 0, micros: 0, outcome: 0 }
  for (let i = 0, offset = BLOCK_BYTES; i < records; i++, offset += RECORD_BYTES) {
    const word = view.getUint32(offset + 4, true)
    one.key = (word & HIGH) * 2 ** 32 + view.getUint32(offset, true)
    one.cache = (word >>> 20) & 15
    one.outcome = word >>> 24
    one.at = at + view.getUint32(offset + 8, true)
    one.bytes = view.getUint32(offset + 12, true)
    one.tokens = view.getUint32(offset + 16, true)
    one.cost = view.getFloat32(offset + 20, true)
    one.micros = view.getFloat32(offset + 24, true)
    if (isPossible(one)) take(one)
  }
}

/** What no writer of ours writes is passed over, whatever its checksum says. */
function isPossible({ at, key, cache, outcome, cost, micros }: OneRequest): boolean {
  const measured = cost >= 0 && cost <= MOST_MICROS && micros >= 0 && micros <= MOST_MICROS && at <= MOST_AT
  return measured && key < KEY_SPAN && cache < CACHE_ORDER.length && outcome < OUTCOMES.length
}
