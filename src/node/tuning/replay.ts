// Replays a list of requests through the memory tier that the caches have, under one policy after the other, and takes the time. Its hits are what
// a simulation says; what it adds is what a request costs.
import type { EvictionPolicy, PolicyName } from '../../cache/eviction.js'
import { MemoryTier } from '../../cache/memory-tier.js'
import { throwIfAborted } from '../../errors.js'
import { denseKeys } from '../../tuning/dense-keys.js'
import { POLICIES } from '../../tuning/policies.js'
import { OUTCOMES, type Requests } from '../../tuning/requests.js'
import type { Simulated } from '../../tuning/simulate.js'
import { nodeClock } from '../runtime.js'

export interface Replayed extends Simulated {
  readonly policy: PolicyName
  /** Nanoseconds of a request, look-up and putting together, in the fastest round. */
  readonly nanos: number
  /** What the policy takes in memory. */
  readonly policyBytes: number
}

export interface ReplayOptions {
  readonly policies: readonly PolicyName[]
  /** Entries. */
  readonly capacity: number
  readonly rounds: number
  readonly signal: AbortSignal
  /** Told before each replay. */
  readonly onReplay?: (policy: PolicyName, round: number) => void
}

const ABSENT = OUTCOMES.indexOf('absent')
const FAILED = OUTCOMES.indexOf('failed')

/** Policies take turns, so that what else the machine does meets all of them. */
export async function replay(requests: Requests, options: ReplayOptions): Promise<Replayed[]> {
  const { policies, rounds, signal, onReplay } = options
  const entries = entriesOf(requests)
  const found = new Map<PolicyName, Replayed>()
  for (let round = 0; round < rounds; round++) {
    for (const policy of policies) {
      onReplay?.(policy, round)
      // So that a signal is heard.
      await new Promise(done => setImmediate(done))
      throwIfAborted(signal)
      const before = found.get(policy)
      const now = replayOnce(requests, entries, policy, options.capacity)
      found.set(policy, before === undefined || now.nanos < before.nanos ? now : before)
    }
  }
  return policies.map(policy => found.get(policy)!)
}

/** What stands for a value. */
interface Value {
  readonly bytes: number
}

interface Entries {
  /** By request: the number of its key. */
  readonly numbers: Uint32Array
  /** By number. */
  readonly ids: readonly string[]
  readonly values: readonly Value[]
}

function entriesOf(requests: Requests): Entries {
  const { numbers } = denseKeys(requests)
  const ids: string[] = []
  const values: Value[] = []
  for (let i = 0; i < numbers.length; i++) {
    if (numbers[i]! < ids.length) continue
    ids.push(`${requests.cache[i]}${requests.key[i]!.toString(36)}`)
    values.push({ bytes: Math.max(1, requests.bytes[i]!) })
  }
  return { numbers, ids, values }
}

function replayOnce({ cost, outcome }: Requests, entries: Entries, policy: PolicyName, capacity: number): Replayed {
  const { numbers, ids, values } = entries
  let made: EvictionPolicy | undefined
  const memory = new MemoryTier<Value>({
    capacity,
    capacityBytes: Number.POSITIVE_INFINITY,
    sizeOf: value => value.bytes,
    policy: (...of) => {
      made = POLICIES[policy](...of)
      return made
    },
    clock: nodeClock(),
  })
  let hits = 0
  let all = 0
  let saved = 0
  const start = process.hrtime.bigint()
  for (let i = 0; i < numbers.length; i++) {
    const micros = cost[i]!
    all += micros
    const how = outcome[i]!
    if (how === ABSENT || how === FAILED) continue
    const number = numbers[i]!
    if (memory.get(ids[number]!) === undefined) memory.set(ids[number]!, values[number]!, undefined, micros)
    else {
      hits++
      saved += micros
    }
  }
  const nanos = Number(process.hrtime.bigint() - start) / Math.max(1, numbers.length)
  return { policy, requests: numbers.length, hits, cost: all, saved, nanos, policyBytes: made?.bytes ?? 0 }
}
