// The folder of traces: its switch, which of its files are ours, and which of those go when there is too much. Reads no records.
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { inWords, quietly } from '../../fs/errno.js'
import { readFile, readSmall, statOf, unlink } from '../../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../../fs/folders.js'
import { replaceFile } from '../../fs/replace.js'
import { LEAST_RATE } from '../../tuning/requests.js'
import { isTrace } from '../../tuning/trace-format.js'
import { nodeHash } from '../runtime.js'

/** Bytes of all traces together, unless somebody says otherwise, and the least and the most that make sense. */
export const DEFAULT_TRACE_BYTES = 64e6
export const LEAST_TRACE_BYTES = 1e6
export const MOST_TRACE_BYTES = 1e12
/** Files that are kept at most: each call of the command line makes one. */
const MOST_FILES = 1000
const SWITCH_LIMIT = 4096
/** A draft of the switch that is so old was left by a process that was killed, ms. */
const OLD_DRAFT_MS = 60_000
const DRAFT = /^on\.[0-9a-f]{16}\.tmp$/
/** What lies in the folder is looked at anew after so long, ms. */
const FRESH_MS = 5000
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
  const found = lookAtSwitch(dir)
  return typeof found === 'string' || (found?.until !== undefined && found.until <= now) ? undefined : found
}

/** The switch as it lies there, whether or not its time is over; or why what lies there is none, in words. */
export function lookAtSwitch(dir: string): TraceSwitch | undefined | string {
  const folder = traceFolder(dir)
  if (!isFolder(folder)) return statOf(folder) === undefined ? undefined : `${folder} is no folder, or a link to one`
  const path = switchPath(dir)
  try {
    if (statOf(path) === undefined) return undefined
    const found = switchOf(readSmall(path, SWITCH_LIMIT) ?? '')
    return found ?? `${path} is damaged, or of another version: \`op-dbus cache trace on\` writes it anew`
  } catch (error) {
    return `${path} cannot be read: ${inWords(error)}`
  }
}

function switchOf(text: string): TraceSwitch | undefined {
  try {
    const { rate, maxBytes, until } = JSON.parse(text) as Record<string, unknown>
    if (typeof rate !== 'number' || !(rate >= LEAST_RATE && rate <= 1)) return undefined
    if (typeof maxBytes !== 'number' || !(maxBytes >= LEAST_TRACE_BYTES && maxBytes <= MOST_TRACE_BYTES))
      return undefined
    if (until !== undefined && typeof until !== 'number') return undefined
    return { rate, maxBytes, ...(until !== undefined && { until }) }
  } catch {
    return undefined
  }
}

/** Makes the folder, for its owner alone, and switches recording on. Throws STORE where it is a link, and what the system says. */
export function switchOn(dir: string, value: TraceSwitch): void {
  const folder = traceFolder(dir)
  makeFolder(folder)
  if (!isFolder(folder)) {
    throw new OpDbusError('STORE', `requests are not recorded: ${folder} is a link, or no folder; take it away`)
  }
  removeOldDrafts(folder)
  const temporary = `${switchPath(dir)}.${nodeHash.random(8)}.tmp`
  replaceFile(switchPath(dir), Buffer.from(`${JSON.stringify(value)}\n`), temporary, { sync: false })
}

function removeOldDrafts(folder: string): void {
  for (const name of namesIn(folder)) {
    const path = join(folder, name)
    if (!DRAFT.test(name) || Date.now() - (statOf(path)?.mtimeMs ?? Date.now()) < OLD_DRAFT_MS) continue
    quietly(() => unlink(path))
  }
}

/** False where it was off. Throws what the system says. */
export function switchOff(dir: string): boolean {
  return isFolder(traceFolder(dir)) && unlink(switchPath(dir))
}

/** Our files in a folder, the oldest first. */
export function traceFiles(folder: string): TraceFile[] {
  return new TraceFolder(folder).files()
}

/** A folder of traces, for who looks at it again and again. */
export class TraceFolder {
  readonly #path: string
  /** Names of files that were found to be ours. A name is never used again, so that a file is opened once. */
  #ours: ReadonlySet<string> = new Set()
  #size: { readonly files: number; readonly bytes: number } | undefined
  #sizeAt = 0

  constructor(path: string) {
    this.#path = path
  }

  /** Our files, the oldest first: regular, and ours by their name and their first bytes. */
  files(): TraceFile[] {
    const before = this.#ours
    const ours = new Set<string>()
    this.#ours = ours
    if (!isFolder(this.#path)) return []
    const files = namesIn(this.#path).flatMap((name): TraceFile[] => {
      const match = NAME.exec(name)
      if (match === null) return []
      const path = join(this.#path, name)
      const stat = lstatSync(path, { throwIfNoEntry: false })
      if (!stat?.isFile() || !(before.has(name) || isOurs(path))) return []
      ours.add(name)
      return [{ path, process: match[1]!, part: Number(match[2]), bytes: stat.size, changed: stat.mtimeMs }]
    })
    return files.sort((one, other) => one.changed - other.changed || (one.path < other.path ? -1 : 1))
  }

  /** How much lies there, as it was a few seconds ago: with a thousand files a look takes milliseconds. `now`: monotonic, ms. */
  size(now: number): { readonly files: number; readonly bytes: number } {
    if (this.#size === undefined || now - this.#sizeAt >= FRESH_MS) {
      const files = this.files()
      this.#size = { files: files.length, bytes: bytesOf(files) }
      this.#sizeAt = now
    }
    return this.#size
  }

  /** Removes the oldest files until no more than `most` bytes are left; `keep` is never removed. */
  trim(most: number, keep?: string): void {
    const files = this.files()
    let bytes = bytesOf(files)
    let left = files.length
    for (const file of files) {
      if (bytes <= most && left < MOST_FILES) return
      if (file.path === keep) continue
      quietly(() => {
        if (!unlink(file.path)) return
        bytes -= file.bytes
        left--
      })
    }
  }
}

function bytesOf(files: readonly TraceFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes, 0)
}

function isOurs(path: string): boolean {
  try {
    return isTrace(readFile(path, Number.POSITIVE_INFINITY, 8) ?? new Uint8Array())
  } catch {
    // It may be one of another user, or gone.
    return false
  }
}
