// Where the worker's time goes: the embedder alone, without a cache, by the padded tokens that a batch may hold.
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { spawnNodeProcess } from '../../src/backends/process-node.js'
import { WorkerEmbedder } from '../../src/embedder/client/worker-embedder.js'
import type { WorkTimes } from '../../src/embedder/protocol.js'
import { findModel } from '../../src/hub/find.js'
import type { Device } from '../../src/ports.js'
import { builtinModel, type Library } from '../bench/library.js'
import type { Setup } from './models.js'
import { shortLines } from './short-lines.js'
import { threadTimes } from './threads.js'

/** 0: found by measuring. */
const BUDGETS = [0, 2048, 8192, 32_768]
/** Texts in one job, and how many jobs are in hand at once. */
const JOB = { gpu: 2048, cpu: 64 } as const
const IN_HAND = 4

export interface StationRow {
  readonly what: string
  readonly device: string
  readonly budget: number | undefined
  readonly textsPerSecond: number
  readonly rowsInBatch: number
  readonly tokensOfText: number
  /** Share of the caller's thread. */
  readonly caller: number
  /** Shares of the worker's thread. */
  readonly shares: Readonly<Record<string, number>>
}

export async function stations(
  library: Library,
  setups: readonly Setup[],
  limitMs: number,
  print: (text: string) => void,
): Promise<unknown[]> {
  const texts = shortLines(65_536)
  const rows: unknown[] = []
  for (const setup of setups) {
    for (const budget of setup.device === 'cpu' ? [0] : BUDGETS) {
      try {
        const row = await measure(library, setup, texts, budget, limitMs)
        rows.push(row)
        const shares = Object.entries(row.shares).map(([name, share]) => `${name} ${Math.round(100 * share)}%`)
        const head = `${setup.device.padEnd(7)}${setup.label.padEnd(14)}${row.budget === undefined ? 'budget not yet found' : `${budget === 0 ? 'found ' : ''}${row.budget} tokens`}`
        const figures = `${row.textsPerSecond} texts/s, ${row.rowsInBatch} rows a batch, ${row.tokensOfText} tokens a text`
        print(`${head}: ${figures}; caller ${Math.round(100 * row.caller)}%; worker: ${shares.join(', ')}\n`)
      } catch (error) {
        rows.push({ what: setup.label, device: setup.device, budget, refused: (error as Error).message })
        print(`${setup.device} ${setup.label}: ${(error as Error).message}\n`)
      }
    }
  }
  return rows
}

async function measure(library: Library, setup: Setup, texts: readonly string[], budget: number, limitMs: number) {
  const device = setup.device as Device
  const folder = setup.model === 'builtin' ? builtinModel(library) : setup.model
  const spec = await findModel(folder, { builtinDir: folder, env: {}, home: folder }, { dtype: setup.dtype })
  let times: WorkTimes | undefined
  const embedder = new WorkerEmbedder({
    spec,
    spawn: () => spawnNodeProcess(pathToFileURL(join(library.folder, 'dist', 'node-worker.js'))),
    plan: async () => ({ devices: [device], proven: [device] }),
    workers: 1,
    threads: availableParallelism(),
    maxQueue: 131_072,
    idleUnloadMs: 0,
    timer: () => () => undefined,
    maxBatchTokens: budget === 0 ? undefined : budget,
    onTimes: now => {
      times = now
    },
  })
  try {
    const job = JOB[device === 'cpu' ? 'cpu' : 'gpu']
    await feed(embedder, texts, job, limitMs, 8192)
    const before = times!
    const [threads, start] = [threadTimes(), performance.now()]
    const done = await feed(embedder, texts, job, limitMs, texts.length)
    const ms = performance.now() - start
    const caller = threadTimes(threads, ms).find(({ name }) => name === 'main')?.share ?? 0
    const spent = Object.fromEntries(
      Object.entries(times!).map(([name, x]) => [name, x - before[name as keyof WorkTimes]]),
    )
    const { batches = 0, rows = 0, paddedTokens = 0, ...phases } = spent
    const all = Object.values(phases).reduce((sum, x) => sum + x, 0)
    const shares = Object.fromEntries(Object.entries(phases).map(([name, x]) => [name, x / all]))
    return {
      what: setup.label,
      device: setup.device,
      budget: embedder.status.batchTokens,
      textsPerSecond: Math.round((1000 * done) / ms),
      rowsInBatch: Math.round(rows / batches),
      tokensOfText: Number((paddedTokens / rows).toFixed(1)),
      caller,
      shares,
    } satisfies StationRow
  } finally {
    await embedder.close()
  }
}

/** Embeds up to `most` texts for up to `limitMs`, several jobs at a time; how many were done. */
async function feed(
  embedder: WorkerEmbedder,
  texts: readonly string[],
  job: number,
  limitMs: number,
  most: number,
): Promise<number> {
  const end = performance.now() + limitMs
  let [next, done] = [0, 0]
  const lane = async () => {
    while (next < most && performance.now() < end) {
      const part = texts.slice(next, next + job)
      next += part.length
      await whole(embedder, part)
      done += part.length
    }
  }
  await Promise.all(Array.from({ length: IN_HAND }, lane))
  return done
}

function whole(embedder: WorkerEmbedder, texts: readonly string[]): Promise<void> {
  let open = texts.length
  return new Promise((resolve, reject) => {
    embedder.submit({
      texts,
      done({ rows }) {
        open -= rows.length
        if (open === 0) resolve()
      },
      failed: (_rows, error) => reject(error),
    })
  })
}
