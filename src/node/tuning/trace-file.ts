// Reads one trace file of ours from its header to its end, or to where it is not sound any more. Holds one piece of it at a time.
import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { invalid, throwIfAborted } from '../../errors.js'
import { plural } from '../../format.js'
import type { OneRequest } from '../../tuning/request-list.js'
import {
  BLOCK_BYTES,
  BLOCK_RECORDS,
  blockLength,
  decodeBlock,
  decodeHeader,
  HEADER_BYTES,
  HEADER_LIMIT,
  type HeaderFault,
  RECORD_BYTES,
  TRACE_VERSION,
  type TraceHeader,
} from '../../tuning/trace-format.js'
import { crc32 } from '../runtime.js'

/** Blocks are read so many bytes at a time: eighteen of the longest, at least. */
const PIECE = 2 ** 20
const LONGEST_BLOCK = BLOCK_BYTES + BLOCK_RECORDS * RECORD_BYTES

const FAULTS: Readonly<Record<HeaderFault, string>> = {
  'no-trace': 'it is no trace of op-dbus',
  version: `it is a trace of another version than ${TRACE_VERSION}, which this version of op-dbus writes; read it with the op-dbus that wrote it`,
  damaged: 'its header is cut or damaged, so that none of its records can be trusted',
}

/** What was found, besides the records. */
export interface FileReading {
  /** Its process ended it: nothing is missing. */
  readonly ended: boolean
  /** Why it was not read to its end. */
  readonly note?: string
}

/**
 * Reads a file of `size` bytes; what is written behind that meanwhile may be read or not. `begin` is told the header, once, and returns who takes
 * the records, each with the part of the keys that was recorded then.
 * @throws OpDbusError INVALID_INPUT, without its name, where its header cannot be used, ABORTED; and what the system says
 */
export async function readTraceFile(
  path: string,
  file: FileHandle,
  size: number,
  signal: AbortSignal | undefined,
  begin: (header: TraceHeader) => (one: Readonly<OneRequest>, rate: number) => void,
): Promise<FileReading> {
  const piece = new Uint8Array(Math.min(PIECE, Math.max(size, HEADER_BYTES)) + LONGEST_BLOCK)
  const head = piece.subarray(0, await readFrom(file, piece.subarray(0, HEADER_BYTES + HEADER_LIMIT), 0))
  const found = decodeHeader(head, crc32)
  if (typeof found === 'string') throw invalid(FAULTS[found])
  const take = begin(found.header)
  let position = found.end
  let records = 0
  for (let number = 0; ; ) {
    throwIfAborted(signal)
    const filled = await readFrom(file, piece, position)
    let done = 0
    for (; filled - done >= BLOCK_BYTES; number++) {
      const length = blockLength(piece, done)
      if (length === undefined) return stopped('damaged')
      if (length > filled - done) break
      const block = decodeBlock(piece.subarray(done, done + length), number, found.crc, crc32)
      if (block === undefined) return stopped('damaged')
      if (block.records === 0) return { ended: true }
      block.each(one => take(one, block.rate))
      records += block.records
      done += length
    }
    position += done
    // A block is shorter than a piece: what is left is a part of one, or nothing.
    if (done === 0) return filled === 0 ? { ended: false } : stopped('cut')
  }

  function stopped(how: 'cut' | 'damaged'): FileReading {
    const why = how === 'cut' ? 'its last block is not whole' : 'what follows is damaged'
    return { ended: false, note: `${basename(path)} was read up to ${plural(records, 'request', 'requests')}: ${why}` }
  }
}

/** Fills `target` from `position` on, as far as the file goes; returns how many bytes there were. */
export async function readFrom(file: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let done = 0
  while (done < target.length) {
    const { bytesRead } = await file.read(target, done, target.length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return done
}
