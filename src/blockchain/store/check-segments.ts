// Whether segments in a folder are what a manifest says, byte for byte, and a whole chain: every hash, every link, every body. Changes nothing.
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { join } from 'node:path'
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { messageOf, throwIfAborted } from '../../errors.js'
import { NO_PREVIOUS } from '../block.js'
import { bodyFault } from '../footprint.js'
import { readLine } from '../line.js'
import { placeFault } from './block-line.js'
import { linesOf } from './line-reader.js'
import type { Manifest } from './snapshot-files.js'

/** Lines between two turns of the event loop. */
const TURN = 256

/** What is wrong; undefined where nothing is. */
export async function checkSegments(
  folder: string,
  manifest: Manifest,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  let [count, hash, more] = [0, NO_PREVIOUS, 0]
  for (const { name, bytes, sha256 } of manifest.files) {
    const digest = createHash('sha256')
    const fd = fs.openSync(join(folder, name), fs.constants.O_RDONLY | (fs.constants.O_NOFOLLOW ?? 0))
    try {
      const { size } = fs.fstatSync(fd)
      if (size !== bytes) return `its file ${name} has ${size} bytes instead of ${bytes}`
      if (Number.parseInt(name, 10) !== count) return `block ${count} is missing`
      for (const line of linesOf(fd, 0, size)) {
        const read = line.ended ? blockIn(line.bytes, count, hash) : 'has no line end'
        if (typeof read === 'string') return `block ${count} ${read}`
        digest.update(line.bytes).update('\n')
        ;({ hash, more } = read)
        if (++count % TURN === 0) {
          throwIfAborted(signal)
          await yieldToEventLoop()
        }
      }
    } finally {
      fs.closeSync(fd)
    }
    if (digest.digest('hex') !== sha256) return `its file ${name} is not what was written`
  }
  if (more !== 0) return 'its last append is not whole'
  if (count !== manifest.size || hash !== manifest.hash) return 'it ends with another block than its manifest says'
  return undefined
}

function blockIn(bytes: Buffer, count: number, previous: string): { hash: string; more: number } | string {
  try {
    const { block, more } = readLine(bytes.toString('utf8'))
    const misplaced = placeFault(block, count, previous)
    if (misplaced !== undefined) return misplaced
    const fault = block.body && bodyFault(block.header, block.body)
    return fault === undefined ? { hash: block.hash, more } : `is damaged: ${fault}`
  } catch (error) {
    return messageOf(error)
  }
}
