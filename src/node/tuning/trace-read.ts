// Reads traces: files of our own, of one process or of a whole folder, and those of elsewhere. Believes nothing that a file says before its
// checksum, and never holds more records than it was allowed. Writes nothing.
import { constants } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { invalid, isOpDbusError, messageOf, OpDbusError, throwIfAborted } from '../../errors.js'
import { plural } from '../../format.js'
import { errnoOf, inWords } from '../../fs/errno.js'
import { namesIn } from '../../fs/folders.js'
import type { CacheName } from '../../ports.js'
import { type OneRequest, RequestList } from '../../tuning/request-list.js'
import { CACHE_ORDER, KEY_SPAN, LEAST_RATE, type Trace } from '../../tuning/requests.js'
import { isTrace, type TracedCache, type TraceHeader } from '../../tuning/trace-format.js'
import { readTraceFile } from './trace-file.js'
import { readForeign } from './trace-foreign.js'

export type { TracedCache }

/** The requests of one process, or of one file from elsewhere. */
export interface ProcessTrace extends Trace {
  /** Names the process, and says nothing of it or its machine; of a file from elsewhere its name. */
  readonly process: string
  readonly files: readonly string[]
  /** As its first file says, and of what was not known then the next one that does. Empty for a file from elsewhere. */
  readonly caches: Readonly<Partial<Record<CacheName, TracedCache>>>
  /** False where its last file has no end: it is still recorded, the process was killed, or the file was cut. */
  readonly ended: boolean
}

export interface ReadTraces {
  /** By the time of their first request. Those without a request are left out. */
  readonly traces: readonly ProcessTrace[]
  /** What was not read and why, in sentences: a file that is cut, of another version, or damaged; keys that were left out. */
  readonly notes: readonly string[]
}

export interface ReadTracesOptions {
  readonly signal?: AbortSignal | undefined
  /** Records that are held at most, all traces together; beyond it keys are left out evenly, and a note says so. Default 20 million. */
  readonly maxRecords?: number | undefined
}

/** 34 bytes each: 0.7 GB. */
const MOST_RECORDS = 20_000_000
/** The beginning of a file, which tells what it is. */
export const START_BYTES = 4096
/** Names in a folder that are looked at. */
const MOST_FILES = 100_000

/** One process as its files are read. */
interface Collected {
  readonly list: RequestList
  readonly files: string[]
  caches: TraceHeader['caches']
  readonly parts: Set<number>
  rate: number
  ended: boolean
}

/** What the earlier header says, unless only the later one knows how large memory was. */
function completed(earlier: TraceHeader['caches'], later: TraceHeader['caches']): TraceHeader['caches'] {
  const caches: Partial<Record<CacheName, TracedCache>> = { ...later }
  for (const name of CACHE_ORDER) {
    const one = earlier[name]
    if (one !== undefined && (one.bytes !== undefined || later[name]?.bytes === undefined)) caches[name] = one
  }
  return caches
}

/** All that is read, within the bound of records. */
class Collection {
  readonly notes: string[] = []
  readonly #processes = new Map<string, Collected>()
  readonly #most: number
  #records = 0
  /** Part of the keys that there is room for. */
  #rate = 1
  #leftOut = 0

  constructor(most: number) {
    this.#most = most
  }

  /** The process that a file is of. */
  of(process: string, file: string, header: TraceHeader | undefined): Collected {
    let found = this.#processes.get(process)
    if (found === undefined) {
      found = { list: new RequestList(), files: [], caches: {}, parts: new Set(), rate: 1, ended: true }
      this.#processes.set(process, found)
    }
    if (header !== undefined && found.parts.has(header.part)) return found
    found.files.push(file)
    if (header) found.caches = completed(found.caches, header.caches)
    return found
  }

