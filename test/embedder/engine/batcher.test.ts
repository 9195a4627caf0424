// Whatever arrives, fails or leaves: every row settles once, batches keep their budget, the oldest row goes next.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Batcher, type BatcherOptions } from '../../../src/embedder/engine/batcher.js'
import { LengthQueue } from '../../../src/embedder/engine/length-queue.js'
import { OpDbusError } from '../../../src/errors.js'
import { deferred } from '../../support.js'

/** Lets every microtask that is due run. */
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** A batcher whose runs end when the test says so, and a record of everything it did. A row's cost is said when it is added. */
function harness(options: Partial<BatcherOptions> = {}) {
  const costs: number[] = []
  const waiting = new Set<number>()
  const running = new Set<number>()
  const runs: { rows: readonly number[]; done: () => void; fail: (error: unknown) => void }[] = []
  const settled: { row: number; error?: OpDbusError }[] = []
  const settle = (row: number, error?: OpDbusError) => {
    running.delete(row)
    if (waiting.delete(row)) settled.push({ row, ...(error && { error }) })
  }
  const batcher = new Batcher({
    budget: () => 12,
    waits: row => waiting.has(row),
    cut: rows => {
      for (const row of rows) running.add(row)
    },
    run: async rows => {
      const end = deferred<void>()
      runs.push({ rows, done: () => end.resolve(), fail: end.reject })
      await end.promise
      for (const row of rows) settle(row)
    },
    fail: (rows, error) => {
      for (const row of rows) settle(row, error)
    },
    ...options,
  })
  const add = (...added: number[]) => {
    for (const cost of added) {
      waiting.add(costs.length)
      batcher.add(costs.push(cost) - 1, cost)
    }
  }
  const drop = (row: number) => {
    if (!waiting.delete(row)) return false
    if (!running.has(row)) batcher.dropped(costs[row]!)
    return true
  }
  return { batcher, runs, settled, waiting, add, drop, costs: () => runs.map(run => run.rows.map(row => costs[row]!)) }
}

describe('forming batches', () => {
  test('what is added in one turn shares batches, nearest in cost first', async () => {
    const { add, runs, costs } = harness()
    add(2, 6, 3, 6, 2)
    expect(runs).toHaveLength(0)
    for (let i = 0; i < 3; i++) {
      await turn()
      runs[i]?.done()
    }
    await turn()
    // Cut from the dearest: [6, 6], [3, 2, 2]; the oldest row costs 2.
    expect(costs()).toEqual([
      [3, 2, 2],
      [6, 6],
    ])
  })

  test('a row dearer than the budget goes alone', async () => {
    const { add, runs, costs } = harness()
    add(40, 1, 1)
    await turn()
    runs[0]!.done()
    await turn()
    expect(costs()).toEqual([[40], [1, 1]])
  })

  test('what arrives while a batch runs joins the next, not the running one', async () => {
    const { batcher, add, runs, costs } = harness()
    add(3)
    await turn()
    add(3, 3)
    await turn()
    expect(runs).toHaveLength(1)
    expect(batcher).toMatchObject({ queued: 2, queuedCost: 6 })
    runs[0]!.done()
    await turn()
    expect(costs()).toEqual([[3], [3, 3]])
  })

  test('a turn of the event loop between batches lets newcomers in', async () => {
    const { add, runs, costs } = harness({
      yieldToEventLoop: async () => {
        if (runs.length === 1) add(6)
      },
    })
    add(12, 6)
    await turn()
    runs[0]!.done()
    await turn()
    expect(costs()).toEqual([[12], [6, 6]])
  })

  test('of rows that cost the same the oldest go first, also where dearer ones fill up the batch', async () => {
    const { add, runs } = harness({ budget: () => 6 })
    add(2, 2, 2, 2, 1)
    for (let i = 0; i < 3; i++) {
      await turn()
      runs[i]?.done()
    }
    await turn()
    expect(runs.map(({ rows }) => rows)).toEqual([
      [0, 1, 2],
      [3, 4],
    ])
  })

  test('a queued row that leaves is never run; an empty queue runs nothing', async () => {
    const { batcher, add, drop, runs, settled } = harness()
    add(1, 1)
    drop(0)
    drop(1)
    await turn()
    expect([runs.length, batcher.queued, batcher.queuedCost]).toEqual([0, 0, 0])
    expect(settled).toEqual([])
  })
})

