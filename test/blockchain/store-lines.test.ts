// Lines of a file come whole, in order and with their places, however long they are and wherever a piece of the file ends.
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { linesOf } from '../../src/blockchain/store/line-reader.js'
import { memoryFolder } from '../support.js'

const PIECE = 1 << 20

it.each<[what: string, lengths: readonly number[], torn: number]>([
  ['short', [1, 0, 300, 5], 0],
  ['longer than a piece, one behind the other', [3_000_000, 3_000_000, 3_000_001, 10], 0],
  ['as long as a piece', [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 1], 0],
  ['around pieces of one that is torn', [10, 2_100_000, 700_000], 1_500_000],
])('%s', (_, lengths, torn) => {
  const path = join(memoryFolder(), 'lines')
  const text = lengths.map((length, at) => `${String(at % 10).repeat(length)}\n`).join('')
  writeFileSync(path, text + 't'.repeat(torn))
  const expected = lengths.map((length, at) => ({ length, ended: true, offset: offsetOf(lengths, at) }))
  if (torn > 0) expected.push({ length: torn, ended: false, offset: text.length })
  const fd = openSync(path, 'r')
  try {
    for (const first of [undefined, 1, 5000]) {
      const lines = [...linesOf(fd, 0, text.length + torn, first)]
      expect(lines.map(({ length, ended, offset }) => ({ length, ended, offset }))).toEqual(expected)
      for (const [at, { bytes }] of lines.entries()) {
        const letter = at < lengths.length ? String(at % 10) : 't'
        expect(bytes.equals(Buffer.alloc(bytes.length, letter))).toBe(true)
      }
    }
  } finally {
    closeSync(fd)
  }
})

function offsetOf(lengths: readonly number[], at: number): number {
  return lengths.slice(0, at).reduce((sum, length) => sum + length + 1, 0)
}
