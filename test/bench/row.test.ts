// Ratio and verdict of a row.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { finishRow, holdText, isHeld } from './row.js'

const row = { id: 'r', what: 'w', unit: 'ms' } as const

describe('a row', () => {
  test('is held at its limit and missed just past it', () => {
    expect(isHeld(15, 10, { side: 'at most', times: 1.5 })).toBe(true)
    expect(isHeld(15.001, 10, { side: 'at most', times: 1.5 })).toBe(false)
    expect(isHeld(13, 10, { side: 'at least', times: 1.3 })).toBe(true)
    expect(isHeld(12.999, 10, { side: 'at least', times: 1.3 })).toBe(false)
    expect(isHeld(45, 10, { side: 'at most', times: 1.5, plus: 30 })).toBe(true)
    expect(isHeld(46, 10, { side: 'at most', times: 1.5, plus: 30 })).toBe(false)
    expect(isHeld(10, 1e9, { side: 'at most', plus: 10 })).toBe(true)
    expect(isHeld(11, 1e9, { side: 'at most', plus: 10 })).toBe(false)
  })

  test('that is no number is never held', () => {
    expect(isHeld(Number.NaN, 10, { side: 'at most', times: 1.5 })).toBe(false)
    expect(isHeld(Number.NaN, 10, { side: 'at least', times: 1.5 })).toBe(false)
  })

  test('has the ratio of ours to the peer', () => {
    const finished = finishRow({
      ...row,
      ours: 30,
      peer: { name: 'p', value: 20 },
      hold: { side: 'at most', times: 1.5 },
    })
    expect(finished).toEqual({ ...row, ours: 30, peer: 20, peerName: 'p', ratio: 1.5, hold: '<= 1.5x', held: true })
  })

  test('without a peer or a figure to hold says so with null', () => {
    expect(finishRow({ ...row, ours: 3 })).toEqual({
      ...row,
      ours: 3,
      peer: null,
      peerName: null,
      ratio: null,
      hold: null,
      held: null,
    })
    expect(finishRow({ ...row, ours: 3, hold: { side: 'at most', plus: 2 } })).toMatchObject({
      ratio: null,
      held: false,
    })
  })

  test('is held by less wherever it is held by more', () => {
    const positive = fc.double({ min: 1e-9, max: 1e9, noNaN: true })
    fc.assert(
      fc.property(positive, positive, positive, (ours, peer, times) => {
        const most = { side: 'at most', times } as const
        const least = { side: 'at least', times } as const
        if (isHeld(ours, peer, most)) expect(isHeld(ours / 2, peer, most)).toBe(true)
        if (isHeld(ours, peer, least)) expect(isHeld(ours * 2, peer, least)).toBe(true)
        expect(isHeld(ours, peer, most) || isHeld(ours, peer, least)).toBe(true)
      }),
    )
  })
})

test('what is held reads as it is meant', () => {
  expect(holdText({ side: 'at most', times: 1.5 }, 'ns')).toBe('<= 1.5x')
  expect(holdText({ side: 'at least', times: 1.3 }, 'texts/s')).toBe('>= 1.3x')
  expect(holdText({ side: 'at most', times: 1.5, plus: 30 }, 'ms')).toBe('<= 1.5x + 30 ms')
  expect(holdText({ side: 'at most', plus: 1 }, 's')).toBe('<= 1 s')
  expect(holdText({ side: 'at most', plus: 1.1 }, 'x')).toBe('<= 1.1x')
})