describe('failing', () => {
  test('only culprits fail, in few runs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat(39), { maxLength: 3 }),
        async (count, chosen) => {
          const culprits = new Set(chosen.filter(row => row < count))
          let calls = 0
          const outcomes = new Map<number, string>()
          const { add, waiting } = harness({
            budget: () => 1000,
            run: async rows => {
              calls++
              if (rows.some(row => culprits.has(row))) throw new Error('culprit')
              for (const row of rows) {
                waiting.delete(row)
                outcomes.set(row, `${outcomes.get(row) ?? ''}ok`)
              }
            },
            fail: (rows, error) => {
              for (const row of rows) {
                waiting.delete(row)
                outcomes.set(row, `${outcomes.get(row) ?? ''}${error.code}`)
              }
            },
          })
          add(...new Array<number>(count).fill(1))
          while (waiting.size > 0) await turn()
          for (let row = 0; row < count; row++)
            expect(outcomes.get(row)).toBe(culprits.has(row) ? 'EMBEDDER_FAILED' : 'ok')
          expect(calls).toBeLessThanOrEqual(1 + culprits.size * 2 * Math.ceil(Math.log2(count + 1)))
        },
      ),
    )
  })

  test('a row that is dropped while its batch fails is in no half of it', async () => {
    const { add, drop, runs, settled } = harness()
    add(1, 1, 1, 1)
    await turn()
    drop(1)
    drop(3)
    runs[0]!.fail(new Error('no'))
    for (let i = 1; i < 3; i++) {
      await turn()
      runs[i]!.done()
    }
    await turn()
    expect(runs.map(({ rows }) => rows)).toEqual([[0, 1, 2, 3], [0], [2]])
    expect(settled).toEqual([{ row: 0 }, { row: 2 }])
  })

  test('an error that is nobody’s fault is not halved', async () => {
    const { add, runs, settled } = harness()
    add(1, 1)
    await turn()
    runs[0]!.fail(new OpDbusError('UNSUPPORTED_MODEL', 'wrong output'))
    await turn()
    expect(runs).toHaveLength(1)
    expect(settled.map(one => one.error?.code)).toEqual(['UNSUPPORTED_MODEL', 'UNSUPPORTED_MODEL'])
  })
})

test('any history: every row settles exactly once or left, budgets hold, the oldest waiting row is in each batch', async () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('add' as const), cost: fc.integer({ min: 1, max: 15 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), which: fc.nat(30) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('finish' as const), ok: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const) }) },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 40 }),
      async (steps, maxRows, budget) => {
        const { batcher, add, drop, runs, settled, waiting, costs } = harness({ budget: () => budget, maxRows })
        const dropped = new Set<number>()
        /** In no batch yet. */
        const fresh = new Set<number>()
        let seen = 0
        let added = 0
        const look = () => {
          for (; seen < runs.length; seen++) {
            const { rows } = runs[seen]!
            const dearest = Math.max(...costs()[seen]!)
            if (rows.length > 1 && (rows.length > maxRows || rows.length * dearest > budget)) expect.fail('over budget')
            for (const row of rows) expect(waiting.has(row)).toBe(true)
            // Halves of a batch that failed were looked at when the whole was formed.
            if (!rows.some(row => fresh.has(row))) continue
            expect(rows).toContain(Math.min(...fresh))
            for (const row of rows) expect(fresh.delete(row)).toBe(true)
          }
        }
        let ended = 0
        const finish = async (ok: boolean) => {
          look()
          const run = runs[ended]
          if (!run) return
          ended++
          if (ok) run.done()
          else run.fail(new Error('failed'))
          await turn()
          look()
        }
        for (const one of steps) {
          if (one.do === 'add') {
            fresh.add(added++)
            add(one.cost)
          } else if (one.do === 'drop') {
            look()
            if (!drop(one.which)) continue
            dropped.add(one.which)
            fresh.delete(one.which)
          } else if (one.do === 'finish') await finish(one.ok)
          else {
            await turn()
            look()
          }
        }
        await turn()
        while (ended < runs.length) await finish(true)
        expect(batcher).toMatchObject({ queued: 0, queuedCost: 0 })
        expect(settled.map(one => one.row).sort((a, b) => a - b)).toEqual(
          Array.from({ length: added }, (_, row) => row).filter(row => !dropped.has(row)),
        )
      },
    ),
    { numRuns: 300 },
  )
})

test('rows that leave do not pile up', () => {
  const waiting = new Set<number>([0])
  let asked = 0
  const queue = new LengthQueue(row => {
    asked++
    return waiting.has(row)
  })
  queue.add(0, 5)
  for (let row = 1; row <= 100_000; row++) {
    queue.add(row, 5)
    queue.dropped(5)
  }
  expect(asked).toBeLessThan(250_000)
  expect(queue.cut(100, 100)).toEqual([0])
  expect([queue.rows, queue.cost]).toEqual([0, 0])
})
