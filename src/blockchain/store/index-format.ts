// How a file of the index is drawn: JSON, of lines that all have one width, so that one entry is found without the others. Pure.
import type { Crc32 } from '../../ports.js'
import { MAX_LINE_BYTES } from '../block.js'
import type { Location } from '../ports.js'

/*
   {"op-dbus":"block index","version":1,"chain":"<hash of block 0>","first":        1000,"known":1000,"timed":true ,"least":  1700000000000,
    "greatest":  1700000000999,"crc32":"<CRC-32>","check":"<CRC-32>","blocks":[                              (one line)
   {"number":        1000,"hash":"<64 digits>","segment":           0,"offset":    812345,"bytes":    1203,"timestamp":    1700000000000},
   ... one line for each of a thousand numbers; blanks behind `null` where nothing is known
   ]}

   `check` covers the first line, `crc32` the lines below. A look-up reads its own line alone: that line is never trusted further than to
   where a block may lie, whose hash is then worked out.
*/

/** Blocks in a file. */
export const PER_FILE = 1000

/** A number of more digits is not kept: nor are segments called after it. */
const NUMBER_DIGITS = 12
export const MAX_INDEXED = 10 ** NUMBER_DIGITS - PER_FILE

export const MAGIC = '{"op-dbus":"block index"'
const HASH = /^[0-9a-f]{64}$/
const TAIL = ']}\n'

export interface IndexHeader {
  readonly chain: string
  /** The number of the first block that the file has room for. */
  readonly first: number
  /** Entries that are no blanks. */
  readonly known: number
  /** One process saw all thousand as they are: only then `least` and `greatest` are theirs. */
  readonly timed: boolean
  /** Of the entries' timestamps, Unix milliseconds. */
  readonly least: number
  readonly greatest: number
  /** CRC-32 of the lines of entries. */
  readonly body: string
}

export interface IndexContent {
  readonly first: number
  /** PER_FILE of them. */
  readonly entries: readonly (Location | undefined)[]
  readonly timed: boolean
}

const SAMPLE: Location = { number: 0, hash: '0'.repeat(64), segment: 0, offset: 0, bytes: 1, timestamp: 0 }
export const ENTRY_BYTES = entryText(SAMPLE, false).length
const BLANK = 'null'.padEnd(ENTRY_BYTES - 2)
export const HEADER_BYTES = headerLine(
  { chain: SAMPLE.hash, first: 0, known: 0, timed: false, least: 0, greatest: 0, body: '00000000' },
  () => 0,
).length
export const FILE_BYTES = HEADER_BYTES + PER_FILE * ENTRY_BYTES + TAIL.length

/** The name of a file: the chain's beginning, so that chains share a folder, and the number of its first block. */
export function indexFileName(chain: string, first: number): string {
  return `${chain.slice(0, 16)}-${String(first).padStart(NUMBER_DIGITS, '0')}.json`
}

export const INDEX_FILE = /^[0-9a-f]{16}-\d{12}\.json$/
/** While it is written. */
export const INDEX_DRAFT = /^\.[0-9a-f]{16}-\d{12}\.json\.[0-9a-f]{8}\.tmp$/

/** Where the line of an entry begins. */
export function entryAt(number: number): number {
  return HEADER_BYTES + (number % PER_FILE) * ENTRY_BYTES
}

/** A whole file. An entry that does not fit its line is left blank. */
export function drawIndexFile(chain: string, { first, entries, timed }: IndexContent, crc32: Crc32): Buffer {
  let [known, least, greatest] = [0, 0, 0]
  const lines: string[] = []
  for (let i = 0; i < PER_FILE; i++) {
    const entry = entries[i]
    const last = i === PER_FILE - 1
    const line = entry && entryLine(entry, last)
    lines.push(line ?? `${BLANK}${last ? ' ' : ','}\n`)
    if (line === undefined) continue
    const { timestamp } = entry!
    least = known === 0 ? timestamp : Math.min(least, timestamp)
    greatest = known === 0 ? timestamp : Math.max(greatest, timestamp)
    known++
  }
  const body = lines.join('')
  const whole = { chain, first, known, timed: timed && known === PER_FILE, least, greatest }
  const header = headerLine({ ...whole, body: hex(crc32(Buffer.from(body, 'latin1'))) }, crc32)
  return Buffer.from(header + body + TAIL, 'latin1')
}

