// Prediction as a process has it: which predictors there are, texts that are embedded ahead over a real disk, and where none are.
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { CachedBlocks } from '../../../src/blockchain/cached-blocks.js'
import { type OpenOptions, openCaches } from '../../../src/node.js'
import { temporaryFolder } from '../../support.js'

async function opened(options: OpenOptions) {
  const asked: string[] = []
  const caches = await openCaches({
    dir: temporaryFolder(),
    embedder: {
      space: 'letters',
      dims: 2,
      async embed(texts: readonly string[]) {
        asked.push(...texts)
        // Long enough that foreseeing pays.
        await new Promise(resolve => setTimeout(resolve, 2))
        return Float32Array.from(texts.flatMap(text => [text.length, text.charCodeAt(text.length - 1)]))
      },
    },
    ...options,
  })
  onTestFinished(() => caches.close())
  const outcomes: string[] = []
  caches.on('prefetched', ({ predictor, outcome }) => outcomes.push(`${predictor} ${outcome}`))
  return { caches, asked, outcomes }
}

/** From so many texts on, a counter is foreseen. */
const LEARNED = 8

/** Asks for `most` texts, one after another; once the next one is `foreseen`, that is waited for. */
async function count({ caches }: Awaited<ReturnType<typeof opened>>, most: number, foreseen: boolean, exact = true) {
  const sources: string[] = []
  const waiting = () => caches.tuning()!.predictors.find(({ name }) => name === 'text-successors')!.waiting
  for (let i = 1; i <= most; i++) {
    const text = `Created container ${i}`
    const { vector, source } = await caches.embeddings.getOrEmbed(text)
    if (exact) expect([...vector]).toEqual([text.length, text.charCodeAt(text.length - 1)])
    sources.push(source)
    if (!foreseen || i < LEARNED) continue
    await vi.waitFor(
      async () => expect([waiting(), await caches.embeddings.has(`Created container ${i + 1}`)]).toEqual([1, true]),
      {
        interval: 1,
        timeout: 10_000,
      },
    )
  }
  return sources
}

describe('eager', () => {
  it('embeds the next text of a counter before it is asked for, once, and keeps it as any other', async () => {
    const made = await opened({ predict: 'eager' })
    const sources = await count(made, LEARNED + 4, true)
    expect(sources.slice(LEARNED)).toEqual(['memory', 'memory', 'memory', 'memory'])
    expect(made.outcomes).toEqual(expect.arrayContaining(Array(4).fill('text-successors useful')))
    expect(new Set(made.asked).size).toBe(made.asked.length)
    const { hits, misses } = await made.caches.embeddings.stats()
    expect(hits + misses).toBe(sources.length)
    expect(made.caches.tuning()!.predictors.map(({ name }) => name)).toEqual([
      'refresh-ahead',
      'query-successors',
      'text-successors',
    ])
  })

  it.each([
    ['patterns are on, so that texts of a template are one', { patterns: true }],
    ['nothing is kept below memory, so that what is foreseen would push others out', { embeddingDiskCache: false }],
  ] as const)('foresees no texts where %s', async (_why, options) => {
    const made = await opened({ predict: 'eager', ...options })
    await count(made, LEARNED + 4, false, !('patterns' in options))
    expect(made.caches.embeddings.ahead.pays).toBe(false)
    expect(made.outcomes).toEqual([])
  })
})

describe('which predictors there are', () => {
  const open = async (predict: OpenOptions['predict']) => {
    const { caches } = await opened(predict === undefined ? {} : { predict })
    const store = { onAppended: () => () => {} } as never
    const blocks = new CachedBlocks({
      store,
      tree: {} as never,
      cache: caches.blocks,
      clock: { now: () => 0, monotonic: () => 0 },
    })
    const states = caches.tuning()!.predictors.map(({ name, state }) => `${name} ${state}`)
    blocks.close()
    expect(caches.tuning()!.predictors.map(({ name }) => name)).not.toContain('read-ahead')
    return states
  }

  it.each([
    [undefined, ['read-ahead on']],
    ['off', ['read-ahead off']],
    ['conservative', ['read-ahead on', 'refresh-ahead on']],
    ['eager', ['read-ahead on', 'refresh-ahead on', 'query-successors on', 'text-successors on']],
  ] as const)('%s', async (predict, states) => {
    expect(await open(predict)).toEqual(states)
  })

  it('none refreshes where queries are not kept', async () => {
    const { caches } = await opened({ predict: 'conservative', queryCacheTtl: 0 })
    expect(caches.tuning()!.predictors).toEqual([])
  })
})
