// What tests of vectors and search share: an embedder whose meanings are words, a chain in memory, timers that run when told.
import { join } from 'node:path'
import type { Block, FootprintInput } from '../../src/blockchain/block.js'
import { ChainVectors, type ChainVectorsParts } from '../../src/blockchain/chain-vectors.js'
import { draftOf } from '../../src/blockchain/footprint.js'
import type { BlockStore } from '../../src/blockchain/ports.js'
import { VectorFolder } from '../../src/blockchain/store/vector-folder.js'
import { openKernels } from '../../src/kernels.js'
import { openCaches } from '../../src/node.js'
import type { Timer } from '../../src/ports.js'
import { memoryFolder } from '../support.js'
import { MemoryStore } from './memory-store.js'

export const DIMS = 24

/** Each word has a direction of its own; `other` gives every word another one. */
export function vectorOfWords(text: string, other = 0): Float32Array {
  const vector = new Float32Array(DIMS)
  for (const word of text.toLowerCase().split(/\W+/)) {
    let state = other + 1
    for (const char of word) state = (Math.imul(state, 31) + char.charCodeAt(0)) >>> 0
    for (let d = 0; d < DIMS; d++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
      vector[d] = vector[d]! + state / 2 ** 32 - 0.5
    }
  }
  return vector
}

/** Says what it is asked; texts with `poison` make it throw, and everything while `down`. */
export class WordEmbedder {
  readonly asked: string[] = []
  down = false
  /** What a call waits for. */
  gate: Promise<unknown> = Promise.resolve()

  constructor(
    readonly space = 'words',
    readonly other = 0,
  ) {}

  readonly dims = DIMS
  readonly maxBatch = 16

  embed = async (texts: readonly string[]): Promise<Float32Array> => {
    this.asked.push(...texts)
    await this.gate
    if (this.down) throw new Error('nobody is there')
    if (texts.some(text => text.includes('poison'))) throw new Error('poison is not taken')
    const matrix = new Float32Array(texts.length * DIMS)
    for (const [row, text] of texts.entries()) matrix.set(vectorOfWords(text, this.other), row * DIMS)
    return matrix
  }
}

/** Timers that wait until `run`. */
export class TestTimer {
  readonly waiting: { ms: number; run: () => void }[] = []

  readonly timer: Timer = (ms, run) => {
    const one = { ms, run }
    this.waiting.push(one)
    return () => {
      const at = this.waiting.indexOf(one)
      if (at >= 0) this.waiting.splice(at, 1)
    }
  }

  run(): void {
    for (const { run } of this.waiting.splice(0)) run()
  }
}

export interface World {
  readonly dir: string
  readonly store: MemoryStore
  readonly vectors: ChainVectors
  readonly embedder: WordEmbedder
  readonly folder: VectorFolder
  readonly timer: TestTimer
  readonly warnings: string[]
  close(): Promise<void>
}

/** A process over the chain in `store` and the folder `dir`. Its caches keep nothing on the disk. */
export async function openWorld(
  options: Partial<ChainVectorsParts> & { dir?: string; store?: MemoryStore; embedder?: WordEmbedder } = {},
) {
  const { dir = memoryFolder(), store = new MemoryStore(), embedder = new WordEmbedder(), ...parts } = options
  const caches = await openCaches({ dir, embedder, embeddingDiskCache: false })
  const folder = new VectorFolder(join(dir, 'blockchain', 'vectors'))
  const [timer, warnings] = [new TestTimer(), [] as string[]]
  const vectors = new ChainVectors({
    store,
    embeddings: caches.embeddings,
    folder,
    timer: timer.timer,
    warn: message => void warnings.push(message),
    openKernels: () => openKernels({ device: 'wasm' }),
    ...parts,
  })
  const close = async () => {
    await vectors.close()
    await caches.close()
  }
  const world: World = { dir, store, vectors, embedder, folder, timer, warnings, close }
  return world
}

/** Appends a block for each text. */
export function remember(
  store: Pick<BlockStore, 'append'>,
  texts: readonly string[],
  more: Partial<FootprintInput> = {},
): Promise<readonly Block[]> {
  return store.append(
    texts.map(text => draftOf({ plugin_id: 'net', operation: 'apply', timestamp: 1_700_000_000, text, ...more }, 0)),
  )
}

/** The only space's folder. */
export function spaceFolder({ dir }: Pick<World, 'dir'>, names: readonly string[]): string {
  return join(dir, 'blockchain', 'vectors', names.find(name => name !== 'lock')!)
}
