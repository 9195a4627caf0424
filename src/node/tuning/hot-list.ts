// The list of what memory held, as it lies on the disk: names of embeddings, and the order of their last use. No texts, no vectors. Believes
// nothing that a file says before its checksum.
import { endianness } from 'node:os'
import { dirname, join } from 'node:path'
import { readFile, statOf, unlink } from '../../fs/files.js'
import { isFolder, makeFolder, namesIn } from '../../fs/folders.js'
import { replaceWith } from '../../fs/replace.js'
import { crc32, nodeHash } from '../runtime.js'
import { spaceId } from '../spaces.js'
import { hotFolder } from './hot-folder.js'
import { NAME_BYTES } from './names.js'

/*
   0            8          12        16          20              28                60
  +------------+----------+---------+-----------+---------------+-----------------+------------------+-------------- - -
  | "opdb hot" | form u32 | crc u32 | count u32 | saved, f64 ms | space, 32 bytes | count x 32 bytes | count x u32
  +------------+----------+---------+-----------+---------------+-----------------+------------------+-------------- - -
  Little-endian. The checksum is of all that comes behind it. The space is the SHA-256 of the embedder's own word for it. Names are in the
  order in which their records lay when the list was written, so that a start reads them in one go; the numbers behind them say which was
  used last (0), before that (1) and so on.
*/
const MAGIC = Buffer.from('opdb hot')
const FORM = 1
const CRC_AT = 12
const COUNT_AT = 16
const SAVED_AT = 20
const SPACE_AT = 28
const NAMES_AT = 60
/** A name and its rank. */
const ENTRY_BYTES = NAME_BYTES + 4

const isLittleEndian = endianness() === 'LE'

/** Names that a list has at most, 4.5 MiB: it is written and checked in one go. Memory of the usual size holds a tenth of it. */
export const MOST_NAMES = 2 ** 17
const MOST_BYTES = NAMES_AT + ENTRY_BYTES * MOST_NAMES
/** What a killed process left is removed after this time, ms. */
const LEFT_MS = 3_600_000
const LEFT = /^[0-9a-f]{32}\.hot\.[0-9a-f]{16}\.tmp$/

export interface HotList {
  /** Packed, in the order in which they are best read. A name may be there twice. */
  readonly names: Uint8Array
  /** Of each name, how many were used after it. */
  readonly ranks: Uint32Array
  /** Unix ms. */
  readonly savedAt: number
}

/** Why a list is of no use. */
export type NoList = 'absent' | 'no file' | 'too large' | 'damaged' | 'other version' | 'other space'

/** The same in words; of what is only absent nobody needs to hear. */
export const NO_LIST: Readonly<Record<NoList, string>> = {
  absent: 'is not there',
  'no file': 'is a link, a folder or something else that is no file',
  'too large': 'is larger than a list can be',
  damaged: 'is damaged',
  'other version': 'was written by another version',
  'other space': 'is of another model',
}

/** Where the list of a space lies in the cache folder: beside the vectors, which are cleared and counted by themselves. */
export function hotListPath(dir: string, space: string): string {
  return join(hotFolder(dir), `${spaceId(space)}.hot`)
}

/** Whether any space has a list. */
export function hasHotLists(dir: string): boolean {
  const folder = hotFolder(dir)
  return isFolder(folder) && namesIn(folder).some(name => name.endsWith('.hot'))
}

/** The list in a file that may be cut, of another version, or of anybody's making. Throws what the system says. */
export function readHotList(path: string, space: string): HotList | NoList {
  const stat = statOf(path)
  if (stat === undefined) return 'absent'
  if (!stat.isFile() || !isFolder(dirname(path))) return 'no file'
  if (stat.size > MOST_BYTES) return 'too large'
  const bytes = readFile(path, MOST_BYTES)
  return bytes === undefined ? 'absent' : decodeHotList(bytes, space)
}

export function encodeHotList({ names, ranks, savedAt }: HotList, space: string): Uint8Array {
  const count = ranks.length
  const bytes = Buffer.alloc(NAMES_AT + ENTRY_BYTES * count)
  MAGIC.copy(bytes)
  bytes.writeUInt32LE(FORM, MAGIC.length)
  bytes.writeUInt32LE(count, COUNT_AT)
  bytes.writeDoubleLE(savedAt, SAVED_AT)
  bytes.write(nodeHash.sha256(space), SPACE_AT, 'hex')
  bytes.set(names, NAMES_AT)
  for (let i = 0; i < count; i++) bytes.writeUInt32LE(ranks[i]!, NAMES_AT + NAME_BYTES * count + 4 * i)
  bytes.writeUInt32LE(crc32(bytes.subarray(COUNT_AT)), CRC_AT)
  return bytes
}

export function decodeHotList(bytes: Uint8Array, space: string): HotList | NoList {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (file.length < COUNT_AT || !file.subarray(0, MAGIC.length).equals(MAGIC)) return 'damaged'
  if (file.readUInt32LE(MAGIC.length) !== FORM) return 'other version'
  if (file.length < NAMES_AT || crc32(file.subarray(COUNT_AT)) !== file.readUInt32LE(CRC_AT)) return 'damaged'
  const count = file.readUInt32LE(COUNT_AT)
  if (count > MOST_NAMES || file.length !== NAMES_AT + ENTRY_BYTES * count) return 'damaged'
  if (file.toString('hex', SPACE_AT, NAMES_AT) !== nodeHash.sha256(space)) return 'other space'
  const ranksAt = NAMES_AT + NAME_BYTES * count
  const ranks = new Uint32Array(new Uint8Array(file.subarray(ranksAt)).buffer)
  if (!isLittleEndian) Buffer.from(ranks.buffer).swap32()
  const seen = new Uint8Array(count)
  for (let i = 0; i < count; i++) {
    const rank = ranks[i]!
    // Each once: a checksum says that nothing changed, not who wrote it.
    if (rank >= count || seen[rank] === 1) return 'damaged'
    seen[rank] = 1
  }
  return { names: file.subarray(NAMES_AT, ranksAt), ranks, savedAt: file.readDoubleLE(SAVED_AT) }
}

/** Of a list, the names that were used last, the last one first, packed. */
export function lastUsed({ names, ranks }: HotList, most = Number.POSITIVE_INFINITY): Uint8Array {
  const count = Math.min(most, ranks.length)
  const last = new Uint8Array(NAME_BYTES * count)
  ranks.forEach((rank, i) => {
    if (rank < count) last.set(names.subarray(NAME_BYTES * i, NAME_BYTES * (i + 1)), NAME_BYTES * rank)
  })
  return last
}

/** Replaces the list of a space, as a whole: the last who writes wins. Rejects with what the system says, and the old one stands then. */
export async function writeHotList(dir: string, space: string, list: HotList): Promise<void> {
  const folder = hotFolder(dir)
  makeFolder(folder)
  // Whatever somebody linked there is not ours to write into.
  if (!isFolder(folder)) throw new Error(`${folder} is a link, or no folder`)
  await replaceWith(hotListPath(dir, space), 0o600, async file => {
    await file.writeFile(encodeHotList(list, space))
  })
}

/** Removes what killed processes left of lists that they were writing. `now`: Unix ms. */
export function removeLeftLists(dir: string, now: number): void {
  const folder = hotFolder(dir)
  if (!isFolder(folder)) return
  for (const name of namesIn(folder)) {
    if (!LEFT.test(name)) continue
    const path = join(folder, name)
    const stat = statOf(path)
    if (stat?.isFile() && Math.abs(now - stat.mtimeMs) > LEFT_MS) unlink(path)
  }
}
