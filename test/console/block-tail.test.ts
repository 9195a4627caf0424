// The list of blocks while more come: one question at a time, no gap that looks like a whole, no answer of a filter that is gone.
import { describe, expect, it } from 'vitest'
import { NO_FILTER, PAGE } from '../../console/block-rows.js'
import { BlockTail } from '../../console/block-tail.js'
import { CallFailure } from '../../console/failures.js'
import type { Block, BlocksReport } from '../../src/server/api.js'

/** A chain that answers when a test says so. */
function fakeChain(size: number) {
  const waiting: { answer(): void; fail(): void }[] = []
  const asked: Readonly<Record<string, string | number | undefined>>[] = []
  const chain = { size, asked, waiting }
  const tail = new BlockTail(
    params =>
      new Promise((resolve, reject) => {
        asked.push(params)
        const report = (): BlocksReport => {
          const to = Number(params.before ?? chain.size)
          const numbers = Array.from({ length: Math.min(PAGE, to) }, (_, i) => to - 1 - i)
          return {
            size: chain.size,
            blocks: numbers.map(number => ({ number, hash: `${number}`, header: {} }) as Block),
          }
        }
        waiting.push({
          answer: () => resolve(report()),
          fail: () => reject(new CallFailure('refused', 'the disk is gone', 'STORE')),
        })
      }),
  )
  return { chain, tail, numbers: () => tail.blocks.value?.map(({ number }) => number) }
}
const turn = () => new Promise(resolve => setImmediate(resolve))
const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i)

describe('the list of blocks', () => {
  it('asks once for however many blocks come while it asks, and once more then', async () => {
    const { chain, tail, numbers } = fakeChain(3)
    const asking = tail.newest()
    for (let i = 0; i < 5; i++) void tail.newest()
    chain.waiting[0]!.answer()
    await turn()
    expect(chain.asked.length).toBe(2)
    chain.size = 5
    chain.waiting[1]!.answer()
    await asking
    expect(chain.asked.length).toBe(2)
    expect(numbers()).toEqual([4, 3, 2, 1, 0])
    expect([tail.size.value, tail.atEnd.value, tail.busy.value]).toEqual([5, true, false])
  })

  it('goes back to older ones, to the first', async () => {
    const { chain, tail, numbers } = fakeChain(70)
    for (const step of [() => tail.newest(), () => tail.older()]) {
      const asking = step()
      chain.waiting.at(-1)!.answer()
      await asking
    }
    expect(chain.asked[1]).toMatchObject({ before: 20 })
    expect(numbers()).toEqual(down(69, 0))
    expect(tail.atEnd.value).toBe(true)
  })

  it('begins anew where more came than one answer holds', async () => {
    const { chain, tail, numbers } = fakeChain(60)
    let asking = tail.newest()
    chain.waiting[0]!.answer()
    await asking
    chain.size = 200
    asking = tail.newest()
    chain.waiting[1]!.answer()
    await asking
    expect(numbers()).toEqual(down(199, 150))
    expect(tail.atEnd.value).toBe(false)
  })

  it('hears nothing of a filter that is gone, and tells a failure until the next answer', async () => {
    const { chain, tail, numbers } = fakeChain(2)
    const first = tail.newest()
    const second = tail.setFilter({ ...NO_FILTER, plugin: 'net' })
    chain.waiting[0]!.answer()
    await first
    expect(numbers()).toBeUndefined()
    chain.waiting[1]!.fail()
    await second
    expect(tail.failure.value?.code).toBe('STORE')
    const third = tail.newest()
    expect(chain.asked[2]).toMatchObject({ plugin: 'net', limit: PAGE })
    chain.waiting[2]!.answer()
    await third
    expect([numbers(), tail.failure.value]).toEqual([[1, 0], undefined])
  })
})
