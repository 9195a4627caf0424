// What an imported block says of where it came from. Pure.

import type { JsonObject } from '../../json/json.js'
import { isObject } from '../../json/plain.js'
import type { Block } from '../block.js'
import type { ImportMark } from '../reports.js'

/** The name in metadata, which nobody else can use: see `OWN_METADATA` in footprint.ts. */
const NAME = 'op-dbus:import'

/** As own metadata of a draft. */
export function asMetadata({ format, file, hash, verified }: ImportMark): JsonObject {
  return { [NAME]: { format, file, hash, verified } }
}

/** Undefined for a block that was not imported from another form, and for one whose body was pruned. */
export function markOf({ body }: Block): ImportMark | undefined {
  const mark = body?.metadata[NAME]
  return isObject(mark) ? (mark as unknown as ImportMark) : undefined
}
