// Taking bodies away that no rule keeps, segment after segment, once a block says which. Headers stay as they are, and with them every hash
// and proof. What was taken is in no file of the chain any more; snapshots are left alone. What is damaged is never taken.
import { messageOf, OpDbusError, throwIfAborted } from '../errors.js'
import { plural } from '../format.js'
import type { ChainParts } from './chain-parts.js'
import { bodyFault } from './footprint.js'
import { lineText } from './line.js'
import type { BlockStore, ExclusiveChain } from './ports.js'
import { pruneDrafts, pruneNoteIn, type Range } from './prune-record.js'
import type { PruneCall, PruneReport } from './reports.js'
import { kept, type Rules, rulesOf } from './retention.js'
import { isUnderWay } from './store/rewrites.js'

/** `,"body":` in a line. */
const AROUND_BODY = 8

/** Of damaged blocks that are told. */
const MOST_TOLD = 10

/** What there is in every block. */
interface Look {
  /** When each was appended; NaN for one that no rule is about: it has no body, or says what a prune took. */
  readonly times: Float64Array
  /** What the body of each takes in its line, bytes. */
  readonly bytes: Uint32Array
  /** Of each block: a prune has said that its body goes. */
  readonly said: Uint8Array
  /** Blocks in which prunes say that. */
  readonly notes: number
  /** Bodies that are not what was written. */
  readonly damaged: readonly { readonly number: number; readonly why: string }[]
}

/** What is to be done. */
interface Plan {
  /** Of each block: it loses its body. */
  readonly goes: Uint8Array
  /** Of all of them. */
  readonly count: number
  readonly bytes: number
  /** Those that no prune has spoken of yet. */
  readonly unsaid: readonly Range[]
  /** Blocks that keep theirs. */
  readonly kept: number
  /** Blocks that have none. */
  readonly before: number
}

export async function pruneChain(parts: ChainParts, call: PruneCall): Promise<PruneReport> {
  const { store, clock, diagnostics } = parts
  const rules = rulesOf(call, parts.retention)
  const began = clock.monotonic()
  // What a prune left that was killed in the middle of a segment is put right by whoever takes the lock.
  if (!call.dryRun && isUnderWay(store.rewrites())) await store.exclusively(async () => {}, call)
  const word = store.rewrites()
  const look = await lookAtAll(store, call)
  const plan = planOf(look, kept(look.times, rules, clock.now()))
  if (plan.kept === look.notes && plan.count > 0 && call.everything !== true) {
    throw new OpDbusError(
      'INVALID_INPUT',
      'by these rules no block would keep its body: nothing was changed\nkeep some, or say that everything is to go',
    )
  }
  refuseDamaged(look, plan)
  const { listNames } = await import('./snapshots.js')
  const planned: PruneReport = {
    dryRun: true,
    size: look.times.length,
    kept: plan.kept,
    pruned: plan.count,
    before: plan.before,
    bytes: plan.bytes,
    snapshots: await listNames(parts),
  }
  if (call.dryRun) return planned
  if (plan.count === 0) return { ...planned, dryRun: false }
  if (call.agree !== undefined && !(await call.agree(planned))) return planned
  const block = await announce(parts, plan, rules, word, call)
  await carryOut(parts, plan, word, call)
  if (diagnostics.pruned.heard) {
    diagnostics.pruned.tell({ blocks: plan.count, bytes: plan.bytes, micros: 1000 * (clock.monotonic() - began) })
  }
  return { ...planned, dryRun: false, ...(block !== undefined && { block }) }
}

async function lookAtAll(store: BlockStore, { signal, onProgress }: PruneCall): Promise<Look> {
  store.mustBeWhole?.()
  const size = store.size()
  const times = new Float64Array(size).fill(Number.NaN)
  const bytes = new Uint32Array(size)
  const said = new Uint8Array(size)
  const damaged: { number: number; why: string }[] = []
  let notes = 0
  for await (const blocks of store.scan(0, size)) {
    throwIfAborted(signal)
    for (const block of blocks) {
      const { number, header, body } = block
      if (body === undefined) continue
      const note = pruneNoteIn(block)
      for (const [from, to] of note?.ranges ?? []) said.fill(1, from, to + 1)
      if (note !== undefined) {
        notes++
        continue
      }
      times[number] = header.timestamp
      bytes[number] = header.bytes + AROUND_BODY
      const why = bodyFault(header, body)
      if (why !== undefined) damaged.push({ number, why })
    }
    onProgress?.(blocks.at(-1)!.number + 1, size)
  }
  return { times, bytes, said, notes, damaged }
}

