// The bytes of a segment file: layouts, and how each part is written and recognised. Touches no file and keeps no state.
import { endianness } from 'node:os'
import type { ProcessIdentity } from '../../fs/process-identity.js'
import type { Crc32 } from '../../ports.js'
import type { ParsedKey } from './parsed-key.js'

/*
 *  A segment, `<seq>-<id>.vec`; every number is little-endian:
 *
 *   0 ┌────────────┬─────────┬───────┬──────┬─────────────┬────────────┐
 *     │ magic 8    │ version │ dtype │ dims │ value bytes │ segment id │   header, 64 bytes; `check` is the CRC-32
 *  32 ├────────────┴──┬──────┴───────┴──┬───┴──┬──────────┴┬─────8─────┘   of the 60 bytes before it
 *     │ space 16      │ clear epoch 8   │ boot │ pid       │ check
 *  64 ├───────┬───────┼─────────────────┴──────┴───────────┘
 *     │ CRC-32│ state │ key 32 │ value … │ pad to 4          record 0; the CRC covers key, value and pad, and starts
 *     ├───────┼───────┼────────┼─────────┼────               from the space, so that a record is valid in its own only
 *     │ CRC-32│ state │ key 32 │ value … │ pad to 4          record 1 … state is one byte (and three unused), outside
 *     ├───────┴───────┴────────┴─────────┴────               the CRC: a delete overwrites it in place
 *     │ fingerprint 8 × n │ state 1 × n, pad to 4            footer, written when the segment is sealed: what the index
 *     ├───────────────────┴─────┬──────────┬───┬──────────┐  needs, so that opening reads no record
 *     │ magic 8                 │ id 8     │ n │ CRC of fp│  trailer, 32 bytes; `check` is the CRC-32 of the 28
 *     └─────────────────────────┴──────────┴───┴─0─┴check─┘  bytes before it
 *
 *  A segment without a trailer is still being written, or its writer was killed.
 */

const FORMAT_VERSION = 1
export const HEADER_BYTES = 64
export const TRAILER_BYTES = 32
/** CRC, state, unused, key. */
export const RECORD_HEAD = 40
export const STATE_AT = 4
export const KEY_AT = 8
export const LIVE = 0xa5
export const DEAD = 0
/** No segment grows larger, and a file that is larger is none: it bounds what reading one can cost. */
export const MAX_SEGMENT_BYTES = 256 * 2 ** 20
/** Vectors of 4 million floats; one record must fit into a segment with room to spare. */
export const MAX_VALUE_BYTES = 16 * 2 ** 20

const MAGIC = [0x6f, 0x70, 0x64, 0x62, 0x75, 0x73, 0x76, 0x0a] // "opdbusv\n"
const TRAILER_MAGIC = [0x6f, 0x70, 0x64, 0x62, 0x75, 0x73, 0x69, 0x0a] // "opdbusi\n"
const FLOAT32 = 1

/** What a segment says about itself. */
export interface Header extends ProcessIdentity {
  readonly dims: number
  readonly valueBytes: number
  /** 16 hex digits, random: a segment is known by it, whatever its file is called. */
  readonly id: string
  /** The first 32 hex digits of SHA-256 of the space. */
  readonly space: string
  /** 16 hex digits: the token of the clear epoch it was begun in. */
  readonly epoch: string
}

/** The measures of one store's segments. */
export interface Layout {
  readonly valueBytes: number
  readonly recordBytes: number
  /** What the CRC of a record starts from. */
  readonly seed: number
}

export function layoutOf(valueBytes: number, space: string, crc32: Crc32): Layout {
  return { valueBytes, recordBytes: (RECORD_HEAD + valueBytes + 3) & ~3, seed: crc32(Buffer.from(space, 'hex')) }
}

export function footerBytes(slots: number): number {
  return slots * 8 + ((slots + 3) & ~3) + TRAILER_BYTES
}

/** How many records fit into `bytes`, footer included; at least one. */
export function slotsWithin(bytes: number, recordBytes: number): number {
  return Math.max(1, Math.floor((bytes - HEADER_BYTES - TRAILER_BYTES - 3) / (recordBytes + 9)))
}

export function offsetOf(slot: number, layout: Layout): number {
  return HEADER_BYTES + slot * layout.recordBytes
}

const NAME = /^(\d{14})-[0-9a-f]{16}\.vec$/

/** `seq` is ms since the epoch where clocks allow, always above what was there: names sort by age, in all spaces. */
export function segmentName(seq: number, id: string): string {
  return `${String(seq).padStart(14, '0')}-${id}.vec`
}

/** The number in a segment's name, or undefined where the name is not one of ours. */
export function seqOf(name: string): number | undefined {
  const match = NAME.exec(name)
  return match ? Number(match[1]) : undefined
}

const UNFINISHED = /^\d{14}-[0-9a-f]{16}\.vec\.([0-9a-f]{8})-(\d{1,10})\.new$/

/** What a segment is called until it has its header. */
export function unfinishedName(name: string, writer: ProcessIdentity): string {
  return `${name}.${writer.boot.toString(16).padStart(8, '0')}-${writer.pid}.new`
}

/** Who was about to begin the segment of this name; undefined where the name is not one of ours. */
export function writerOfUnfinished(name: string): ProcessIdentity | undefined {
  const match = UNFINISHED.exec(name)
  return match ? { boot: Number.parseInt(match[1]!, 16), pid: Number(match[2]) } : undefined
}

