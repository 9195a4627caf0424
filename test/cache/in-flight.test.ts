// One computation for each id that is under way, over a cache that keeps nothing: who joins, who leaves, what is stale.
import { describe, expect, it } from 'vitest'
import { type LoadOne, loadEach } from '../../src/cache/loader.js'
import { MemoryTier } from '../../src/cache/memory-tier.js'
import { ReadPath } from '../../src/cache/read-path.js'
import { deferred, TestClock } from '../support.js'

interface Box {
  readonly n: number
}

function open() {
  const clock = new TestClock()
  const memory = new MemoryTier<Box>({ capacity: 0, capacityBytes: 0, sizeOf: () => 1, clock })
  const path = new ReadPath<Box>({ memory, tiers: [], clock })
  /** The number that `load` computes, unless it is under way already. */
  const ask = async (id: string, load: LoadOne<Box>, signal?: AbortSignal) =>
    (await path.lookUp(id, loadEach(load), signal)).value.n
  return { path, ask }
}

const unexpected = () => expect.fail('nothing is to be computed')

describe('what is under way', () => {
  it('is computed once for all who wait, and again for those who come later', async () => {
    const { path, ask } = open()
    const work = deferred<Box>()
    const first = ask('a', () => work.promise)
    const second = ask('a', unexpected)
    expect(path.inFlight.get('b')).toBeUndefined()
    work.resolve({ n: 7 })
    expect(await Promise.all([first, second])).toEqual([7, 7])
    expect(await ask('a', async () => ({ n: 8 }))).toBe(8)
  })

  it('tells every waiter of an error, and does not keep it', async () => {
    const { path, ask } = open()
    const work = deferred<Box>()
    const waiters = [ask('a', () => work.promise), ask('a', unexpected)]
    work.reject(new Error('no'))
    for (const waiter of waiters) await expect(waiter).rejects.toThrow('no')
    expect(path.inFlight.size).toBe(0)
  })

  it('lets one caller leave and goes on for the others', async () => {
    const { ask } = open()
    const work = deferred<Box>()
    const controller = new AbortController()
    let signal!: AbortSignal
    const impatient = ask(
      'a',
      (_id, ended) => {
        signal = ended
        return work.promise
      },
      controller.signal,
    )
    const patient = ask('a', unexpected)
    controller.abort(new Error('enough'))
    await expect(impatient).rejects.toMatchObject({ code: 'ABORTED', cause: new Error('enough') })
    expect(signal.aborted).toBe(false)
    work.resolve({ n: 1 })
    expect(await patient).toBe(1)
  })

  it('ends when the last waiter leaves; who comes then begins anew', async () => {
    const { path, ask } = open()
    const [one, two] = [new AbortController(), new AbortController()]
    let signal!: AbortSignal
    const hanging = ask(
      'a',
      (_id, ended) => {
        signal = ended
        return new Promise<Box>((_, reject) => ended.addEventListener('abort', () => reject(ended.reason)))
      },
      one.signal,
    )
    const joined = ask('a', unexpected, two.signal)
    one.abort()
    two.abort(new Error('enough'))
    await expect(hanging).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(joined).rejects.toMatchObject({ code: 'ABORTED' })
    expect(signal.reason).toEqual(new Error('enough'))
    expect(path.inFlight.size).toBe(0)
    expect(await ask('a', async () => ({ n: 2 }))).toBe(2)
  })

  it('puts one listener on a signal that a thousand wait under, and frees them all when it fires', async () => {
    const { path, ask } = open()
    const controller = new AbortController()
    let listeners = 0
    const add = controller.signal.addEventListener.bind(controller.signal)
    controller.signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    const waits = Array.from({ length: 1000 }, (_, i) => ask(`a${i}`, () => new Promise(() => {}), controller.signal))
    expect(listeners).toBe(1)
    controller.abort()
    for (const result of await Promise.allSettled(waits)) expect(result).toMatchObject({ reason: { code: 'ABORTED' } })
    expect(path.inFlight.size).toBe(0)
  })

  it('is stale when it is detached: its waiters are answered, and the next caller begins anew', async () => {
    const { path, ask } = open()
    const work = deferred<Box>()
    const old = ask('a', () => work.promise)
    const underWay = path.inFlight.get('a')!
    path.inFlight.detach('a')
    expect(underWay.stale).toBe(true)
    const fresh = ask('a', async () => ({ n: 2 }))
    work.resolve({ n: 1 })
    expect(await old).toBe(1)
    expect(await fresh).toBe(2)
    expect(path.inFlight.size).toBe(0)
  })
})
