// Which rows an embedder has in hand: what is taken, told, dropped and lost, whatever the order in which that happens.
import { describe, expect, test } from 'vitest'
import { type Finished, RowsInHand } from '../../../src/embedder/client/rows-in-hand.js'
import { OpDbusError } from '../../../src/errors.js'
import type { EmbeddedRows, EmbedJob } from '../../../src/ports.js'

const DIMS = 2

/** A job that notes what it is told. */
function jobOf(texts: readonly string[], on: (part: EmbeddedRows) => void = () => {}) {
  const done: EmbeddedRows[] = []
  const failed: [rows: readonly number[], code: string][] = []
  const job: EmbedJob = {
    texts,
    done(part) {
      done.push(part)
      on(part)
    },
    failed: (rows, error) => failed.push([rows, (error as OpDbusError).code]),
  }
  return { job, done, failed }
}

/** The vector of number `n` is `[n, -n]`. */
const finished = (...numbers: number[]): Finished => ({
  numbers,
  matrix: Float32Array.from(numbers.flatMap(number => [number, -number])),
  tokens: numbers,
  truncated: numbers.map(number => number % 2),
  device: 'cpu',
})

describe('taking', () => {
  test('the oldest come first, over jobs; what is dropped before is not among them', () => {
    const rows = new RowsInHand(DIMS)
    const [one, two] = [jobOf(['a', 'b', 'c']), jobOf(['d', 'e'])]
    rows.add(one.job)
    rows.add(two.job)
    expect(rows.drop(one.job, [1, 7]).size).toBe(0)
    expect(rows.take(1, 1).texts).toEqual(['a'])
    expect(rows).toMatchObject({ size: 4, waiting: 3 })
    const taken = rows.take(2, 99)
    expect(taken.texts).toEqual(['c', 'd', 'e'])
    expect([...taken.numbers]).toEqual([3, 4, 5])
    expect([rows.of(1), rows.of(2), rows.waiting]).toEqual([1, 3, 0])
    expect(rows.take(1, 5)).toEqual({ numbers: [], texts: [] })
  })

  test('a job without texts is none', () => {
    const rows = new RowsInHand(DIMS)
    rows.add(jobOf([]).job)
    expect(rows.size).toBe(0)
    expect(rows.take(1, 1).texts).toEqual([])
  })
})

describe('telling', () => {
  test('a batch of one job is handed on as it is; of several each gets its own rows', () => {
    const rows = new RowsInHand(DIMS)
    const [one, two] = [jobOf(['a', 'b', 'c']), jobOf(['d', 'e'])]
    rows.add(one.job)
    rows.add(two.job)
    rows.take(1, 5)
    const whole = finished(3, 1)
    expect(rows.tell(whole)).toBe(2)
    expect(one.done[0]).toMatchObject({ rows: [2, 0], tokens: [3, 1], truncated: [1, 1], device: 'cpu' })
    expect(one.done[0]!.matrix).toBe(whole.matrix)
    expect(rows.tell(finished(5, 2, 4))).toBe(3)
    expect(one.done[1]).toMatchObject({ rows: [1], matrix: Float32Array.of(2, -2), tokens: [2], truncated: [0] })
    expect(two.done).toEqual([
      { rows: [1, 0], matrix: Float32Array.of(5, -5, 4, -4), tokens: [5, 4], truncated: [1, 0], device: 'cpu' },
    ])
    expect(rows.size).toBe(0)
  })

  test('one row alone has a buffer of its own', () => {
    const rows = new RowsInHand(DIMS)
    const { job, done } = jobOf(['a'])
    rows.add(job)
    rows.take(1, 1)
    const { buffer } = new Float32Array([1, -1, 9, 9])
    rows.tell({ ...finished(1), matrix: new Float32Array(buffer, 0, 2) })
    expect(done[0]!.matrix.buffer.byteLength).toBe(8)
  })

  test('what comes again, late, or for nobody is passed over', () => {
    const rows = new RowsInHand(DIMS)
    const { job, done } = jobOf(['a', 'b', 'c'])
    rows.add(job)
    rows.take(7, 3)
    expect(rows.drop(job, [1])).toEqual(new Map([[7, [2]]]))
    expect(rows.tell(finished(1, 2, 1, 77))).toBe(1)
    expect(done).toMatchObject([{ rows: [0], matrix: Float32Array.of(1, -1) }])
    expect(rows.tell(finished(1, 2))).toBe(0)
    expect(rows.fail([1, 2], new OpDbusError('WORKER_LOST', 'late'))).toBe(0)
    expect(rows.size).toBe(1)
    rows.tell(finished(3))
    expect(rows.drop(job, [0, 1, 2]).size).toBe(0)
    expect(rows.size).toBe(0)
  })

  test('who is told of one job may drop rows of another that are in the same batch: nothing is told of those', () => {
    const rows = new RowsInHand(DIMS)
    const other = jobOf(['b', 'c'])
    const one = jobOf(['a'], () => rows.drop(other.job, [1]))
    rows.add(one.job)
    rows.add(other.job)
    rows.take(1, 3)
    expect(rows.tell(finished(1, 2, 3))).toBe(2)
    expect(other.done).toMatchObject([{ rows: [0], matrix: Float32Array.of(2, -2) }])
  })
})

test('what one holder had fails, whichever jobs it is of; the rest goes on', () => {
  const rows = new RowsInHand(DIMS)
  const [one, two] = [jobOf(['a', 'b']), jobOf(['c', 'd'])]
  rows.add(one.job)
  rows.add(two.job)
  rows.take(1, 1)
  rows.take(2, 2)
  rows.failAll(new OpDbusError('WORKER_LOST', 'gone'), 2)
  expect([one.failed, two.failed]).toEqual([[[[1], 'WORKER_LOST']], [[[0], 'WORKER_LOST']]])
  expect([rows.of(1), rows.of(2), rows.waiting]).toEqual([1, 0, 1])
  expect(rows.take(1, 9).texts).toEqual(['d'])
  rows.failAll(new OpDbusError('CLOSED', 'over'))
  expect([one.failed.at(-1), two.failed.at(-1)]).toEqual([
    [[0], 'CLOSED'],
    [[1], 'CLOSED'],
  ])
  expect(rows.size).toBe(0)
})
