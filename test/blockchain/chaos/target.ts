// What the processes of these tests write to and read from: the chain as it is built, or a plain one of their own that can be broken on
// purpose. Opens; judges nothing.
import type { Block, FootprintInput } from '../../../src/blockchain/block.js'
import type { ChainFault } from '../../../src/blockchain/reports.js'
import { messageOf } from '../../../src/errors.js'
import { openPlain } from './plain-chain.js'

export interface Target {
  append(batch: readonly FootprintInput[], onWait?: (who: string) => void): Promise<readonly Block[]>
  size(): number
  stream(from: number, signal?: AbortSignal): AsyncIterable<Block>
  verify(): Promise<Verdict>
  /** Tiles and a signed checkpoint in `dir`; answers with the key that verifies it. Undefined where it cannot. */
  exportTiles(dir: string): Promise<string | undefined>
  close(): Promise<void>
}

export interface Verdict {
  readonly ok: boolean
  readonly size: number
  /** Undefined where none is worked out. */
  readonly root: string | undefined
  readonly faults: readonly Pick<ChainFault, 'kind' | 'message'>[]
}

/** How the plain chain is broken. `none`: as well made as it can be. */
export type Break =
  | 'none'
  | 'answers-early'
  | 'no-lock'
  | 'robs-the-stopped'
  | 'no-sync'
  | 'leaves-parts'
  | 'swallows-errors'

export interface TargetOptions {
  /** The data folder: the chain is `blockchain/` in it. */
  readonly dir: string
  /** Undefined: the chain of the built library. */
  readonly plain?: Break | undefined
  /** Milliseconds by which the wall clock is set back after each block. */
  readonly clockStep?: number | undefined
  readonly warn: (message: string) => void
}

export async function openTarget(options: TargetOptions): Promise<Target> {
  const clock = clockOf(options.clockStep ?? 0)
  if (options.plain !== undefined) return openPlain(options.dir, options.plain, clock)
  return openBuilt(options)
}

async function openBuilt({ dir, warn }: TargetOptions): Promise<Target> {
  const { openChain } = (await import(process.env.CHAIN_LIBRARY!)) as typeof import('../../../src/blockchain.js')
  const chain = await openChain({
    dataDir: dir,
    dir: `${dir}/cache`,
    onWarning: warn,
  })
  return {
    append: (batch, onWait) => chain.addBatch(batch, { onWait }),
    size: () => chain.size(),
    stream: (from, signal) => chain.stream({ from, ...(signal && { follow: true, signal }) }),
    verify: () =>
      chain.verify({ full: true }).catch(error => {
        // Where a writer was killed before its first block, nothing can be verified, which is an error.
        if (chain.size() > 0 || !messageOf(error).startsWith('there is no chain')) throw error
        return { ok: true, size: 0, root: undefined, faults: [] }
      }),
    exportTiles: async to => (await chain.exportTiles(to)).verifierKey,
    close: () => chain.close(),
  }
}

/** The system's, or one that goes back: for the whole process, as a machine's would. */
function clockOf(step: number): () => number {
  const now = Date.now
  let back = 0
  if (step !== 0) {
    Date.now = () => {
      back += step
      return now() - back
    }
  }
  return () => Date.now()
}
