// How long a read of the disk takes, out of what a trace recorded.
import { expect, it } from 'vitest'
import { allReadMicros, readMicrosOf, USUAL_READ_MICROS } from '../../src/tuning/disk-reads.js'
import { newRequests, OUTCOMES, type Requests } from '../../src/tuning/requests.js'

type One = readonly [at: number, micros: number, outcome?: (typeof OUTCOMES)[number], cache?: number]

function requestsOf(all: readonly One[]): Requests {
  const requests = newRequests(all.length)
  for (const [i, [at, micros, outcome = 'disk', cache = 0]] of all.entries()) {
    requests.at[i] = at
    requests.micros[i] = micros
    requests.outcome[i] = OUTCOMES.indexOf(outcome)
    requests.cache[i] = cache
  }
  return requests
}

const times = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i))

it('is what requests took that followed one another', () => {
  expect(readMicrosOf(requestsOf(times(60, (i): One => [1000 + Math.floor(i / 20), 20])), 0)).toBe(20)
})

it('is a part of what a batch took, in whose time each of its requests is recorded', () => {
  const batches = times(10, batch => times(64, (i): One => [1000 + 50 * batch, 30_000 + i])).flat()
  expect(readMicrosOf(requestsOf(batches), 0)).toBeCloseTo(30_063 / 64, 3)
  // What the batch had to compute came later, and says nothing of the disk.
  const computed = batches.map(([at, micros]): One => [at, 10 * micros, 'computed'])
  expect(readMicrosOf(requestsOf([...batches, ...computed]), 0)).toBeCloseTo(30_063 / 64, 3)
})

it('is not that of the few that had to wait', () => {
  expect(readMicrosOf(requestsOf(times(99, (i): One => [i, i % 10 === 0 ? 90_000 : 15])), 0)).toBe(15)
})

it('is that of another cache, or the usual one, where none was measured', () => {
  const requests = requestsOf([
    [1, 500],
    [2, 40, 'computed', 1],
    [3, 0, 'disk', 3],
  ])
  expect(readMicrosOf(requests, 1)).toBeUndefined()
  expect(readMicrosOf(requests, 3)).toBeUndefined()
  expect([allReadMicros(requests)('embeddings'), allReadMicros(requests)('queries')]).toEqual([500, 500])
  expect(allReadMicros(newRequests(0))('blocks')).toBe(USUAL_READ_MICROS)
})
