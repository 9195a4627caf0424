// A trace in a daemon's cache folder, as an hour of work would have left it: requests of a workload.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { traceFolder, traceName } from '../../src/node/tuning/trace-folder.js'
import { workload } from '../../src/tuning/workloads.js'
import { writeTrace } from '../tuning/write-trace.js'

const HOUR = 3_600_000
const PROCESS = '0123456789abcdef0123456789abcdef'

/** Zipf's requests to the embeddings of a process that had room for `capacity` of them, and no disk behind. */
export function leaveTrace(dir: string, { requests = 20_000, keys = 3_000, capacity = 300 } = {}): void {
  const all = workload('zipf', { requests, keys, seed: 7, costs: 'lognormal', bytes: 2048 })
  const began = Date.now() - HOUR
  for (let i = 0; i < all.length; i++) all.at[i] = began + (HOUR * i) / all.length
  const folder = traceFolder(dir)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const embeddings = { disk: false, policy: 'lru', capacity, bytes: 2048 * capacity } as const
  writeTrace(join(folder, traceName(PROCESS, 1)), all, { process: PROCESS, caches: { embeddings } })
}
