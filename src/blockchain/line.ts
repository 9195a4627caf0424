// A block as one line of JSON, and back. Whoever reads a line gets a block whose hash was worked out from it, or a fault. Opens no file.
import { canonicalJson } from '../cache/canonical-json.js'
import { messageOf, OpDbusError } from '../errors.js'
import { deepFreeze } from '../json/plain.js'
import {
  type Block,
  type BlockBody,
  type BlockHeader,
  type Draft,
  MAX_HEADER_BYTES,
  MAX_LINE_BYTES,
  NO_PREVIOUS,
} from './block.js'
import { leafHash } from './merkle.js'

/** Where a block goes. */
export interface Place {
  readonly number: number
  readonly previous: string
  /** Unix milliseconds. */
  readonly timestamp: number
}

/** A block that is ready to be written. */
export interface Line {
  readonly block: Block
  /** With its line end. */
  readonly text: string
}

/** What a line turned out to be. */
export interface ReadLine {
  readonly block: Block
  /** How many lines of the same append follow: an append that was cut off in the middle is none. */
  readonly more: number
}

const HASH = /^[0-9a-f]{64}$/
const HASHES = ['content', 'data', 'metadata', 'previous', 'text'] as const
const MEMBERS = [
  'bytes',
  'content',
  'data',
  'metadata',
  'number',
  'operation',
  'plugin',
  'previous',
  'text',
  'timestamp',
  'version',
]

/** The hash of a block, which is a leaf of the Merkle tree. */
export function blockHash(headerJson: string): string {
  return leafHash(headerJson).toString('hex')
}

/** The canonical JSON of a header: what is hashed, and what an entry of the transparency log is. */
export function headerJson(header: BlockHeader): string {
  const { bytes, content, data, metadata, number, operation, plugin, previous, text, timestamp } = header
  // Written out, in the order of RFC 8785: every block that is read comes through here.
  return (
    `{"bytes":${bytes},"content":"${content}","data":"${data}","metadata":"${metadata}","number":${number},` +
    `"operation":${JSON.stringify(operation)},"plugin":${JSON.stringify(plugin)},"previous":"${previous}",` +
    `"text":"${text}","timestamp":${timestamp},"version":1}`
  )
}

/** A draft in its place. `more` lines of the same append follow. @throws OpDbusError INVALID_INPUT for a block that is too long */
export function lineOf({ body, json: bodyJson, told, plugin, operation }: Draft, place: Place, more = 0): Line {
  const header: BlockHeader = { ...told, ...place, plugin, operation, version: 1 }
  const json = headerJson(header)
  if (Buffer.byteLength(json) > MAX_HEADER_BYTES) {
    throw new OpDbusError(
      'INVALID_INPUT',
      `the header of a block is longer than ${MAX_HEADER_BYTES} bytes: shorten its plugin or operation`,
    )
  }
  const block = deepFreeze({ number: place.number, hash: blockHash(json), header, body })
  const text = textOf(json, bodyJson, more)
  if (Buffer.byteLength(text) > MAX_LINE_BYTES) {
    throw new OpDbusError(
      'INVALID_INPUT',
      `a block of more than ${MAX_LINE_BYTES >> 20} MiB: give less data or metadata`,
    )
  }
  return { block, text }
}

/** The one line that says a block, with its line end. Without a body, it is a pruned one. */
export function lineText({ header, body }: Pick<Block, 'header' | 'body'>, more = 0): string {
  return textOf(headerJson(header), body && canonicalJson(body), more)
}

function textOf(header: string, body: string | undefined, more: number): string {
  const parts = [`"header":${header}`]
  if (body !== undefined) parts.push(`"body":${body}`)
  if (more > 0) parts.push(`"more":${more}`)
  return `{${parts.join(',')}}\n`
}

/**
 * The block in a line without its line end. What its hashes cover is not looked at here (see `bodyFault`), but for the header's form.
 * @throws Error that says what is wrong, for people
 */
export function readLine(text: string): ReadLine {
  const { block, more } = lookAtLine(text)
  return { block: deepFreeze(block), more }
}

/** As {@link readLine}, for who hands the block to nobody: to freeze it takes half as long again. @throws Error */
export function lookAtLine(text: string): ReadLine {
  let value: { header?: unknown; body?: unknown; more?: unknown }
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new Error(`is no JSON: ${messageOf(error)}`)
  }
  if (typeof value !== 'object' || value === null) throw new Error('is no block')
  const { body, more = 0 } = value
  const header = checkedHeader(value.header)
  if (typeof more !== 'number' || !Number.isSafeInteger(more) || more < 0) throw new Error('has a wrong "more"')
  if (body !== undefined && !isBody(body)) throw new Error('has a body that is none')
  const hash = blockHash(headerJson(header))
  const block: Block = { number: header.number, hash, header, ...(body !== undefined && { body }) }
  return { block, more }
}

function checkedHeader(value: unknown): BlockHeader {
  const header = value as BlockHeader
  if (typeof header !== 'object' || header === null) throw new Error('has no header')
  const names = Object.keys(header)
  if (names.length !== MEMBERS.length || !MEMBERS.every(name => Object.hasOwn(header, name))) {
    throw new Error('has a header with other members than a header has')
  }
  const wrong = HASHES.find(name => typeof header[name] !== 'string' || !HASH.test(header[name]))
  if (wrong !== undefined) throw new Error(`has a header whose "${wrong}" is no hash`)
  const { bytes, number, operation, plugin, previous, timestamp, version } = header
  if (version !== 1) throw new Error(`is of version ${JSON.stringify(version)}, which this op-dbus does not know`)
  if (!Number.isSafeInteger(number) || number < 0) throw new Error('has a header whose "number" is none')
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw new Error('has a header whose "bytes" is none')
  if (!Number.isSafeInteger(timestamp)) throw new Error('has a header whose "timestamp" is none')
  if (typeof operation !== 'string' || typeof plugin !== 'string')
    throw new Error('has a header without plugin or operation')
  if (number === 0 && previous !== NO_PREVIOUS) throw new Error('is block 0, and names a block before it')
  return header
}

function isBody(value: unknown): value is BlockBody {
  const body = value as BlockBody
  return (
    typeof body === 'object' &&
    body !== null &&
    typeof body.footprint === 'object' &&
    body.footprint !== null &&
    typeof body.metadata === 'object' &&
    body.metadata !== null &&
    typeof body.text === 'string'
  )
}
