// What all predictors have in common: budget, pauses, cancelling, and the accounts of each fetch.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Diagnostics, type PrefetchedEvent } from '../../../src/diagnostics.js'
import { Budget } from '../../../src/tuning/predict/budget.js'
import { Judge } from '../../../src/tuning/predict/judge.js'
import { Predictor } from '../../../src/tuning/predict/predictor.js'
import { TestClock } from '../../support.js'

function made(budget = rich()) {
  const clock = new TestClock()
  const events: PrefetchedEvent[] = []
  const warnings: string[] = []
  const diagnostics = new Diagnostics({ onWarning: message => warnings.push(message) })
  diagnostics.on('prefetched', event => events.push(event))
  const predictor = new Predictor({ name: 'query-successors', cache: 'queries', budget, clock, diagnostics })
  return { predictor, clock, events, warnings, outcomes: () => events.map(({ outcome }) => outcome) }
}

function rich(): Budget {
  const budget = new Budget()
  budget.owe(1e12)
  return budget
}

/** Fetches in `ms`, good for a second from then on. */
async function fetch({ predictor, clock }: ReturnType<typeof made>, id: string, ms = 1, usefulFrom = 0) {
  const fetched = predictor.fetch(id, 1000, usefulFrom, async () => {
    clock.advance(ms)
    return clock.monotonic() + 1000
  })
  await fetched
  return fetched !== undefined
}

describe('a fetch', () => {
  it('is useful where it is asked for in its time, and useless where it is not', async () => {
    const test = made()
    await fetch(test, 'a', 7)
    test.predictor.asked('a', true)
    await fetch(test, 'b')
    test.clock.advance(1001)
    test.predictor.sweep(test.clock.monotonic())
    await fetch(test, 'c')
    test.predictor.asked('c', false)
    expect(test.outcomes()).toEqual(['useful', 'useless', 'useless'])
    expect(test.events[0]).toEqual({ cache: 'queries', predictor: 'query-successors', outcome: 'useful', micros: 7000 })
    expect(test.predictor.state()).toEqual({
      name: 'query-successors',
      cache: 'queries',
      state: 'on',
      useful: 1,
      useless: 2,
      late: 0,
      waiting: 0,
      micros: 9000,
    })
  })

  it('is of no use before what was there before has ended', async () => {
    const test = made()
    await fetch(test, 'a', 1, test.clock.monotonic() + 100)
    test.predictor.asked('a', true)
    expect(test.outcomes()).toEqual([])
    test.clock.advance(100)
    test.predictor.asked('a', true)
    expect(test.outcomes()).toEqual(['useful'])
  })

  it('is late where somebody asks while it is under way, and theirs from then on: its end is told once', async () => {
    const test = made()
    let finish!: (until: number) => void
    let given!: AbortSignal
    const fetched = test.predictor.fetch('a', 1000, 0, signal => {
      given = signal
      return new Promise<number>(resolve => (finish = resolve))
    })
    test.clock.advance(3)
    test.predictor.asked('a', false)
    expect(given.aborted).toBe(true)
    test.predictor.asked('a', false)
    expect(test.outcomes()).toEqual(['late'])
    expect(test.predictor.waiting).toBe(0)
    finish(test.clock.monotonic() + 1000)
    expect(await fetched).toBe(false)
    test.predictor.asked('a', true)
    expect(test.outcomes()).toEqual(['late'])
  })

  it('that takes far longer than it was to take is given up', async () => {
    const test = made()
    const fetched = test.predictor.fetch(
      'a',
      50_000,
      0,
      signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    )
    expect(test.predictor.sweep(test.clock.monotonic())).toBe(test.clock.monotonic() + 4 * 50 + 100)
    test.clock.advance(300)
    test.predictor.sweep(test.clock.monotonic())
    expect(await fetched).toBe(false)
    expect(test.outcomes()).toEqual(['cancelled'])
  })

  it('that fails, or has nothing to fetch, is told as that', async () => {
    const test = made()
    expect(await test.predictor.fetch('a', 1000, 0, () => Promise.reject(new Error('no')))).toBe(false)
    expect(await test.predictor.fetch('b', 1000, 0, async () => undefined)).toBe(false)
    expect(test.predictor.fetch('c', 1000, 0, () => undefined)).toBeUndefined()
    expect(
      test.predictor.fetch('d', 1000, 0, () => {
        throw new Error('closed')
      }),
    ).toBeUndefined()
    expect(test.outcomes()).toEqual(['failed', 'cancelled'])
    expect(test.predictor.waiting).toBe(0)
  })

  it('is cancelled by its signal when it is dropped or the predictor closes, and none begins afterwards', async () => {
    const test = made()
    const begin = (id: string) =>
      test.predictor.fetch(
        id,
        1000,
        0,
        signal => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      )
    const fetches = ['a', 'b'].map(begin)
    test.predictor.drop('a')
    expect(await fetches[0]).toBe(false)
    test.predictor.close()
    expect(await fetches[1]).toBe(false)
    expect(test.outcomes()).toEqual(['cancelled', 'cancelled'])
    expect(begin('c')).toBeUndefined()
  })

  it('that waits when the cache is emptied is cancelled, and held against nobody', async () => {
    const test = made()
    for (let i = 0; i < 40; i++) await fetch(test, String(i))
    test.predictor.dropAll()
    expect(new Set(test.outcomes())).toEqual(new Set(['cancelled']))
    expect(test.predictor.state()).toMatchObject({ state: 'on', useless: 0, waiting: 0 })
  })

  it('of which there are many: the oldest that nobody asked for gives way', async () => {
    const test = made()
    for (let i = 0; i < 300; i++) {
      await fetch(test, `id ${i}`)
      if (i < 40) test.predictor.asked(`id ${i}`, true)
    }
    expect(test.predictor.waiting).toBeLessThanOrEqual(256)
    expect(test.outcomes().filter(outcome => outcome === 'useless').length).toBeGreaterThan(0)
  })

  it('that may not begin takes no place of another', async () => {
    const budget = rich()
    const test = made(budget)
    for (let i = 0; i < 256; i++) await fetch(test, `id ${i}`)
    budget.did(1e14)
    expect(await fetch(test, 'one more')).toBe(false)
    expect(test.predictor.waiting).toBe(256)
    expect(test.outcomes()).toEqual([])
  })
})

