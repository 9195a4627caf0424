// What an imported block says of where it came from. Pure.
import type { JsonObject } from '../../json/json.js'
import { isObject } from '../../json/plain.js'
import type { Block } from '../block.js'
import type { ImportMark } from '../reports.js'

/** The name in metadata, which nobody else can use: see `OWN_METADATA` in footprint.ts. */
const NAME = 'op-dbus:import'

/** As own metadata of a draft. `others`: what the file said besides. */
export function asMetadata({ format, file, hash, timestamp, verified }: ImportMark, others: JsonObject): JsonObject {
  return { [NAME]: { format, file, hash, timestamp, verified, ...(Object.keys(others).length > 0 && { others }) } }
}

/** Undefined for a block that was not imported from another form, and for one whose body was pruned. */
export function markOf({ body }: Pick<Block, 'body'>): ImportMark | undefined {
  const mark = body?.metadata[NAME]
  return isObject(mark) ? (mark as unknown as ImportMark) : undefined
}
