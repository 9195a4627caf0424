// Verified patterns on the built-in model under orders made to mislead them: a pattern's first texts are alike, sorted, in
// bursts or drawn at random. Every served vector is compared with the exact one; a control shows that this test can see.
import { openCaches } from 'op-dbus'
import { describe, expect, it } from 'vitest'
import { StandIn } from '../../../src/cache/stand-in.js'
import { PatternBook } from '../../../src/caches/patterns/book.js'
import type { PatternBookOptions } from '../../../src/caches/patterns/options.js'
import { distance } from '../../../src/caches/patterns/record.js'
import { PatternShelf } from '../../../src/caches/patterns/shelf.js'
import { createMasker } from '../../../src/embedder/patterns/masker.js'
import type { Embedding, Space } from '../../../src/ports.js'
import { seeded } from '../../../src/sample-lines.js'
import { hash, temporaryFolder } from '../../support.js'

const TEXTS = 90
const WORDS = (
  'the scheduler has placed the workload of the tenant on a machine in the second rack of the data centre and is now ' +
  'waiting for the network to come up so that the agent can go on with the next step of the plan'
).split(' ')
const random = seeded(11)
const whole = (below: number) => Math.floor(random() * below)
const digits = (count: number) => Array.from({ length: count }, () => 1 + whole(9)).join('')
const hex = (count: number) => Array.from({ length: count }, () => '0123456789abcdef'[whole(16)]).join('')
const two = (n: number) => String(n).padStart(2, '0')

/** A pattern: texts that are alike, and texts drawn from all of it. */
interface Pattern {
  readonly alike: readonly string[]
  readonly rest: readonly string[]
}

function pattern(alike: (i: number) => string, drawn: () => string): Pattern {
  return { alike: Array.from({ length: 10 }, (_, i) => alike(i)), rest: Array.from({ length: TEXTS }, drawn) }
}

const PATTERNS = [8, 36].flatMap(length => {
  const words = WORDS.slice(0, length).join(' ')
  return [
    pattern(
      i => `${words} 00000000-0000-4000-8000-00000000000${i} done`,
      () => `${words} ${[8, 4, 4, 4, 12].map(hex).join('-')} done`,
    ),
    pattern(
      i => `2025-01-31T12:00:0${i}Z ${words}`,
      () =>
        `2025-${two(1 + whole(12))}-${two(1 + whole(28))}T${two(whole(24))}:${two(whole(60))}:${two(whole(60))}Z ${words}`,
    ),
    pattern(
      i => `${words} 100000000${i} 100000000${i}`,
      () => `${words} ${digits(10)} ${digits(10)}`,
    ),
    pattern(
      i => `${words} container ${100 + i}`,
      () => `${words} container ${digits(3)}`,
    ),
  ]
})

const shuffled = (texts: readonly string[]) =>
  texts
    .map(text => [random(), text] as const)
    .sort(([a], [b]) => a - b)
    .map(([, text]) => text)
const backwards = (text: string) => [...text].reverse().join('')

const ORDERS: Readonly<Record<string, (pattern: Pattern) => string[]>> = {
  'alike first': ({ alike, rest }) => [...alike, ...rest],
  sorted: ({ alike, rest }) => [...alike, ...rest].sort(),
  'sorted by their ends': ({ alike, rest }) =>
    [...alike, ...rest].sort((a, b) => (backwards(a) < backwards(b) ? -1 : 1)),
  random: ({ alike, rest }) => shuffled([...alike, ...rest]),
  bursts: ({ alike, rest }) => {
    const sorted = [...rest].sort()
    const bursts = shuffled(Array.from({ length: 9 }, (_, i) => `${i}`)).map(i => sorted.slice(10 * +i, 10 * +i + 10))
    return [...alike, ...bursts.flat()]
  },
}

const exact = (async () => {
  const texts = [...new Set(PATTERNS.flatMap(({ alike, rest }) => [...alike, ...rest]))]
  const caches = await openCaches({ dir: temporaryFolder(), embeddingDiskCache: false })
  try {
    const { matrix, dims } = await caches.embeddings.embedMany(texts)
    const rows = texts.map((text, i): [string, Embedding] => {
      const vector = matrix.slice(i * dims, (i + 1) * dims)
      return [text, { vector, tokens: 1, truncated: false, device: 'cpu' }]
    })
    return { vectors: new Map(rows), dims }
  } finally {
    await caches.close()
  }
})()

async function serve(order: string, options: Pick<PatternBookOptions, 'epsilon' | 'trials' | 'variety'>) {
  const { vectors, dims } = await exact
  const outcome = { served: 0, beyond: 0 }
  for (const pattern of PATTERNS) {
    const shelf = await new PatternShelf({ dims, warn() {} }).open()
    const given = { masker: createMasker(), space: 'exact' as Space, dims, members: 8, checkShare: 1 / 16 }
    const book = new PatternBook({ ...given, hash, random: seeded(3), shelf, ...options })
    for (const text of new Set(ORDERS[order]!(pattern))) {
      const { vector } = vectors.get(text)!
      const answer = await book.answer(text, async () => vectors.get(text)!, new AbortController().signal)
      if (!(answer instanceof StandIn)) continue
      outcome.served++
      if (distance(answer.value.vector, vector) > options.epsilon) outcome.beyond++
    }
  }
  return outcome
}

describe('verified patterns on the built-in model', () => {
  it('serve nothing beyond the bound, whatever the order and the bound', async () => {
    let served = 0
    for (const order of Object.keys(ORDERS)) {
      for (const epsilon of [0.14, 0.3, 0.4, 0.5, 0.6, 0.8, 1]) {
        const outcome = await serve(order, { epsilon, trials: 16, variety: 5 })
        expect({ order, epsilon, beyond: outcome.beyond }).toEqual({ order, epsilon, beyond: 0 })
        served += outcome.served
      }
    }
    expect(served).toBeGreaterThan(100)
  }, 30_000)

  it('would, without trials and without a look at what is new: the control', async () => {
    let beyond = 0
    for (const epsilon of [0.4, 0.5]) beyond += (await serve('alike first', { epsilon, trials: 0, variety: 1 })).beyond
    expect(beyond).toBeGreaterThan(0)
  })
})
