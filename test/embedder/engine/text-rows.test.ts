// The columns of what a worker has in hand, against a plain list: whatever comes, goes and grows, no row is taken for another.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AWAY, GONE, QUEUED, TEXT, TextRows } from '../../../src/embedder/engine/text-rows.js'

test('any history: rows are what a list says they are, also when the ring has gone round and grown', () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('add' as const), rows: fc.integer({ min: 1, max: 900 }), gap: fc.nat(5) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('enter' as const),
        rows: fc.integer({ min: 1, max: 900 }),
        packed: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('forget' as const), from: fc.nat(900), rows: fc.nat(900) }) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), steps => {
      const rows = new TextRows()
      const list: { number: number; state: number }[] = []
      const faults: string[] = []
      const check = (holds: boolean, what: string) => holds || faults.push(what)
      let number = 5
      let untouched = 0
      for (const what of steps) {
        const live = [...list.keys()].filter(row => list[row]!.state !== GONE)
        if (what.do === 'add')
          for (let i = 0; i < what.rows; i++) {
            number += 1 + what.gap
            rows.add(number, `text ${number}`)
            list.push({ number, state: TEXT })
          }
        else if (what.do === 'enter') {
          const ids = Int32Array.from({ length: 3 * what.rows }, (_, i) => i)
          for (let i = 0; i < what.rows; i++) {
            while (list[untouched] && list[untouched]!.state !== TEXT) untouched++
            const next = rows.takeText()
            check(next?.row === (untouched < list.length ? untouched : undefined), 'another text is the oldest')
            if (!next) break
            const one = list[next.row]!
            check(next.text === `text ${one.number}`, 'another text')
            one.state = AWAY
            if (i % 4 === 3) continue
            if (what.packed) rows.enter(next.row, ids, 3 * i, 3, i % 2)
            else rows.enter(next.row, [3 * i, 3 * i + 1, 3 * i + 2], 0, 3, i % 2)
            one.state = QUEUED
            check(rows.ids(next.row).join() === [3 * i, 3 * i + 1, 3 * i + 2].join(), 'other ids')
            check(rows.length(next.row) === 3 && rows.truncated(next.row) === i % 2, 'another length')
          }
        } else
          for (const row of live.slice(what.from, what.from + what.rows)) {
            check(rows.find(list[row]!.number) === row, 'not found')
            rows.forget(row)
            rows.forget(row)
            list[row]!.state = GONE
          }
        for (const state of [TEXT, AWAY, QUEUED])
          check(rows.count(state) === list.filter(one => one.state === state).length, 'another count')
      }
      for (const [row, one] of list.entries()) {
        check(rows.state(row) === one.state, 'another state')
        check(rows.find(one.number) === (one.state === GONE ? -1 : row), 'another row')
        check(rows.find(one.number + 0.5) === -1, 'a row that is none')
      }
      expect(faults).toEqual([])
    }),
    { numRuns: 50 },
  )
})
