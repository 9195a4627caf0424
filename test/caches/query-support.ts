// Query caches for tests: one alone, two on one folder, plugins and timers that do as they are told.
import { QueryCache, type QueryCacheOptions } from '../../src/caches/query-cache.js'
import { queryDisk } from '../../src/caches/query-disk.js'
import { isAnswer, isHold } from '../../src/caches/query-file.js'
import type { HoldingProcess } from '../../src/caches/query-holds.js'
import type { Timer } from '../../src/ports.js'
import { openFileStore } from '../../src/stores/files.js'
import { crc32, deferred, hash, TestClock, temporaryFolder } from '../support.js'

export const TTL = 5000

/** Of whatever process, it lives. */
export const LIVING: HoldingProcess = { pid: 1, place: 'here', livenessOf: () => 'alive' }

export function open(
  dir: string | undefined,
  options: Partial<QueryCacheOptions> & { clock?: TestClock; process?: HoldingProcess } = {},
) {
  const { clock = new TestClock(), process = LIVING } = options
  const warnings: string[] = []
  const exits: (() => void)[] = []
  const files = { maxEntries: 1000, isEntry: isAnswer, outlives: isHold, clock, hash, crc32 }
  const store = dir && openFileStore({ name: 'query', dir, ...files })
  const cache = new QueryCache({
    ttlMs: TTL,
    capacityBytes: 1e6,
    disk: store ? queryDisk({ onExit: flush => exits.push(flush), store, bootId: 'boot-1', process }) : undefined,
    hash,
    warn: message => warnings.push(message),
    clockResolutionMs: 0,
    ...options,
    clock,
  })
  const exit = () => {
    for (const flush of exits) flush()
  }
  return { cache, clock, store: store || undefined, warnings, exit }
}

/** Two caches on one folder, as two processes have them. */
export function openTwo(options: Partial<QueryCacheOptions> = {}) {
  const dir = temporaryFolder()
  const clock = new TestClock()
  return { dir, clock, here: open(dir, { ...options, clock }).cache, there: open(dir, { ...options, clock }).cache }
}

/** A plugin that answers when told. `begun(n)` resolves once it was asked `n` times. */
export function plugin() {
  const started: ReturnType<typeof deferred<unknown>>[] = []
  let heard = () => {}
  const query = (): Promise<unknown> => {
    started.push(deferred<unknown>())
    heard()
    return started.at(-1)!.promise
  }
  const begun = async (count: number) => {
    while (started.length < count) await new Promise<void>(resolve => (heard = resolve))
    return started
  }
  return { query, begun, started }
}

/** Time that only moves when told. */
export function handTimer() {
  const due: (() => void)[] = []
  const timer: Timer = (_ms, run) => {
    due.push(run)
    return () => {}
  }
  const pass = () => {
    for (const run of due.splice(0)) run()
  }
  return { timer, pass, due }
}

export const answer = (value: unknown) => () => value
export const never = () => Promise.reject(new Error('asked again'))
