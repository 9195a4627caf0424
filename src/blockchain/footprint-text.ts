// The text that is embedded for a footprint where none is given: what happened, in words. Pure.
import type { JsonObject, JsonValue } from '../json/json.js'

/** Characters: models cut long before. */
const LONGEST = 8192

/**
 * As op-dbus writes it for its models: a line for plugin, operation, each member of data and of metadata (`meta.`). Sorted, so that
 * equal footprints have equal texts.
 */
export function textOf(plugin: string, operation: string, data: JsonValue | undefined, metadata: JsonObject): string {
  const lines = [`plugin: ${plugin}`, `operation: ${operation}`]
  if (typeof data === 'object' && data !== null && !Array.isArray(data)) lines.push(...linesOf(data as JsonObject, ''))
  else if (data !== undefined) lines.push(`data: ${said(data)}`)
  lines.push(...linesOf(metadata, 'meta.'))
  return cut(lines.join('\n'))
}

function linesOf(object: JsonObject, prefix: string): string[] {
  return Object.keys(object)
    .sort()
    .map(name => `${prefix}${name}: ${said(object[name]!)}`)
}

function said(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Never through the middle of a surrogate pair. */
function cut(text: string): string {
  if (text.length <= LONGEST) return text
  const short = text.slice(0, LONGEST)
  return short.isWellFormed() ? short : short.slice(0, -1)
}
