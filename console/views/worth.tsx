// What the caches of this daemon saved, and what they cost: time and bytes, a line a cache.
import { bytes, duration } from '../../src/format.js'
import type { CacheName } from '../../src/ports.js'
import type { DaemonStats } from '../../src/server/api.js'
import type { Worth } from '../../src/tuning/report.js'
import { CACHE_ORDER } from '../../src/tuning/requests.js'
import { Panel } from './parts.js'
import { Table } from './table.js'

/** What a hit of each makes needless. */
const SAVED: Readonly<Record<CacheName, string>> = {
  embeddings: 'computing',
  queries: 'asking plugins',
  diffs: 'comparing states',
  blocks: 'reading the chain',
}

export function WorthPanel({ stats: { caches, models } }: { readonly stats: DaemonStats }) {
  const worth = (cache: CacheName) => caches[cache].worth
  const used = CACHE_ORDER.filter(cache => isUsed(worth(cache)))
  const unused = CACHE_ORDER.filter(cache => !used.includes(cache))
  return (
    <Panel
      id="worth"
      title="What it was worth"
      class="tiers"
      figure={models.length > 1 ? `since the start; embeddings of ${models[0]!.name}` : 'since the start'}
    >
      {used.length > 0 && (
        <Table
          caption="What each cache saved, and what it cost"
          keyOf={cache => cache}
          rows={used}
          columns={[
            { name: 'cache', cell: cache => cache },
            { name: 'made needless', cell: cache => SAVED[cache] },
            { name: 'saved', right: true, cell: cache => time(worth(cache).computeSeconds) },
            { name: 'of the disk, by memory', right: true, cell: cache => time(worth(cache).diskSeconds) },
            { name: 'spent on it', right: true, cell: cache => time(worth(cache).spentSeconds) },
            { name: 'in memory', right: true, cell: cache => size(worth(cache).memoryBytes) },
            { name: 'on disk', right: true, cell: cache => size(worth(cache).diskBytes) },
          ]}
        />
      )}
      {unused.length > 0 && <p class="quiet">Not used yet: {unused.join(', ')}.</p>}
      <p class="quiet">
        Estimates: an answer from a cache counts as much as the like of it took on average where it was measured. What
        memory saved of the disk is no part of what was saved over having no cache.
      </p>
    </Panel>
  )
}

/** It saved, took or holds something; else there is nothing to tell of it. */
function isUsed({ computeSeconds, diskSeconds, spentSeconds, memoryBytes, diskBytes }: Worth): boolean {
  return computeSeconds > 0 || diskSeconds > 0 || spentSeconds > 0 || memoryBytes > 0 || diskBytes > 0
}

/** Empty where there is nothing: a phone leaves the line out. */
function time(seconds: number): string {
  return seconds > 0 ? duration(1000 * seconds) : ''
}

function size(held: number): string {
  return held > 0 ? bytes(held) : ''
}
