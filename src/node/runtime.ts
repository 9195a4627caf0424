// What Node gives the caches: clocks, digests, a timer, threads. Part of the Node root; its twin is web/runtime.ts.
import { hash as digest, randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { crc32 as zlibCrc32 } from 'node:zlib'
import type { Clock, Crc32, Hash } from '../ports.js'

export const nodeHash: Hash = {
  sha256: text => digest('sha256', text, 'hex'),
  random: bytes => randomBytes(bytes).toString('hex'),
}

export const crc32: Crc32 = (bytes, seed = 0) => zlibCrc32(bytes, seed)

/** `monotonic` counts from the machine's boot where the system does, so that two processes can compare readings. */
export function nodeClock(): Clock {
  const offset = millisecondsBeforeStart()
  return { now: () => Date.now(), monotonic: () => offset + performance.now() }
}

/** Between two readings of one clock a process may lose its core: then it is tried again. */
const TRIES = 10
const CLOSE_ENOUGH_MS = 0.02

/** How far `performance.now()`, which is cheap to read, is behind the clock that all processes share. */
function millisecondsBeforeStart(): number {
  // Node loads it with its first use, which takes milliseconds.
  performance.now()
  let closest = { apart: Number.POSITIVE_INFINITY, offset: 0 }
  for (let tries = 0; tries < TRIES && closest.apart > CLOSE_ENOUGH_MS; tries++) {
    const before = performance.now()
    const shared = Number(process.hrtime.bigint()) / 1e6
    const apart = performance.now() - before
    if (apart < closest.apart) closest = { apart, offset: shared - before - apart / 2 }
  }
  return closest.offset
}

/** Runs `run` after `ms`; does not keep the process alive. */
export function timer(ms: number, run: () => void): () => void {
  const handle = setTimeout(run, ms)
  handle.unref()
  return () => clearTimeout(handle)
}

/** Threads that compute: as many as were asked for, else as the machine has for this process. */
export function usableThreads(wanted: number | undefined): number {
  return wanted ?? availableParallelism()
}
