// What `cache stats` says of tuning: nothing of what is as it always was, and a line of each thing that is not.
import { expect, it } from 'vitest'
import { tuningLines } from '../../src/cli/tuning-text.js'
import type { TuningState } from '../../src/tuning/report.js'
import { tuningFixture } from '../console/tuning-fixture.js'

const ahead = { name: 'read-ahead', cache: 'blocks', useful: 0, useless: 0, late: 0, waiting: 0, micros: 0 } as const
const plain: TuningState = {
  policies: { embeddings: 'lru', queries: 'lru', diffs: 'lru', blocks: 'lru' },
  auto: { on: false, budgetBytes: 0, usedBytes: 0, shares: {}, changes: [] },
  predictors: [{ ...ahead, state: 'on' }],
}

it('nothing where nothing is on, and one line of what is', () => {
  expect(tuningLines(plain)).toEqual([])
  expect(tuningLines({ ...plain, policies: { ...plain.policies, queries: 'sieve' } })).toEqual([
    'Policies: queries sieve',
  ])
  expect(tuningLines(tuningFixture(Date.now()).state)).toEqual([
    'Policies: embeddings cost-s3-fifo',
    'Tuned: embeddings 18 MB, queries 6.0 MB, diffs 2.0 MB, blocks 4.0 MB of 30 MB; 2 changes, 1 of them taking one back',
    'Fetched ahead: 125 in 24 s (refresh-ahead, queries), 120 of them in time and of use',
    'Fetched ahead: 40 in 900 ms (text-successors, embeddings), 12 of them in time and of use; it has paused itself',
    'Warm: 9,800 loaded in 41 ms, 200 gone; 9,100 of them asked for since',
  ])
})
