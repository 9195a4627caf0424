// When a request is worth another try, and how long to wait before it. Knows no URL.

import { abortError, isOpDbusError, OpDbusError } from '../errors.js'
import type { HubIo } from './io.js'

/** Tries in a row that bring nothing new. */
const TRIES = 6
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** A connection that brings so much before it breaks has cost no try. */
const PROGRESS_BYTES = 1 << 20

/** What broke off and may go on: a reset, silence, a server that is busy. `afterMs`: when the server asks to be asked again. */
export function broken(message: string, cause?: unknown, afterMs?: number): OpDbusError {
  return new OpDbusError('DOWNLOAD', message, { cause, details: { why: 'unreachable', retry: true, afterMs } })
}

/** A try that is to come, after one that broke off. */
export interface Retry {
  /** From 2 to `of`. */
  readonly attempt: number
  readonly of: number
  readonly inMs: number
  /** What went wrong with the last one: one line. */
  readonly reason: string
}

/** As people are told of it. */
export function retryText({ attempt, of, inMs, reason }: Retry): string {
  return `trying again (${attempt} of ${of}) in ${Math.max(1, Math.round(inMs / 1000))} s: ${reason}`
}

export interface Retrying {
  readonly io: HubIo
  readonly signal: AbortSignal | undefined
  /** Must not throw. */
  readonly onRetry?: (retry: Retry) => void
}

/**
 * Runs `run` until it succeeds, fails for good, or broke off six times with less than 1 MiB gained (`progress`, bytes).
 * Waits 0.5 s, doubling, up to half of it random; or as long as the server said, up to 30 s. A hub that never answers is
 * given up after six silences of `io.timeoutMs` and 12 s of waiting: about a minute.
 */
export async function retrying<T>(
  { io, signal, onRetry }: Retrying,
  run: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  let failures = 0
  let mark = progress()
  for (;;) {
    try {
      return await run()
    } catch (error) {
      const reached = progress()
      if (reached - mark >= PROGRESS_BYTES) failures = 0
      mark = reached
      if (!isOpDbusError(error, 'DOWNLOAD') || error.details.retry !== true || ++failures === TRIES) throw error
      const { afterMs } = error.details
      const backOff = FIRST_WAIT_MS * 2 ** (failures - 1) * (0.5 + io.random() / 2)
      const inMs = Math.min(typeof afterMs === 'number' ? afterMs : backOff, LONGEST_WAIT_MS)
      if (!signal?.aborted) {
        onRetry?.({ attempt: failures + 1, of: TRIES, inMs, reason: error.message.split('\n')[0]! })
      }
      await io.sleep(inMs, signal).catch(thrown => {
        throw signal?.aborted ? abortError(signal) : thrown
      })
    }
  }
}
