// What each call of the chain may be told. A word that is none of these was meant for something: it is refused, with the one that is
// nearest. Of values it looks at the signal and at what is yes or no.
import { OpDbusError } from '../errors.js'
import { visible } from '../format.js'
import { nearest } from '../nearest.js'
import { signalOf } from '../realms.js'
import type { WriteCall } from './ports.js'
import type { RepairCall } from './repair-reports.js'
import type {
  ExportCall,
  ImportCall,
  KeyCall,
  ListCall,
  ProofCall,
  PruneCall,
  SearchCall,
  SnapshotCall,
  SnapshotPruneCall,
  StatsCall,
  StreamCall,
  TilesCall,
  VerifyCall,
} from './reports.js'

/** Every member: the compiler tells where one is missing. */
type Members<T> = Readonly<Record<keyof T, true>>

const WRITE: Members<WriteCall> = { signal: true, onWait: true }
const FILTER = { plugin: true, operation: true, since: true, until: true } as const
const RETENTION = { hourly: true, daily: true, weekly: true, quarterly: true, last: true, within: true } as const
const TOLD = { onProgress: true, signal: true } as const

const CALLS = {
  addBatch: WRITE,
  list: { ...FILTER, limit: true, before: true, signal: true } satisfies Members<ListCall>,
  stream: { from: true, follow: true, signal: true } satisfies Members<StreamCall>,
  verify: { full: true, vectors: true, head: true, keys: true, ...TOLD } satisfies Members<VerifyCall>,
  export: { ...FILTER, from: true, to: true, ...TOLD } satisfies Members<ExportCall>,
  import: { format: true, ...TOLD } satisfies Members<ImportCall>,
  search: { ...FILTER, k: true, by: true, wait: true, ...TOLD } satisfies Members<SearchCall>,
  key: { origin: true, renew: true, signal: true } satisfies Members<KeyCall>,
  consistency: { signal: true } satisfies Members<Pick<ProofCall, 'signal'>>,
  proof: { head: true, signal: true } satisfies Members<ProofCall>,
  exportTiles: TOLD satisfies Members<TilesCall>,
  prune: {
    ...RETENTION,
    ...WRITE,
    dryRun: true,
    everything: true,
    agree: true,
    onProgress: true,
  } satisfies Members<PruneCall>,
  snapshot: WRITE,
  snapshots: { full: true, signal: true } satisfies Members<SnapshotCall>,
  restore: WRITE,
  repair: { ...WRITE, dryRun: true, dropBodies: true, onProgress: true } satisfies Members<RepairCall>,
  pruneSnapshots: { ...RETENTION, dryRun: true, everything: true } satisfies Members<SnapshotPruneCall>,
  stats: TOLD satisfies Members<StatsCall>,
}

const FLAGS = ['full', 'vectors', 'follow', 'wait', 'renew', 'dryRun', 'everything', 'dropBodies']

/** @throws OpDbusError INVALID_INPUT where `call` is none, or has a member that `name` does not know, or a flag that is neither true nor false */
export function known(name: keyof typeof CALLS, call: object): void {
  if (typeof call !== 'object' || call === null) {
    throw new OpDbusError('INVALID_INPUT', `${name} takes its options as an object`)
  }
  signalOf(call)
  for (const flag of FLAGS) {
    const value = (call as Readonly<Record<string, unknown>>)[flag]
    if (value === undefined || typeof value === 'boolean') continue
    throw new OpDbusError('INVALID_INPUT', `${flag} is true or false`, { details: { option: flag } })
  }
  const members = Object.keys(CALLS[name])
  const strange = Object.keys(call).find(member => !members.includes(member))
  if (strange === undefined) return
  const meant = nearest(strange, members)
  const hint = meant === undefined ? `there are: ${members.join(', ')}` : `did you mean "${meant}"?`
  throw new OpDbusError('INVALID_INPUT', `${name} has no option "${visible(strange).slice(0, 80)}"; ${hint}`, {
    details: { option: strange },
  })
}
