// The chain as it was, kept under names, and put back. Every byte of a snapshot is looked at before it takes the chain's place, and what the
// chain was is kept before. Opens no file by itself.
import { OpDbusError, throwIfAborted } from '../errors.js'
import { visible } from '../format.js'
import { errnoOf } from '../fs/errno.js'
import type { ChainParts } from './chain-parts.js'
import { lastSigned } from './log/checkpoint-file.js'
import type { ExclusiveChain, WriteCall } from './ports.js'
import type { RestoreReport, SnapshotCall, SnapshotInfo, SnapshotPruneCall, SnapshotPruneReport } from './reports.js'
import { kept, rulesOf } from './retention.js'
import { checkSegments } from './store/check-segments.js'
import { storeError } from './store/faults.js'
import { layoutOf } from './store/layout.js'
import { StagedChain } from './store/restoring.js'
import { freshId, type Manifest, type SnapshotDraft, SnapshotFolder } from './store/snapshot-files.js'

type Parts = Pick<ChainParts, 'store' | 'snapshotsDir' | 'clock'>

const LONGEST_NAME = 255

export async function makeSnapshot(parts: Parts, name: string | undefined, call: WriteCall): Promise<SnapshotInfo> {
  const folder = new SnapshotFolder(parts.snapshotsDir)
  const now = new Date(parts.clock.now()).toISOString()
  return guarded(folder, async () => {
    if (name !== undefined) mustBeFree(folder, name)
    const draft = await folder.begin()
    try {
      const size = await parts.store.exclusively(async chain => {
        const segments = chain.segments()
        parts.store.mustBeWhole?.()
        const blocks = parts.store.size()
        if (blocks === 0) throw invalid('there is no block yet', 'nothing was kept')
        await draft.take(segments)
        return blocks
      }, call)
      throwIfAborted(call.signal)
      const manifest = await draft.describe(size, now)
      // What can never be restored is no snapshot.
      const fault = manifest.fault ?? (await checkSegments(draft.timing, manifest, call.signal))
      if (fault !== undefined) {
        throw new OpDbusError(
          'CHAIN_DAMAGED',
          `the chain is damaged: ${fault}\nnothing was kept: op-dbus blockchain verify says all that is wrong`,
        )
      }
      return await named(folder, draft, manifest, name, dated(now))
    } catch (error) {
      await draft.discard()
      throw error
    }
  })
}

export async function listSnapshots(
  parts: Parts,
  { full = false, signal }: SnapshotCall,
): Promise<readonly SnapshotInfo[]> {
  const folder = new SnapshotFolder(parts.snapshotsDir)
  return guarded(folder, async () => {
    const infos: SnapshotInfo[] = []
    for (const name of folder.names()) {
      throwIfAborted(signal)
      const read = await folder.read(name, full)
      infos.push(typeof read === 'string' ? damagedInfo(folder, name, read) : infoOf(name, read))
    }
    return infos.sort((one, other) => ((one.created ?? '') < (other.created ?? '') ? -1 : 1))
  })
}

/** The names of all that are there, damaged or not. */
export async function listNames({ snapshotsDir }: Parts): Promise<readonly string[]> {
  const folder = new SnapshotFolder(snapshotsDir)
  return guarded(folder, async () => folder.names())
}

export async function deleteSnapshot({ snapshotsDir }: Parts, name: string): Promise<void> {
  const folder = new SnapshotFolder(snapshotsDir)
  await guarded(folder, async () => {
    mustBeThere(folder, name)
    await folder.remove(name)
  })
}

export async function pruneSnapshots(
  parts: Parts & Pick<ChainParts, 'retention'>,
  call: SnapshotPruneCall,
): Promise<SnapshotPruneReport> {
  const rules = rulesOf(call, parts.retention)
  const sound = (await listSnapshots(parts, {})).filter(({ damaged }) => damaged === undefined)
  const marks = kept(
    sound.map(info => Date.parse(info.created!)),
    rules,
    parts.clock.now(),
  )
  const [keeps, goes] = [1, 0].map(mark => sound.filter((_, i) => marks[i] === mark).map(({ name }) => name))
  if (keeps!.length === 0 && goes!.length > 0 && call.everything !== true) {
    throw invalid(
      'by these rules no snapshot would be kept: nothing was removed',
      'keep some, or say that everything is to go',
    )
  }
  if (call.dryRun !== true) for (const name of goes!) await deleteSnapshot(parts, name)
  return { dryRun: call.dryRun === true, kept: keeps!, removed: goes! }
}