/** Whether a first line is of that file; what else it says is not looked at. */
export function isHeaderOf(line: Uint8Array, chain: string, first: number): boolean {
  const place = placeText(chain, first)
  return latin1(line.subarray(0, place.length)) === place
}

/** What the first line says; undefined for what is none of ours, or damaged. */
export function readIndexHeader(bytes: Uint8Array, crc32: Crc32): IndexHeader | undefined {
  const text = latin1(bytes.subarray(0, HEADER_BYTES))
  if (!text.startsWith(MAGIC)) return undefined
  const said = parsed<IndexHeader & { readonly crc32: string }>(`${text}${TAIL}`)
  const header = said && { ...said, body: said.crc32 }
  if (typeof header?.chain !== 'string' || !HASH.test(header.chain) || typeof header.body !== 'string') return undefined
  // Drawn again it has to be the same, byte for byte: so every member has its form, and the check holds.
  return headerLine(header, crc32) === text ? header : undefined
}

/** Everything in a file; undefined where one byte of it is wrong. */
export function readIndexFile(bytes: Uint8Array, crc32: Crc32): (IndexHeader & IndexContent) | undefined {
  if (bytes.length !== FILE_BYTES) return undefined
  const header = readIndexHeader(bytes, crc32)
  const body = bytes.subarray(HEADER_BYTES, FILE_BYTES - TAIL.length)
  if (header === undefined || hex(crc32(body)) !== header.body) return undefined
  if (latin1(bytes.subarray(FILE_BYTES - TAIL.length)) !== TAIL) return undefined
  return { ...header, entries: entriesIn(bytes, header.first) }
}

/** The entries of a file, each by itself, whatever is wrong with the others. */
export function entriesIn(bytes: Uint8Array, first: number): (Location | undefined)[] {
  return Array.from({ length: PER_FILE }, (_, i) => {
    const at = entryAt(i)
    return readEntry(bytes.subarray(at, at + ENTRY_BYTES), first + i)
  })
}

/** The entry of block `number` in its line; undefined for a blank, and for what is no such entry. */
export function readEntry(line: Uint8Array, number: number): Location | undefined {
  const text = latin1(line)
  const entry = parsed<Location>(text.slice(0, -2))
  if (entry === undefined || entry.number !== number) return undefined
  const { hash, segment, offset, bytes } = entry
  if (typeof hash !== 'string' || !HASH.test(hash) || !(segment <= number) || !(offset >= 0)) return undefined
  if (!(bytes > 0 && bytes < MAX_LINE_BYTES)) return undefined
  return entryLine(entry, number % PER_FILE === PER_FILE - 1) === text ? entry : undefined
}

/** Undefined where a number has more digits than there is room for. */
function entryLine(entry: Location, last: boolean): string | undefined {
  const line = entryText(entry, last)
  return line.length === ENTRY_BYTES ? line : undefined
}

function entryText({ number, hash, segment, offset, bytes, timestamp }: Location, last: boolean): string {
  const fields = `"segment":${whole(segment, 12)},"offset":${whole(offset, 10)},"bytes":${whole(bytes, 8)}`
  const times = `"timestamp":${whole(timestamp, 17)}`
  return `{"number":${whole(number, 12)},"hash":"${hash}",${fields},${times}}${last ? ' ' : ','}\n`
}

function headerLine(header: IndexHeader, crc32: Crc32): string {
  const { chain, first, known, timed, least, greatest, body } = header
  const state = `"known":${whole(known, 4)},"timed":${String(timed).padEnd(5)}`
  const times = `"least":${whole(least, 17)},"greatest":${whole(greatest, 17)}`
  const text = `${placeText(chain, first)}${state},${times},"crc32":"${body}"`
  return `${text},"check":"${hex(crc32(Buffer.from(text, 'latin1')))}","blocks":[\n`
}

function placeText(chain: string, first: number): string {
  return `${MAGIC},"version":1,"chain":"${chain}","first":${whole(first, 12)},`
}

function whole(value: number, digits: number): string {
  return String(value).padStart(digits)
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, '0')
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
}

/** An object in JSON text; undefined where there is none. */
function parsed<T extends object>(text: string): T | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}