function planOf({ times, bytes, said, notes }: Look, marks: Uint8Array): Plan {
  const goes = new Uint8Array(times.length)
  const unsaid: [number, number][] = []
  let [count, keeps, freed] = [0, notes, 0]
  for (let i = 0; i < goes.length; i++) {
    if (Number.isNaN(times[i]!)) continue
    if (marks[i] === 1) {
      keeps++
      continue
    }
    goes[i] = 1
    count++
    freed += bytes[i]!
    if (said[i] === 1) continue
    const last = unsaid.at(-1)
    if (last?.[1] === i - 1) last[1] = i
    else unsaid.push([i, i])
  }
  return { goes, count, bytes: freed, unsaid, kept: keeps, before: times.length - count - keeps }
}

/** Without its body nothing would show any more that a block was damaged. @throws OpDbusError CHAIN_DAMAGED */
function refuseDamaged({ damaged }: Look, { goes }: Plan): void {
  const found = damaged.filter(({ number }) => goes[number] === 1)
  const [first] = found
  if (first === undefined) return
  const more = found.length === 1 ? '' : `, and ${plural(found.length - 1, 'body', 'bodies')} more that would go`
  throw new OpDbusError(
    'CHAIN_DAMAGED',
    `block ${first.number} is damaged: ${first.why}${more}\nnothing was changed: what is damaged is not taken away, or nobody would see it any more`,
    { details: { block: first.number, blocks: found.slice(0, MOST_TOLD).map(({ number }) => number) } },
  )
}

/**
 * Says what is about to go, on the disk before any of it does: a prune that is killed leaves nothing that nobody spoke of.
 * @returns the last block that says so; undefined where all of it was said before
 */
async function announce(
  { store, clock }: ChainParts,
  { unsaid, goes }: Plan,
  rules: Rules,
  word: string,
  call: PruneCall,
): Promise<number | undefined> {
  throwIfAborted(call.signal)
  if (unsaid.length === 0) return undefined
  if (store.rewrites() !== word) throw rewritten()
  const blocks = await store.append(pruneDrafts(unsaid, rules, goes.length, clock.now()), call)
  return blocks.at(-1)!.number
}

function rewritten(): OpDbusError {
  return new OpDbusError('CONFLICT', 'the chain was pruned or restored by another process meanwhile\nprune it again')
}

/**
 * One segment at a time, so that appends come in between. What was done stays done where it ends half-way: each segment is whole.
 * @throws OpDbusError CONFLICT where another process rewrote the chain meanwhile
 */
async function carryOut(
  { store, vectors, warn }: ChainParts,
  { goes }: Plan,
  word: string,
  call: PruneCall,
): Promise<void> {
  const gone: number[] = []
  let known = word
  try {
    for (let from = goes.indexOf(1); from >= 0; ) {
      throwIfAborted(call.signal)
      const next = await store.exclusively(async chain => {
        if (store.rewrites() !== known) throw rewritten()
        const segment = segmentOf(chain, from)
        const end = Math.min(segment.end, store.size())
        const lines: string[] = []
        const now: number[] = []
        for await (const blocks of store.scan(segment.first, end)) {
          for (const { header, body, number } of blocks) {
            const goesNow = goes[number] === 1 && body !== undefined
            lines.push(lineText(goesNow ? { header } : { header, ...(body && { body }) }))
            if (goesNow) now.push(number)
          }
        }
        if (now.length > 0) await chain.rewrite(segment.first, lines)
        known = store.rewrites()
        for (const number of now) gone.push(number)
        return end
      }, call)
      from = goes.indexOf(1, next)
    }
  } finally {
    await vectors.forget(gone, call.signal, { before: word, after: known }).catch((error: unknown) => {
      // The next who makes vectors sees which blocks have no body any more.
      warn(`vectors of pruned blocks are still there: ${messageOf(error)}`, error)
    })
  }
}

function segmentOf(chain: ExclusiveChain, number: number): { readonly first: number; readonly end: number } {
  const segments = chain.segments()
  const index = segments.findLastIndex(({ first }) => first <= number)
  return { first: segments[index]!.first, end: segments[index + 1]?.first ?? Number.MAX_SAFE_INTEGER }
}
