// Bytes into an open descriptor: a file, a device, a pipe, a socket, a terminal. What was not written is always told.
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { errnoOf } from '../fs/errno.js'

export interface Writer {
  /** Resolves when the system has taken every byte, or `signal` has fired. Rejects with what the system said. */
  write(data: string | Uint8Array): Promise<void>
  /** Closes the descriptor, unless it is one of the three that belong to the process. */
  close(): void
}

/** The other end of a pipe or socket has gone (ECONNRESET: a socket that was closed with unread bytes; EOF: on Windows). */
export function isGone(error: unknown): boolean {
  return ['EPIPE', 'ECONNRESET', 'EOF'].includes(errnoOf(error) ?? '')
}

/**
 * Whether nobody reads from a pipe any more. Who writes into it hears that at the next write only; here Linux is asked. False where it does
 * not say.
 */
export function hasLostReader(fd: number): boolean {
  try {
    if (process.platform !== 'linux' || !fstatSync(fd).isFIFO()) return false
    closeSync(openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK))
    return false
  } catch (error) {
    return errnoOf(error) === 'ENXIO'
  }
}

/**
 * As `isatty` of node:tty, which brings the modules of the network along and is loaded only for a descriptor that may be a
 * terminal: a command that writes into a file or a pipe starts without it.
 */
export function isTerminal(fd: number): boolean {
  try {
    if (!fstatSync(fd).isCharacterDevice()) return false
  } catch {
    // Of a console the system may say nothing.
  }
  return process.getBuiltinModule('node:tty').isatty(fd)
}

/** @throws what fstat says of a number that is no open descriptor */
export function writerOf(fd: number, signal: AbortSignal): Writer {
  const stats = fstatSync(fd)
  if (isTerminal(fd) || stats.isFIFO() || stats.isSocket()) return streaming(streamOf(fd), fd, signal)
  return direct(fd)
}

/**
 * Files and devices. Written by hand, since Node's stream for them takes a short write for a whole one: the last bytes that a
 * full disk has no room for would be lost without a word.
 */
function direct(fd: number): Writer {
  return {
    async write(data) {
      const bytes = typeof data === 'string' ? Buffer.from(data) : data
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done)
    },
    close() {
      if (fd > 2) closeSync(fd)
    },
  }
}

/** Whoever reads may be slow, or stop: the event loop stays free, and `signal` ends the wait. */
function streaming(stream: Writable, fd: number, signal: AbortSignal): Writer {
  let failed: unknown
  const waiting = new Set<() => void>()
  const release = () => {
    for (const resolve of waiting) resolve()
    waiting.clear()
  }
  signal.addEventListener('abort', release, { once: true })
  stream.on('error', error => {
    failed ??= error
    release()
  })
  return {
    async write(data) {
      if (signal.aborted) return
      if (failed === undefined) {
        await new Promise<void>(resolve => {
          waiting.add(resolve)
          stream.write(data, error => {
            if (error) failed ??= error
            waiting.delete(resolve)
            resolve()
          })
        })
      }
      if (failed !== undefined) throw failed
    },
    close() {
      if (fd > 2) stream.destroy()
    },
  }
}

function streamOf(fd: number): Writable {
  if (fd === 1) return process.stdout
  if (fd === 2) return process.stderr
  if (isTerminal(fd)) return new (process.getBuiltinModule('node:tty').WriteStream)(fd)
  return new (process.getBuiltinModule('node:net').Socket)({ fd, readable: false, writable: true })
}
