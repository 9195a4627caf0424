// Computing vectors: many texts against transformers.js, one text against the bare session, and what the caller's thread feels.
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RunningEmbedder } from '../../../src/ports.js'
import type { Library } from '../library.js'
import { logLines } from '../log-lines.js'
import { loopDelay, median, secondsOf, takeTurns } from '../measure.js'
import { openBare } from '../peers/bare.js'
import { openFastembed } from '../peers/fastembed.js'
import { type PeerModel, peerModel } from '../peers/model-files.js'
import { openTransformers } from '../peers/transformers.js'
import { type Bench, type Measured, type RowGroup, Skipped, WrongAnswer } from '../row.js'
import { checkDirections, cycle } from './fixtures.js'

/** For both sides. */
const THREADS = availableParallelism()
const LINES = 512
const BATCH_SIZES = [1, 8, 32, 128]
/** It has 256 as its default. */
const FASTEMBED_SIZES = [...BATCH_SIZES, 256]
/** Callers of the paced row: each asks for its next text when it has the one before. */
const CALLERS = 64
/** Both sides open the same file with the same runtime. */
const SAME_DIRECTION = 0.9999

/** Caches that keep nothing, so that every text is computed. */
function openUncached({ openCaches }: Library, folder: string, { name }: PeerModel) {
  return openCaches({
    dir: folder,
    model: name,
    threads: THREADS,
    device: 'cpu',
    embeddingCacheSize: 0,
    embeddingDiskCache: false,
  })
}

export const throughput: RowGroup = {
  id: 'throughput',
  async run({ library, folder, rounds, quick, model, progress }: Bench): Promise<Measured[]> {
    const files = peerModel({ library, model })
    const lines = logLines(quick ? 128 : LINES)
    const caches = await openUncached(library, folder, files)
    const peer = await openTransformers(files, THREADS)
    try {
      const { matrix, dims } = await caches.embeddings.embedMany(lines)
      checkDirections('embedMany()', matrix, await peer.embed(lines, 1), dims, SAME_DIRECTION)

      const perSecond = async (work: () => unknown) => lines.length / (await secondsOf(work))
      const oneByOne = (text: string) => caches.embeddings.getOrEmbed(text)
      const [ours = 0, paced = 0, ...peers] = await takeTurns(
        [
          { name: 'embedMany()', round: () => perSecond(() => caches.embeddings.embedMany(lines)) },
          { name: 'getOrEmbed()', round: () => perSecond(() => byCallers(CALLERS, lines, oneByOne)) },
          ...BATCH_SIZES.map(size => ({ name: `${size}`, round: () => perSecond(() => peer.embed(lines, size)) })),
        ],
        // A round takes seconds.
        Math.min(rounds, 5),
        round => progress(`round ${round}`),
      )
      const best = Math.max(...peers)
      const name = `transformers.js, batches of ${BATCH_SIZES[peers.indexOf(best)]}`
      const { running } = (await caches.stats()).embeddings
      const what = `${lines.length} log lines of mixed length, ${files.label} (${setup(running)})`
      const hold = { side: 'at least', times: 1.5 } as const
      const unit = 'texts/s'
      return [
        { id: 'throughput', what, unit, ours, peer: { name, value: best }, hold },
        {
          id: 'throughput-paced',
          what: `the same from ${CALLERS} callers, a text at a time`,
          unit,
          ours: paced,
          // It does not put callers together.
          peer: { name: 'transformers.js, batches of 1', value: peers[0]! },
        },
      ]
    } finally {
      await peer.close()
      await caches.close()
    }
  },
}

export const fastembed: RowGroup = {
  id: 'fastembed',
  async run({ library, folder, rounds, quick, model, progress }: Bench): Promise<Measured[]> {
    if (model === undefined)
      throw new Skipped('fastembed pools token vectors, and the built-in model has none: --model DIR')
    const files = peerModel({ library, model })
    const lines = logLines(quick ? 128 : LINES)
    const caches = await openUncached(library, folder, files)
    try {
      const { matrix, dims } = await caches.embeddings.embedMany(lines)
      const peer = await openFastembed(files, dims, THREADS)
      try {
        checkDirections('embedMany()', matrix, await peer.embed(lines), dims, SAME_DIRECTION)
        const [ours = 0, ...peers] = await takeTurns(
          [
            { name: 'embedMany()', round: () => secondsOf(() => caches.embeddings.embedMany(lines)) },
            ...FASTEMBED_SIZES.map(size => ({ name: `${size}`, round: () => peer.seconds(lines, size) })),
          ],
          Math.min(rounds, 5),
          round => progress(`round ${round}`),
        )
        const best = Math.min(...peers)
        const name = `fastembed ${peer.version}, batches of ${FASTEMBED_SIZES[peers.indexOf(best)]}`
        return [
          {
            id: 'fastembed',
            what: `${lines.length} log lines of mixed length, ${files.label}, against Python`,
            unit: 'texts/s',
            ours: lines.length / ours,
            peer: { name, value: lines.length / best },
            hold: { side: 'at least', times: 1.7 },
          },
        ]
      } finally {
        peer.close()
      }
    } finally {
      await caches.close()
    }
  },
}

