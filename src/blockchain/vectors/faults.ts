// Whether the vectors on the disk are what was written, and what the model says today. Changes nothing.
import { throwIfAborted } from '../../errors.js'
import type { BlockStore } from '../ports.js'
import type { ChainFault } from '../reports.js'
import type { VectorReader } from '../store/vector-files.js'
import type { VectorFolder } from '../store/vector-folder.js'
import type { Embeddings } from './bring-up.js'
import { unit } from './format.js'

/** Devices differ by rounding; another text does not come near this. */
const SAME = 0.999

export interface FaultsCall {
  /** Embed every text again. */
  readonly recompute?: boolean
  /** What embeds them. Default: the chain's, which answers from its cache what it knows. */
  readonly embeddings?: Embeddings | undefined
  readonly signal?: AbortSignal | undefined
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
  const { records } = files.seal()
  const { store } = parts
  const { recompute = false, embeddings = parts.embeddings, signal } = call
  const current = recompute && (await embeddings.computing({ signal })).space === files.record.space
  for (let place = 0; place < records; place++) {
    throwIfAborted(signal)
    const [floats, scan] = [files.floatsAt(place), files.scanAt(place)]
    const number = floats?.number ?? scan?.number
    const block = number === undefined || number >= store.size() ? undefined : store.read(number)
    const fault = (message: string): ChainFault => ({
      kind: 'vector',
      message,
      ...(number !== undefined && { block: number }),
    })
    if (floats === undefined || scan === undefined || floats.number !== scan.number || floats.state !== scan.state) {
      yield fault(`the vector at place ${place} is damaged`)
    } else if (block?.hash !== floats.hash) yield fault(`block ${number} has the vector of another block`)
    else if (floats.state === 'vector' && block.body === undefined)
      yield fault(`block ${number} was pruned, and its vector is still there`)
    else if (floats.state === 'vector' && current) {
      const again = unit((await embeddings.getOrEmbed(block.body!.text, { signal })).vector)
      const cosine = again.reduce((sum, x, i) => sum + x * floats.vector[i]!, 0)
      // Texts that have no direction at all have a vector of zeros.
      if (cosine < SAME && again.some(x => x !== 0))
        yield fault(`the vector of block ${number} is not that of its text`)
    }
  }
}