export async function restoreSnapshot(
  parts: Parts & Pick<ChainParts, 'index' | 'diagnostics'>,
  name: string,
  call: WriteCall,
): Promise<RestoreReport> {
  const { store, clock, diagnostics } = parts
  const folder = new SnapshotFolder(parts.snapshotsDir)
  const layout = layoutOf(store.dir)
  const began = clock.monotonic()
  return guarded(folder, async () => {
    mustBeThere(folder, name)
    const manifest = await folder.read(name, false)
    if (typeof manifest === 'string') throw damagedSnapshot(name, manifest)
    // What is checked is the copy that takes the chain's place.
    const staged = await store.exclusively(
      async () => StagedChain.of(layout, folder.segmentsOf(name, manifest), freshId()),
      call,
    )
    try {
      const fault = await checkSegments(staged.timing, manifest, call.signal)
      if (fault !== undefined) throw damagedSnapshot(name, fault)
      let before: SnapshotInfo | undefined
      await store.exclusively(async chain => {
        before = await keepPresent(parts, folder, chain)
        await staged.commit(() => chain.replaced())
      }, call)
      parts.index?.reset()
      const { size } = manifest
      if (diagnostics.restored.heard) {
        diagnostics.restored.tell({ size, before: before?.size ?? 0, micros: 1000 * (clock.monotonic() - began) })
      }
      const signed = lastSigned(store.dir)?.size ?? 0
      return {
        restored: infoOf(name, manifest),
        ...(before && { before }),
        ...(signed > size && { signedAhead: signed }),
      }
    } catch (error) {
      await staged.discard()
      throw error
    }
  })
}

/**
 * The chain that is about to be replaced by `what`, as a snapshot, damaged or not; undefined where there is none. `fault`: what is wrong
 * with it, where somebody has looked: then every byte is kept, also of what was cut off.
 */
export async function keepPresent(
  parts: Parts,
  folder: SnapshotFolder,
  chain: ExclusiveChain,
  what: 'restore' | 'repair' = 'restore',
  fault?: string,
): Promise<SnapshotInfo | undefined> {
  const segments = chain.segments()
  if (segments.length === 0) return undefined
  const now = new Date(parts.clock.now()).toISOString()
  const draft = await folder.begin()
  try {
    await draft.take(segments)
    const manifest = await draft.describe(fault === undefined ? sizeOf(parts) : undefined, now, fault)
    return await named(folder, draft, manifest, undefined, `before-${what}-${dated(now)}`)
  } catch (error) {
    await draft.discard()
    throw error
  }
}

/** Undefined where the chain is damaged. */
function sizeOf({ store }: Parts): number | undefined {
  try {
    store.mustBeWhole?.()
    return store.size()
  } catch {
    return undefined
  }
}

/** Under its name, or under the first of these that is free: `stem`, `stem-2` and so on. */
async function named(
  folder: SnapshotFolder,
  draft: SnapshotDraft,
  manifest: Manifest,
  name: string | undefined,
  stem: string,
): Promise<SnapshotInfo> {
  for (let tries = 1; ; tries++) {
    const chosen = name ?? (tries === 1 ? stem : `${stem}-${tries}`)
    try {
      if (!folder.has(chosen)) {
        await draft.name(chosen)
        return infoOf(chosen, manifest)
      }
    } catch (error) {
      if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(errnoOf(error) ?? '')) throw error
    }
    if (name !== undefined) throw taken(name)
  }
}

function infoOf(name: string, { created, size, hash, files, fault }: Manifest): SnapshotInfo {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0)
  return { name, created, size, hash, bytes, ...(fault !== undefined && { damaged: fault }) }
}

function damagedInfo(folder: SnapshotFolder, name: string, damaged: string): SnapshotInfo {
  return { name, size: 0, hash: '', bytes: folder.bytesOf(name), damaged }
}

function mustBeFree(folder: SnapshotFolder, name: string): void {
  checkName(name)
  if (folder.has(name)) throw taken(name)
}

function mustBeThere(folder: SnapshotFolder, name: string): void {
  const names = folder.names()
  if (names.includes(name)) return
  checkName(name)
  const known =
    names.length === 0 ? 'there are none' : `there are: ${names.slice(-5).join(', ')}${names.length > 5 ? ', ...' : ''}`
  throw invalid(`there is no snapshot "${visible(name)}"`, known)
}

/** @throws OpDbusError INVALID_INPUT for what may not be the name of a folder */
export function checkName(name: unknown): asserts name is string {
  const fault =
    typeof name !== 'string' || name === ''
      ? 'is a text that is not empty'
      : !/^[\p{L}\p{N}_](?:[\p{L}\p{M}\p{N}._ -]*[\p{L}\p{M}\p{N}._-])?$/u.test(name)
        ? 'is of letters, digits, dots, hyphens, underscores and spaces within, and begins with a letter, a digit or an underscore'
        : Buffer.byteLength(name) > LONGEST_NAME
          ? `has at most ${LONGEST_NAME} bytes`
          : undefined
  if (fault !== undefined) throw invalid(`the name of a snapshot ${fault}`, 'nothing was done')
}

/** `20261127T171500.123Z`: sorts by time, and every file system takes it. `now`: ISO 8601. */
function dated(now: string): string {
  return now.replace(/[-:]/g, '')
}

function taken(name: string): OpDbusError {
  return invalid(
    `there is a snapshot "${visible(name)}" already`,
    'nothing was kept: choose another name, or delete that one (op-dbus blockchain snapshot --delete NAME)',
  )
}

function damagedSnapshot(name: string, why: string): OpDbusError {
  return new OpDbusError(
    'CHAIN_DAMAGED',
    `the snapshot "${visible(name)}" is not restored: ${why}\nthe chain is as it was`,
    {
      details: { snapshot: name },
    },
  )
}

function invalid(message: string, next: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${message}\n${next}`)
}

async function guarded<T>({ dir }: SnapshotFolder, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw storeError(error, `use the snapshots in ${dir}`)
  }
}
