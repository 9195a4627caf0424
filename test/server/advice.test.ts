// When the daemon's advice is worked out: once for all who ask, not again for a while, and nobody waits long for it.
import { describe, expect, it } from 'vitest'
import { Advisor } from '../../src/server/advice.js'
import type { NoAdvice } from '../../src/tuning/report.js'

interface Later<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

function later<T>(): Later<T> {
  let settle: Omit<Later<T>, 'promise'>
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, ...settle! }
}

/** Advice that comes when the test says so; `patience`: who waits for it has waited long enough. */
function advisor() {
  let now = 0
  const asked: Later<NoAdvice>[] = []
  let patience = later<void>()
  const advice = new Advisor({
    advise: () => {
      const answer = later<NoAdvice>()
      asked.push(answer)
      return answer.promise
    },
    now: () => now,
    wait: () => patience.promise,
  })
  return {
    advice,
    asked,
    answer: (number: number, reason: string) => asked[number]!.resolve({ available: false, reason }),
    pass: (ms: number) => {
      now += ms
    },
    losePatience: () => {
      patience.resolve()
      patience = later<void>()
    },
  }
}

const said = (reason: string) => ({ available: false, reason })

describe('advice', () => {
  it('is worked out once for all who ask, and not again within a minute', async () => {
    const { advice, asked, answer, pass } = advisor()
    const all = [advice.advice(), advice.advice(), advice.advice()]
    answer(0, 'first')
    expect(await Promise.all(all)).toEqual([said('first'), said('first'), said('first')])
    pass(59_999)
    expect(await advice.advice()).toEqual(said('first'))
    expect(asked).toHaveLength(1)
    pass(1)
    const second = advice.advice()
    answer(1, 'second')
    expect(await second).toEqual(said('second'))
  })

  it('that took long is good for longer', async () => {
    const { advice, asked, answer, pass } = advisor()
    const first = advice.advice()
    pass(10_000)
    answer(0, 'first')
    await first
    pass(199_999)
    expect(await advice.advice()).toEqual(said('first'))
    expect(asked).toHaveLength(1)
    pass(1)
    const second = advice.advice()
    answer(1, 'second')
    expect(await second).toEqual(said('second'))
  })

  it('that takes its time is waited for as long as patience lasts; then what is known is told', async () => {
    const { advice, asked, answer, pass, losePatience } = advisor()
    const early = advice.advice()
    losePatience()
    expect(await early).toMatchObject({ available: false, reason: expect.stringContaining('being worked out') })
    answer(0, 'first')
    expect(await advice.advice()).toEqual(said('first'))
    pass(60_000)
    const stale = advice.advice()
    losePatience()
    expect(await stale).toEqual(said('first'))
    expect(asked).toHaveLength(2)
  })

  it('that failed says where to look, and names no file', async () => {
    const { advice, asked } = advisor()
    const failed = advice.advice()
    asked[0]!.reject(new Error('cannot read /home/somebody/.cache'))
    expect(await failed).toEqual(said(expect.stringMatching(/^(?!.*somebody).*op-dbus cache tune/)))
  })

  it('of before a change of what is recorded is not told after it', async () => {
    const { advice, answer, asked } = advisor()
    const before = advice.advice()
    advice.forget()
    const after = advice.advice()
    answer(1, 'new')
    expect(await after).toEqual(said('new'))
    answer(0, 'old')
    expect(await before).toEqual(said('new'))
    expect(await advice.advice()).toEqual(said('new'))
    expect(asked).toHaveLength(2)
  })
})
