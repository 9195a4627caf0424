// Traces of several paths that somebody named: what is named twice, or lies in a folder that is named as well, counts once.
import { realpathSync } from 'node:fs'
import { type ProcessTrace, type ReadTraces, type ReadTracesOptions, readTraces } from './trace-read.js'

/** As {@link readTraces}, of each path. @throws as that does */
export async function readTracesOf(
  paths: readonly string[],
  { signal, maxRecords }: ReadTracesOptions = {},
): Promise<ReadTraces> {
  const different = [...new Map(paths.map(path => [realPath(path), path])).values()]
  const most = maxRecords === undefined ? undefined : Math.ceil(maxRecords / different.length)
  const traces: ProcessTrace[] = []
  const notes: string[] = []
  for (const path of different) {
    const read = await readTraces(path, { signal, maxRecords: most })
    notes.push(...read.notes)
    for (const trace of read.traces) add(trace, traces, notes)
  }
  return { traces, notes }
}

/** Of one process that is named twice, in a folder and by a file of it or by a copy, the longer trace counts. */
function add(trace: ProcessTrace, traces: ProcessTrace[], notes: string[]): void {
  // Only our own say how the caches were set, and name a process and not a file.
  const isOwn = Object.keys(trace.caches).length > 0
  const at = isOwn
    ? traces.findIndex(({ process, caches }) => process === trace.process && Object.keys(caches).length > 0)
    : -1
  if (at < 0) {
    traces.push(trace)
    return
  }
  notes.push('a process was named more than once: it counts once')
  if (trace.requests.length > traces[at]!.requests.length) traces[at] = trace
}

function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // It is refused by whoever reads it.
    return path
  }
}
