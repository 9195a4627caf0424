// Whether the vectors on the disk are what was written, and what the model says today. Changes nothing.
import { throwIfAborted } from '../../errors.js'
import type { BlockStore } from '../ports.js'
import type { ChainFault } from '../reports.js'
import type { VectorReader } from '../store/vector-files.js'
import type { VectorFolder } from '../store/vector-folder.js'
import type { Embeddings } from './bring-up.js'
import { unit } from './format.js'

/**
 * Cosine of a vector and what the model says today. The same device gives the same numbers but for rounding, and none serves that does not
 * come as near to the CPU's (see embedder/devices/self-check.ts).
 */
const SAME = 0.999
/** Texts that are embedded together. */
const BATCH = 64

export interface FaultsCall {
  /** Embed every text again; nothing is taken from a cache. */
  readonly recompute?: boolean
  readonly signal?: AbortSignal | undefined
}

/** A vector that is sound as it lies there, and the text that it should be of. */
interface Claim {
  readonly number: number
  readonly text: string
  readonly vector: Float32Array
}

interface Parts {
  readonly store: BlockStore
  readonly embeddings: Embeddings
  readonly folder: VectorFolder
}

export async function* vectorFaults(parts: Parts, call: FaultsCall): AsyncGenerator<ChainFault> {
  for (const { space } of parts.folder.spaces()) {
    const files = parts.folder.open(space)
    if (files === undefined) continue
    try {
      yield* faultsIn(files, parts, call)
    } finally {
      files.close()
    }
  }
}

async function* faultsIn(files: VectorReader, parts: Parts, call: FaultsCall): AsyncGenerator<ChainFault> {
  const { records, rewrites } = files.seal()
  const { store, embeddings } = parts
  // After a prune or a restore they may be of the chain as it was, until somebody searches: they mend themselves, and accuse nobody.
  const mayBeOld = rewrites !== store.rewrites()
  const { recompute = false, signal } = call
  const current = recompute && (await embeddings.computing({ signal })).space === files.record.space
  const claims: Claim[] = []
  for (let place = 0; place < records; place++) {
    throwIfAborted(signal)
    const [floats, scan] = [files.floatsAt(place), files.scanAt(place)]
    const number = floats?.number ?? scan?.number
    const block = number === undefined || number >= store.size() ? undefined : store.read(number)
    if (floats === undefined || scan === undefined || floats.number !== scan.number || floats.state !== scan.state) {
      yield faultOf(number, `the vector at place ${place} is damaged`)
    } else if (mayBeOld && block?.hash !== floats.hash) continue
    else if (block?.hash !== floats.hash) yield faultOf(number, `block ${number} has the vector of another block`)
    else if (floats.state === 'vector' && block.body === undefined)
      yield faultOf(number, `block ${number} was pruned, and its vector is still there`)
    else if (floats.state === 'vector' && current)
      claims.push({ number: block.number, text: block.body!.text, vector: floats.vector })
    if (claims.length === BATCH) yield* wrongOf(claims.splice(0), embeddings, signal)
  }
  yield* wrongOf(claims, embeddings, signal)
}

async function* wrongOf(
  claims: readonly Claim[],
  embeddings: Embeddings,
  signal: AbortSignal | undefined,
): AsyncGenerator<ChainFault> {
  if (claims.length === 0) return
  const matrix = await embeddings.compute(
    claims.map(({ text }) => text),
    { signal },
  )
  for (const [i, { number, vector }] of claims.entries()) {
    const dims = vector.length
    const again = unit(matrix.subarray(i * dims, (i + 1) * dims))
    const cosine = again.reduce((sum, x, d) => sum + x * vector[d]!, 0)
    // Texts that have no direction at all have a vector of zeros.
    const [none, wasNone] = [again, vector].map(one => one.every(x => x === 0))
    if (none ? !wasNone : cosine < SAME) yield faultOf(number, `the vector of block ${number} is not that of its text`)
  }
}

function faultOf(block: number | undefined, message: string): ChainFault {
  return { kind: 'vector', message, ...(block !== undefined && { block }) }
}
