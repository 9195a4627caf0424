// The rows of `op-dbus bench`: what is asked in each, computed, from disk and from memory. Everything lies in the folder that is given.
import { isOpDbusError, messageOf, OpDbusError } from '../../../errors.js'
import type { OpenOptions } from '../../../node.js'
import type { PluginInfo } from '../../../state/reports.js'
import { openState, type State, type StateOptions } from '../../../state.js'
import type { Terminal } from '../../terminal.js'
import { medianOf, perCall, timed } from './measure.js'
import { sampleDesired, samplePlugin } from './sample-state.js'

/** Medians, ms. */
export interface Measured {
  readonly computedMs: number
  /** Undefined where nothing of it lies on disk. */
  readonly diskMs?: number
  /** Undefined where it is not kept. */
  readonly memoryMs?: number
  /** How many times longer computing takes. */
  readonly memorySaves?: number
}

export interface BenchRow extends Partial<Measured> {
  readonly name: string
  /** Why it was not measured. */
  readonly reason?: string
}

type Settings = StateOptions & { readonly dir: string; readonly dataDir: string }

/** Opening everything anew takes its time, and says the same. */
export const DISK_ROUNDS = 5
const EVENT = 'Created container 100'
const BLOCK = 100
const BLOCKS = 1000

export async function measureAll(settings: Settings, rounds: number, terminal: Terminal): Promise<BenchRow[]> {
  const { signal } = terminal
  const rows: BenchRow[] = []
  const add = async (name: string, measure: () => Promise<Measured>) => {
    terminal.status(`measuring: ${name} ...`)
    rows.push(await rowOf(name, measure, signal))
  }
  const { dataDir, pluginModules, ...cacheSettings } = settings
  await using(openState(settings), async state => {
    for (const info of await state.plugins({ signal })) {
      await add(`query ${info.name}`, () => queryTimes(settings, state, info, rounds, signal))
    }
    await add(`vectorise "${EVENT}"`, () => vectorTimes(cacheSettings, rounds, signal))
    await add('compute diff of 1 MB', () => diffTimes(settings, rounds))
    await add(`get block ${BLOCK}`, () => blockTimes(cacheSettings, dataDir, rounds, signal))
  })
  return rows
}

/** A row that fails is told as one that was not measured; the others are measured all the same. */
async function rowOf(name: string, measure: () => Promise<Measured>, signal: AbortSignal): Promise<BenchRow> {
  try {
    const { computedMs, diskMs, memoryMs } = await measure()
    const memorySaves = memoryMs === undefined ? undefined : computedMs / memoryMs
    return { name, computedMs, diskMs, memoryMs, memorySaves }
  } catch (error) {
    if (signal.aborted || !isOpDbusError(error)) throw error
    return { name, reason: messageOf(error) }
  }
}

async function queryTimes(
  settings: StateOptions,
  state: State,
  info: PluginInfo,
  rounds: number,
  signal: AbortSignal,
): Promise<Measured> {
  const { name } = info
  if (!info.available) throw new OpDbusError('PLUGIN_UNAVAILABLE', info.reason ?? 'not available')
  const ask = async (of: State, fresh: boolean) => {
    const { sources, trouble } = await of.query([name], { fresh, signal })
    const wrong = trouble[name]
    if (wrong) throw new OpDbusError('PLUGIN_FAILED', wrong.message)
    return sources[name]
  }
  // The first question also connects, or loads what it takes.
  await ask(state, true)
  const computedMs = await medianOf(rounds, () => timed(() => ask(state, true)))
  const memoryMs = await perCall(rounds, async () => (await ask(state, false)) === 'memory')

  let onDisk = true
  const diskMs = await medianOf(Math.min(rounds, DISK_ROUNDS), async () => {
    await using(openState(settings), other => ask(other, true))
    let source: string | undefined
    const ms = await timedOpen(
      () => openState(settings),
      async another => {
        source = await ask(another, false)
      },
    )
    onDisk &&= source === 'disk'
    return ms
  })
  return { computedMs, memoryMs, ...(onDisk && { diskMs }) }
}

