// Finished rows on their way into the cache: however many arrive at once, the event loop gets its turns, each row is told once, and
// what is dropped meanwhile is neither told to the embedder nor counted again.
import { describe, expect, it } from 'vitest'
import type { LoadSink } from '../../src/cache/loader.js'
import { EmbeddingLoader } from '../../src/caches/embedding-loader.js'
import type { Embedder, Embedding, EmbedJob, Space } from '../../src/ports.js'

const ROWS = 1000

class Hand implements Embedder {
  readonly space = 'by hand' as Space
  readonly description = {}
  readonly dims = 1
  readonly jobs: EmbedJob[] = []
  readonly dropped: number[] = []
  room = 2 * ROWS

  submit(job: EmbedJob): void {
    this.jobs.push(job)
    this.room -= job.texts.length
  }

  drop(_job: EmbedJob, rows: readonly number[]): void {
    this.dropped.push(...rows)
    this.room += rows.length
  }

  /** Rows `from` up to `to` of the job are finished; the vector of a text is its number. */
  finish(job: EmbedJob, from: number, to: number): void {
    const rows = Array.from({ length: to - from }, (_, i) => from + i)
    const zeros = new Uint8Array(rows.length)
    this.room += rows.length
    const matrix = Float32Array.from(rows, row => Number(job.texts[row]))
    job.done({ rows, matrix, tokens: zeros, truncated: zeros, device: 'custom' })
  }

  async close(): Promise<void> {}
}

class Sink implements LoadSink<Embedding> {
  readonly told = new Map<number, number>()
  readonly failures = new Map<number, unknown>()
  fault: Error | undefined

  loaded(rows: ArrayLike<number>, values: readonly Embedding[]): void {
    if (this.fault) throw this.fault
    for (const [i, { vector }] of values.entries()) {
      expect(this.told.has(rows[i]!)).toBe(false)
      this.told.set(rows[i]!, vector[0]!)
    }
  }

  failed(rows: readonly number[], error: unknown): void {
    for (const row of rows) this.failures.set(row, error)
  }
}

/** On which every piece takes longer than a turn may. */
function begin() {
  let now = 0
  const embedder = new Hand()
  const loader = new EmbeddingLoader(embedder, { monotonic: () => (now += 5) })
  const sink = new Sink()
  const texts = Array.from({ length: ROWS }, (_, i) => `${i}`)
  const loading = loader.inTurn(texts, sink)
  return { embedder, loader, sink, texts, loading, job: embedder.jobs[0]! }
}

async function untilTold({ told }: Sink, rows: number): Promise<number> {
  let turns = 0
  for (; told.size < rows; turns++) await new Promise(resolve => setImmediate(resolve))
  return turns
}

describe('a batch that is bounded', () => {
  it('is refused as a whole while there is no room or others wait, and once let in waits for room', () => {
    const { embedder, loader, texts, job } = begin()
    const large = loader.bounded()
    // There is room for half of it.
    large.load([...texts, ...texts.map(text => `0${text}`)], new Sink())
    const refused = loader.bounded()
    expect(() => refused.load(['1'], new Sink())).toThrow(expect.objectContaining({ code: 'OVERLOADED' }))
    // What it came to first holds for the rest of it, and others are no better off while the large one waits.
    embedder.room = 5
    expect(() => refused.load(['2'], new Sink())).toThrow(refused.refused!)
    expect(() => loader.bounded().load(['3'], new Sink())).toThrow(expect.objectContaining({ code: 'OVERLOADED' }))
    embedder.room = 0
    large.load(['4'], new Sink())
    expect(large.refused).toBeUndefined()
    expect(job.texts).toHaveLength(ROWS)
  })
})

describe('rows that arrive together', () => {
  it('are told in pieces with turns between, each with its own vector', async () => {
    const { embedder, sink, job } = begin()
    embedder.finish(job, 0, 600)
    embedder.finish(job, 600, ROWS)
    expect(sink.told.size).toBeLessThan(ROWS / 4)
    expect(await untilTold(sink, ROWS)).toBeGreaterThanOrEqual(4)
    for (const [row, value] of sink.told) expect(value).toBe(row)
  })

  it('are told without a turn when the cache closes', () => {
    const { embedder, loader, sink, job } = begin()
    embedder.finish(job, 0, ROWS)
    loader.tellAll()
    expect(sink.told.size).toBe(ROWS)
    loader.tellAll()
  })

  it('and are dropped before they are told, are no longer the embedder’s to drop', async () => {
    const { embedder, loader, sink, texts, loading, job } = begin()
    embedder.finish(job, 0, 600)
    const untold = texts.map((_, row) => row).filter(row => !sink.told.has(row))
    loading.drop(untold, new Error('gone'))
    expect(embedder.dropped).toEqual(texts.map((_, row) => row).slice(600))
    // Nothing is in hand: an embedder without room is asked once more, so that somebody says that it is overloaded.
    embedder.room = 0
    loader.inTurn(['1', '2'], new Sink())
    expect(embedder.jobs.at(-1)!.texts).toEqual(['1'])
    await untilTold(sink, 600)
  })

  it('fail with what the cache throws, and those behind them are told', async () => {
    const { embedder, sink, job } = begin()
    sink.fault = new Error('no')
    embedder.finish(job, 0, 200)
    const failed = [...sink.failures.keys()]
    expect(failed.length).toBeGreaterThan(0)
    sink.fault = undefined
    await untilTold(sink, 200 - failed.length)
  })
})
