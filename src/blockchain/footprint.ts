// A footprint of anybody's, checked and hashed: what becomes a block, and whether a body is the one that a header says. Knows no file.
import { hash as digest } from 'node:crypto'
import { canonicalJson } from '../cache/canonical-json.js'
import { OpDbusError } from '../errors.js'
import { visible } from '../format.js'
import type { JsonObject, JsonValue } from '../json/json.js'
import { isObject, plainJson } from '../json/plain.js'
import { step } from '../json/pointer.js'
import {
  type BlockBody,
  type BlockHeader,
  type Draft,
  type Footprint,
  type FootprintInput,
  MAX_LINE_BYTES,
  MAX_NAME_BYTES,
  MAX_TEXT_BYTES,
  TOLD_OF_BODY,
} from './block.js'
import { textOf } from './footprint-text.js'

/** Names in metadata that begin so are ours: where a block came from. */
export const OWN_METADATA = 'op-dbus:'

/** Room for the header and the names around what is in a body. */
const MOST_JSON = MAX_LINE_BYTES / 4

/** Of the year 9999. */
const LAST_SECOND = 253_402_300_799

const KNOWN = ['plugin_id', 'operation', 'timestamp', 'data', 'data_hash', 'content_hash', 'metadata', 'text']
const BODY = ['footprint', 'data', 'metadata', 'text']
const FOOTPRINT = ['plugin_id', 'operation', 'timestamp', 'data_hash', 'content_hash']
const HASH = /^[0-9a-f]{64}$/

/** SHA-256 of a text's UTF-8 bytes, as 64 lowercase hexadecimal digits. */
export function sha256(text: string): string {
  return digest('sha256', text, 'hex')
}

/**
 * Checks what somebody wants to be remembered, and works out its hashes. `now` is in Unix milliseconds. `own` is put into the metadata
 * under names that others may not use.
 * @throws OpDbusError INVALID_INPUT that names the member; `details.path` is its RFC 6901 pointer
 */
export function draftOf(input: FootprintInput, now: number, own: JsonObject = {}): Draft {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) throw invalid('a footprint is an object')
  const strange = Object.keys(input).find(name => !KNOWN.includes(name))
  if (strange !== undefined) {
    throw invalid(`a footprint has no "${visible(strange).slice(0, 80)}"; it has: ${KNOWN.join(', ')}`, step(strange))
  }
  const plugin = nameOf(input.plugin_id, 'plugin_id')
  const operation = nameOf(input.operation, 'operation')
  const timestamp = input.timestamp === undefined ? Math.floor(now / 1000) : input.timestamp
  if (!Number.isSafeInteger(timestamp) || timestamp < 0 || timestamp > LAST_SECOND) {
    const hint = timestamp > LAST_SECOND ? ', and not milliseconds' : ''
    throw invalid(`timestamp must be Unix seconds: a whole number from 0 to the year 9999${hint}`, '/timestamp')
  }
  const data = input.data === undefined ? undefined : jsonOf(input.data, 'data')
  const data_hash = dataHash(data, input.data_hash)
  const content_hash = contentHash(plugin, operation, timestamp, data_hash)
  if (input.content_hash !== undefined && input.content_hash !== content_hash) {
    throw invalid(
      `content_hash is not that of "${plugin}:${operation}:${timestamp}:<data_hash>", which is ${content_hash}`,
      '/content_hash',
    )
  }
  const metadata = { ...metadataOf(input.metadata), ...own }
  const footprint: Footprint = { plugin_id: plugin, operation, timestamp, data_hash, content_hash }
  const text = textIn(input.text) ?? textOf(plugin, operation, data, metadata)
  const body: BlockBody = { footprint, ...(data !== undefined && { data }), metadata, text }
  const json = canonicalJson(body)
  return { body, json, told: toldOf(body, json), plugin, operation }
}

/** What a header says of a body, whose canonical JSON is given. */
function toldOf({ footprint, metadata, text }: BlockBody, json: string): Draft['told'] {
  return {
    bytes: Buffer.byteLength(json),
    content: footprint.content_hash,
    data: footprint.data_hash,
    metadata: sha256(canonicalJson(metadata)),
    text: sha256(text),
  }
}

