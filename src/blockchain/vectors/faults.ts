// Whether the vectors on the disk are what was written, and what the model says today. Changes nothing.
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import { throwIfAborted } from '../../errors.js'
import type { Block } from '../block.js'
import type { BlockStore } from '../ports.js'
import type { ChainFault } from '../reports.js'
import type { VectorReader } from '../store/vector-files.js'
import type { VectorFolder } from '../store/vector-folder.js'
import { type Embeddings, soundAt } from './bring-up.js'
import { type FloatsRecord, unit } from './format.js'

/**
 * Cosine of a vector and what the model says today. The same device gives the same numbers but for rounding, and none serves that does not
 * come as near to the CPU's (see embedder/devices/self-check.ts).
 */
const SAME = 0.999
/** Records that are read, and texts that are embedded, together. */
const BATCH = 256

export interface FaultsCall {
  /** Embed every text again; nothing is taken from a cache. */
  readonly recompute?: boolean
  /** Blocks whose vectors were looked at, of all. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What was looked at; see `VectorCheck`. */
export interface VectorCounts {
  compared: number
  passed: number
  missing: number
}

interface Parts {
  readonly store: BlockStore
  readonly embeddings: Embeddings
  readonly folder: VectorFolder
}

/** A vector that is sound as it lies there, and the text that it should be of. */
interface Claim {
  readonly number: number
  readonly text: string
  readonly vector: Float32Array
}

/** @throws OpDbusError STORE, ABORTED, CHAIN_DAMAGED; with `recompute`, what the embedder throws */
export async function* vectorFaults(
  parts: Parts,
  { recompute = false, onProgress, signal }: FaultsCall,
  counts: VectorCounts,
): AsyncGenerator<ChainFault> {
  const { folder, embeddings } = parts
  const serving = recompute ? (await embeddings.computing({ signal })).space : undefined
  let isServed = false
  for (const dir of folder.unreadable())
    yield { kind: 'vector', message: `what made the vectors in ${dir} cannot be read: a search makes them anew` }
  for (const { space } of folder.spaces()) {
    const files = folder.open(space)
    if (files === undefined) continue
    isServed ||= space === serving
    try {
      const message = files.sealFault()
      if (message !== undefined) yield { kind: 'vector', message: `${message}: a search makes them anew` }
      yield* new SpaceCheck(
        files,
        parts,
        { recompute, current: space === serving, onProgress, signal },
        counts,
      ).faults()
    } finally {
      files.close()
    }
  }
  if (recompute && !isServed) counts.missing = await textsIn(parts.store, 0, signal)
}

/** The records of one space beside the blocks, both in order. */
class SpaceCheck {
  readonly #found: ChainFault[] = []
  #place = 0
  readonly #records: number
  /** After a prune or a restore they may be of the chain as it was, until somebody searches: they mend themselves, and accuse nobody. */
  readonly #mayBeOld: boolean

  constructor(
    private readonly files: VectorReader,
    private readonly parts: Parts,
    private readonly call: FaultsCall & { readonly current: boolean },
    private readonly counts: VectorCounts,
  ) {
    const { records, rewrites } = files.seal()
    this.#records = records
    this.#mayBeOld = rewrites !== parts.store.rewrites()
  }

  async *faults(): AsyncGenerator<ChainFault> {
    const { store } = this.parts
    const { current, signal } = this.call
    const { next } = this.files.seal()
    for (let from = 0; from < Math.min(next, store.size()); from += BATCH) {
      const end = Math.min(from + BATCH, next)
      const claims: Claim[] = []
      for await (const blocks of store.scan(from, end)) {
        throwIfAborted(signal)
        for (const block of blocks) {
          const claim = this.#look(block)
          if (claim !== undefined) claims.push(claim)
        }
      }
      if (current) await this.#compare(claims)
      else if (this.call.recompute) this.counts.passed += claims.length
      yield* this.#found.splice(0)
      this.call.onProgress?.(Math.min(end, store.size()), store.size())
      await yieldToEventLoop()
    }
    for (; this.#place < this.#records; this.#place++) {
      const number = this.files.floatsAt(this.#place)?.number
      this.#addUnlessOld(number, `the vector at place ${this.#place} is of no block that there is`)
    }
    yield* this.#found.splice(0)
    if (current) this.counts.missing += await textsIn(store, next, signal)
  }

  /** Takes the records up to this block's; what is wrong with them is told. */
  #look({ number, hash, body }: Block): Claim | undefined {
    for (; this.#place < this.#records; this.#place++) {
      const { said = number, record } = this.#recordAt(this.#place)
      if (said > number) break
      if (record === undefined) this.#add(said, `the vector at place ${this.#place} is damaged`)
      else if (said < number || record.hash !== hash)
        this.#addUnlessOld(said, `block ${said} has the vector of another block`)
      if (said < number) continue
      this.#place++
      if (record?.hash !== hash) return undefined
      if ((record.state === 'refused' || record.state === 'damaged') && body?.text) this.counts.missing++
      if (record.state === 'damaged' && soundAt(this.parts.store, number) !== undefined)
        this.#addUnlessOld(
          number,
          `block ${number} was damaged, is sound again, and has no vector yet: a search makes it`,
        )
      if (record.state !== 'vector') return undefined
      if (body !== undefined) return { number, text: body.text, vector: record.vector }
      this.#add(number, `block ${number} was pruned, and its vector is still there`)
      return undefined
    }
    if (body?.text) this.#addUnlessOld(number, `block ${number} has a text, and no vector`)
    return undefined
  }

  /** No record where one of its two halves is damaged, or they are not of one vector; then the other says whose it is, perhaps. */
  #recordAt(place: number): { said: number | undefined; record: FloatsRecord | undefined } {
    const [floats, scan] = [this.files.floatsAt(place), this.files.scanAt(place)]
    const isWhole = floats?.number === scan?.number && floats?.state === scan?.state
    return { said: floats?.number ?? scan?.number, record: isWhole ? floats : undefined }
  }

  async #compare(claims: readonly Claim[]): Promise<void> {
    if (claims.length === 0) return
    const texts = claims.map(({ text }) => text)
    const matrix = await this.parts.embeddings.compute(texts, { signal: this.call.signal })
    this.counts.compared += claims.length
    for (const [i, { number, vector }] of claims.entries()) {
      const dims = vector.length
      const again = unit(matrix.subarray(i * dims, (i + 1) * dims))
      const cosine = again.reduce((sum, x, d) => sum + x * vector[d]!, 0)
      // Texts that have no direction at all have a vector of zeros.
      const [none, wasNone] = [again, vector].map(one => one.every(x => x === 0))
      if (none ? !wasNone : cosine < SAME) this.#add(number, `the vector of block ${number} is not that of its text`)
    }
  }

  #addUnlessOld(block: number | undefined, message: string): void {
    if (!this.#mayBeOld) this.#add(block, message)
  }

  #add(block: number | undefined, message: string): void {
    this.#found.push({ kind: 'vector', message, ...(block !== undefined && { block }) })
  }
}

/** Blocks from `from` on that have a text. */
async function textsIn(store: BlockStore, from: number, signal: AbortSignal | undefined): Promise<number> {
  let count = 0
  for await (const blocks of store.scan(from)) {
    throwIfAborted(signal)
    for (const { body } of blocks) if (body?.text) count++
  }
  return count
}