  take(into: Collected, one: Readonly<OneRequest>): void {
    if (one.key >= this.#rate * KEY_SPAN) return
    if (this.#records >= this.#most && !this.#halve()) {
      this.#leftOut++
      return
    }
    if (one.key >= this.#rate * KEY_SPAN) return
    into.list.push(one)
    this.#records++
  }

  /** Makes room. False where there is none to be made: halving the keys further would leave too few, and what comes then is left out. */
  #halve(): boolean {
    while (this.#records >= this.#most && this.#rate > LEAST_RATE) {
      this.#rate /= 2
      this.#records = 0
      for (const { list } of this.#processes.values()) {
        list.keepBelow(this.#rate)
        this.#records += list.length
      }
    }
    return this.#records < this.#most
  }

  finish(): ReadTraces {
    const traces: ProcessTrace[] = []
    for (const [process, { list, files, caches, rate, ended }] of this.#processes) {
      const lowest = Math.min(rate, this.#rate)
      list.keepBelow(lowest)
      if (list.length === 0) continue
      const disk = Object.fromEntries(Object.entries(caches).map(([name, cache]) => [name, cache.disk]))
      traces.push({ requests: list.finish(), rate: lowest, disk, process, files, caches, ended })
    }
    if (this.#rate < 1) {
      const most = this.#most.toLocaleString('en')
      this.notes.push(`there are more than ${most} requests: one key in ${1 / this.#rate} was read`)
    }
    if (this.#leftOut > 0) {
      this.notes.push(`${plural(this.#leftOut, 'request', 'requests')} more to the keys that were read were left out`)
    }
    return { traces: traces.sort((one, other) => one.requests.at[0]! - other.requests.at[0]!), notes: this.notes }
  }
}

/**
 * Reads a trace file, or every trace in a folder (`<cache folder>/trace`). Several files of one process become one trace, whose `rate` is the
 * lowest of them. What a folder holds besides is passed over. A file may also be our CSV, or come from elsewhere: CSV with time, id and size,
 * or libCacheSim's oracleGeneral (24 bytes a request, not compressed).
 * @throws OpDbusError INVALID_INPUT where `path` is no trace at all, STORE where it cannot be read, ABORTED
 */
export async function readTraces(
  path: string,
  { signal, maxRecords = MOST_RECORDS }: ReadTracesOptions = {},
): Promise<ReadTraces> {
  const all = new Collection(maxRecords)
  try {
    if (path === '-') throw invalid('a trace is a file, or a folder of them: it is not read from standard input')
    // Whoever names it may name a link.
    if ((await stat(path)).isDirectory()) await readFolder(path, all, signal)
    else await withFile(path, (file, size) => readOne(path, file, size, all, signal))
  } catch (error) {
    if (isOpDbusError(error) || errnoOf(error) === undefined) throw error
    throw new OpDbusError('STORE', `cannot read the trace ${path}: ${inWords(error)}`, {
      cause: error,
      details: { file: path },
    })
  }
  return all.finish()
}

async function readFolder(folder: string, all: Collection, signal: AbortSignal | undefined): Promise<void> {
  const names = namesIn(folder).filter(name => name.endsWith('.trace'))
  if (names.length > MOST_FILES) all.notes.push(`${names.length - MOST_FILES} of ${names.length} files were not read`)
  // Files of one process in the order in which it wrote them.
  const inOrder = names.sort((one, other) => one.localeCompare(other, 'en', { numeric: true })).slice(0, MOST_FILES)
  for (const name of inOrder) {
    throwIfAborted(signal)
    const path = join(folder, name)
    try {
      await withFile(path, (file, size) => readOurs(path, file, size, all, signal), constants.O_NOFOLLOW ?? 0)
    } catch (error) {
      if (isOpDbusError(error, 'ABORTED')) throw error
      // The oldest go while they are being read.
      if (errnoOf(error) !== 'ENOENT')
        all.notes.push(`${name} was not read: ${isOpDbusError(error) ? messageOf(error) : inWords(error)}`)
    }
  }
}

async function withFile<T>(path: string, read: (file: FileHandle, size: number) => Promise<T>, flags = 0): Promise<T> {
  // Without waiting, were it a FIFO.
  const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | flags)
  try {
    const stat = await file.stat()
    if (!stat.isFile()) throw invalid(`${path} is no file: a trace is one, or a folder of them`)
    return await read(file, stat.size)
  } finally {
    await file.close()
  }
}

async function readOne(
  path: string,
  file: FileHandle,
  size: number,
  all: Collection,
  signal: AbortSignal | undefined,
): Promise<void> {
  const start = new Uint8Array(START_BYTES)
  const { bytesRead } = await file.read(start, 0, start.length, 0)
  if (isTrace(start.subarray(0, bytesRead))) {
    return readOurs(path, file, size, all, signal).catch((error: unknown) => {
      throw isOpDbusError(error, 'INVALID_INPUT') ? invalid(`${path} cannot be read: ${messageOf(error)}`) : error
    })
  }
  const into = all.of(basename(path), path, undefined)
  const note = await readForeign(path, file, size, start.subarray(0, bytesRead), one => all.take(into, one), signal)
  if (note !== undefined) all.notes.push(note)
}

async function readOurs(
  path: string,
  file: FileHandle,
  size: number,
  all: Collection,
  signal: AbortSignal | undefined,
): Promise<void> {
  let into: Collected | undefined
  const { ended, note } = await readTraceFile(path, file, size, signal, header => {
    const collected = all.of(header.process, path, header)
    if (collected.parts.has(header.part))
      throw invalid(`it is a copy: part ${header.part} of its process was read before`)
    collected.parts.add(header.part)
    into = collected
    return (one, rate) => {
      collected.rate = Math.min(collected.rate, rate)
      all.take(collected, one)
    }
  })
  if (into) into.ended = ended
  if (note !== undefined) all.notes.push(note)
}
