// What a prune, a snapshot and a restore may do with the files while nobody appends. Takes no lock: whoever calls holds it.
import type * as fs from 'node:fs'
import { join } from 'node:path'
import { quietly } from '../../fs/errno.js'
import { unlink } from '../../fs/files.js'
import { namesIn } from '../../fs/folders.js'
import { replaceWith } from '../../fs/replace.js'
import type { ExclusiveChain } from '../ports.js'
import { storeError } from './faults.js'
import { type Layout, segmentPath, segmentsIn } from './layout.js'

const PIECE = 1 << 20
const LEFT_SEGMENT = /^\d{12}\.jsonl\.[0-9a-f]{16}\.tmp$/
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
      tidy(layout)
      changes()
      try {
        await replaceWith(path, 0o600, file => fill(file, lines))
      } catch (error) {
        throw storeError(error, `rewrite ${path}`)
      }
      const next = segmentsIn(layout).find(({ first }) => first > segment)
      changed(segment, next?.first ?? Number.POSITIVE_INFINITY)
    },
  }
}

/** What rewrites have left that were killed: nobody else writes such files while we hold the lock. */
export function tidy({ dir, timing }: Layout): void {
  for (const [folder, form] of [[timing, LEFT_SEGMENT] as const, [dir, LEFT] as const]) {
    for (const name of namesIn(folder)) if (form.test(name)) quietly(() => unlink(join(folder, name)))
  }
}

async function fill(file: fs.promises.FileHandle, lines: Iterable<string>): Promise<void> {
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
