// Where a command reads: standard input, a file, a FIFO, a descriptor. Knows nothing of what is in it.
import { constants, createReadStream, fstatSync, openSync } from 'node:fs'
import { addAbortSignal, type Readable } from 'node:stream'
import { OpDbusError } from '../errors.js'
import { inWords } from '../fs/errno.js'
import { isTerminal } from './descriptor.js'
import { linesOf } from './lines.js'
import { targetOf } from './target.js'

export interface Input {
  readonly lines: AsyncIterable<string>
  /** Reads no further. What still comes from a pipe keeps no process alive. */
  close(): void
}

/**
 * `-` is standard input. `signal` also ends the wait for a line that never comes.
 * @throws OpDbusError INVALID_INPUT where there is nothing to read; also while reading
 */
export async function openInput(path: string, signal: AbortSignal): Promise<Input> {
  const { name, stream } = await opened(path, signal)
  return {
    lines: linesOf(chunks(name, stream)),
    close() {
      stream.destroy()
    },
  }
}

/** The same as bytes. */
export async function openBytes(
  path: string,
  signal: AbortSignal,
): Promise<{ bytes: AsyncIterable<Uint8Array>; close(): void }> {
  const { name, stream } = await opened(path, signal)
  return { bytes: chunks(name, stream), close: () => void stream.destroy() }
}

async function opened(path: string, signal: AbortSignal): Promise<{ name: string; stream: Readable }> {
  const name = path === '-' ? 'standard input' : path
  const stream = addAbortSignal(signal, await onInput(name, () => open(path)))
  // Whoever has stopped reading does not hear of it.
  stream.on('error', () => {})
  return { name, stream }
}

/**
 * All that is in `path`, which is `-` for standard input. A file that is larger than `limit` bytes is not even begun, and of
 * whatever else no more is held.
 * @throws OpDbusError INVALID_INPUT where it cannot be read, or is larger
 */
export async function readWhole(path: string, limit: number, signal: AbortSignal): Promise<Uint8Array> {
  const name = path === '-' ? 'standard input' : path
  const stream = addAbortSignal(signal, await onInput(name, () => open(path, limit)))
  stream.on('error', () => {})
  const parts: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of chunks(name, stream)) {
      parts.push(chunk)
      size += chunk.length
      if (size > limit) throw tooLarge(name, limit)
    }
  } finally {
    stream.destroy()
  }
  return Buffer.concat(parts)
}

function tooLarge(name: string, limit: number): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${name} is larger than ${limit / 2 ** 20} MiB, which is the limit`)
}

async function open(path: string, limit = Number.POSITIVE_INFINITY): Promise<Readable> {
  if (path === '') throw new OpDbusError('INVALID_INPUT', 'the path of a file is missing: it is an empty text')
  const target = await targetOf(path, 0)
  if (target.kind === 'file' && target.stats && target.stats.size > limit) throw tooLarge(path, limit)
  if (target.kind === 'folder') throw Object.assign(new Error(), { code: 'EISDIR' })
  if (target.kind === 'descriptor') return streamOf(target.fd)
  if (target.kind === 'special' && target.stats.isFIFO()) {
    // A thread that waits for the writer inside the system could not be called back.
    return socket(openSync(target.path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)))
  }
  return createReadStream(path)
}

function streamOf(fd: number): Readable {
  const stats = fstatSync(fd)
  if (stats.isDirectory()) throw Object.assign(new Error(), { code: 'EISDIR' })
  if (fd === 0) return process.stdin
  if (isTerminal(fd)) return new (process.getBuiltinModule('node:tty').ReadStream)(fd)
  return stats.isFIFO() || stats.isSocket() ? socket(fd) : createReadStream('', { fd })
}

function socket(fd: number): Readable {
  return new (process.getBuiltinModule('node:net').Socket)({ fd, readable: true, writable: false })
}

async function* chunks(name: string, stream: Readable): AsyncGenerator<Uint8Array> {
  const iterator = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  for (;;) {
    const chunk = await onInput(name, () => iterator.next())
    if (chunk.done) return
    yield chunk.value
  }
}

async function onInput<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof OpDbusError) throw error
    const why = inWords(error, { ENOENT: 'there is no such file' })
    throw new OpDbusError('INVALID_INPUT', `cannot read ${name}: ${why}`, { cause: error })
  }
}
