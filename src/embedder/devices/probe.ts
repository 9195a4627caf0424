// One device put to the test with one model: does it open, compute the right vectors, compute them itself, and how fast.

import { asFailure, messageOf, OpDbusError } from '../../errors.js'
import type { Backend, BackendFactory, BackendOptions, Clock, Device, OnnxFile } from '../../ports.js'
import type { ModelSpec } from '../model/spec.js'
import type { Tokenize } from '../tokenizer/load-tokenizer.js'
import { isGpu, optionsOn } from './order.js'
import { runBatch } from './run-batch.js'
import { CHECK_TEXTS, type CheckResult, checkDevice, makeReference, type Reference, shareOn } from './self-check.js'

/** What a probe found. Plain data: crosses between processes. */
export interface ProbeResult extends Partial<CheckResult> {
  readonly device: Device
  readonly works: boolean
  /** Why it does not. */
  readonly reason?: string
  /** It was not there to be tried, so nothing has failed. */
  readonly absent?: boolean
  /** Share of the graph's heavy nodes that ran on the device itself, 0 to 1; absent where the runtime cannot tell. */
  readonly share?: number
  /** Why token vectors are pooled beside the device rather than on it; absent where they are not, or where that costs nothing. */
  readonly unpooled?: string
  /** Short texts, in batches where one alone is quick. */
  readonly textsPerSecond?: number
  /** The same on the CPU, where it was opened for the reference. */
  readonly cpuTextsPerSecond?: number
  /** The CPU's vectors, where it was opened: what the next device can be compared with. */
  readonly reference?: Reference
}

export interface ProbeOptions {
  readonly spec: ModelSpec
  readonly file: OnnxFile
  readonly tokenize: Tokenize
  readonly options: BackendOptions
  /** What the device must reproduce. A GPU is always compared with the CPU beside it; so are others without a reference. */
  readonly reference?: Reference
  readonly clock: Clock
}

/** Below this share of heavy nodes a GPU is one in name only. */
const LEAST_SHARE = 0.5
/** One text that takes this long, in ms, tells enough: no batches are timed. */
const SLOW_MS = 250
/** Batches are timed for about this long, and this often at most. */
const TIMED_MS = 400
const TIMED_RUNS = 20
const COPIES = 8

/** Never rejects for what the device does: that is the result. `cpu` makes the reference where one is needed. */
export async function probeDevice(
  factory: BackendFactory,
  cpu: BackendFactory,
  probe: ProbeOptions,
): Promise<ProbeResult> {
  const { device } = factory
  let made: { reference: Reference; cpuTextsPerSecond: number } | undefined
  try {
    const own = device === 'cpu'
    if (isGpu(device) || (probe.reference === undefined && !own)) made = await onCpu(cpu, probe)
    const found = await check(factory, probe, made?.reference ?? probe.reference)
    const backend = await factory.open(probe.file, optionsOn(device, probe.options, probe.spec.pooling))
    try {
      const textsPerSecond = await speed(backend, probe)
      const reference = own && { reference: await makeReference(backend, probe.spec, probe.tokenize) }
      return { device, works: true, ...found, textsPerSecond, ...made, ...reference }
    } finally {
      await backend.close()
    }
  } catch (error) {
    const { cosine, maxDiff, share } = asFailure(error).details as Partial<ProbeResult>
    const seen = Object.entries({ cosine, maxDiff, share }).filter(([, value]) => value !== undefined)
    return { device, works: false, reason: messageOf(error), ...Object.fromEntries(seen), ...made }
  }
}

async function onCpu(cpu: BackendFactory, probe: ProbeOptions) {
  const backend = await cpu.open(probe.file, probe.options)
  try {
    const reference = await makeReference(backend, probe.spec, probe.tokenize)
    return { reference, cpuTextsPerSecond: await speed(backend, probe) }
  } finally {
    await backend.close()
  }
}

/** The check itself, in a session that notes which provider runs each node. */
async function check(factory: BackendFactory, probe: ProbeOptions, known: Reference | undefined) {
  const backend = await factory.open(probe.file, {
    ...optionsOn(factory.device, probe.options, probe.spec.pooling),
    profile: isGpu(factory.device),
  })
  try {
    // With nothing to compare it with, the CPU has only to answer with numbers: it is the reference.
    const found = known
      ? await checkDevice(backend, probe.spec, probe.tokenize, known)
      : void (await makeReference(backend, probe.spec, probe.tokenize))
    const share = backend.profile && factory.provider && shareOn(factory.provider, await backend.profile())
    const unpooled = backend.unpooled !== undefined && { unpooled: backend.unpooled }
    if (typeof share !== 'number') return { ...found, ...unpooled }
    if (share < LEAST_SHARE)
      throw new OpDbusError(
        'DEVICE_UNAVAILABLE',
        `it opens, but ${Math.round(100 * (1 - share))} % of the work runs on the CPU`,
        { details: { ...found, share } },
      )
    return { ...found, share, ...unpooled }
  } finally {
    await backend.close().catch(() => undefined)
  }
}

/** Texts per second, best of some runs: the first of each shape pays for compiling. */
async function speed(backend: Backend, { spec, tokenize, clock }: ProbeOptions): Promise<number> {
  const rows = CHECK_TEXTS.map(text => tokenize(text))
  const sums = new Float64Array(spec.dims)
  const time = async (items: readonly { readonly ids: readonly number[] }[]) => {
    const start = clock.monotonic()
    await runBatch(backend, spec, items, sums)
    return clock.monotonic() - start
  }
  const one = [rows[0]!]
  await time(one)
  const alone = await time(one)
  if (alone > SLOW_MS || spec.rowsAlone) return 1000 / alone
  const batch = Array.from({ length: COPIES }, () => rows).flat()
  await time(batch)
  let best = Infinity
  const until = clock.monotonic() + TIMED_MS
  for (let run = 0; run < TIMED_RUNS && (run === 0 || clock.monotonic() < until); run++)
    best = Math.min(best, await time(batch))
  return (1000 * batch.length) / best
}