async function vectorTimes(settings: OpenOptions, rounds: number, signal: AbortSignal): Promise<Measured> {
  const { computedMs, memoryMs } = await using(openCaches(settings), async ({ embeddings }) => {
    // The first one also loads the model.
    await embeddings.getOrEmbed(EVENT, { signal })
    const computedMs = await medianOf(rounds, round =>
      timed(() => embeddings.getOrEmbed(`Created container ${101 + round}`, { signal })),
    )
    const memoryMs = await perCall(
      rounds,
      async () => (await embeddings.getOrEmbed(EVENT, { signal })).source === 'memory',
    )
    return { computedMs, memoryMs }
  })
  let onDisk = true
  const diskMs = await medianOf(Math.min(rounds, DISK_ROUNDS), () =>
    timedOpen(
      () => openCaches(settings),
      async ({ embeddings }) => {
        onDisk &&= (await embeddings.getOrEmbed(EVENT, { signal })).source === 'disk'
      },
    ),
  )
  return { computedMs, memoryMs, ...(onDisk && { diskMs }) }
}

/** A diff as a program asks for it: of a state that the cache holds, and a desired file that was read. */
async function diffTimes(settings: StateOptions, rounds: number): Promise<Measured> {
  const options = { ...settings, pluginModules: [], plugins: [samplePlugin], queryCacheTtl: 3600 }
  return using(openState(options), async state => {
    const desired = (round: number) => state.readDesired(JSON.stringify(sampleDesired(round)), 'sample')
    // The first one asks for the state.
    await state.diff(await desired(-1))
    const computedMs = await medianOf(rounds, async round => {
      const other = await desired(round)
      return timed(() => state.diff(other))
    })
    const same = await desired(-1)
    const memoryMs = await perCall(rounds, async () => (await state.diff(same)).sources[samplePlugin.name] === 'memory')
    return { computedMs, memoryMs }
  })
}

/** A block of a chain of its own. Computed is: read from its segment and checked, each time, as where nothing is cached. */
async function blockTimes(
  settings: OpenOptions,
  dataDir: string,
  rounds: number,
  signal: AbortSignal,
): Promise<Measured> {
  const { openChain } = await import('../../../blockchain.js')
  // No vectors: they would be made meanwhile.
  const open = (others: OpenOptions = {}) => openChain({ ...settings, ...others, model: 'none', dataDir })
  const footprints = Array.from({ length: BLOCKS }, (_, i) => ({
    plugin_id: 'bench',
    operation: 'create',
    text: `Created container ${i}`,
  }))
  const computedMs = await using(open({ blockCacheSize: 0 }), async chain => {
    await chain.addBatch(footprints, { signal })
    // The first one also finds out where blocks lie.
    await chain.getBlock(BLOCK)
    return medianOf(rounds, () => timed(() => chain.getBlock(BLOCK)))
  })
  const memoryMs = await using(open(), async chain => {
    await chain.getBlock(BLOCK)
    return perCall(rounds, async () => (await chain.getBlock(BLOCK)) !== undefined)
  })
  return { computedMs, memoryMs }
}

/** Loaded as the state loads it: its file is one that other commands need as well. */
async function openCaches(settings: OpenOptions) {
  return (await import('../../../node.js')).openCaches(settings)
}

async function using<T extends { close(): Promise<void> }, R>(
  opening: Promise<T>,
  work: (opened: T) => Promise<R>,
): Promise<R> {
  const opened = await opening
  try {
    return await work(opened)
  } finally {
    await opened.close()
  }
}

/** Opening counts, closing does not. */
async function timedOpen<T extends { close(): Promise<void> }>(
  open: () => Promise<T>,
  work: (opened: T) => Promise<unknown>,
): Promise<number> {
  const start = performance.now()
  return using(open(), async opened => {
    await work(opened)
    return performance.now() - start
  })
}
