// Reads traces that other programs wrote, a piece at a time: CSV, and libCacheSim's oracleGeneral. Guesses which one it is, and says where it is none.
import type { FileHandle } from 'node:fs/promises'
import { basename } from 'node:path'
import { invalid, throwIfAborted } from '../../errors.js'
import { plural } from '../../format.js'
import { CsvRows, decodeOracle, isText, ORACLE_BYTES, oracleRecord, packing } from '../../tuning/foreign-formats.js'
import type { OneRequest } from '../../tuning/request-list.js'
import { readFrom } from './trace-file.js'

const PIECE = ORACLE_BYTES * 40_000
/** Longer than any row of a trace. */
const LONGEST_ROW = 65_536

type Take = (one: Readonly<OneRequest>) => void

/**
 * Reads a file that is no trace of ours; `start` is its beginning. Returns a note where it was not read to its end.
 * @throws OpDbusError INVALID_INPUT where it is no trace, with the row; ABORTED; and what the system says
 */
export async function readForeign(
  path: string,
  file: FileHandle,
  size: number,
  start: Uint8Array,
  take: Take,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (start.length === 0) throw invalid(`${path} is empty: no trace`)
  const packed = packing(start)
  if (packed !== undefined) throw invalid(`${path} is compressed: unpack it first, with ${packed}`)
  let last = 0
  let behind = 0
  const inOrder: Take = one => {
    if (one.at < last) behind++
    else last = one.at
    take(one)
  }
  const note = isText(start)
    ? await readCsv(path, file, inOrder, signal)
    : await readOracle(path, file, size, inOrder, signal)
  if (behind === 0) return note
  const disorder = `${basename(path)}: ${plural(behind, 'request comes', 'requests come')} before the one before, and were taken as of its time`
  return note === undefined ? disorder : `${note}; ${disorder}`
}

async function readCsv(
  path: string,
  file: FileHandle,
  take: Take,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const rows = new CsvRows()
  const decoder = new TextDecoder()
  const piece = new Uint8Array(PIECE)
  let rest = ''
  let number = 0
  const row = (line: string) => {
    number++
    const read = line.length > LONGEST_ROW ? 'it is too long' : rows.read(line)
    if (typeof read === 'string') throw invalid(`${path} is no trace: row ${number}: ${read}`)
    if (read !== undefined) take(read)
  }
  for (let position = 0; ; ) {
    throwIfAborted(signal)
    const { bytesRead } = await file.read(piece, 0, piece.length, position)
    position += bytesRead
    const lines = (rest + decoder.decode(piece.subarray(0, bytesRead), { stream: bytesRead > 0 })).split('\n')
    rest = lines.pop()!
    for (const line of lines) row(line)
    if (bytesRead > 0 && rest.length <= LONGEST_ROW) continue
    if (rest !== '') row(rest)
    return rows.hasSizes
      ? undefined
      : `${basename(path)} does not say how large entries are: they are taken as of no bytes`
  }
}

async function readOracle(
  path: string,
  file: FileHandle,
  size: number,
  take: Take,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  if (size < ORACLE_BYTES) throw invalid(`${path} is no trace: neither of op-dbus, nor CSV, nor oracleGeneral`)
  const piece = new Uint8Array(PIECE)
  const view = new DataView(piece.buffer)
  const one = oracleRecord()
  for (let position = 0; ; ) {
    throwIfAborted(signal)
    const filled = await readFrom(file, piece, position)
    for (let offset = 0; offset + ORACLE_BYTES <= filled; offset += ORACLE_BYTES) {
      const number = (position + offset) / ORACLE_BYTES
      const wrong = decodeOracle(view, offset, number, one)
      if (wrong !== undefined) {
        throw invalid(`${path} is no trace: neither of op-dbus nor CSV; as oracleGeneral, request ${number}: ${wrong}`)
      }
      take(one)
    }
    position += filled
    if (filled === PIECE) continue
    const left = position % ORACLE_BYTES
    return left === 0 ? undefined : `${basename(path)} ends within a request: its last ${left} bytes were not read`
  }
}
