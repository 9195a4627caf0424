// How the page asks: sources, shares of time, repeated lines, failures. On a cache whose clock only moves when told.
import { describe, expect, it } from 'vitest'
import { lookUp, nextChunk } from '../../playground/look-up.js'
import type { EmbeddingResult, Source } from '../../src/public.js'

const VECTOR = Float32Array.of(1, 0)

/** Answers from memory what it was asked before; `disk:` lines from disk after 4 ms, others after 40 ms in all. */
function fakeCache() {
  const memory = new Set<string>()
  const asked: string[] = []
  let time = 0
  const later = async (line: string): Promise<EmbeddingResult> => {
    asked.push(line)
    await null
    if (line.startsWith('bad')) throw new Error('no')
    const source: Source = line.startsWith('disk:') ? 'disk' : 'computed'
    // Computed rows are there after those from disk.
    for (let i = 0; source === 'computed' && i < 20; i++) await null
    time = source === 'disk' ? 4 : 40
    memory.add(line)
    return { vector: VECTOR, source, truncated: false, device: 'wasm', tokens: 1 }
  }
  return {
    asked,
    now: () => time,
    cache: {
      view: (line: string) => (memory.has(line) ? VECTOR : undefined),
      getOrEmbed: later,
    },
  }
}

const signal = new AbortController().signal

describe('lookUp', () => {
  it('shares the time among the lines of a source, each source from where the one before was done', async () => {
    const { cache, now } = fakeCache()
    const outcomes = await lookUp(cache, ['disk:a', 'x', 'disk:b', 'y', 'z'], { signal, now, views: true })
    const told = outcomes.map(one => 'answer' in one && [one.answer.source, one.answer.ms, one.answer.together])
    expect(told).toEqual([
      ['disk', 2, 2],
      ['computed', 12, 3],
      ['disk', 2, 2],
      ['computed', 12, 3],
      ['computed', 12, 3],
    ])
  })

  it('asks a repeated line once, and finds it in memory then', async () => {
    const { cache, now, asked } = fakeCache()
    const outcomes = await lookUp(cache, ['x', 'x', 'y', 'x'], { signal, now, views: true })
    expect(asked).toEqual(['x', 'y'])
    expect(outcomes.map(one => 'answer' in one && one.answer.source)).toEqual([
      'computed',
      'memory',
      'computed',
      'memory',
    ])
  })

  it('with templates asks the cache itself, which alone can tell a pattern’s hit', async () => {
    const { cache, now, asked } = fakeCache()
    await lookUp(cache, ['x'], { signal, now, views: false })
    await lookUp(cache, ['x'], { signal, now, views: false })
    expect(asked).toEqual(['x', 'x'])
  })

  it('keeps a failure to its own line', async () => {
    const { cache, now } = fakeCache()
    const outcomes = await lookUp(cache, ['bad', 'x'], { signal, now, views: true })
    expect(outcomes[0]).toMatchObject({ error: new Error('no') })
    expect(outcomes[1]).toMatchObject({ answer: { source: 'computed' } })
  })
})

describe('nextChunk', () => {
  it('grows while chunks are quick, shrinks when they are slow, and stays within bounds', () => {
    expect(nextChunk(16, 10)).toBe(32)
    expect(nextChunk(256, 10)).toBe(256)
    expect(nextChunk(16, 100)).toBe(16)
    expect(nextChunk(16, 900)).toBe(8)
    expect(nextChunk(4, 900)).toBe(4)
  })
})
