// The block in a line of a segment, or in words what is wrong with it: one judgement for all who read lines. `verify` has its own, since it
// is to find what these overlook. Reads no file.
import { messageOf } from '../../errors.js'
import type { Block } from '../block.js'
import { lookAtLine, type ReadLine, readLine } from '../line.js'

/** Without the line end. */
export function readBytes(bytes: Buffer): ReadLine | string {
  return quiet(readLine, bytes)
}

/** As {@link readBytes}, for who hands the block to nobody. */
export function lookAtBytes(bytes: Buffer): ReadLine | string {
  return quiet(lookAtLine, bytes)
}

function quiet(read: (text: string) => ReadLine, bytes: Buffer): ReadLine | string {
  try {
    return read(bytes.toString('utf8'))
  } catch (error) {
    return messageOf(error)
  }
}

/** Why a block is not the one that belongs in a place; undefined where it is. `previous`: the hash of the block before, where it is known. */
export function placeFault(block: Block, number: number, previous: string | undefined): string | undefined {
  if (block.number !== number) return `is missing: block ${block.number} is in its place`
  if (previous !== undefined && block.header.previous !== previous) return 'names another block before it than there is'
  return undefined
}