it('a predictor of which less than half is used pauses, says so once a pause, and pauses longer each time', async () => {
  const test = made()
  let fetched = 0
  for (let i = 0; i < 2000; i++) {
    if (!(await fetch(test, String(i)))) continue
    fetched++
    test.predictor.asked(String(i), i % 3 === 0)
  }
  expect(test.predictor.state().state).toBe('paused')
  // 32 at first, then samples of 8 after 64, 128, 256 and 512 occasions.
  expect(fetched).toBe(32 + 8 * 4)
  expect(test.warnings).toHaveLength(5)
  expect(test.warnings[0]).toMatch(
    /^query-successors \(queries\) has paused itself: of the last 32 that it fetched ahead only 11 /,
  )
})

it('a sample of which half is used ends the pauses', () => {
  const judge = new Judge()
  for (let i = 0; i < 32; i++) judge.note(false)
  expect(judge.paused).toBe(true)
  let passed = 0
  while (!judge.occasion()) passed++
  expect(passed).toBe(64)
  for (let i = 0; i < 8; i++) expect(judge.note(i % 2 === 0)).toBeUndefined()
  for (let i = 0; i < 31; i++) expect(judge.note(false)).toBeUndefined()
  expect(judge.note(false)).toMatchObject({ judged: 32, pause: 64 })
})

it('a budget never lets more be fetched in vain than 5 % of what was owed, and a start of eight', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('compute', 'fetch', 'use'), fc.integer({ min: 1, max: 1000 })), {
        maxLength: 500,
      }),
      steps => {
        const budget = new Budget()
        let owed = 0
        let count = 0
        let done = 0
        const unused: number[] = []
        for (const [step, micros] of steps) {
          if (step === 'compute') {
            budget.did(micros)
            budget.owe(micros)
            owed += micros
            done += micros
            count++
          } else if (step === 'fetch' && budget.reserve(micros)) {
            budget.settle(micros, micros)
            done += micros
            unused.push(micros)
            expect(done - owed).toBeLessThanOrEqual(0.05 * owed + (8 * owed) / count + 1e-6)
          } else if (step === 'use' && unused.length > 0) {
            const used = unused.pop()!
            budget.owe(used)
            owed += used
            count++
          }
        }
        expect(budget.extra).toBe(done - owed)
      },
    ),
  )
})
