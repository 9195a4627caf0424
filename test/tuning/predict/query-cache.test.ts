// Refresh-ahead over the query cache itself, in simulated time: a plugin that hangs while it is asked for nobody harms nobody for long; and
// what the cache says that it saved.
import { expect, it } from 'vitest'
import { savingsOf } from '../../../src/cache/savings.js'
import { QueryCache } from '../../../src/caches/query-cache.js'
import { Diagnostics } from '../../../src/diagnostics.js'
import { Budget } from '../../../src/tuning/predict/budget.js'
import { Predictor } from '../../../src/tuning/predict/predictor.js'
import { QueryForesight } from '../../../src/tuning/predict/queries.js'
import { hash } from '../../support.js'
import { Time } from './simulated.js'

/** Asked every 3 s at a TTL of 5 s, by callers who wait 700 ms; the call with the number `hangs` never ends. What each ask came to. */
async function ask(
  count: number,
  { hangs = 0, everyMs = 3000, predicts = true }: { hangs?: number; everyMs?: number; predicts?: boolean },
) {
  const time = new Time()
  const parts = { clock: time.clock, timer: time.timer }
  const queries = new QueryCache({ ...parts, ttlMs: 5000, capacityBytes: 1e6, hash, warn() {}, clockResolutionMs: 0 })
  const budget = new Budget()
  const refresh = new Predictor({
    name: 'refresh-ahead',
    cache: 'queries',
    budget,
    clock: time.clock,
    diagnostics: new Diagnostics(),
    ended: (outcome, micros) => outcome !== 'late' && queries.endedAhead(outcome === 'useful', micros),
  })
  if (predicts) queries.observe(new QueryForesight({ ...parts, budget, refresh, leftMs: id => queries.leftMs(id) }))
  let calls = 0
  const plugin = async () => {
    const call = ++calls
    if (call === hangs) return new Promise<never>(() => {})
    await time.after(200)
    return call
  }
  const outcomes: (number | 'aborted')[] = []
  for (let i = 0; i < count; i++) {
    await time.until(i * everyMs)
    const deadline = new AbortController()
    void time.after(700).then(() => deadline.abort())
    queries.getOrCompute('net', plugin, { signal: deadline.signal }).then(
      ({ value }) => (outcomes[i] = value),
      () => (outcomes[i] = 'aborted'),
    )
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  }
  await time.until(count * everyMs + 1000)
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  return { outcomes, calls, saved: savingsOf(queries.counts().hits, queries.work()), work: queries.work() }
}

it('a refresh that hangs is given up while its old answer is still good, or by the first who asks', async () => {
  for (const everyMs of [1000, 3000]) {
    const { outcomes, calls } = await ask(120, { hangs: 3, everyMs })
    expect(outcomes).toHaveLength(120)
    expect(outcomes.filter(outcome => outcome === 'aborted').length).toBeLessThanOrEqual(1)
    expect(outcomes.at(-1)).toBeGreaterThan(3)
    expect(calls).toBeGreaterThan(3)
  }
})

it('what was fetched ahead and then asked for saved no computing, and what was not is told as spent', async () => {
  const plain = await ask(100, { predicts: false })
  const ahead = await ask(100, {})
  // Every other ask is computed without, and none after the first with prediction.
  expect(plain.saved.computeMicros).toBe(50 * 200_000)
  expect(ahead.work.foreseen).toBeGreaterThan(45)
  expect(ahead.saved.computeMicros).toBeLessThanOrEqual(plain.saved.computeMicros + 2 * 200_000)
  expect(plain.work.spentMicros).toBe(0)
  expect(ahead.work.spentMicros).toBeLessThanOrEqual(2 * 200_000)
})
