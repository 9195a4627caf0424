// Where the files of a chain lie, and which segments there are. Follows no link, and removes nothing.
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { OpDbusError } from '../../errors.js'
import { errnoOf, isAbsent, NO_SYNC } from '../../fs/errno.js'
import { statOf } from '../../fs/files.js'
import { makeFolder, namesIn } from '../../fs/folders.js'
import { inTheWay } from './faults.js'

/** A segment that is as long takes no further block: the next append begins another. */
export const SEGMENT_BYTES = 8 << 20

const SEGMENT = /^\d{12}\.jsonl$/
/** Milliseconds in which a process that lives has moved two folders. */
const RESTORE_TRIES = 100

export interface Layout {
  /** `<dataDir>/blockchain`. */
  readonly dir: string
  readonly timing: string
  readonly head: string
  readonly lock: string
  readonly rewrites: string
  /** There while a restore is carried out: see restoring.ts. */
  readonly restoring: string
  /** Merkle hashes, and the vectors of blocks: derived. */
  readonly tree: string
  readonly vectors: string
}

export interface Segment {
  /** The number of its first block. */
  readonly first: number
  readonly path: string
}

export function layoutOf(dir: string): Layout {
  const at = (name: string) => join(dir, name)
  return {
    dir,
    timing: at('timing'),
    head: at('head'),
    lock: at('lock'),
    rewrites: at('rewrites'),
    restoring: at('restoring'),
    tree: at('tree'),
    vectors: at('vectors'),
  }
}

export function segmentName(first: number): string {
  return `${String(first).padStart(12, '0')}.jsonl`
}

export function segmentPath({ timing }: Layout, first: number): string {
  return join(timing, segmentName(first))
}

export function isSegmentName(name: string): boolean {
  return SEGMENT.test(name)
}

/** What a rewrite that was killed has left beside segments. */
const LEFT = /^\d{12}\.jsonl\.[0-9a-f]{16}\.tmp$/

/** The path of something among the segments that is none of ours; undefined where there is none. */
export function strangeIn({ timing }: Layout): string | undefined {
  const name = namesIn(timing).find(name => !isSegmentName(name) && !LEFT.test(name))
  return name && join(timing, name)
}

export function segmentOfName({ timing }: Layout, name: string): Segment {
  return { first: Number(name.slice(0, 12)), path: join(timing, name) }
}

/**
 * The segments in order. Files that are called otherwise are somebody else's, and left alone.
 * @throws OpDbusError STORE where something that is no file bears a segment's name, or a folder is none
 */
export function segmentsIn(layout: Layout): Segment[] {
  for (let tries = 0; ; tries++) {
    const segments = listed(layout)
    // For a moment a restore has the one chain moved away, and the other not moved in yet.
    if (segments.length > 0 || statOf(layout.restoring) === undefined) return segments
    if (tries === RESTORE_TRIES) {
      throw new OpDbusError(
        'STORE',
        `a restore of the chain in ${layout.dir} was cut off\nthe next process that may write there finishes it: op-dbus blockchain stats`,
      )
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
}

function listed(layout: Layout): Segment[] {
  const { dir, timing } = layout
  for (const folder of [dir, timing]) {
    const stats = statOf(folder)
    if (stats === undefined) return []
    if (!stats.isDirectory()) throw inTheWay(folder, stats.isSymbolicLink() ? 'a link' : 'no folder')
  }
  const segments = namesIn(timing)
    .filter(isSegmentName)
    .sort()
    .map(name => segmentOfName(layout, name))
  let empty = false
  for (const { path } of segments) {
    const stats = statOf(path)
    if (stats !== undefined && !stats.isFile()) throw inTheWay(path, kindOf(stats))
    empty = stats?.size === 0
  }
  // A last one that is empty was made by somebody who then wrote nothing.
  return empty ? segments.slice(0, -1) : segments
}

/** What is in a file's place, for people. */
export function kindOf(stats: fs.Stats): string {
  if (stats.isSymbolicLink()) return 'a link, and no file'
  return stats.isDirectory() ? 'a folder, and no file' : 'no regular file'
}

/**
 * Makes the folders of the chain that are missing, so that a loss of power does not take them.
 * @throws OpDbusError STORE where something that is none bears the name of a folder or file of ours
 */
export function makeLayout({ dir, timing, head, rewrites, restoring }: Layout): void {
  for (const folder of [dir, timing]) makeDurableFolder(folder)
  for (const path of [head, rewrites, restoring]) {
    const stats = statOf(path)
    if (stats !== undefined && !stats.isFile()) throw inTheWay(path, kindOf(stats))
  }
}

/** Makes a folder and what is missing above it, so that a loss of power does not take them. @throws OpDbusError STORE where something else is there */
export function makeDurableFolder(folder: string): void {
  const stats = statOf(folder)
  if (stats?.isDirectory()) return
  if (stats !== undefined) throw inTheWay(folder, stats.isSymbolicLink() ? 'a link' : 'no folder')
  const above = firstThere(dirname(folder))
  makeFolder(folder)
  for (let made = dirname(folder); ; made = dirname(made)) {
    syncFolder(made)
    if (made === above || made === dirname(made)) break
  }
}

function firstThere(path: string): string {
  return statOf(path) !== undefined || dirname(path) === path ? path : firstThere(dirname(path))
}

/** Waits until the names in a folder are on the disk, where the system can say so. */
export function syncFolder(path: string): void {
  let fd: number
  try {
    fd = fs.openSync(path, 'r')
  } catch (error) {
    // Windows opens no folder, and one may be ours to write but not to read.
    if (isAbsent(error)) throw error
    return
  }
  try {
    fs.fsyncSync(fd)
  } catch (error) {
    if (!NO_SYNC.includes(errnoOf(error) ?? '')) throw error
  } finally {
    fs.closeSync(fd)
  }
}
