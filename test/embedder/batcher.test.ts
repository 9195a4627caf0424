// Whatever arrives, fails or leaves: every item settles once, batches keep their budget, the oldest item goes next.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Batcher, type BatcherOptions } from '../../src/embedder/batcher.js'
import { OpDbusError } from '../../src/errors.js'
import { deferred } from '../support.js'

interface Item {
  readonly id: number
  readonly cost: number
}

/** A batcher whose runs end when the test says so, and a record of everything it did. */
function harness(options: Partial<BatcherOptions<Item>> = {}) {
  const runs: { items: readonly Item[]; signal: AbortSignal; done: () => void; fail: (error: unknown) => void }[] = []
  const settled: { id: number; error?: OpDbusError }[] = []
  const batcher = new Batcher<Item>({
    budget: 12,
    halve: false,
    cost: item => item.cost,
    run: async (items, signal) => {
      const end = deferred<void>()
      runs.push({ items, signal, done: () => end.resolve(), fail: end.reject })
      await end.promise
      for (const { id } of items) settled.push({ id })
    },
    fail: ({ id }, error) => settled.push({ id, error }),
    ...options,
  })
  return { batcher, runs, settled, costs: () => runs.map(run => run.items.map(item => item.cost)) }
}

/** Lets every microtask that is due run. */
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

const items = (...costs: number[]): Item[] => costs.map((cost, id) => ({ id, cost }))

describe('forming batches', () => {
  test('what is added in one turn shares batches, nearest in cost first', async () => {
    const { batcher, runs, costs } = harness()
    for (const item of items(2, 6, 3, 6, 2)) batcher.add(item)
    expect(runs).toHaveLength(0)
    for (let i = 0; i < 3; i++) {
      await turn()
      runs[i]?.done()
    }
    await turn()
    // Cut from the dearest: [6, 6], [3, 2, 2]; the oldest item costs 2.
    expect(costs()).toEqual([
      [3, 2, 2],
      [6, 6],
    ])
  })

  test('an item dearer than the budget goes alone', async () => {
    const { batcher, runs, costs } = harness()
    for (const item of items(40, 1, 1)) batcher.add(item)
    await turn()
    runs[0]!.done()
    await turn()
    expect(costs()).toEqual([[40], [1, 1]])
  })

  test('what arrives while a batch runs joins the next, not the running one', async () => {
    const { batcher, runs, costs } = harness()
    batcher.add({ id: 0, cost: 3 })
    await turn()
    batcher.add({ id: 1, cost: 3 })
    batcher.add({ id: 2, cost: 3 })
    await turn()
    expect(runs).toHaveLength(1)
    expect([batcher.size, batcher.queued]).toEqual([3, 2])
    runs[0]!.done()
    await turn()
    expect(costs()).toEqual([[3], [3, 3]])
  })

  test('a turn of the event loop between batches lets newcomers in', async () => {
    const late: Item = { id: 9, cost: 6 }
    const { batcher, runs, costs } = harness({
      yieldToEventLoop: async () => {
        if (runs.length === 1) batcher.add(late)
      },
    })
    for (const item of items(12, 6)) batcher.add(item)
    await turn()
    runs[0]!.done()
    await turn()
    expect(costs()).toEqual([[12], [6, 6]])
  })

  test('lanes run side by side', async () => {
    const { batcher, runs } = harness({ lanes: 2, budget: 1 })
    for (const item of items(1, 1, 1)) batcher.add(item)
    await turn()
    expect(runs).toHaveLength(2)
    runs[1]!.done()
    await turn()
    expect(runs.map(run => run.items[0]!.id)).toEqual([0, 1, 2])
  })
})

describe('leaving', () => {
  test('a queued item that leaves is never run; an empty queue runs nothing', async () => {
    const { batcher, runs, settled } = harness()
    const [a, b] = items(1, 1) as [Item, Item]
    batcher.add(a)
    batcher.add(b)
    batcher.drop(a)
    batcher.drop(b)
    batcher.drop(b)
    await turn()
    expect([runs.length, batcher.size, batcher.queued]).toEqual([0, 0, 0])
    expect(settled).toEqual([])
  })

  test('the signal fires when the last of a running batch leaves, not before', async () => {
    const { batcher, runs, settled } = harness()
    const [a, b] = items(1, 1) as [Item, Item]
    batcher.add(a)
    batcher.add(b)
    await turn()
    batcher.drop(a)
    expect(runs[0]!.signal.aborted).toBe(false)
    batcher.drop(b)
    expect(runs[0]!.signal.aborted).toBe(true)
    runs[0]!.fail(new Error('aborted'))
    await turn()
    expect(settled).toEqual([])
  })
})

