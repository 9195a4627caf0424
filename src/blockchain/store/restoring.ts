// Puts other segments in the chain's place, so that a kill at any moment leaves one of the two chains whole: a marker says that the new
// ones, which lie beside, are the chain from now on, and whoever writes next carries that out. Looks at no block.
import { rmdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { readSmall, unlink } from '../../fs/files.js'
import { isFolder, mayWrite } from '../../fs/folders.js'
import { renameFolders, replaceWith } from '../../fs/replace.js'
import type { BlockStore } from '../ports.js'
import { fillFile, tidy } from './exclusive.js'
import { guarded } from './faults.js'
import { type Layout, layoutOf, type Segment, segmentName, syncFolder } from './layout.js'
import { beginFolder, removeLeft } from './left-folders.js'
import { takeFiles } from './segment-copies.js'

/*
   The order of things: the new segments are on the disk in a folder of their own -> the marker is on the disk (from here on the restore
   happens) -> `timing` moves into that folder, as `old` -> the new `timing` moves out of it -> what is derived goes, and every process is
   told -> the marker goes -> the folder goes. Each step may be the last one of a process, and the next one looks what is there.
*/
const FORM = /^\.restoring-[0-9a-f]{16}$/

/** Segments that are to be the chain's, in a folder beside them. */
export class StagedChain {
  readonly #layout: Layout
  readonly #dir: string
  readonly #id: string
  #committed = false

  private constructor(layout: Layout, dir: string, id: string) {
    this.#layout = layout
    this.#dir = dir
    this.#id = id
  }

  /** Takes `segments`, and removes what processes that died have left. `id`: sixteen hexadecimal digits that nobody else has. */
  static async of(layout: Layout, segments: readonly Segment[], id: string): Promise<StagedChain> {
    // What a marker speaks of is not left over: it is the chain.
    if (restoringOf(layout) === undefined) await removeLeft(layout.dir, FORM)
    tidy(layout)
    const name = `.restoring-${id}`
    const staged = new StagedChain(layout, await beginFolder(layout.dir, name), name)
    try {
      await takeFiles(segments, staged.timing)
      syncFolder(staged.timing)
      syncFolder(staged.#dir)
      syncFolder(layout.dir)
      return staged
    } catch (error) {
      await staged.discard()
      throw error
    }
  }

  get timing(): string {
    return join(this.#dir, 'timing')
  }

  /** A segment that is not taken as it was. `lines` have their line ends. */
  async write(first: number, lines: Iterable<string>): Promise<void> {
    await replaceWith(join(this.timing, segmentName(first)), 0o600, file => fillFile(file, lines))
    syncFolder(this.timing)
  }

  /** From here on these are the chain. For whoever holds the lock; `changed` is called when every process is to be told. @throws Error of the file system */
  async commit(changed: () => void): Promise<void> {
    await replaceWith(this.#layout.restoring, 0o600, file => file.writeFile(`${this.#id}\n`))
    this.#committed = true
    await finishRestore(this.#layout, changed)
  }

  /** What was not committed; the chain itself is never touched. */
  async discard(): Promise<void> {
    if (this.#committed) return
    await rm(this.#dir, { recursive: true, force: true }).catch(() => {})
  }
}

/** Carries out what a marker says, if there is one. For whoever holds the lock. @throws OpDbusError STORE, and what the system says */
export async function finishRestore(layout: Layout, changed: () => void): Promise<boolean> {
  const staged = restoringOf(layout)
  if (staged === undefined) return false
  const { timing } = layout
  const [fresh, old] = [join(staged, 'timing'), join(staged, 'old')]
  if (isFolder(fresh)) {
    // Before as well: whoever reads just now takes no block of the new chain for one of the old.
    changed()
    // A folder that is there although the old one has moved is an empty one, of somebody who is about to append.
    const moved = isFolder(old)
    if (moved && isFolder(timing)) rmdirSync(timing)
    const away = !moved && isFolder(timing) ? [{ from: timing, to: old }] : []
    renameFolders([...away, { from: fresh, to: timing }])
    syncFolder(layout.dir)
    syncFolder(staged)
  } else if (!isFolder(timing)) {
    throw new OpDbusError(
      'STORE',
      `a restore was cut off, and neither ${timing} nor ${fresh} is there\nnothing is written: put the folder back that was moved, or restore a snapshot by hand`,
    )
  }
  // Moved, not emptied: another process may be making files there just now.
  const tree = join(staged, 'tree')
  await rm(tree, { recursive: true, force: true })
  if (isFolder(layout.tree)) renameFolders([{ from: layout.tree, to: tree }])
  changed()
  syncFolder(layout.dir)
  unlink(layout.restoring)
  syncFolder(layout.dir)
  // The restore is done; what of it stays here is removed by the next one.
  await rm(staged, { recursive: true, force: true }).catch(() => {})
  return true
}

/** For whoever opens a chain: carries out a restore that was cut off, where this process may. @throws OpDbusError STORE, ABORTED, CLOSED */
export async function finishCutOff(store: Pick<BlockStore, 'dir' | 'exclusively'>): Promise<void> {
  const staged = guarded(`read the chain in ${store.dir}`, () => restoringOf(layoutOf(store.dir)))
  // Whoever takes the lock does it.
  if (staged !== undefined && mayWrite(store.dir)) await store.exclusively(async () => {})
}

/** The folder of a restore that was begun and has not ended; undefined where there is none. @throws OpDbusError STORE for a marker that is none */
export function restoringOf(layout: Layout): string | undefined {
  const text = readSmall(layout.restoring, 256)
  if (text === undefined) return undefined
  const name = text.trim()
  if (FORM.test(name)) return join(layout.dir, name)
  throw new OpDbusError(
    'STORE',
    `${layout.restoring} is not what a restore writes: nothing is read or written there\nremove it if ${layout.timing} is the chain that you want`,
  )
}
