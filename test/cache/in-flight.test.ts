import { describe, expect, it } from 'vitest'
import { type Flight, InFlight } from '../../src/cache/in-flight.js'
import { deferred } from '../support.js'

describe('InFlight', () => {
  it('runs once for all who wait, and again for those who come later', async () => {
    const flights = new InFlight<number>()
    const work = deferred<number>()
    let runs = 0
    const first = flights.start('a', () => {
      runs++
      return work.promise
    })
    const second = flights.join('a')
    expect(flights.join('b')).toBeUndefined()
    work.resolve(7)
    expect(await Promise.all([first, second])).toEqual([7, 7])
    expect(runs).toBe(1)
    expect(flights.join('a')).toBeUndefined()
  })

  it('tells every waiter of an error, and does not keep it', async () => {
    const flights = new InFlight<number>()
    const work = deferred<number>()
    const waiters = [flights.start('a', () => work.promise), flights.join('a')]
    work.reject(new Error('no'))
    for (const waiter of waiters) await expect(waiter).rejects.toThrow('no')
    expect(flights.size).toBe(0)
  })

  it('lets one caller leave and goes on for the others', async () => {
    const flights = new InFlight<number>()
    const work = deferred<number>()
    const controller = new AbortController()
    let flight!: Flight
    const impatient = flights.start(
      'a',
      f => {
        flight = f
        return work.promise
      },
      controller.signal,
    )
    const patient = flights.join('a')
    controller.abort(new Error('enough'))
    await expect(impatient).rejects.toMatchObject({ code: 'ABORTED', cause: new Error('enough') })
    expect(flight.signal.aborted).toBe(false)
    work.resolve(1)
    expect(await patient).toBe(1)
  })

  it('aborts the work when the last waiter leaves; who comes then starts anew', async () => {
    const flights = new InFlight<number>()
    const [one, two] = [new AbortController(), new AbortController()]
    let flight!: Flight
    const hanging = flights.start(
      'a',
      f => {
        flight = f
        return new Promise<number>((_, reject) => f.signal.addEventListener('abort', () => reject(f.signal.reason)))
      },
      one.signal,
    )
    const joined = flights.join('a', two.signal)
    one.abort()
    two.abort()
    await expect(hanging).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(joined).rejects.toMatchObject({ code: 'ABORTED' })
    expect(flight.signal.aborted).toBe(true)
    expect(flights.join('a')).toBeUndefined()
    expect(await flights.start('a', async () => 2)).toBe(2)
  })

  it('puts one listener on a signal that a thousand wait under, and frees them all when it fires', async () => {
    const flights = new InFlight<number>()
    const controller = new AbortController()
    let listeners = 0
    const add = controller.signal.addEventListener.bind(controller.signal)
    controller.signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }
    const waits = Array.from({ length: 1000 }, (_, i) =>
      flights.start(`a${i}`, () => new Promise(() => {}), controller.signal),
    )
    expect(listeners).toBe(1)
    controller.abort()
    for (const result of await Promise.allSettled(waits)) expect(result).toMatchObject({ reason: { code: 'ABORTED' } })
    expect(flights.size).toBe(0)
  })

  it('marks a detached flight stale, answers its waiters, and lets the next caller start anew', async () => {
    const flights = new InFlight<number>()
    const work = deferred<number>()
    let flight!: Flight
    const old = flights.start('a', f => {
      flight = f
      return work.promise
    })
    flights.detach('a')
    expect(flight.stale).toBe(true)
    const fresh = flights.start('a', async () => 2)
    work.resolve(1)
    expect(await old).toBe(1)
    expect(await fresh).toBe(2)
    expect(flights.size).toBe(0)
  })
})