describe('failing', () => {
  test('without halving the whole batch gets the error, and run is not called again for it', async () => {
    const { batcher, runs, settled } = harness()
    for (const item of items(1, 1, 1)) batcher.add(item)
    await turn()
    runs[0]!.fail(new Error('no'))
    await turn()
    expect(runs).toHaveLength(1)
    expect(settled.map(one => [one.id, one.error?.code, one.error?.message])).toEqual([
      [0, 'EMBEDDER_FAILED', 'no'],
      [1, 'EMBEDDER_FAILED', 'no'],
      [2, 'EMBEDDER_FAILED', 'no'],
    ])
  })

  test('with halving only culprits fail, in few runs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(39), { maxLength: 3 }),
        async (count, chosen) => {
          const culprits = new Set(chosen.filter(id => id < count))
          let calls = 0
          const settled = new Map<number, string>()
          const batcher = new Batcher<Item>({
            budget: 1000,
            halve: true,
            cost: () => 1,
            run: async batch => {
              calls++
              if (batch.some(item => culprits.has(item.id))) throw new Error('culprit')
              for (const { id } of batch) settled.set(id, `${settled.get(id) ?? ''}ok`)
            },
            fail: ({ id }, error) => settled.set(id, `${settled.get(id) ?? ''}${error.code}`),
          })
          for (let id = 0; id < count; id++) batcher.add({ id, cost: 1 })
          while (batcher.size > 0) await turn()
          for (let id = 0; id < count; id++) expect(settled.get(id)).toBe(culprits.has(id) ? 'EMBEDDER_FAILED' : 'ok')
          expect(calls).toBeLessThanOrEqual(1 + culprits.size * 2 * Math.ceil(Math.log2(count + 1)))
        },
      ),
    )
  })

  test('an error that is nobody’s fault is not halved', async () => {
    const { batcher, runs, settled } = harness({ halve: true })
    for (const item of items(1, 1)) batcher.add(item)
    await turn()
    runs[0]!.fail(new OpDbusError('UNSUPPORTED_MODEL', 'wrong output'))
    await turn()
    expect(runs).toHaveLength(1)
    expect(settled.map(one => one.error?.code)).toEqual(['UNSUPPORTED_MODEL', 'UNSUPPORTED_MODEL'])
  })
})

test('any history: every item settles exactly once or left, budgets hold, the oldest waiting item is in each batch', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), cost: fc.integer({ min: 1, max: 15 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), which: fc.nat(30) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('finish' as const), ok: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      async (steps, lanes, halve) => {
        const budget = 20
        const outcomes = new Map<number, number>()
        const waiting: number[] = []
        const live: { items: readonly Item[]; end: ReturnType<typeof deferred<void>> }[] = []
        const settle = (id: number) => outcomes.set(id, (outcomes.get(id) ?? 0) + 1)
        const fresh = new Set<number>()
        // Thrown inside run, an assertion would pass for a failing batch.
        const violations: string[] = []
        const batcher: Batcher<Item> = new Batcher<Item>({
          budget,
          lanes,
          halve,
          cost: item => item.cost,
          fail: ({ id }) => settle(id),
          run: async batch => {
            const dearest = Math.max(...batch.map(item => item.cost))
            if (batch.length > 1 && batch.length * dearest > budget) violations.push('over budget')
            // Halves of a failed batch were counted when the whole was formed.
            if (batch.every(item => fresh.has(item.id))) {
              if (!batch.some(item => item.id === waiting[0])) violations.push('the oldest was left waiting')
              for (const { id } of batch) {
                fresh.delete(id)
                waiting.splice(waiting.indexOf(id), 1)
              }
            }
            const end = deferred<void>()
            live.push({ items: batch, end })
            await end.promise
            for (const { id } of batch) if (!dropped.has(id)) settle(id)
          },
        })
        const all: Item[] = []
        const dropped = new Set<number>()
        const finish = async (ok: boolean) => {
          const run = live.shift()
          if (!run) return
          if (ok) run.end.resolve()
          else run.end.reject(new Error('failed'))
          await turn()
        }
        for (const one of steps) {
          if (one.do === 'add') {
            const item = { id: all.length, cost: one.cost }
            all.push(item)
            waiting.push(item.id)
            fresh.add(item.id)
            batcher.add(item)
          } else if (one.do === 'drop') {
            const item = all[one.which]
            if (item && !outcomes.has(item.id)) {
              batcher.drop(item)
              dropped.add(item.id)
              if (fresh.delete(item.id)) waiting.splice(waiting.indexOf(item.id), 1)
            }
          } else if (one.do === 'finish') await finish(one.ok)
          else await turn()
        }
        await turn()
        while (live.length > 0) await finish(true)
        expect(violations).toEqual([])
        expect(batcher.size).toBe(0)
        for (const { id } of all) expect(outcomes.get(id) ?? 0).toBe(dropped.has(id) ? 0 : 1)
      },
    ),
    { numRuns: 300 },
  )
})
