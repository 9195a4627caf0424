// Taking bodies away that no rule keeps, segment after segment. Headers stay as they are, and with them every hash and proof. What was
// taken is in no file of the chain any more; snapshots are left alone.
import { messageOf, OpDbusError, throwIfAborted } from '../errors.js'
import type { Block } from './block.js'
import type { ChainParts } from './chain-parts.js'
import { lineText } from './line.js'
import type { BlockStore, ExclusiveChain } from './ports.js'
import type { PruneCall, PruneReport } from './reports.js'
import { kept, rulesOf } from './retention.js'

/** `,"body":` in a line. */
const AROUND_BODY = 8

/** What a look at every block came to. */
interface Plan {
  /** Of each block: it loses its body. */
  readonly goes: Uint8Array
  /** Of all of them. */
  readonly count: number
  /** Blocks that keep theirs. */
  readonly kept: number
  /** Blocks that have none. */
  readonly before: number
}

export async function pruneChain(parts: ChainParts, call: PruneCall): Promise<PruneReport> {
  const { store, clock, diagnostics } = parts
  const rules = rulesOf(call, parts.retention)
  const began = clock.monotonic()
  const word = store.rewrites()
  const times = await bodyTimes(store, call)
  const plan = planOf(times, kept(times, rules, clock.now()))
  if (plan.kept === 0 && plan.count > 0 && call.everything !== true) {
    throw new OpDbusError(
      'INVALID_INPUT',
      'by these rules no block would keep its body: nothing was changed\nkeep some, or say that everything is to go',
    )
  }
  const bytes = call.dryRun ? await bytesOf(store, plan, call) : await carryOut(parts, plan, word, call)
  const { listNames } = await import('./snapshots.js')
  const report = {
    dryRun: call.dryRun === true,
    size: times.length,
    kept: plan.kept,
    pruned: plan.count,
    before: plan.before,
    bytes,
    snapshots: await listNames(parts),
  }
  if (!report.dryRun && plan.count > 0 && diagnostics.pruned.heard) {
    diagnostics.pruned.tell({ blocks: plan.count, bytes, micros: 1000 * (clock.monotonic() - began) })
  }
  return report
}

/** When each block was appended; NaN for one that has no body. */
async function bodyTimes(store: BlockStore, { signal, onProgress }: PruneCall): Promise<Float64Array> {
  const size = store.size()
  const times = new Float64Array(size).fill(Number.NaN)
  for await (const blocks of store.scan(0, size)) {
    throwIfAborted(signal)
    for (const { number, header, body } of blocks) if (body !== undefined) times[number] = header.timestamp
    onProgress?.(blocks.at(-1)!.number + 1, size)
  }
  return times
}

function planOf(times: Float64Array, marks: Uint8Array): Plan {
  const goes = new Uint8Array(times.length)
  let [count, keeps] = [0, 0]
  for (let i = 0; i < goes.length; i++) {
    if (Number.isNaN(times[i]!)) continue
    if (marks[i] === 1) keeps++
    else {
      goes[i] = 1
      count++
    }
  }
  return { goes, count, kept: keeps, before: times.length - count - keeps }
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
  { goes, count }: Plan,
  word: string,
  call: PruneCall,
): Promise<number> {
  let bytes = 0
  let from = goes.indexOf(1)
  let known = word
  while (from >= 0 && count > 0) {
    throwIfAborted(call.signal)
    const gone: number[] = []
    const before = known
    const next = await store.exclusively(async chain => {
      if (store.rewrites() !== known) {
        throw new OpDbusError(
          'CONFLICT',
          'the chain was pruned or restored by another process meanwhile\nprune it again',
        )
      }
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
    await vectors.forget(gone, call.signal, { before, after: known }).catch((error: unknown) => {
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
