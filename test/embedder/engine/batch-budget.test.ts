// The search for a token budget, on cost curves that the test makes up: it ends, stays with its candidates, finds the best.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BatchBudget } from '../../../src/embedder/engine/batch-budget.js'
import type { BudgetChoice } from '../../../src/embedder/protocol.js'
import type { Device } from '../../../src/ports.js'

const CPU = [256, 512, 1024, 2048, 4096]
const GPU = [1024, 2048, 4096, 8192, 16_384]

interface Load {
  readonly device?: Device
  /** Milliseconds of a padded token, by budget. */
  readonly cost: (budget: number) => number
  /** Tokens that wait whenever a batch is cut. */
  readonly queued?: number
  /** Share of its budget that a batch fills. */
  readonly fill?: number
  /** Factor on the time of the n-th batch. */
  readonly noise?: (batch: number) => number
}

/** Runs batches until the budget is found, `most` at the most; every budget that was used, in order. */
function play(budget: BatchBudget, load: Load, most = 500): { used: number[]; chosen: BudgetChoice | undefined } {
  const { device = 'cpu', cost, queued = 1e6, fill = 1, noise = () => 1 } = load
  const used: number[] = []
  for (let batch = 0; batch < most; batch++) {
    const limit = budget.next(device, queued)
    expect(limit).toBeLessThanOrEqual(budget.most(device))
    used.push(limit)
    const padded = Math.ceil(fill * Math.min(limit, queued))
    const ms = padded * cost(limit) * noise(batch)
    const chosen = budget.ran({ device, budget: limit, queued, padded, ms })
    if (chosen) return { used, chosen }
  }
  return { used, chosen: undefined }
}

/** What a token costs with each candidate: anything. */
const curve = fc.array(fc.double({ min: 1e-3, max: 10, noNaN: true }), { minLength: 5, maxLength: 5 })

describe('the search', () => {
  test.each([
    ['cpu', CPU],
    ['webgpu', GPU],
  ] as const)(
    '%s: ends with the smallest candidate near the best, whatever disturbs one run of each',
    (device, budgets) => {
      fc.assert(
        fc.property(curve, fc.nat(2), fc.double({ min: 1, max: 50, noNaN: true }), (costs, disturbed, factor) => {
          const budget = new BatchBudget()
          const cost = (limit: number) => costs[budgets.indexOf(limit as never)]!
          const { used, chosen } = play(budget, {
            device,
            cost,
            noise: batch => (batch % 3 === disturbed ? factor : 1),
          })
          expect(budgets).toEqual(expect.arrayContaining([...new Set(used)]))
          expect(used.length).toBeLessThanOrEqual(15)
          expect(chosen!.device).toBe(device)
          expect(budgets).toContain(chosen!.tokens)
          const least = Math.min(...costs)
          expect(cost(chosen!.tokens)).toBeLessThanOrEqual(1.05 * least)
          // No smaller one that was tried is as near.
          for (const smaller of budgets.filter(other => other < chosen!.tokens && used.includes(other)))
            expect(cost(smaller)).toBeGreaterThan(1.05 * least)
          expect(budget.next(device, 1e6)).toBe(chosen!.tokens)
          expect(budget.most(device)).toBe(chosen!.tokens)
        }),
      )
    },
  )

  test('any costs and any noise: it ends, and never leaves its candidates', () => {
    const times = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 2, noNaN: true }), (ms, fill) => {
        const budget = new BatchBudget()
        const { used, chosen } = play(budget, { cost: () => 1, fill, noise: batch => ms[batch % ms.length]! })
        for (const limit of used) expect(CPU).toContain(limit)
        expect(CPU).toContain(chosen!.tokens)
      }),
    )
  })

  test('what is clearly worse is tried twice, and not a third time', () => {
    const costs = new Map([
      [256, 9],
      [512, 1.1],
      [1024, 1],
      [2048, 2],
      [4096, 9],
    ])
    const { used, chosen } = play(new BatchBudget(), { cost: limit => costs.get(limit)! })
    const round = [1024, 512, 256, 2048, 4096]
    expect(used).toEqual([...round, ...round, 1024, 512])
    expect(chosen).toEqual({ device: 'cpu', tokens: 1024 })
  })

  test('a machine that is busy for a whole round misleads nobody', () => {
    const { chosen } = play(new BatchBudget(), {
      cost: limit => (limit === 2048 ? 1 : 1.5),
      noise: batch => (batch < 5 ? 10 + batch : 1),
    })
    expect(chosen).toEqual({ device: 'cpu', tokens: 2048 })
  })
})

describe('what is not measured', () => {
  test('batches that the queue does not fill: nothing is tried, nothing is settled', () => {
    const budget = new BatchBudget()
    const { used, chosen } = play(budget, { cost: () => 1, queued: 300 }, 200)
    expect(new Set(used)).toEqual(new Set([1024]))
    expect(chosen).toBeUndefined()
  })

  test('a candidate that this load cannot fill is given up after some batches', () => {
    const { used, chosen } = play(new BatchBudget(), { cost: limit => 1 / limit, queued: 1500 })
    expect(Math.max(...used)).toBe(1024)
    expect(chosen).toEqual({ device: 'cpu', tokens: 1024 })
  })

  test('a remainder of few tokens does not speak for its budget', () => {
    const budget = new BatchBudget()
    // Dear per token, as one short row is.
    budget.ran({ device: 'cpu', budget: 1024, queued: 5000, padded: 4, ms: 50 })
    const { chosen } = play(budget, { cost: limit => (limit === 1024 ? 1 : 2) })
    expect(chosen!.tokens).toBe(1024)
  })
})

test('all is measured anew after many batches: what was found does not hold for ever', () => {
  const budget = new BatchBudget()
  const busy = play(budget, { cost: limit => 1 / limit })
  expect(busy.chosen).toEqual({ device: 'cpu', tokens: 4096 })
  const later = play(budget, { cost: limit => (limit === 512 ? 1 : 2) }, 1000)
  expect(new Set(later.used.slice(0, 500))).toEqual(new Set([4096]))
  expect(later.used.slice(500, 505)).toEqual([4096, 2048, 1024, 512, 256])
  expect(later.chosen).toEqual({ device: 'cpu', tokens: 512 })
  expect(later.used.length).toBeLessThanOrEqual(515)
})

test('another device is measured for itself; one that comes back keeps what it had', () => {
  const budget = new BatchBudget()
  expect(play(budget, { device: 'cuda', cost: limit => 1 / limit }).chosen).toEqual({ device: 'cuda', tokens: 16_384 })
  expect(play(budget, { device: 'cpu', cost: limit => limit }).chosen).toEqual({ device: 'cpu', tokens: 256 })
  expect(budget.next('cuda', 1e6)).toBe(16_384)
  expect(play(budget, { device: 'cuda', cost: limit => limit }, 400).chosen).toBeUndefined()
})

test('what the caller set, and what an earlier worker found, is taken as it is', () => {
  const fixed = new BatchBudget({ fixed: 77, known: { cpu: 256 } })
  const known = new BatchBudget({ known: { cpu: 256 } })
  for (const [budget, limit] of [
    [fixed, 77],
    [known, 256],
  ] as const) {
    expect([budget.next('cpu', 1e6), budget.most('cpu')]).toEqual([limit, limit])
    expect(new Set(play(budget, { cost: limit => 1 / limit }, 400).used)).toEqual(new Set([limit]))
  }
  expect(known.next('wasm', 1e6)).toBe(1024)
})
