// What the caches of this daemon saved, and what they cost: time and bytes, a line a cache.
import { bytes, duration } from '../../src/format.js'
import type { CacheName } from '../../src/ports.js'
import type { DaemonStats } from '../../src/server/api.js'
import { Panel } from './parts.js'
import { Table } from './table.js'

/** What a hit of each makes needless. */
const SAVED: Readonly<Record<CacheName, string>> = {
  embeddings: 'computing',
  queries: 'asking plugins',
  diffs: 'comparing states',
  blocks: 'reading the chain',
}

const CACHES = Object.keys(SAVED) as readonly CacheName[]

export function WorthPanel({ stats: { caches, models } }: { readonly stats: DaemonStats }) {
  const worth = (cache: CacheName) => caches[cache].worth
  return (
    <Panel
      id="worth"
      title="What it was worth"
      class="tiers"
      figure={models.length > 1 ? `since the start; embeddings of ${models[0]!.name}` : 'since the start'}
    >
      <Table
        caption="What each cache saved, and what it cost"
        keyOf={cache => cache}
        rows={CACHES}
        columns={[
          { name: 'cache', cell: cache => cache },
          { name: 'made needless', cell: cache => SAVED[cache] },
          { name: 'saved', right: true, cell: cache => time(worth(cache).computeSeconds) },
          { name: 'of the disk, by memory', right: true, cell: cache => time(worth(cache).diskSeconds) },
          { name: 'spent on it', right: true, cell: cache => time(worth(cache).spentSeconds) },
          { name: 'in memory', right: true, cell: cache => bytes(worth(cache).memoryBytes) },
          { name: 'on disk', right: true, cell: cache => bytes(worth(cache).diskBytes) },
        ]}
      />
      <p class="quiet">
        Estimates: an answer from a cache counts as much as the like of it took on average where it was measured. What
        memory saved of the disk is no part of what was saved over having no cache.
      </p>
    </Panel>
  )
}

function time(seconds: number): string {
  return seconds > 0 ? duration(1000 * seconds) : '-'
}