/** What in a body is not as the header says, or does not agree in itself; undefined where all is. */
export function bodyFault(header: BlockHeader, body: BlockBody): string | undefined {
  const { footprint, data } = body
  // No hash covers a member that nobody knows.
  if (!hasOnly(body, BODY) || !hasOnly(footprint, FOOTPRINT)) return 'it has other members than a body has'
  const told = toldOf(body, canonicalJson(body))
  const differs = TOLD_OF_BODY.findLast(name => told[name] !== header[name])
  if (differs === 'bytes') return 'it is longer or shorter than its header says: something was put in, or taken out'
  if (differs !== undefined) return `its ${differs} is not what its header says`
  if (footprint.plugin_id !== header.plugin || footprint.operation !== header.operation) {
    return 'its footprint names another plugin or operation than its header'
  }
  if (data !== undefined && sha256(footprintJson(data)) !== footprint.data_hash)
    return 'its data is not what its hash says'
  const { plugin_id, operation, timestamp, data_hash, content_hash } = footprint
  if (contentHash(plugin_id, operation, timestamp, data_hash) !== content_hash) {
    return 'its content hash is not that of its footprint'
  }
  return undefined
}

function hasOnly(object: object, names: readonly string[]): boolean {
  return Object.keys(object).every(name => names.includes(name))
}

/**
 * SHA-256 of four parts with colons between, as op-dbus's `FootprintGenerator::create_footprint` makes it.
 * @see https://github.com/repr0bated/operation-dbus (src/blockchain/plugin_footprint.rs)
 */
export function contentHash(plugin: string, operation: string, timestamp: number, dataHash: string): string {
  return sha256(`${plugin}:${operation}:${timestamp}:${dataHash}`)
}

/** JSON as op-dbus hashes data: keys in the order of their UTF-8 bytes, where RFC 8785 goes by UTF-16 units. No white space. */
export function footprintJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(footprintJson).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value)
  const keys = Object.keys(value).sort(byCodePoints)
  return `{${keys.map(key => `${JSON.stringify(key)}:${footprintJson(value[key]!)}`).join(',')}}`
}

/** UTF-8 bytes sort as code points do; UTF-16 units do not, where surrogates come in. */
function byCodePoints(one: string, other: string): number {
  for (let i = 0; i < one.length && i < other.length; i++) {
    const [a, b] = [one.charCodeAt(i), other.charCodeAt(i)]
    if (a !== b) return rankOf(a) - rankOf(b)
  }
  return one.length - other.length
}

/** Surrogates, which are units of code points above all others, come last. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit
}

function dataHash(data: JsonValue | undefined, given: unknown): string {
  if (given !== undefined && (typeof given !== 'string' || !HASH.test(given))) {
    throw invalid('data_hash must be SHA-256: 64 lowercase hexadecimal digits', '/data_hash')
  }
  if (data === undefined && given !== undefined) return given
  const own = sha256(footprintJson(data ?? null))
  if (given !== undefined && given !== own)
    throw invalid(`data_hash is not that of data, which is ${own}`, '/data_hash')
  return own
}

function nameOf(value: unknown, member: string): string {
  if (typeof value !== 'string' || value === '')
    throw invalid(`${member} must be a text that is not empty`, step(member))
  if (!value.isWellFormed())
    throw invalid(`${member} holds half a surrogate pair, which UTF-8 does not have`, step(member))
  if (Buffer.byteLength(value) > MAX_NAME_BYTES)
    throw invalid(`${member} is longer than ${MAX_NAME_BYTES} bytes`, step(member))
  return value
}

function textIn(text: unknown): string | undefined {
  if (text === undefined) return undefined
  if (typeof text !== 'string') throw invalid('text must be a text', '/text')
  if (!text.isWellFormed()) throw invalid('text holds half a surrogate pair, which UTF-8 does not have', '/text')
  if (Buffer.byteLength(text) > MAX_TEXT_BYTES)
    throw invalid(`text is longer than ${MAX_TEXT_BYTES / 1024} KiB`, '/text')
  return text
}

function metadataOf(value: unknown): JsonObject {
  if (value === undefined) return {}
  const metadata = jsonOf(value, 'metadata')
  if (!isObject(metadata)) throw invalid('metadata must be an object', '/metadata')
  const own = Object.keys(metadata).find(name => name.startsWith(OWN_METADATA))
  if (own !== undefined)
    throw invalid(
      `metadata has "${visible(own)}": names that begin with "${OWN_METADATA}" are ours`,
      `/metadata${step(own)}`,
    )
  return metadata
}

function jsonOf(value: unknown, member: string): JsonValue {
  const fault = (path: string, message: string): never => {
    throw invalid(`${member}${visible(path)} ${message}`, `/${member}${path}`)
  }
  return plainJson(value, { fault, unsafe: 'fault', wellFormed: true, maxBytes: MOST_JSON })
}

/** `path` (RFC 6901) says where in the footprint. */
function invalid(message: string, path = ''): OpDbusError {
  return new OpDbusError('INVALID_INPUT', message, { details: { path } })
}
