// What `op-dbus bench --workload` replays: a workload by name, a trace, or a text file with a request in each line. Keeps of a text its hash alone.
import { existsSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { invalid } from '../../../errors.js'
import { commas } from '../../../format.js'
import { readTraces, START_BYTES } from '../../../node/tuning/trace-read.js'
import type { CacheName } from '../../../ports.js'
import { logLines } from '../../../sample-lines.js'
import { fillCosts } from '../../../tuning/fill-costs.js'
import { isForeignTrace, keyOfText } from '../../../tuning/foreign-formats.js'
import { mergeTraces } from '../../../tuning/merge-traces.js'
import { RequestList } from '../../../tuning/request-list.js'
import { CACHE_ORDER, OUTCOMES, type Requests } from '../../../tuning/requests.js'
import { isTrace } from '../../../tuning/trace-format.js'
import { WORKLOADS, type WorkloadName, workload } from '../../../tuning/workloads.js'
import { openInput } from '../../input.js'

/** Requests to one cache, in the order of time. */
export interface WorkloadPart {
  readonly cache: CacheName
  readonly requests: Requests
  /** Part of all keys that is in it. */
  readonly rate: number
}

export interface Workload {
  /** What it is, for people. */
  readonly about: string
  /** One for each cache that is asked in it. At least one, none of them empty. */
  readonly parts: readonly WorkloadPart[]
  readonly notes: readonly string[]
}

const REQUESTS = 200_000
const KEYS = 20_000
const SEED = 1
const REAL_LINES = 50_000
/** Lines of a text file that are replayed at most: 34 bytes and a string for each of them. */
const MOST_LINES = 5_000_000
/** Of a text nobody has measured what it takes: about so much for each token of about four characters, on one core. */
const MICROS_PER_TOKEN = 100
const CHARACTERS_PER_TOKEN = 4
/** A vector of 384 numbers, and what is kept with it. */
const ENTRY_BYTES = 4 * 384 + 512

const WORDS = [...WORKLOADS, 'real'].join(', ')

/** @throws OpDbusError INVALID_INPUT where it is no workload or has no requests, STORE where a trace cannot be read, ABORTED */
export async function workloadOf(name: string, signal: AbortSignal): Promise<Workload> {
  if (name === 'real') return real()
  if ((WORKLOADS as readonly string[]).includes(name)) return generated(name as WorkloadName)
  if (name !== '-' && name !== '' && !existsSync(name))
    throw invalid(`no workload and no file is called ${name}. Workloads: ${WORDS}`)
  const found = (await isTracePath(name)) ? await fromTraces(name, signal) : await fromText(name, signal)
  if (found.parts.length === 0) throw invalid(`${name} has no requests: there is nothing to replay`)
  return found
}

function generated(name: WorkloadName): Workload {
  const requests = workload(name, { requests: REQUESTS, keys: KEYS, seed: SEED, costs: 'lognormal' })
  return { about: `${name}, generated`, parts: [{ cache: 'embeddings', requests, rate: 1 }], notes: [] }
}

/** Lines of a log, as `op-dbus demo` has them. */
function real(): Workload {
  const list = new TextRequests()
  for (const line of logLines(REAL_LINES, SEED)) list.add(line)
  return { about: 'lines of a log', parts: list.parts(), notes: [] }
}

async function fromTraces(path: string, signal: AbortSignal): Promise<Workload> {
  const { traces, notes } = await readTraces(path, { signal })
  const parts = CACHE_ORDER.flatMap((cache, place): WorkloadPart[] => {
    const { requests, rate } = mergeTraces(traces, place)
    return requests.length === 0 ? [] : [{ cache, requests: fillCosts(requests), rate }]
  })
  return { about: `the trace ${path}`, parts, notes }
}

async function fromText(path: string, signal: AbortSignal): Promise<Workload> {
  const input = await openInput(path, signal)
  const list = new TextRequests()
  const notes: string[] = []
  try {
    for await (const line of input.lines) {
      if (list.length >= MOST_LINES) {
        notes.push(`the first ${commas(MOST_LINES)} lines were read, and no more`)
        break
      }
      if (line !== '') list.add(line)
    }
  } finally {
    input.close()
  }
  return { about: `the lines of ${path === '-' ? 'standard input' : path}`, parts: list.parts(), notes }
}

class TextRequests {
  readonly #list = new RequestList()

  get length(): number {
    return this.#list.length
  }

  add(text: string): void {
    const tokens = Math.ceil(text.length / CHARACTERS_PER_TOKEN)
    const cost = tokens * MICROS_PER_TOKEN
    this.#list.push({
      at: this.#list.length,
      cache: CACHE_ORDER.indexOf('embeddings'),
      key: keyOfText(text),
      bytes: ENTRY_BYTES,
      tokens,
      cost,
      micros: cost,
      outcome: OUTCOMES.indexOf('computed'),
    })
  }

  parts(): WorkloadPart[] {
    return this.#list.length === 0 ? [] : [{ cache: 'embeddings', requests: this.#list.finish(), rate: 1 }]
  }
}

/** A folder, or a file that begins as a trace does, ours or another program's. What cannot be opened is left to who reads texts, and says why. */
async function isTracePath(path: string): Promise<boolean> {
  if (path === '-') return false
  let file: FileHandle
  try {
    file = await open(path)
  } catch {
    return false
  }
  try {
    const stat = await file.stat()
    if (!stat.isFile()) return stat.isDirectory()
    const room = new Uint8Array(START_BYTES)
    const { bytesRead } = await file.read(room, 0, room.length, 0)
    const start = room.subarray(0, bytesRead)
    return isTrace(start) || isForeignTrace(start)
  } finally {
    await file.close()
  }
}
