// Entries: what lies on disk of each space of vectors, what the four caches hold, and emptying them, with a look before at what goes.
import { useSignal } from '@preact/signals'
import { bytes, count, plural } from '../../src/format.js'
import type { CacheName } from '../../src/ports.js'
import type { ClearCall, SpaceInfo } from '../../src/server/api.js'
import { CACHE_ORDER } from '../../src/tuning/requests.js'
import { hrefOf } from '../router.js'
import { detailsOf, nameOf } from '../space-rows.js'
import type { Session } from '../state.js'
import { useLoaded } from '../use-loaded.js'
import { age, dateTime } from '../words.js'
import { Clearing, type Wish } from './clearing.js'
import { Bar, Empty, Failed, Loading, Panel } from './parts.js'
import { Hash, Said } from './said.js'
import type { ScreenProps } from './screen.js'
import { Table } from './table.js'

const WHAT: Readonly<Record<CacheName, string>> = {
  embeddings: 'vectors of texts',
  queries: 'what plugins answered',
  diffs: 'diffs that were computed',
  blocks: 'blocks that were read; the chain itself stays',
}

export function EntriesScreen({ session }: ScreenProps) {
  const spaces = useLoaded(session, signal => session.client.get('api/spaces', { signal }))
  const wish = useSignal<Wish | undefined>(undefined)
  const told = useSignal('')
  const clear = async (call: ClearCall, name: string) => {
    if (await session.withWrite()) wish.value = { call, name }
  }
  const found = spaces.value
  return (
    <>
      <Panel id="spaces" title="Vectors on disk, by space" figure={found && found.length > 0 && totalOf(found)}>
        <p class="quiet">
          A space is everything that can change a vector: the model, its files, how texts are cut and pooled. Vectors of
          one never stand for those of another.
        </p>
        {spaces.failure && <Failed failure={spaces.failure} what="The spaces on disk" onRetry={spaces.reload} />}
        {found === undefined ? (
          spaces.loading && <Loading what="spaces" />
        ) : found.length === 0 ? (
          <Empty>
            Nothing is on disk yet. The first text that is embedded begins a space:{' '}
            <a href={hrefOf('lookup')}>look one up</a>.
          </Empty>
        ) : (
          <Spaces spaces={found} onClear={one => void clear({ space: one.space }, nameOf(one))} />
        )}
      </Panel>
      <Panel
        id="caches"
        title="The four caches"
        actions={
          <button type="button" onClick={() => void clear({}, '')}>
            Clear all four …
          </button>
        }
      >
        {told.value !== '' && <p class="quiet">{told}</p>}
        <Caches session={session} onClear={name => void clear({ caches: [name] }, name)} />
      </Panel>
      {wish.value && (
        <Clearing
          session={session}
          wish={wish.value}
          onEnd={words => {
            wish.value = undefined
            if (words === undefined) return
            told.value = words
            session.reload()
          }}
        />
      )}
    </>
  )
}

function totalOf(spaces: readonly SpaceInfo[]): string {
  const [entries, size] = [
    spaces.reduce((sum, one) => sum + one.entries, 0),
    spaces.reduce((sum, one) => sum + one.bytes, 0),
  ]
  return `${plural(entries, 'vector', 'vectors')}, ${bytes(size)}`
}

interface SpacesProps {
  readonly spaces: readonly SpaceInfo[]
  readonly onClear: (space: SpaceInfo) => void
}

function Spaces({ spaces, onClear }: SpacesProps) {
  const largest = Math.max(...spaces.map(one => one.bytes))
  const now = Date.now()
  const ago = (ms: number) => <span title={dateTime(ms)}>{age(now - ms)}</span>
  return (
    <Table<SpaceInfo>
      caption="Spaces of vectors on disk"
      rows={spaces}
      keyOf={({ space }) => space}
      sortedBy={['bytes', 'descending']}
      columns={[
        {
          name: 'space',
          sort: nameOf,
          cell: one => (
            <div class="of-space">
              <Said text={nameOf(one)} most={60} mono />
              <small class="quiet">
                <Hash hash={one.space} digits={8} /> <Said text={detailsOf(one)} most={200} />
              </small>
            </div>
          ),
        },
        { name: 'entries', sort: one => one.entries, cell: one => count(one.entries), right: true },
        {
          name: 'bytes',
          sort: one => one.bytes,
          right: true,
          cell: one => (
            <div>
              {bytes(one.bytes)} <Bar share={largest > 0 ? one.bytes / largest : 0} />
            </div>
          ),
        },
        { name: 'oldest', sort: one => now - one.oldest, cell: one => ago(one.oldest), right: true },
        { name: 'newest', sort: one => now - one.newest, cell: one => ago(one.newest), right: true },
        {
          name: 'in use by',
          sort: one => -one.usedBy.length,
          cell: one =>
            one.usedBy.length > 0 ? <Said text={one.usedBy.join(', ')} /> : <span class="quiet">nobody</span>,
        },
        { name: 'clear', cell: one => <ClearButton name={nameOf(one)} onClear={() => onClear(one)} /> },
      ]}
    />
  )
}

function ClearButton({ name, onClear }: { readonly name: string; readonly onClear: () => void }) {
  return (
    <button type="button" class="small" onClick={onClear}>
      Clear …<span class="unseen"> {name.slice(0, 100)}</span>
    </button>
  )
}

function Caches({ session, onClear }: { readonly session: Session; readonly onClear: (name: CacheName) => void }) {
  const caches = session.stats.value?.caches
  if (!caches) return <Loading what="the daemon's figures" rows={4} />
  return (
    <Table<CacheName>
      caption="The four caches"
      rows={CACHE_ORDER}
      keyOf={name => name}
      columns={[
        {
          name: 'cache',
          cell: name => (
            <div class="of-space">
              {name} <small class="quiet">{WHAT[name]}</small>
            </div>
          ),
        },
        {
          name: 'in memory',
          right: true,
          cell: name => <Amount entries={caches[name].memory.size} size={caches[name].memory.bytes} />,
        },
        {
          name: 'on disk',
          right: true,
          cell: name => {
            const { onDisk } = caches[name]
            return onDisk ? <Amount entries={onDisk.entries} size={onDisk.bytes} /> : 'none'
          },
        },
        { name: 'clear', cell: name => <ClearButton name={name} onClear={() => onClear(name)} /> },
      ]}
    />
  )
}

function Amount({ entries, size }: { readonly entries: number; readonly size: number }) {
  return (
    <span>
      {count(entries)} <small class="quiet">{bytes(size)}</small>
    </span>
  )
}
