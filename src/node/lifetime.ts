// The caches' life in a process: their counts are written now and then, and what is pending when the process ends without a
// close. Part of the Node root; keeps no process alive.
import { atExit } from '../backends/at-exit.js'
import { COUNTERS_FLUSH_MS, LifetimeCounters, type LifetimeCountersOptions } from '../cache/lifetime-counters.js'
import { quietly } from '../fs/errno.js'
import { livenessOf, pidPlace } from '../fs/process-identity.js'
import type { Clock, Key } from '../ports.js'
import type { Disk } from './disk.js'
import { nodeHash } from './runtime.js'

export class Lifetime {
  readonly #flushes: (() => void)[] = []
  #end = () => {}

  /** `flush` writes, at once and synchronously, what is pending: called when the process ends without a close. */
  onExit(flush: () => void): void {
    this.#flushes.push(flush)
  }

  /** Begins to keep the counts that `read` tells; they are written last of all. */
  begin(disk: Disk, clock: Clock, read: LifetimeCountersOptions['read']): LifetimeCounters {
    const counters = new LifetimeCounters({
      store: disk.counters,
      clock,
      key: nodeHash.random(8) as Key,
      process: { pid: process.pid, place: pidPlace(), livenessOf },
      read,
    })
    const timer = setInterval(() => void counters.flush().catch(() => {}), COUNTERS_FLUSH_MS)
    timer.unref()
    const leave = atExit(() => {
      // The process is ending and this is a cache: there is nobody left to tell.
      for (const flush of this.#flushes) quietly(flush)
      quietly(() => counters.flushSync())
    })
    this.#end = () => {
      clearInterval(timer)
      leave()
    }
    return counters
  }

  /** After a close nothing is pending any more. */
  end(): void {
    this.#end()
  }
}
