// How reading ahead of one chain is told: events, a warning at each pause, and what a process says of its predictors. Reads nothing.
import type { BlockCache } from '../caches/block-cache.js'
import { ReadAhead, type ReadAheadListener } from './read-ahead.js'

const NAMES = { predictor: 'read-ahead', cache: 'blocks' } as const

/** Reading ahead for a chain whose blocks are kept in `cache`, told there until the function beside it is called. */
export function accountedReadAhead(cache: BlockCache, mostBlocks: () => number): { ahead: ReadAhead; end: () => void } {
  const isOn = cache.readsAhead !== 'off'
  const ahead = new ReadAhead(isOn ? mostBlocks : () => 0, listenerOf(cache))
  const end = cache.readsAheadFor(() => {
    const { useful, useless, waiting, micros, off } = ahead.counts
    const state = isOn ? (off ? 'paused' : 'on') : 'off'
    return {
      name: NAMES.predictor,
      cache: NAMES.cache,
      state,
      useful,
      useless,
      late: 0,
      waiting,
      micros: Math.round(micros),
    }
  })
  return { ahead, end }
}

function listenerOf(cache: BlockCache): ReadAheadListener {
  const { diagnostics, readsAhead } = cache
  let pauses = 0
  return {
    ended(outcome, blocks, micros) {
      for (let i = 0; i < blocks; i++) {
        cache.endedAhead(outcome === 'useful', micros)
        if (diagnostics?.prefetched.heard) diagnostics.prefetched.tell({ ...NAMES, outcome, micros })
      }
    },
    paused(used, judged) {
      if (readsAhead !== 'told') return
      diagnostics?.warn(
        `read-ahead (blocks) has paused itself: of the last ${judged} that it fetched ahead only ${used} were asked for`,
        undefined,
        `pause ${++pauses} of read-ahead`,
      )
    },
  }
}
