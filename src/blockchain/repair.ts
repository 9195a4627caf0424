// Makes a chain that is damaged take blocks again: it is cut behind the last block that is sound, and damaged bodies may go. All that was
// there is kept as a snapshot before. Where bodies are gone that nobody announced, a block may say so. Opens no file by itself.
import { OpDbusError } from '../errors.js'
import { plural } from '../format.js'
import type { ChainParts } from './chain-parts.js'
import { lastSigned } from './log/checkpoint-file.js'
import type { ExclusiveChain } from './ports.js'
import { pruneDrafts, type Range } from './prune-record.js'
import type { RepairCall, RepairReport } from './repair-reports.js'
import type { SnapshotInfo } from './reports.js'
import { keepPresent } from './snapshots.js'
import { linesAnew } from './store/anew.js'
import { storeError } from './store/faults.js'
import { type Damage, findDamage } from './store/find-damage.js'
import { layoutOf, strangeIn } from './store/layout.js'
import { StagedChain } from './store/restoring.js'
import { freshId, SnapshotFolder } from './store/snapshot-files.js'

type Parts = Pick<ChainParts, 'store' | 'snapshotsDir' | 'clock' | 'index' | 'vectors' | 'warn'>

export async function repairChain(parts: Parts, call: RepairCall): Promise<RepairReport> {
  const { store } = parts
  const dryRun = call.dryRun === true
  try {
    const { damage, ...done } = await store.exclusively(async chain => {
      const damage = await findDamage(layoutOf(store.dir), call)
      if (dryRun || (!damage.isCut && !(call.dropBodies && damage.bodies.length > 0))) return { damage }
      const strange = strangeIn(layoutOf(store.dir))
      if (strange !== undefined) {
        throw new OpDbusError(
          'STORE',
          `${strange} is no segment, and would go\nnothing was changed: move it away first`,
        )
      }
      const { message = 'it is damaged' } = damage.faults.told()[0] ?? {}
      const snapshot = await keepPresent(parts, new SnapshotFolder(parts.snapshotsDir), chain, 'repair', message)
      if (damage.isCut) await replace(parts, damage, chain)
      return { damage, snapshot }
    }, call)
    // Says in `head` where the end is, and shows that blocks are taken again.
    if ('snapshot' in done) await store.append([], call)
    const told = call.dropBodies && !dryRun ? await dropBodies(parts, damage, call) : {}
    return { ...reportOf(parts, damage, dryRun, done.snapshot), ...told }
  } catch (error) {
    throw storeError(error, `repair the chain in ${store.dir}`)
  }
}

/** Puts what is sound in the chain's place, as a restore does. */
async function replace({ store, index }: Parts, damage: Damage, chain: ExclusiveChain): Promise<void> {
  const staged = await StagedChain.of(layoutOf(store.dir), damage.whole, freshId())
  try {
    for (const segment of damage.anew) await staged.write(segment.first, linesAnew(segment, damage.size, new Set()))
    await staged.commit(() => chain.replaced())
  } catch (error) {
    await staged.discard()
    throw error
  }
  index?.reset()
}

/** As a prune does: a block says which bodies go, before any of them does; another says which were gone. @returns those blocks */
async function dropBodies(
  parts: Parts,
  { bodies, missing }: Damage,
  call: RepairCall,
): Promise<Pick<RepairReport, 'block' | 'missingBlock'>> {
  const { store, clock, vectors, warn } = parts
  const size = store.size()
  const went = (count: number) =>
    `Repaired the chain: ${plural(count, 'damaged body', 'damaged bodies')} of ${size} blocks went.`
  const foundMissing = (count: number) =>
    `Repaired the chain: ${plural(count, 'body', 'bodies')} of ${size} blocks ${count === 1 ? 'was' : 'were'} found missing. ` +
    'Nothing said that they go: whoever took them is not known.'
  const drafts = pruneDrafts(rangesOf(bodies), {}, size, clock.now(), went)
  const added = drafts.length
  drafts.push(...pruneDrafts(rangesOf(missing), {}, size, clock.now(), foundMissing))
  if (drafts.length === 0) return {}
  const notes = await store.append(drafts, call)
  const told = {
    ...(added > 0 && { block: notes[added - 1]!.number }),
    ...(missing.length > 0 && { missingBlock: notes.at(-1)!.number }),
  }
  if (bodies.length === 0) return told
  const gone = new Set(bodies)
  await store.exclusively(async chain => {
    const segments = chain.segments()
    for (const [i, { first, path }] of segments.entries()) {
      const end = segments[i + 1]?.first ?? Number.POSITIVE_INFINITY
      if (!bodies.some(number => number >= first && number < end)) continue
      await chain.rewrite(first, linesAnew({ first, path }, store.size(), gone))
    }
  }, call)
  await vectors.forget(bodies, call.signal).catch((error: unknown) => {
    // The next who makes vectors sees which blocks have no body any more.
    warn(`vectors of blocks that lost their bodies are still there: ${String(error)}`, error)
  })
  return told
}

/** `numbers` in order. */
function rangesOf(numbers: readonly number[]): Range[] {
  const ranges: [number, number][] = []
  for (const number of numbers) {
    const last = ranges.at(-1)
    if (last?.[1] === number - 1) last[1] = number
    else ranges.push([number, number])
  }
  return ranges
}

function reportOf(
  { store }: Parts,
  { faults, size, lines, acknowledged, bodies, missing, isCut }: Damage,
  dryRun: boolean,
  snapshot: SnapshotInfo | undefined,
): RepairReport {
  const signed = isCut ? (lastSigned(store.dir)?.size ?? 0) : 0
  return {
    dryRun,
    faults: faults.told(),
    faultCount: faults.count,
    lines,
    ...(acknowledged !== undefined && { acknowledged }),
    size,
    cut: lines - size,
    lost: Math.max(0, (acknowledged ?? 0) - lines),
    repaired: isCut,
    bodies,
    missing,
    ...(snapshot && { snapshot }),
    ...(signed > size && { signedAhead: signed }),
  }
}
