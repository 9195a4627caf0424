// The folder of traces: its switch, which of its files are ours, and which of those go when there is too much. Reads no records.
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { quietly } from '../../fs/errno.js'
import { readFile, readSmall, unlink } from '../../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../../fs/folders.js'
import { replaceFile } from '../../fs/replace.js'
import { isTrace } from '../../tuning/trace-format.js'
import { nodeHash } from '../runtime.js'

/** Bytes of all traces together, unless somebody says otherwise, and the least that makes sense. */
export const DEFAULT_TRACE_BYTES = 64e6
export const LEAST_TRACE_BYTES = 1e6
/** Files that are kept at most: each call of the command line makes one. */
const MOST_FILES = 1000
const SWITCH_LIMIT = 4096
/** Its beginning is the beginning of the process' name, its end the part. */
const NAME = /^([0-9a-f]{16})-(\d{3,9})\.trace$/

/** What `cache trace on` leaves for every process on the folder. */
export interface TraceSwitch {
  /** Part of the keys that is recorded to begin with: above 0, at most 1. */
  readonly rate: number
  readonly maxBytes: number
  /** Milliseconds since 1970; absent: until it is switched off. */
  readonly until?: number
}

export interface TraceFile {
  readonly path: string
  /** The beginning of the process' name. */
  readonly process: string
  readonly part: number
  readonly bytes: number
  /** When it was last written to, milliseconds since 1970. */
  readonly changed: number
}

export function traceFolder(dir: string): string {
  return join(dir, 'trace')
}

export function switchPath(dir: string): string {
  return join(traceFolder(dir), 'on')
}

/** The name of a file in the folder. */
export function traceName(process: string, part: number): string {
  return `${process.slice(0, 16)}-${String(part).padStart(3, '0')}.trace`
}

/** Undefined where it is off: there is none, its time is over, or what is there is none of ours. */
export function readSwitch(dir: string, now: number): TraceSwitch | undefined {
  const text = isFolder(traceFolder(dir)) ? readSmall(switchPath(dir), SWITCH_LIMIT) : undefined
  const found = text === undefined ? undefined : switchOf(text)
  return found?.until !== undefined && found.until <= now ? undefined : found
}

function switchOf(text: string): TraceSwitch | undefined {
  try {
    const { rate, maxBytes, until } = JSON.parse(text) as Record<string, unknown>
    if (typeof rate !== 'number' || !(rate > 0 && rate <= 1)) return undefined
    if (typeof maxBytes !== 'number' || !(maxBytes >= LEAST_TRACE_BYTES)) return undefined
    if (until !== undefined && typeof until !== 'number') return undefined
    return { rate, maxBytes, ...(until !== undefined && { until }) }
  } catch {
    return undefined
  }
}

/** Makes the folder, for its owner alone, and switches recording on. Throws what the system says. */
export function switchOn(dir: string, value: TraceSwitch): void {
  const folder = traceFolder(dir)
  makeFolder(folder)
  const temporary = `${switchPath(dir)}.${nodeHash.random(8)}.tmp`
  replaceFile(switchPath(dir), Buffer.from(`${JSON.stringify(value)}\n`), temporary, { sync: false })
}

/** False where it was off. Throws what the system says. */
export function switchOff(dir: string): boolean {
  return isFolder(traceFolder(dir)) && unlink(switchPath(dir))
}

/** Our files, the oldest first: regular, and ours by their name and their first bytes. `known`: those that were looked at before. */
export function traceFiles(folder: string, known: Set<string> = new Set()): TraceFile[] {
  if (!isFolder(folder)) return []
  const files = namesIn(folder).flatMap(name => {
    const match = NAME.exec(name)
    const path = join(folder, name)
    const stat = match === null ? undefined : lstatSync(path, { throwIfNoEntry: false })
    if (match === null || !stat?.isFile()) return []
    // A name is never used again, so that a file is looked at once.
    if (!known.has(name)) {
      if (!isOurs(path)) return []
      known.add(name)
    }
    return [{ path, process: match[1]!, part: Number(match[2]), bytes: stat.size, changed: stat.mtimeMs }]
  })
  return files.sort((one, other) => one.changed - other.changed || (one.path < other.path ? -1 : 1))
}

function isOurs(path: string): boolean {
  try {
    return isTrace(readFile(path, Number.POSITIVE_INFINITY, 8) ?? new Uint8Array())
  } catch {
    // It may be one of another user, or gone.
    return false
  }
}

/** Removes the oldest files until no more than `most` bytes are left; `keep` is never removed. Returns what went. */
export function trimTraces(folder: string, most: number, keep?: string, known?: Set<string>): TraceFile[] {
  const files = traceFiles(folder, known)
  let bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  let left = files.length
  return files.filter(file => {
    if ((bytes <= most && left < MOST_FILES) || file.path === keep) return false
    let gone = false
    quietly(() => {
      gone = unlink(file.path)
    })
    if (gone) {
      bytes -= file.bytes
      left--
    }
    return gone
  })
}
