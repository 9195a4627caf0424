// Names for things: canonical JSON (RFC 8785) and keys that no two different inputs share. Digests are injected.
import canonicalize from 'canonicalize'
import { messageOf, OpDbusError } from '../errors.js'
import type { Hash, Key, Space } from '../ports.js'
import { estimateSize } from './estimate-size.js'

/**
 * The one JSON text of a value by RFC 8785 (JCS): keys in UTF-16 order, ECMAScript numbers, no white space.
 * Properties that are undefined count as absent.
 * @throws OpDbusError INVALID_INPUT for what JSON cannot say (undefined, functions, bigints, NaN, Maps, Dates, circles):
 *   two such values could share a text.
 */
export function canonicalJson(value: unknown): string {
  if (!estimateSize(value).json) throw new OpDbusError('INVALID_INPUT', 'not a JSON value')
  try {
    return (canonicalize as unknown as (value: unknown) => string)(value)
  } catch (error) {
    throw new OpDbusError('INVALID_INPUT', `not a JSON value: ${messageOf(error)}`, { cause: error })
  }
}

/** The disk key of a text in a space. The space's length goes first, so that no two pairs run together. */
export function embeddingKey(hash: Hash, space: Space, text: string): Key {
  return hash.sha256(`${space.length}:${space}${text}`) as Key
}
