// What is held of a plugin's answer, asked without asking: its age and source, in memory and on disk, and that nothing is counted.
import { expect, it } from 'vitest'
import { temporaryFolder } from '../support.js'
import { open, TTL } from './query-support.js'

it('is nothing until a plugin was asked, then as old as the answer, wherever it lies', async () => {
  const dir = temporaryFolder()
  const { cache, clock } = open(dir)
  expect(await cache.about('net')).toBeUndefined()
  await cache.getOrCompute('net', () => ({ up: true }))
  clock.advance(1200)
  expect(await cache.about('net')).toMatchObject({ ageMs: 1200, ttlMs: TTL, source: 'memory' })
  const counts = { ...cache.counts() }
  await cache.close()
  const there = open(dir, { clock }).cache
  clock.advance(300)
  expect(await there.about('net')).toMatchObject({ ageMs: 1500, ttlMs: TTL, source: 'disk' })
  expect(there.counts()).toMatchObject({ hits: 0, misses: 0 })
  expect(counts).toMatchObject({ hits: 0, misses: 1 })
  // Read from there, it is no younger.
  await there.get('net')
  clock.advance(500)
  expect(await there.about('net')).toMatchObject({ ageMs: 2000, source: 'memory' })
  clock.advance(TTL)
  expect(await there.about('net')).toBeUndefined()
})

it('is late past its time, where late answers are served, and gone once something changed', async () => {
  const { cache, clock } = open(undefined, { staleMs: 3000 })
  await cache.getOrCompute('net', () => ({ up: true }))
  clock.advance(TTL + 1000)
  expect(await cache.about('net')).toMatchObject({ ageMs: TTL + 1000, ttlMs: TTL })
  await cache.invalidate('net')
  expect(await cache.about('net')).toBeUndefined()
  await cache.getOrCompute('net', () => ({ up: false }), { ttlMs: 60_000 })
  clock.advance(10_000)
  expect(await cache.about('net')).toMatchObject({ ageMs: 10_000, ttlMs: 60_000 })
})
