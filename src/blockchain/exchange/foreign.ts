// One file of op-dbus or op-dbus-p1 as a footprint of ours, and how far its hash could be recomputed. Opens no file.
import { isOpDbusError, OpDbusError } from '../../errors.js'
import type { JsonObject, JsonValue } from '../../json/json.js'
import { readJson } from '../../json/json-text.js'
import { isObject, memberOf } from '../../json/plain.js'
import { type Draft, MAX_LINE_BYTES } from '../block.js'
import { draftOf, footprintJson, sha256 } from '../footprint.js'
import { textOf } from '../footprint-text.js'
import type { ImportMark, ImportVerified } from '../reports.js'
import { asMetadata } from './mark.js'

/** Of a file: what a block of ours has room for. */
export const MAX_FILE_BYTES = MAX_LINE_BYTES / 4

/** How files of each form are called. op-dbus-p1 pads to 12 digits, and goes on behind them. */
export const NAMES = { 'op-dbus': /^[0-9a-f]{64}\.json$/, 'op-dbus-p1': /^block-\d{12,16}\.json$/ } as const

export interface ForeignBlock {
  readonly draft: Draft
  /** As in the file, whatever its unit: the order of files. */
  readonly timestamp: number
  readonly verified: ImportVerified
}

type ForeignFormat = ImportMark['format']

/** The members that both forms write. */
const KNOWN = ['timestamp', 'category', 'action', 'hash', 'data', 'plugin_footprint', 'vector']

/**
 * @throws OpDbusError INVALID_INPUT that names the file
 * @see https://github.com/repr0bated/operation-dbus (src/blockchain/streaming_blockchain.rs)
 * @see https://github.com/repr0bated/op-dbus-p1 (crates/op-blockchain/src/footprint.rs)
 */
export function readForeign(bytes: Uint8Array, file: string, format: ForeignFormat): ForeignBlock {
  const value = readJson(bytes, file, { maxBytes: MAX_FILE_BYTES }).value as JsonValue
  if (!isObject(value)) throw invalid(file, 'is no block: it is no object')
  const timestamp = memberOf(value, 'timestamp')
  if (typeof timestamp !== 'number' || !Number.isSafeInteger(timestamp) || timestamp < 0) {
    throw invalid(file, 'is no block: its "timestamp" is no whole number')
  }
  const block: Event = {
    timestamp,
    category: textIn(value, 'category', file),
    action: textIn(value, 'action', file),
    hash: textIn(value, 'hash', file),
    data: memberOf(value, 'data') ?? null,
  }
  const verified = verifiedOf(block, file, format)
  try {
    return {
      draft: draftFor(block, othersIn(value), { format, file, hash: block.hash, timestamp, verified }),
      timestamp,
      verified,
    }
  } catch (error) {
    if (isOpDbusError(error, 'INVALID_INPUT')) throw invalid(file, `cannot be a block: ${error.message}`)
    throw error
  }
}

interface Event {
  readonly timestamp: number
  readonly category: string
  readonly action: string
  readonly hash: string
  readonly data: JsonValue
}

/** Footprints have `data` of this shape; what else op-dbus-p1 writes is an event with data of its own. */
function footprintIn(data: JsonValue): { plugin: string; operation: string; dataHash: string } | undefined {
  if (!isObject(data)) return undefined
  const [plugin, operation, dataHash] = ['plugin_id', 'operation', 'data_hash'].map(name => memberOf(data, name))
  if (typeof plugin !== 'string' || typeof operation !== 'string' || typeof dataHash !== 'string') return undefined
  return { plugin, operation, dataHash }
}

function verifiedOf(
  { timestamp, category, action, hash, data }: Event,
  file: string,
  format: ForeignFormat,
): ImportVerified {
  // A file of another name than its hash was renamed or changed.
  if (format === 'op-dbus' && file !== `${hash}.json`) return 'none'
  const footprint = footprintIn(data)
  if (footprint) {
    const { plugin, operation, dataHash } = footprint
    if (plugin !== category || operation !== action) return 'none'
    if (hash === sha256(`${plugin}:${operation}:${timestamp}:${dataHash}`)) return 'four-part'
    if (hash === sha256(`${plugin}:${operation}:${timestamp}`)) return 'three-part'
  }
  return hash === sha256(`${timestamp}:${category}:${action}:${footprintJson(data)}`) ? 'event' : 'none'
}

function draftFor({ category, action, timestamp, data }: Event, others: JsonObject, mark: ImportMark): Draft {
  const seconds = mark.format === 'op-dbus-p1' ? Math.floor(timestamp / 1000) : timestamp
  const footprint = footprintIn(data)
  const metadata = (footprint && memberOf(data as JsonObject, 'metadata')) ?? {}
  const said = isObject(metadata) ? metadata : {}
  const input = footprint
    ? { plugin_id: footprint.plugin, operation: footprint.operation, data_hash: footprint.dataHash, metadata }
    : { plugin_id: category, operation: action, data }
  // What is embedded is what happened, and not where it was found.
  const text = textOf(input.plugin_id, input.operation, footprint ? undefined : data, said)
  return draftOf({ ...input, timestamp: seconds, text }, 0, asMetadata(mark, others))
}

/** What a newer version wrote besides: kept as it is. */
function othersIn(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !KNOWN.includes(name)))
}

function textIn(value: JsonObject, name: string, file: string): string {
  const text = memberOf(value, name)
  if (typeof text === 'string') return text
  throw invalid(file, `is no block: its "${name}" is no text`)
}

function invalid(file: string, what: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${file} ${what}`, { details: { file } })
}