/** `1 worker x 2 threads, batches of 1024 tokens`. */
function setup(running: RunningEmbedder | undefined): string {
  const { workers = 0, threads = 0, batchTokens } = running ?? {}
  const shape = `${workers} worker${workers === 1 ? '' : 's'} x ${threads} thread${threads === 1 ? '' : 's'}`
  return `${shape}, ${batchTokens === undefined ? 'budget not yet found' : `batches of ${batchTokens} tokens`}`
}

/** All of `texts`, each asked for by the first of `count` callers that is free. */
async function byCallers(count: number, texts: readonly string[], ask: (text: string) => Promise<unknown>) {
  let next = 0
  const caller = async () => {
    while (next < texts.length) await ask(texts[next++]!)
  }
  await Promise.all(Array.from({ length: count }, caller))
}

/** Texts in a round of `one-text`. */
const CALLS = 64

export const oneText: RowGroup = {
  id: 'one-text',
  async run({ library, folder, rounds, model, progress }: Bench): Promise<Measured[]> {
    const files = peerModel({ library, model })
    const texts = Array.from({ length: CALLS }, (_, i) => `Created container ${100 + i}`)
    const caches = await openUncached(library, folder, files)
    const bare = await openBare(files, THREADS)
    try {
      const { vector, source } = await caches.embeddings.getOrEmbed(texts[0]!)
      if (source !== 'computed') throw new WrongAnswer(`a text that was never seen comes from ${source}`)
      const pooled = meanOfRows(await bare.run(texts[0]!), vector.length)
      checkDirections('getOrEmbed()', vector, pooled, vector.length, SAME_DIRECTION)

      const next = cycle(texts)
      const milliseconds = async (embed: (text: string) => unknown) => {
        const times: number[] = []
        for (let call = 0; call < CALLS; call++) times.push(1000 * (await secondsOf(() => embed(next()))))
        return median(times)
      }
      const [ours, peer] = await takeTurns(
        [
          { name: 'getOrEmbed()', round: () => milliseconds(text => caches.embeddings.getOrEmbed(text)) },
          { name: 'bare', round: () => milliseconds(text => bare.run(text)) },
        ],
        rounds,
        round => progress(`round ${round} of ${rounds}`),
      )
      const what = `one short text through the worker, ${files.label}`
      // The smaller the model, the more the way to the worker and back weighs.
      const hold = { side: 'at most', times: model === undefined ? 1.4 : 1.1 } as const
      return [{ id: 'one-text', what, unit: 'ms', ours, peer: { name: 'tokenise + session.run', value: peer }, hold }]
    } finally {
      await bare.close()
      await caches.close()
    }
  },
}

export const eventLoop: RowGroup = {
  id: 'event-loop',
  async run({ library, folder, rounds, quick, model, progress }: Bench): Promise<Measured[]> {
    const files = peerModel({ library, model })
    const lines = logLines(quick ? 128 : LINES)
    const caches = await openUncached(library, folder, files)
    try {
      const { count } = await caches.embeddings.embedMany(lines)
      if (count !== lines.length) throw new WrongAnswer(`${count} rows for ${lines.length} lines`)
      let took = 0
      const busy = async () => {
        took = await secondsOf(() => caches.embeddings.embedMany(lines))
      }
      const [ours, idle] = await takeTurns(
        [
          { name: 'embedMany()', round: () => loopDelay(busy) },
          { name: 'idle', round: () => loopDelay(() => sleep(1000 * took)) },
        ],
        Math.min(rounds, 3),
        round => progress(`round ${round}`),
      )
      const what = `event-loop delay while ${lines.length} lines are embedded, p99`
      const hold = { side: 'at most', plus: 5 } as const
      return [{ id: 'event-loop', what, unit: 'ms', ours, peer: { name: 'idle', value: idle }, hold }]
    } finally {
      await caches.close()
    }
  },
}

/** Token vectors to the text's, up to its length; a model that pools by itself has put out one row. */
function meanOfRows(rows: Float32Array, dims: number): Float32Array {
  const mean = new Float32Array(dims)
  for (const [i, x] of rows.entries()) mean[i % dims]! += (x * dims) / rows.length
  return mean
}
