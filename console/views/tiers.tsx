// The tiers of the embeddings, one line a source, and the other three caches below them.

import { TIME_MARKS, timeMarkText, timeShare } from '../../look/scale.js'
import { SOURCES } from '../../look/sources.js'
import { bytes, count, duration } from '../../src/format.js'
import type { Source } from '../../src/public.js'
import type { DaemonStats } from '../../src/server/api.js'
import { offIn } from '../way.js'
import { capacity, micros, rateOf } from '../words.js'
import { Bar, Chip, Panel } from './parts.js'
import { Table } from './table.js'

/** What a tier's numbers have in common, whichever tier it is. */
interface Tier {
  readonly hits: number
  readonly misses: number
  readonly evictions: number
  readonly size: number
  readonly capacity: number | null
  readonly bytes: number
  readonly capacityBytes: number | null
}

export function Tiers({ stats }: { readonly stats: DaemonStats }) {
  const { embeddings } = stats.caches
  const tiers: Partial<Record<Source, Tier>> = embeddings
  const total = SOURCES.reduce((sum, source) => sum + stats.rows[source], 0)
  const many = stats.models.length > 1
  return (
    <Panel
      id="tiers"
      title="Tiers"
      figure={many ? `answers of all models; hit rates and sizes are ${stats.models[0]!.name}'s` : 'embeddings'}
      class="tiers"
    >
      <Table
        caption="Where answers came from, and what each tier holds"
        keyOf={source => source}
        rows={SOURCES}
        columns={[
          { name: 'tier', cell: source => <Chip source={source} named /> },
          {
            name: 'answered',
            right: true,
            cell: source => (isOff(stats, source) ? 'off' : rateOf(stats.rows[source], total)),
          },
          {
            name: 'share',
            cell: source => <Share source={source} share={total > 0 ? stats.rows[source] / total : 0} />,
          },
          { name: 'hit rate', right: true, cell: source => hitRate(tiers[source]) },
          { name: 'holds', right: true, cell: source => holds(tiers[source]) },
          { name: 'bytes', right: true, cell: source => some(tiers[source]?.bytes ?? 0, bytes) },
          { name: 'let go', right: true, cell: source => some(tiers[source]?.evictions ?? 0, count) },
          { name: 'p50', right: true, cell: source => latency(stats, source, 'p50') },
          { name: 'p99', right: true, cell: source => latency(stats, source, 'p99') },
          { name: 'p50 to p99, log scale', cell: source => <Span stats={stats} source={source} /> },
        ]}
      />
      <p class="quiet">p50 and p99 are of whole requests, each under the farthest tier that it went to.</p>
      <Table
        caption="The other caches"
        keyOf={name => name}
        rows={['queries', 'diffs', 'blocks'] as const}
        columns={[
          { name: 'cache', cell: name => name },
          {
            name: 'answered from it',
            right: true,
            cell: name =>
              asked(stats.caches[name]) > 0 ? rateOf(stats.caches[name].hits, asked(stats.caches[name])) : '',
          },
          { name: 'holds', right: true, cell: name => holds(stats.caches[name].memory) },
          { name: 'bytes', right: true, cell: name => some(stats.caches[name].memory.bytes, bytes) },
          { name: 'let go', right: true, cell: name => some(stats.caches[name].memory.evictions, count) },
          {
            name: 'on disk',
            right: true,
            cell: name => {
              const { onDisk } = stats.caches[name]
              return onDisk?.entries ? `${count(onDisk.entries)} in ${bytes(onDisk.bytes)}` : ''
            },
          },
          {
            name: 'good for',
            right: true,
            cell: name => {
              const { ttl } = stats.caches[name]
              return ttl === undefined || ttl === null ? 'ever' : duration(1000 * ttl)
            },
          },
        ]}
      />
    </Panel>
  )
}

function asked({ hits, misses }: { readonly hits: number; readonly misses: number }): number {
  return hits + misses
}

/** Empty where there is none: a phone leaves the line out. */
function some(value: number, words: (value: number) => string): string {
  return value > 0 ? words(value) : ''
}

function Share({ source, share }: { readonly source: Source; readonly share: number }) {
  if (share === 0) return null
  return (
    <span data-source={source} class="share">
      <Bar share={share} />
    </span>
  )
}

function hitRate(tier: Tier | undefined): string {
  return tier && asked(tier) > 0 ? rateOf(tier.hits, asked(tier)) : ''
}

/** There is none, and it never answered. */
function isOff(stats: DaemonStats, source: Source): boolean {
  return stats.rows[source] === 0 && offIn(stats).has(source)
}

function holds(tier: Tier | undefined): string {
  return tier ? `${count(tier.size)} / ${capacity(tier.capacity)}` : ''
}

function latency({ latency }: DaemonStats, source: Source, which: 'p50' | 'p99'): string {
  return latency[source].count > 0 ? micros(latency[source][which]) : ''
}

/** From p50 to p99 where they lie on the axis of times. */
function Span({ stats, source }: { readonly stats: DaemonStats; readonly source: Source }) {
  const { count, p50, p99 } = stats.latency[source]
  const from = timeShare(p50 / 1000)
  const to = timeShare(p99 / 1000)
  if (count === 0) return null
  const title = `${timeMarkText(TIME_MARKS[0]!)} to ${timeMarkText(TIME_MARKS.at(-1)!)}`
  return (
    <span class="span" data-source={source} aria-hidden="true" title={title}>
      <span style={{ left: `${100 * from}%`, width: `${Math.max(1.5, 100 * (to - from))}%` }} />
    </span>
  )
}
