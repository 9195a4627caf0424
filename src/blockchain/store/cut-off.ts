// Keeps what is about to be cut off behind the end of the chain where it is not plainly an append of ours: nothing that somebody else put
// there is lost. Cuts nothing off by itself.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { createFile, readAt, syncFile, writeAt } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import { lookAtBytes } from './block-line.js'
import { type Layout, makeDurableFolder, segmentName, syncFolder } from './layout.js'
import { linesOf } from './line-reader.js'
import type { Tip } from './tip.js'

const PIECE = 1 << 20
/** How every line of ours begins. */
const BEGIN = Buffer.from('{"header":{')

/**
 * The file that it is kept in, on the disk; undefined where it is an append that was cut off. `certain`: of that, nothing was acknowledged.
 * @throws what the system says
 */
export function keepCutOff({ dir }: Layout, fd: number, tip: Tip, certain: boolean): string | undefined {
  const { size } = fs.fstatSync(fd)
  if (isOurs(fd, tip.bytes, size, certain)) return undefined
  const folder = join(dir, 'cut-off')
  makeDurableFolder(folder)
  const path = join(folder, `${namesIn(folder).length}-${segmentName(tip.segment)}-at-${tip.bytes}`)
  const file = createFile(path)
  try {
    const piece = Buffer.allocUnsafe(Math.min(PIECE, size - tip.bytes))
    for (let at = tip.bytes; at < size; ) {
      const count = readAt(fd, piece.subarray(0, Math.min(piece.length, size - at)), at)
      if (count === 0) break
      writeAt(file, piece.subarray(0, count), at - tip.bytes)
      at += count
    }
    syncFile(file)
  } finally {
    fs.closeSync(file)
  }
  syncFolder(folder)
  return path
}

/** Whole lines are blocks, which go where that is `certain`, and what has no line end begins as one. */
function isOurs(fd: number, from: number, size: number, certain: boolean): boolean {
  for (const { bytes, ended } of linesOf(fd, from, size)) {
    if (!ended) return bytes.subarray(0, BEGIN.length).equals(BEGIN.subarray(0, bytes.length))
    if (!certain || typeof lookAtBytes(bytes) === 'string') return false
  }
  return true
}
