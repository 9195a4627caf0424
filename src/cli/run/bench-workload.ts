// `op-dbus bench --workload`: one list of requests under each eviction policy, in the memory that the caches have. Opens no cache.
import { availableParallelism, cpus } from 'node:os'
import type { PolicyName } from '../../cache/eviction.js'
import { invalid } from '../../errors.js'
import { commas, count, duration, table, visible } from '../../format.js'
import { type Replayed, replay } from '../../node/tuning/replay.js'
import { denseKeys } from '../../tuning/dense-keys.js'
import { POLICIES } from '../../tuning/policies.js'
import { VERSION } from '../../version.js'
import type { Terminal } from '../terminal.js'
import { type WorkloadPart, workloadOf } from './bench/workloads.js'
import { jsonText } from './telling.js'

export interface WorkloadValues {
  readonly workload: string
  readonly capacity?: string | undefined
  /** Undefined: as many as there is time for. */
  readonly rounds: number | undefined
  readonly json: boolean
}

/** Parts of all keys that memories have room for, where nobody says how much. */
const PARTS = [0.01, 0.1] as const
/** Above so many requests one round takes seconds. */
const MANY = 500_000
const ROUNDS = 3
const MOST_ENTRIES = 2 ** 30

/** One policy at one size. */
interface Row extends Replayed {
  readonly hitRate: number
  readonly savedRate: number
}

interface Size {
  readonly cache: string
  readonly requests: number
  readonly keys: number
  /** Of all keys. */
  readonly sampled: number
  /** Entries, of all keys, and of those that were replayed. */
  readonly capacity: number
  readonly replayed: number
  readonly policies: readonly Row[]
}

export async function benchWorkload(values: WorkloadValues, terminal: Terminal): Promise<number> {
  const wanted = capacityIn(values.capacity)
  const { about, parts, notes } = await workloadOf(values.workload, terminal.signal)
  for (const note of notes) terminal.say(`op-dbus: ${visible(note)}`)
  const sizes: Size[] = []
  try {
    for (const part of parts) {
      for (const capacity of capacitiesOf(part, wanted)) sizes.push(await sizeOf(part, capacity, values, terminal))
    }
  } finally {
    terminal.status('')
  }
  const machine = `${availableParallelism()} x ${cpus()[0]?.model.trim() || process.arch}`
  if (values.json) {
    const told = { workload: values.workload, version: VERSION, node: process.version, machine }
    await terminal.out(jsonText({ 'op-dbus': 'bench', ...told, sizes: sizes.map(jsonOf) }))
  } else {
    await terminal.out(text(visible(about), machine, sizes))
  }
  return 0
}

function capacityIn(given: string | undefined): number | undefined {
  if (given === undefined) return undefined
  const capacity = Number(given)
  if (/^\d+$/.test(given) && capacity >= 1 && capacity <= MOST_ENTRIES) return capacity
  throw invalid(`--capacity ${JSON.stringify(given)} is not a whole number from 1 to ${MOST_ENTRIES}`)
}

function capacitiesOf({ requests, rate }: WorkloadPart, wanted: number | undefined): number[] {
  if (wanted !== undefined) return [wanted]
  const keys = denseKeys(requests).count / rate
  return [...new Set(PARTS.map(part => Math.max(1, Math.round(part * keys))))]
}

async function sizeOf(part: WorkloadPart, capacity: number, values: WorkloadValues, terminal: Terminal): Promise<Size> {
  const { cache, requests, rate } = part
  const replayed = Math.max(1, Math.round(capacity * rate))
  const rounds = values.rounds ?? (requests.length > MANY ? 1 : ROUNDS)
  const rows = await replay(requests, {
    policies: Object.keys(POLICIES) as PolicyName[],
    capacity: replayed,
    rounds,
    signal: terminal.signal,
    onReplay: (policy, round) =>
      terminal.status(`${cache}, ${commas(capacity)} entries: ${policy}, round ${round + 1} of ${rounds}`),
  })
  const policies = rows.map(row => ({
    ...row,
    hitRate: row.hits / row.requests,
    savedRate: row.cost > 0 ? row.saved / row.cost : 0,
  }))
  const keys = denseKeys(requests).count
  return { cache, requests: requests.length, keys, sampled: rate, capacity, replayed, policies }
}

function jsonOf({ policies, replayed, ...size }: Size): unknown {
  return {
    ...size,
    policies: policies.map(({ policy, hits, hitRate, savedRate, nanos, policyBytes }) => ({
      policy,
      hits,
      hitRate,
      savedRate,
      nanosPerRequest: Math.round(nanos),
      policyBytes,
      bytesPerEntry: policyBytes / replayed,
    })),
  }
}

function text(about: string, machine: string, sizes: readonly Size[]): string {
  const percent = (part: number) => `${(100 * part).toFixed(2)} %`
  const lines = [`Replayed just now on this machine: ${machine}, Node ${process.version}.`, '']
  for (const { cache, requests, keys, capacity, replayed, sampled, policies } of sizes) {
    const sample = sampled < 1 ? `, a sample of ${percent(sampled)} of all` : ''
    lines.push(
      `${about}: ${count(requests)} requests for ${count(keys)} ${cache}${sample}`,
      `in a memory of ${capacity === 1 ? '1 entry' : `${count(capacity)} entries`}`,
    )
    const base = policies.find(({ policy }) => policy === 'lru')?.nanos ?? 0
    const rows = policies.map(({ policy, hitRate, savedRate, nanos, policyBytes }) => [
      `  ${policy}`,
      percent(hitRate),
      percent(savedRate),
      duration(nanos / 1e6),
      base > 0 ? `${(nanos / base).toFixed(2)}x` : '',
      `${count(policyBytes / replayed)} B`,
    ])
    const heading = ['  policy', 'hits', 'time saved', 'a request', "lru's", 'an entry']
    lines.push(table([heading, ...rows], [1, 2, 3, 4, 5]), mostSaved(policies))
  }
  return [
    ...lines,
    'Time saved: of all that computing would take with no memory. A request: asking memory, and',
    "putting there what was missing; as many times what it takes under lru, in the column of lru's.",
    'An entry: what the policy keeps for it, beside the entry.',
    '',
  ].join('\n')
}

/** Policies that know of costs are not always the ones that save most: where costs say little of what will be asked for again they are in the way. */
function mostSaved(policies: readonly Row[]): string {
  const most = Math.max(...policies.map(({ savedRate }) => savedRate))
  if (most === 0) return '  Nothing was saved.'
  const best = policies.filter(({ savedRate }) => savedRate === most).map(({ policy }) => policy)
  return `  Most time saved: ${best.join(', ')}.`
}
