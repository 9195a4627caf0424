// The folder of an op-dbus or an op-dbus-p1: all of its blocks are read and checked, and then become blocks of ours in the order of time.
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { OpDbusError, throwIfAborted } from '../../errors.js'
import { visible } from '../../format.js'
import type { BlockHeader, Draft } from '../block.js'
import { sha256 } from '../footprint.js'
import type { BlockStore } from '../ports.js'
import type { ImportCall, ImportMark, ImportReport, ImportVerified } from '../reports.js'
import { bytesIn, folderOfBlocks, namesOf } from './files.js'
import { type ForeignBlock, MAX_FILE_BYTES, NAMES, readForeign } from './foreign.js'

/** Files between two turns of the event loop, and the same number of blocks appended together. */
const AT_ONCE = 200

type ForeignFormat = ImportMark['format']

/** A file that was checked. */
interface Checked {
  readonly name: string
  readonly timestamp: number
  /** Of its bytes: what is imported is what was checked. */
  readonly digest: string
  /** What tells the block that it becomes from every other. */
  readonly identity: string
}

/**
 * @throws OpDbusError INVALID_INPUT that names the file (`details.file`), before anything was imported, or where a file was changed meanwhile
 *   (`details.imported`); STORE, ABORTED
 */
export async function importFolder(store: BlockStore, path: string, call: ImportCall): Promise<ImportReport> {
  const folder = folderOfBlocks(path)
  const names = namesOf(folder)
  const format = formatOf(names, visible(folder), call.format)
  const files = names.filter(name => NAMES[format].test(name))
  const checked = await check(folder, files, format, call)
  const present = await presentIn(store, checked, call)
  const news = checked.filter(({ identity }) => !present.has(identity))
  const verified = await append(store, folder, news, format, call)
  return {
    format,
    imported: news.length,
    present: checked.length - news.length,
    pruned: 0,
    verified,
    ignored: names.length - files.length,
    size: store.size(),
  }
}

function formatOf(names: readonly string[], folder: string, wanted: ImportCall['format']): ForeignFormat {
  if (wanted === 'blocks') {
    throw new OpDbusError('INVALID_INPUT', `${folder} is a folder: blocks are imported from a file or a stream`)
  }
  const there = (['op-dbus', 'op-dbus-p1'] as const).filter(format => names.some(name => NAMES[format].test(name)))
  const [format, other] = wanted === undefined ? there : there.filter(one => one === wanted)
  if (format === undefined) {
    const whose = wanted ?? 'op-dbus (<hash>.json) or op-dbus-p1 (block-<number>.json)'
    throw new OpDbusError('INVALID_INPUT', `${folder} has no blocks of ${whose}`)
  }
  if (other === undefined) return format
  throw new OpDbusError(
    'INVALID_INPUT',
    `${folder} has blocks of op-dbus and of op-dbus-p1: say which, and import both`,
  )
}

/** In the order in which they are imported. */
async function check(
  folder: string,
  files: readonly string[],
  format: ForeignFormat,
  { signal, onProgress }: ImportCall,
): Promise<Checked[]> {
  const checked: Checked[] = []
  for (const name of files) {
    const { bytes, block } = read(folder, name, format)
    const { draft, timestamp } = block
    checked.push({ name, timestamp, digest: digestOf(bytes), identity: identityOf(draft.told) })
    if (checked.length % AT_ONCE !== 0) continue
    throwIfAborted(signal)
    onProgress?.(0, files.length)
    await yieldToEventLoop()
  }
  return checked.sort((one, other) => one.timestamp - other.timestamp || (one.name < other.name ? -1 : 1))
}

function read(folder: string, name: string, format: ForeignFormat): { bytes: Uint8Array; block: ForeignBlock } {
  const bytes = bytesIn(folder, name, MAX_FILE_BYTES)
  return { bytes, block: readForeign(bytes, name, format) }
}

/** Which of these were imported before: a look at all headers, which a pruned block has, too. */
async function presentIn(store: BlockStore, checked: readonly Checked[], { signal }: ImportCall): Promise<Set<string>> {
  const wanted = new Set(checked.map(({ identity }) => identity))
  const present = new Set<string>()
  for await (const blocks of store.scan(0)) {
    throwIfAborted(signal)
    for (const { header } of blocks) {
      const identity = identityOf(header)
      if (wanted.has(identity)) present.add(identity)
    }
  }
  return present
}

/** The metadata says format, file and hash. */
function identityOf({ content, metadata }: Pick<BlockHeader, 'content' | 'metadata'>): string {
  return content + metadata
}

async function append(
  store: BlockStore,
  folder: string,
  files: readonly Checked[],
  format: ForeignFormat,
  { signal, onProgress }: ImportCall,
): Promise<Record<ImportVerified, number>> {
  const verified = { 'four-part': 0, 'three-part': 0, event: 0, none: 0 }
  for (let from = 0; from < files.length; from += AT_ONCE) {
    throwIfAborted(signal)
    const drafts: Draft[] = []
    for (const { name, digest } of files.slice(from, from + AT_ONCE)) {
      const { bytes, block } = read(folder, name, format)
      if (digestOf(bytes) !== digest) throw changed(name, from)
      verified[block.verified]++
      drafts.push(block.draft)
    }
    await store.append(drafts, { signal })
    onProgress?.(from + drafts.length, files.length)
  }
  return verified
}

function digestOf(bytes: Uint8Array): string {
  return sha256(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'))
}

function changed(file: string, imported: number): OpDbusError {
  const message = `${file} was changed while it was imported; ${imported} blocks are imported: import again for the rest`
  return new OpDbusError('INVALID_INPUT', message, { details: { file, imported } })
}
