// Writes a trace for other programs: CSV, or libCacheSim's oracleGeneral. Knows no file: pieces go to whoever takes them.
import { throwIfAborted } from '../../errors.js'
import { CSV_HEADER, csvRow, encodeOracle, ORACLE_BYTES } from '../../tuning/foreign-formats.js'
import { NO_NEXT, nextAccesses } from '../../tuning/next-access.js'
import type { Requests } from '../../tuning/requests.js'

export const EXPORT_FORMATS = ['csv', 'oracleGeneral'] as const
export type ExportFormat = (typeof EXPORT_FORMATS)[number]

const PIECE = 20_000

/** Calls `write` with one piece after the other. @throws OpDbusError ABORTED */
export async function exportRequests(
  requests: Requests,
  format: ExportFormat,
  write: (piece: string | Uint8Array) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  if (format === 'csv') await write(`${CSV_HEADER}\n`)
  const next = format === 'oracleGeneral' ? nextAccesses(requests.key) : undefined
  for (let from = 0; from < requests.length; from += PIECE) {
    throwIfAborted(signal)
    const to = Math.min(requests.length, from + PIECE)
    await write(next ? oraclePiece(requests, next, from, to) : csvPiece(requests, from, to))
  }
}

function csvPiece(requests: Requests, from: number, to: number): string {
  let rows = ''
  for (let i = from; i < to; i++) rows += `${csvRow(requests, i)}\n`
  return rows
}

function oraclePiece(requests: Requests, next: Uint32Array, from: number, to: number): Uint8Array {
  const piece = new Uint8Array((to - from) * ORACLE_BYTES)
  const view = new DataView(piece.buffer)
  for (let i = from; i < to; i++) {
    encodeOracle(view, (i - from) * ORACLE_BYTES, requests, i, next[i] === NO_NEXT ? undefined : next[i])
  }
  return piece
}
