// A trace in a daemon's cache folder, as days of work would have left it: requests of a workload, in the form of our own files.
import { mkdirSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { crc32, timer } from '../../src/node/runtime.js'
import { traceFolder } from '../../src/node/tuning/trace-folder.js'
import { TraceWriter } from '../../src/node/tuning/trace-writer.js'
import { REQUEST_COLUMNS } from '../../src/tuning/request-list.js'
import { workload } from '../../src/tuning/workloads.js'

/** Zipf's requests to the embeddings of a process that had room for `capacity` of them, without a disk behind. */
export async function leaveTrace(dir: string, { requests = 20_000, keys = 3_000, capacity = 300 } = {}): Promise<void> {
  const all = workload('zipf', { requests, keys, seed: 7, costs: 'lognormal', bytes: 2048 })
  const folder = traceFolder(dir)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const writer = new TraceWriter({
    folder,
    maxBytes: 64 * 2 ** 20,
    crc32,
    timer,
    header: () => ({
      began: Date.now(),
      caches: { embeddings: { disk: false, policy: 'lru', capacity, bytes: 2048 * capacity } },
    }),
    process: '0123456789abcdef0123456789abcdef',
    part: 1,
    failed: message => {
      throw new Error(message)
    },
  })
  const began = Date.now() - 3_600_000
  for (let i = 0; i < all.length; i++) {
    const one = { at: 0, cache: 0, key: 0, bytes: 0, tokens: 0, cost: 0, micros: 0, outcome: 0 }
    for (const column of REQUEST_COLUMNS) one[column] = all[column][i]!
    // An hour of them.
    one.at = began + (3_600_000 * i) / all.length
    // It refuses while the disk is behind.
    while (!writer.add(one, 1)) await turn()
  }
  await writer.close()
}
