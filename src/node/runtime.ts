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
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now()
  return { now: () => Date.now(), monotonic: () => offset + performance.now() }
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
