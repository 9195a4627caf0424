// How memory is divided between the caches now, and what the tuner changed of it by itself.
import type { PolicyName } from '../../src/cache/eviction.js'
import { bytes } from '../../src/format.js'
import type { CacheName } from '../../src/ports.js'
import type { DaemonStats } from '../../src/server/api.js'
import type { AutoState, TuningChange, TuningState } from '../../src/tuning/report.js'
import { CACHE_ORDER } from '../../src/tuning/requests.js'
import { changeWords, policyName } from '../tuning-words.js'
import { dateTime, percent } from '../words.js'
import { Empty, Panel } from './parts.js'

interface Share {
  readonly cache: CacheName
  readonly bytes: number
  /** What of it is filled; undefined before the first stats. */
  readonly used: number | undefined
  readonly policy: PolicyName
}

interface TunerProps {
  readonly state: TuningState
  readonly stats: DaemonStats | undefined
}

export function TunerPanel({ state, stats }: TunerProps) {
  const { auto } = state
  const shares = sharesOf(state, stats)
  const total = Math.max(auto.on ? auto.budgetBytes : 0, sum(shares.map(one => one.bytes)))
  return (
    <Panel id="tuner" title="Memory" figure={figureOf(auto)}>
      {total > 0 && <Split shares={shares} total={total} />}
      {auto.failed !== undefined && (
        <p>The tuner gave up: {auto.failed}. What it had changed is below, the last first.</p>
      )}
      {auto.on || auto.failed !== undefined ? (
        <Changes changes={auto.changes} />
      ) : (
        <p class="quiet">
          With <span class="mono">OPDBUS_AUTOTUNE=on</span> a running daemon moves memory between the caches and chooses
          their policies by what it measures. Their sizes together stay the bound; what does not pay is taken back.
        </p>
      )}
    </Panel>
  )
}

function figureOf({ on, failed }: AutoState): string {
  if (on) return 'divided by the tuner'
  return failed === undefined ? 'as it was set; the tuner is off' : 'the tuner gave up'
}

function Split({ shares, total }: { readonly shares: readonly Share[]; readonly total: number }) {
  const free = 1 - sum(shares.map(one => one.bytes)) / total
  return (
    <>
      <p class="split" aria-hidden="true">
        {shares.map(({ cache, bytes: size }) => (
          <span key={cache} data-cache={cache} style={{ flexGrow: size / total }} />
        ))}
        {free > 0.001 && <span style={{ flexGrow: free }} />}
      </p>
      <ul class="split-names" aria-label={`Memory of the caches, ${bytes(total)} together`}>
        {shares.map(({ cache, bytes: size, used, policy }) => (
          <li key={cache} data-cache={cache}>
            <span class="swatch" aria-hidden="true" />
            <span>
              {cache} <strong class="number">{bytes(size)}</strong>{' '}
              <span class="quiet">
                {percent(size / total)}, {policyName(policy)}
                {used !== undefined && `, ${bytes(used)} filled`}
              </span>
            </span>
          </li>
        ))}
      </ul>
    </>
  )
}

function Changes({ changes }: { readonly changes: readonly TuningChange[] }) {
  if (changes.length === 0) {
    return (
      <Empty>The tuner has changed nothing yet: it changes what pays, and needs some minutes of work to know.</Empty>
    )
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys must reach that
    <ol class="news tuned" tabIndex={0} aria-label="Changes of the tuner, the newest first">
      {changes.map(change => (
        <li key={`${change.at} ${change.cache} ${change.what} ${change.to}`} class={change.undone ? 'undone' : ''}>
          <time class="number quiet" dateTime={new Date(change.at).toISOString()}>
            {dateTime(change.at)}
          </time>
          <span>
            {changeWords(change)} <span class="quiet">{change.why}</span>
          </span>
        </li>
      ))}
    </ol>
  )
}

/** What the tuner gave each; where it is off, what was set. What has no bound has no share. */
function sharesOf({ auto, policies }: TuningState, stats: DaemonStats | undefined): Share[] {
  return CACHE_ORDER.flatMap(cache => {
    const memory = stats?.caches[cache].memory
    // Null in JSON: unbounded.
    const size = auto.shares[cache]?.bytes ?? (memory?.capacityBytes as number | null | undefined) ?? 0
    const policy = auto.shares[cache]?.policy ?? policies[cache]
    return size > 0 ? [{ cache, bytes: size, used: memory?.bytes, policy }] : []
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0)
}
