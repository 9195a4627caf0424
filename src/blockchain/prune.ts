// Taking bodies away that no rule keeps, segment after segment, once a block says which. Headers stay as they are, and with them every hash
// and proof. What was taken is in no file of the chain any more; snapshots are left alone.
import { messageOf, OpDbusError, throwIfAborted } from '../errors.js'
import type { Block } from './block.js'
import type { ChainParts } from './chain-parts.js'
import { lineText } from './line.js'
import type { BlockStore, ExclusiveChain } from './ports.js'
import { pruneDrafts, pruneNoteIn, type Range } from './prune-record.js'
import type { PruneCall, PruneReport } from './reports.js'
import { kept, type Rules, rulesOf } from './retention.js'
import { isUnderWay } from './store/rewrites.js'

/** `,"body":` in a line. */
const AROUND_BODY = 8

/** What there is in every block. */
interface Look {
  /** When each was appended; NaN for one that no rule is about: it has no body, or says what a prune took. */
  readonly times: Float64Array
  /** Of each block: a prune has said that its body goes. */
  readonly said: Uint8Array
  /** Blocks in which prunes say that. */
  readonly notes: number
}

/** What is to be done. */
interface Plan {
  /** Of each block: it loses its body. */
  readonly goes: Uint8Array
  /** Of all of them. */
  readonly count: number
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
  const { times, notes } = look
  const plan = planOf(look, kept(times, rules, clock.now()))
  if (plan.kept === notes && plan.count > 0 && call.everything !== true) {
    throw new OpDbusError(
      'INVALID_INPUT',
      'by these rules no block would keep its body: nothing was changed\nkeep some, or say that everything is to go',
    )
  }
  let block: number | undefined
  let bytes = 0
  if (call.dryRun) bytes = await bytesOf(store, plan, call)
  else if (plan.count > 0) {
    block = await announce(parts, plan, rules, word, call)
    bytes = await carryOut(parts, plan, word, call)
  }
  const { listNames } = await import('./snapshots.js')
  const report = {
    dryRun: call.dryRun === true,
    size: times.length,
    kept: plan.kept,
    pruned: plan.count,
    before: plan.before,
    bytes,
    ...(block !== undefined && { block }),
    snapshots: await listNames(parts),
  }
  if (!report.dryRun && plan.count > 0 && diagnostics.pruned.heard) {
    diagnostics.pruned.tell({ blocks: plan.count, bytes, micros: 1000 * (clock.monotonic() - began) })
  }
  return report
}

async function lookAtAll(store: BlockStore, { signal, onProgress }: PruneCall): Promise<Look> {
  store.mustBeWhole?.()
  const size = store.size()
  const times = new Float64Array(size).fill(Number.NaN)
  const said = new Uint8Array(size)
  let notes = 0
  for await (const blocks of store.scan(0, size)) {
    throwIfAborted(signal)
    for (const block of blocks) {
      const note = pruneNoteIn(block)
      if (note !== undefined) notes++
      else if (block.body !== undefined) times[block.number] = block.header.timestamp
      for (const [from, to] of note?.ranges ?? []) said.fill(1, from, to + 1)
    }
    onProgress?.(blocks.at(-1)!.number + 1, size)
  }
  return { times, said, notes }
}

function planOf({ times, said, notes }: Look, marks: Uint8Array): Plan {
  const goes = new Uint8Array(times.length)
  const unsaid: [number, number][] = []
  let [count, keeps] = [0, notes]
  for (let i = 0; i < goes.length; i++) {
    if (Number.isNaN(times[i]!)) continue
    if (marks[i] === 1) {
      keeps++
      continue
    }
    goes[i] = 1
    count++
    if (said[i] === 1) continue
    const last = unsaid.at(-1)
    if (last?.[1] === i - 1) last[1] = i
    else unsaid.push([i, i])
  }
  return { goes, count, unsaid, kept: keeps, before: times.length - count - keeps }
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

/** For a dry run: what would be gone. */
async function bytesOf(store: BlockStore, { goes }: Plan, { signal }: PruneCall): Promise<number> {
  let bytes = 0
  for await (const blocks of store.scan(0, goes.length)) {
    throwIfAborted(signal)
    for (const block of blocks) if (goes[block.number] === 1) bytes += bodyBytes(block)
  }
  return bytes
}

function bodyBytes({ body }: Block): number {
  return body === undefined ? 0 : Buffer.byteLength(JSON.stringify(body)) + AROUND_BODY
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
): Promise<number> {
  let bytes = 0
  let from = goes.indexOf(1)
  let known = word
  while (from >= 0) {
    throwIfAborted(call.signal)
    const gone: number[] = []
    const next = await store.exclusively(async chain => {
      if (store.rewrites() !== known) throw rewritten()
      const segment = segmentOf(chain, from)
      const end = Math.min(segment.end, store.size())
      const lines: string[] = []
      for await (const blocks of store.scan(segment.first, end)) {
        for (const { header, body, number } of blocks) {
          const goesNow = goes[number] === 1 && body !== undefined
          lines.push(lineText(goesNow ? { header } : { header, ...(body && { body }) }))
          if (goesNow) {
            gone.push(number)
            bytes += bodyBytes({ header, body, number, hash: '' })
          }
        }
      }
      if (gone.length > 0) await chain.rewrite(segment.first, lines)
      known = store.rewrites()
      return end
    }, call)
    await vectors.forget(gone, call.signal).catch((error: unknown) => {
      // The next who makes vectors sees which blocks have no body any more.
      warn(`vectors of pruned blocks are still there: ${messageOf(error)}`, error)
    })
    from = goes.indexOf(1, next)
  }
  return bytes
}

function segmentOf(chain: ExclusiveChain, number: number): { readonly first: number; readonly end: number } {
  const segments = chain.segments()
  const index = segments.findLastIndex(({ first }) => first <= number)
  return { first: segments[index]!.first, end: segments[index + 1]?.first ?? Number.MAX_SAFE_INTEGER }
}
