// Turns of the event loop: whoever asks gets one of their own, in the order in which they asked.
import { expect, it } from 'vitest'
import { yieldToEventLoop } from '../../src/cache/yield-to-event-loop.js'

it('gives each who asks a turn of their own, the first one first', async () => {
  let turn = 0
  let counting = true
  const count = () => {
    turn++
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  const turns = await Promise.all(
    ['a', 'b', 'c'].map(async () => {
      await yieldToEventLoop()
      const first = turn
      await yieldToEventLoop()
      return [first, turn]
    }),
  )
  counting = false
  const all = turns.flat()
  expect(new Set(all).size).toBe(all.length)
  expect(turns.map(([first]) => first)).toEqual([...turns.map(([first]) => first!)].sort((x, y) => x - y))
})
