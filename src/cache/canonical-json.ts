// Canonical JSON (RFC 8785), which no two different values share. Makes no digest.
import canonicalize from 'canonicalize'
import { messageOf, OpDbusError } from '../errors.js'
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
