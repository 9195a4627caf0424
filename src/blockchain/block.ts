// What a block is: types and limits. Reads and writes nothing.
import type { JsonObject, JsonValue } from '../json/json.js'

/** What stands for the hash of the block before the first. */
export const NO_PREVIOUS = '0'.repeat(64)

/** Bytes of a header's canonical JSON: with it, a header fits an entry of C2SP tlog-tiles (65,535 bytes) many times over. */
export const MAX_HEADER_BYTES = 4096

/** Bytes of UTF-8 that the name of a plugin or of an operation may take. */
export const MAX_NAME_BYTES = 256

/** Bytes of UTF-8 that a text to embed may take. */
export const MAX_TEXT_BYTES = 1 << 20

/** Bytes of a block's line in its segment. */
export const MAX_LINE_BYTES = 16 << 20

/**
 * What a block's hash covers: SHA-256 of a zero byte and the header's canonical JSON (RFC 8785), which is the leaf hash of RFC 6962. All
 * hashes are SHA-256 as 64 lowercase hexadecimal digits.
 */
export interface BlockHeader {
  /** Of the body's canonical JSON, in UTF-8: nothing can be taken out of it unseen. */
  readonly bytes: number
  /** The footprint's content hash. */
  readonly content: string
  /** The footprint's data hash. */
  readonly data: string
  /** Of the canonical JSON of the body's metadata. */
  readonly metadata: string
  /** From 0 on. */
  readonly number: number
  readonly operation: string
  readonly plugin: string
  /** The hash of the block before; 64 zeros in block 0. */
  readonly previous: string
  /** Of the UTF-8 bytes of the text to embed. */
  readonly text: string
  /** When it was appended, by the writer's clock: Unix milliseconds. May go back where that clock did. */
  readonly timestamp: number
  /** Of this form. */
  readonly version: 1
}

/** What op-dbus calls a footprint: an operation of a plugin, and what it was about, as hashes. */
export interface Footprint {
  readonly plugin_id: string
  readonly operation: string
  /** When it happened, Unix seconds. */
  readonly timestamp: number
  /** SHA-256 of the data's JSON, keys in the order of their UTF-8 bytes; of `null` where there was none. */
  readonly data_hash: string
  /** SHA-256 of `plugin_id:operation:timestamp:data_hash`. */
  readonly content_hash: string
}

/** What a prune takes away. */
export interface BlockBody {
  readonly footprint: Footprint
  /** Absent where only its hash was given. */
  readonly data?: JsonValue
  readonly metadata: JsonObject
  /** What is embedded for search; may be empty. */
  readonly text: string
}

/** A block as it is read: frozen to its leaves. */
export interface Block {
  readonly number: number
  readonly hash: string
  readonly header: BlockHeader
  /** Absent where it was pruned. */
  readonly body?: BlockBody
}

/** What is to be remembered. */
export interface FootprintInput {
  /** At most 256 bytes of UTF-8. */
  readonly plugin_id: string
  /** At most 256 bytes of UTF-8. */
  readonly operation: string
  /** Unix seconds. Default: now. */
  readonly timestamp?: number | undefined
  /** JSON; kept in the block, and hashed. */
  readonly data?: unknown
  /** In place of `data`, or as its check: SHA-256, 64 lowercase hexadecimal digits. */
  readonly data_hash?: string | undefined
  /** Checked where it is given. */
  readonly content_hash?: string | undefined
  /** JSON. No name in it may begin with `op-dbus:`. */
  readonly metadata?: unknown
  /** What is embedded for search. Default: made of all the rest. */
  readonly text?: string | undefined
}

/** What a header says of its body. */
export const TOLD_OF_BODY = ['bytes', 'content', 'data', 'metadata', 'text'] as const

/** A footprint that was checked, and needs but its place in the chain. */
export interface Draft {
  readonly body: BlockBody
  /** The body's canonical JSON. */
  readonly json: string
  /** What the header says of the body. */
  readonly told: Pick<BlockHeader, (typeof TOLD_OF_BODY)[number]>
  readonly plugin: string
  readonly operation: string
}
