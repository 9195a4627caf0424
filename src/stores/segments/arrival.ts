// A sealed copy (sealed-copy.ts) that comes from elsewhere: every byte of it is checked, then it is put beside the segments that are
// there. Replaces nothing.
import * as fs from 'node:fs'
import * as path from 'node:path'
import { OpDbusError } from '../../errors.js'
import { quietly } from '../../fs/errno.js'
import { openRegular, retire, syncFile, writeAt } from '../../fs/files.js'
import { placeNew, syncFolder } from '../../fs/replace.js'
import type { Crc32 } from '../../ports.js'
import { readEpoch } from './epochs.js'
import {
  decodeHeader,
  encodeHeader,
  hasMagic,
  KEY_AT,
  LIVE,
  layoutOf,
  RECORD_HEAD,
  STATE_AT,
  segmentName,
} from './format.js'
import { keyAt, newParsedKey } from './parsed-key.js'
import { type CopyInfo, contentId, copyBytes, NO_EPOCH } from './sealed-copy.js'
import { readFooter, readTrailer, scanInTurns } from './segment.js'
import { type HeadedFile, makeSpaceFolder, withHead, withHeader } from './space-files.js'

/** What a copy is said to be. */
export interface ExpectedCopy extends Omit<CopyInfo, 'source'> {
  /** See {@link Header.space}. */
  readonly space: string
  readonly dims: number
  readonly valueBytes: number
}

/**
 * Whether the file is that very copy, and each value in it one that `isValue` knows.
 * @throws OpDbusError STORE with `details.why` `damaged`, and what was found
 */
export async function checkArrival(
  file: string,
  expected: ExpectedCopy,
  { crc32, isValue }: { readonly crc32: Crc32; readonly isValue: (value: Uint8Array) => boolean },
): Promise<void> {
  const fault = await withHead(file, opened => faultOf(opened, expected, crc32, isValue))
  if (fault === SOUND) return
  throw new OpDbusError(
    'STORE',
    `segment ${expected.id} of the snapshot is refused: ${fault ?? 'it was removed while it was fetched'}`,
    {
      details: { why: 'damaged', segment: expected.id },
    },
  )
}

const SOUND = 'sound'

async function faultOf(
  { fd, size, head }: HeadedFile,
  expected: ExpectedCopy,
  crc32: Crc32,
  isValue: (value: Uint8Array) => boolean,
): Promise<string> {
  const { space, dims, valueBytes, id, records } = expected
  if (size !== copyBytes(records, valueBytes)) return `it has ${size} bytes, which is not what ${records} records take`
  if (!hasMagic(head)) return 'it is no segment'
  const header = decodeHeader(head, crc32)
  if (header === undefined) return 'its header is damaged, or of another version'
  if (header.space !== space) return `it is of another space (${header.space})`
  if (header.dims !== dims || header.valueBytes !== valueBytes) return 'its vectors have another length'
  if (header.id !== id || header.epoch !== NO_EPOCH) return 'it is another segment'
  const layout = layoutOf(valueBytes, space, crc32)
  const footer = readTrailer(fd, size, header, layout, crc32) === records && readFooter(fd, records, layout, crc32)
  if (!footer) return 'its footer is damaged'
  if (!footer.states.every(state => state === LIVE)) return 'its footer speaks of records that are none'
  const checks = new Int32Array(records)
  const key = newParsedKey()
  let sound = 0
  await scanInTurns(fd, layout, records, crc32, (slot, record, whole) => {
    if (!whole || record[STATE_AT] !== LIVE) return
    keyAt(record, KEY_AT, key)
    if (footer.fingerprints[slot * 2] !== key.a || footer.fingerprints[slot * 2 + 1] !== key.b) return
    if (!isValue(record.subarray(RECORD_HEAD, RECORD_HEAD + valueBytes))) return
    checks[slot] = Buffer.from(record.buffer, record.byteOffset, 4).readInt32LE()
    sound++
  })
  if (sound !== records) return `${records - sound} of its ${records} records are damaged`
  if (contentId(space, footer.fingerprints, checks) !== id) return 'its records are not those that it is named after'
  return SOUND
}

/**
 * Gives a copy that was checked its place in the folder of its space; `file` lies in the same file system and goes away. False where that
 * segment is there already. `epoch`: the one in which it was asked for, so that a clear since then makes it void, as it does any other.
 * `spaceFile`: the text for `space.json`. Throws STORE where there was such a clear.
 */
export function placeArrival(
  dir: string,
  folder: string,
  file: string,
  copy: ExpectedCopy,
  {
    crc32,
    spaceFile,
    epoch,
  }: { readonly crc32: Crc32; readonly spaceFile: string | undefined; readonly epoch: string },
): boolean {
  refuseCleared(dir, folder, epoch)
  makeSpaceFolder(folder, spaceFile)
  const { dims, valueBytes, space, id } = copy
  const opened = openRegular(file)
  if (opened === undefined) throw new OpDbusError('STORE', `${file} was removed meanwhile: import again`)
  try {
    writeAt(opened.fd, encodeHeader({ dims, valueBytes, space, id, epoch, boot: 0, pid: 0 }, crc32), 0)
    syncFile(opened.fd)
  } finally {
    fs.closeSync(opened.fd)
  }
  const target = path.join(folder, segmentName(copy.seq, id))
  // One of that name that a clear made void, and could not remove.
  quietly(() => {
    withHeader(target, crc32, ({ fd }, header) => {
      if (header !== undefined && header.epoch !== readEpoch(dir, folder)) retire(target, fd)
    })
  })
  const placed = placeNew(target, file)
  syncFolder(folder)
  refuseCleared(dir, folder, epoch)
  return placed
}

function refuseCleared(dir: string, folder: string, epoch: string): void {
  if (readEpoch(dir, folder) === epoch) return
  throw new OpDbusError(
    'STORE',
    'the cache was cleared while a snapshot came in: what is there now is what came since; import again',
    {
      details: { why: 'cleared', dir },
    },
  )
}
