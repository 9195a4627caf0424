// What a prune, a snapshot and a restore may do with the files while nobody appends. Takes no lock: whoever calls holds it.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { openToRead, unlink } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import { replaceWith } from '../../fs/replace.js'
import type { ExclusiveChain } from '../ports.js'
import { storeError } from './faults.js'
import { type Layout, segmentPath, segmentsIn } from './layout.js'
import { linesOf } from './line-reader.js'

const PIECE = 1 << 20
const LEFT_SEGMENT = /^\d{12}\.jsonl\.[0-9a-f]{16}\.tmp$/
/** The end of a line that others of its append follow. */
const MORE = /,"more":\d+\}$/
const LEFT = /^(rewrites|restoring)\.[0-9a-f]{16}\.tmp$/

interface Told {
  /** Before files are replaced. */
  readonly changes: () => void
  /** Behind that: of blocks `from` to `to` (not included). */
  readonly changed: (from: number, to: number) => void
}

export function exclusiveChain(layout: Layout, { changes, changed }: Told): ExclusiveChain {
  return {
    dir: layout.dir,
    segments: () => segmentsIn(layout),
    replaced: () => {
      changes()
      changed(0, Number.POSITIVE_INFINITY)
    },
    rewrite: async (segment, lines) => {
      const path = segmentPath(layout, segment)
      const texts = [...lines]
      // What nobody knew of is not to be lost with what was to go.
      const there = linesIn(path)
      if (there !== texts.length) {
        throw new OpDbusError(
          'STORE',
          `${path} has ${there} lines, of which ${texts.length} are known: it is not rewritten`,
        )
      }
      tidy(layout)
      changes()
      try {
        await replaceWith(path, 0o600, file => fillFile(file, texts))
      } catch (error) {
        throw storeError(error, `rewrite ${path}`)
      }
      const next = segmentsIn(layout).find(({ first }) => first > segment)
      changed(segment, next?.first ?? Number.POSITIVE_INFINITY)
    },
  }
}

/** Of whole appends: what was cut off was acknowledged by nobody, and goes with the next append. */
function linesIn(path: string): number {
  const fd = openToRead(path)
  if (fd === undefined) return 0
  try {
    let [count, whole] = [0, 0]
    for (const { ended, bytes } of linesOf(fd, 0, fs.fstatSync(fd).size)) {
      count++
      if (ended && !MORE.test(bytes.toString('latin1', Math.max(0, bytes.length - 24)))) whole = count
    }
    return whole
  } finally {
    fs.closeSync(fd)
  }
}

/** What rewrites have left that were killed: nobody else writes such files while we hold the lock. */
export function tidy({ dir, timing }: Layout): void {
  for (const [folder, form] of [[timing, LEFT_SEGMENT] as const, [dir, LEFT] as const]) {
    for (const name of namesIn(folder)) if (form.test(name)) quietly(() => unlink(join(folder, name)))
  }
}

/** Writes lines, with their ends. */
export async function fillFile(file: fs.promises.FileHandle, lines: Iterable<string>): Promise<void> {
  let piece: string[] = []
  let length = 0
  const flush = async () => {
    await file.appendFile(piece.join(''))
    piece = []
    length = 0
  }
  for (const line of lines) {
    piece.push(line)
    length += line.length
    if (length >= PIECE) await flush()
  }
  await flush()
}
