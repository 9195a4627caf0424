// Footprints in somebody's file: one document, a list, or JSON Lines, each with the place where it stands. Opens nothing.
import { isOpDbusError, OpDbusError } from '../../../errors.js'
import type { Problem } from '../../../json/json.js'
import { type JsonDocument, type Position, readJson } from '../../../json/json-text.js'

/** Bytes of a file that becomes one batch. */
export const MAX_FILE = 64 * 1024 * 1024

export interface PlacedFootprint {
  readonly value: unknown
  /** Where a member (RFC 6901) stands in the file. */
  at(path: string): Position
}

/** @throws OpDbusError INVALID_INPUT, `file:line:column: message` */
export function footprintsIn(bytes: Uint8Array, file: string): PlacedFootprint[] {
  const all = wholeOrLines(bytes, file)
  if (all.length === 0) throw new OpDbusError('INVALID_INPUT', `${file}:1:1: holds no footprint`)
  return all
}

function wholeOrLines(bytes: Uint8Array, file: string): PlacedFootprint[] {
  try {
    const json = readJson(bytes, file, { maxBytes: MAX_FILE })
    if (!Array.isArray(json.value)) return [placed(json.value, json, '')]
    return json.value.map((value, index) => placed(value, json, `/${index}`))
  } catch (error) {
    const lines = linesOfObjects(bytes)
    if (lines === undefined) throw error
    return lines.flatMap((line, index) => (line.trim() === '' ? [] : [footprintInLine(line, file, index + 1)]))
  }
}

/** The lines, where the first that is not empty is a JSON object by itself, and is not all that there is. */
function linesOfObjects(bytes: Uint8Array): string[] | undefined {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
  const lines = text.split('\n')
  const first = lines.findIndex(line => line.trim() !== '')
  if (first < 0 || lines.slice(first + 1).every(line => line.trim() === '')) return undefined
  try {
    const value: unknown = JSON.parse(lines[first]!)
    return typeof value === 'object' && value !== null ? lines : undefined
  } catch {
    return undefined
  }
}

/** `number` from 1. @throws OpDbusError INVALID_INPUT, `file:number:column: message` */
export function footprintInLine(line: string | Uint8Array, file: string, number: number): PlacedFootprint {
  try {
    const json = readJson(line, file)
    return { value: json.value, at: path => ({ ...json.positionsOf([path])[0]!, line: number }) }
  } catch (error) {
    if (!isOpDbusError(error)) throw error
    // Of the one line that it was given, it says that it is the first.
    const [problem] = (error.details.problems ?? []) as readonly (Problem & Partial<Position>)[]
    if (problem === undefined) throw error
    throw wrongAt(
      file,
      { line: number, column: problem.column ?? 1 },
      [problem.path, problem.message].join(' ').trim(),
      error,
    )
  }
}

function placed(value: unknown, json: JsonDocument, base: string): PlacedFootprint {
  return { value, at: path => json.positionsOf([base + path])[0]! }
}

/** What the chain says against one of `footprints`, with its place; whatever else it says, as it is. */
export function withPlace(error: unknown, file: string, footprints: readonly PlacedFootprint[]): unknown {
  if (!isOpDbusError(error, 'INVALID_INPUT')) return error
  const { index, path = '' } = error.details as { readonly index?: number; readonly path?: string }
  const footprint = index === undefined ? undefined : footprints[index]
  if (footprint === undefined) return error
  const message = error.message.replace(/^footprint \d+: /, '')
  return wrongAt(file, footprint.at(path), message, error)
}

function wrongAt(file: string, { line, column }: Position, message: string, cause: unknown): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${file}:${line}:${column}: ${message}`, {
    cause,
    details: { problems: [{ line, column, message }], total: 1 },
  })
}