export function encodeHeader(header: Header, crc32: Crc32): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.set(MAGIC, 0)
  bytes.writeUInt16LE(FORMAT_VERSION, 8)
  bytes.writeUInt16LE(FLOAT32, 10)
  bytes.writeUInt32LE(header.dims, 12)
  bytes.writeUInt32LE(header.valueBytes, 16)
  bytes.write(header.id, 20, 8, 'hex')
  bytes.write(header.space, 28, 16, 'hex')
  bytes.write(header.epoch, 44, 8, 'hex')
  bytes.writeUInt32LE(header.boot, 52)
  bytes.writeUInt32LE(header.pid, 56)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60)
  return bytes
}

/** True for a file of ours of any version; also for the first bytes of one whose writer died while it began. */
export function hasMagic(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => i >= bytes.length || bytes[i] === byte)
}

/** Undefined for what is not a sound header of this version. */
export function decodeHeader(data: Uint8Array, crc32: Crc32): Header | undefined {
  if (data.length < HEADER_BYTES || !hasMagic(data)) return undefined
  const bytes = Buffer.from(data.buffer, data.byteOffset, HEADER_BYTES)
  if (bytes.readUInt32LE(60) !== crc32(bytes.subarray(0, 60))) return undefined
  if (bytes.readUInt16LE(8) !== FORMAT_VERSION || bytes.readUInt16LE(10) !== FLOAT32) return undefined
  return {
    dims: bytes.readUInt32LE(12),
    valueBytes: bytes.readUInt32LE(16),
    id: bytes.toString('hex', 20, 28),
    space: bytes.toString('hex', 28, 44),
    epoch: bytes.toString('hex', 44, 52),
    boot: bytes.readUInt32LE(52),
    pid: bytes.readUInt32LE(56),
  }
}

/** Writes one live record at `at`; the bytes there may be anything. `value` has the layout's length. */
export function encodeRecord(
  target: Uint8Array,
  at: number,
  key: ParsedKey,
  value: Uint8Array,
  layout: Layout,
  crc32: Crc32,
): void {
  let to = at + KEY_AT
  for (let i = 0; i < 8; i++, to += 4) writeWord(target, to, key.words[i]!)
  target.set(value, to)
  const end = at + layout.recordBytes
  for (to += value.length; to < end; to++) target[to] = 0
  writeWord(target, at, crc32(target.subarray(at + KEY_AT, end), layout.seed))
  writeWord(target, at + STATE_AT, LIVE)
}

/** The check of the whole record that begins at `at`, whatever its state. Who checks many in one place keeps `covered`. */
export function isSound(
  bytes: Uint8Array,
  at: number,
  layout: Layout,
  crc32: Crc32,
  covered: Uint8Array = coveredPart(bytes, at, layout),
): boolean {
  return readWord(bytes, at) === (crc32(covered, layout.seed) | 0)
}

/** What the check of the record that begins at `at` covers. */
export function coveredPart(bytes: Uint8Array, at: number, layout: Layout): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + at + KEY_AT, layout.recordBytes - KEY_AT)
}

/** True if the record beginning at `at` bears this key. */
export function bearsKey(record: Uint8Array, at: number, words: Int32Array): boolean {
  for (let i = 0, from = at + KEY_AT; i < 8; i++, from += 4) {
    if (readWord(record, from) !== words[i]) return false
  }
  return true
}

export interface Footer {
  /** Two words for each slot, as a ParsedKey has them: a0 b0 a1 b1 … */
  readonly fingerprints: Int32Array
  /** One byte for each slot; only {@link LIVE} means live. */
  readonly states: Uint8Array
}

export function encodeFooter(id: string, footer: Footer, crc32: Crc32): Uint8Array {
  const slots = footer.states.length
  const bytes = Buffer.alloc(footerBytes(slots))
  for (let i = 0; i < slots * 2; i++) bytes.writeInt32LE(footer.fingerprints[i]!, i * 4)
  bytes.set(footer.states, slots * 8)
  const trailer = bytes.subarray(bytes.length - TRAILER_BYTES)
  trailer.set(TRAILER_MAGIC, 0)
  trailer.write(id, 8, 8, 'hex')
  trailer.writeUInt32LE(slots, 16)
  trailer.writeUInt32LE(crc32(bytes.subarray(0, slots * 8)), 20)
  trailer.writeUInt32LE(crc32(trailer.subarray(0, 28)), 28)
  return bytes
}

/** How many slots the trailer at the end of a segment of `size` bytes vouches for; undefined where there is none. */
export function decodeTrailer(
  data: Uint8Array,
  id: string,
  size: number,
  layout: Layout,
  crc32: Crc32,
): number | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, TRAILER_BYTES)
  if (!TRAILER_MAGIC.every((byte, i) => bytes[i] === byte) || bytes.toString('hex', 8, 16) !== id) return undefined
  if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28))) return undefined
  const slots = bytes.readUInt32LE(16)
  return size === offsetOf(slots, layout) + footerBytes(slots) ? slots : undefined
}

/**
 * The footer of `slots` slots, trailer included, or undefined where its check fails: then the records tell. It is a view onto
 * `data`, which begins where 4 divides.
 */
export function decodeFooter(data: Uint8Array, slots: number, crc32: Crc32): Footer | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.length)
  if (bytes.readUInt32LE(data.length - TRAILER_BYTES + 20) !== crc32(bytes.subarray(0, slots * 8))) return undefined
  if (endianness() === 'BE') bytes.subarray(0, slots * 8).swap32()
  const fingerprints = new Int32Array(data.buffer, data.byteOffset, slots * 2)
  return { fingerprints, states: data.subarray(slots * 8, slots * 9) }
}

function readWord(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word
  bytes[at + 1] = word >>> 8
  bytes[at + 2] = word >>> 16
  bytes[at + 3] = word >>> 24
}
