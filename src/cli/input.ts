// Where `embed` reads: standard input, a file, a FIFO, a descriptor. Knows nothing of what the lines mean.
import { constants, createReadStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import { isatty, ReadStream } from 'node:tty'
import { OpDbusError } from '../errors.js'
import { inWords } from '../fs/errno.js'
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
  const name = path === '-' ? 'standard input' : path
  const stream = addAbortSignal(signal, await onInput(name, () => open(path)))
  // Whoever has stopped reading does not hear of it.
  stream.on('error', () => {})
  return {
    lines: linesOf(chunks(name, stream)),
    close() {
      stream.destroy()
    },
  }
}

async function open(path: string): Promise<Readable> {
  const target = await targetOf(path, 0)
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
  if (isatty(fd)) return new ReadStream(fd)
  return stats.isFIFO() || stats.isSocket() ? socket(fd) : createReadStream('', { fd })
}

function socket(fd: number): Readable {
  return new Socket({ fd, readable: true, writable: false })
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
    const why = inWords(error, { ENOENT: 'there is no such file' })
    throw new OpDbusError('INVALID_INPUT', `cannot read ${name}: ${why}`, { cause: error })
  }
}
