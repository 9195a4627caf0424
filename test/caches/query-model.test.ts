// Two query caches on one folder, as two processes have them, over random interleavings of questions, changes and time: whatever is
// answered is as new as the last change that was told before it was asked, and within its time.
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { QueryCache } from '../../src/caches/query-cache.js'
import { deferred, memoryFolder, TestClock } from '../support.js'
import { handTimer, open, TTL } from './query-support.js'

const STALE = 3000

/** What the plugin answers: what was so when it was asked, and when it answered. */
interface Seen {
  readonly version: number
  doneAt: number
}

type Step =
  | { readonly do: 'ask' | 'fresh' | 'view' | 'get' | 'change' | 'signal'; readonly by: 0 | 1; readonly plugin: 0 | 1 }
  | { readonly do: 'answer'; readonly which: number }
  | { readonly do: 'fail'; readonly which: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'timers' | 'clear' | 'step'; readonly by: 0 | 1 }

const by = fc.constantFrom<0 | 1>(0, 1)
const look = fc.record({ do: fc.constantFrom('ask', 'ask', 'view', 'get', 'fresh'), by, plugin: by })
const change = fc.record({ do: fc.constantFrom('change', 'signal', 'signal'), by, plugin: by })
const answer = fc.record({ do: fc.constantFrom('answer', 'answer', 'answer', 'fail'), which: fc.nat(3) })
const pass = fc.record({ do: fc.constant('pass'), ms: fc.constantFrom(1, TTL / 2, TTL, TTL + STALE + 1) })
const other = fc.record({ do: fc.constantFrom('timers', 'timers', 'clear', 'step'), by })
const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: look },
    { weight: 3, arbitrary: change },
    { weight: 6, arbitrary: answer },
    pass,
    other,
  ),
  { maxLength: 60 },
) as fc.Arbitrary<Step[]>

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

it.each([0, STALE])('is as new as the last change that was told, with %i ms of stale answers', async staleMs => {
  await fc.assert(
    fc.asyncProperty(steps, async list => {
      const clock = new TestClock()
      const dir = memoryFolder()
      const timers = [handTimer(), handTimer()]
      const caches = timers.map(({ timer }) => open(dir, { clock, staleMs, timer }).cache)
      const pending: { readonly seen: Seen; readonly answer: ReturnType<typeof deferred<Seen>> }[] = []
      const under: Promise<unknown>[] = []
      const truth = [0, 0]
      /** By cache and plugin: how new an answer must be. */
      const told = [
        [0, 0],
        [0, 0],
      ]

      const check = (cache: number, plugin: number) => {
        const least = told[cache]![plugin]!
        const askedAt = clock.mono
        return (seen: Seen | undefined, source: string) => {
          if (seen === undefined) return
          expect(seen.version).toBeGreaterThanOrEqual(least)
          if (source !== 'computed') expect(askedAt - seen.doneAt).toBeLessThanOrEqual(TTL + staleMs)
        }
      }
      const ask = (cache: QueryCache, plugin: number, fresh: boolean) =>
        cache.getOrCompute<Seen>(
          `plugin${plugin}`,
          () => {
            const one = { seen: { version: truth[plugin]!, doneAt: 0 }, answer: deferred<Seen>() }
            pending.push(one)
            return one.answer.promise
          },
          { fresh, frozen: plugin === 0 },
        )

      for (const step of list) {
        switch (step.do) {
          case 'ask':
          case 'fresh': {
            const checked = check(step.by, step.plugin)
            const asked = ask(caches[step.by]!, step.plugin, step.do === 'fresh')
            under.push(asked.then(({ value, source }) => checked(value, source)).catch(rethrowUnlessTold))
            break
          }
          case 'view':
            check(step.by, step.plugin)(caches[step.by]!.view<Seen>(`plugin${step.plugin}`), 'memory')
            break
          case 'get': {
            const checked = check(step.by, step.plugin)
            const found = await caches[step.by]!.get<Seen>(`plugin${step.plugin}`)
            checked(found?.value, 'memory')
            break
          }
          case 'change': {
            truth[step.plugin]!++
            await caches[step.by]!.delete(`plugin${step.plugin}`)
            for (const known of told) known[step.plugin] = truth[step.plugin]!
            break
          }
          case 'signal': {
            const version = ++truth[step.plugin]!
            const telling = caches[step.by]!.invalidate(`plugin${step.plugin}`)
            told[step.by]![step.plugin] = version
            under.push(
              telling.then(() => {
                for (const known of told) known[step.plugin] = Math.max(known[step.plugin]!, version)
              }),
            )
            break
          }
          case 'answer':
          case 'fail': {
            const [one] = pending.splice(step.which % Math.max(1, pending.length), 1)
            if (one === undefined) break
            if (step.do === 'fail') one.answer.reject(new Error('told to fail'))
            else one.answer.resolve(Object.assign(one.seen, { doneAt: clock.mono }))
            break
          }
          case 'pass':
            clock.advance(step.ms)
            break
          case 'step':
            clock.wall += step.by === 0 ? 86_400_000 : -86_400_000
            break
          case 'timers':
            timers[step.by]!.pass()
            break
          case 'clear':
            await caches[step.by]!.clear()
            break
        }
        await turn()
      }
      while (pending.length > 0) {
        for (const { seen, answer } of pending.splice(0)) answer.resolve(Object.assign(seen, { doneAt: clock.mono }))
        await turn()
      }
      for (const cache of caches) await cache.close()
      await Promise.all(under)
    }),
    { numRuns: 150 },
  )
})

function rethrowUnlessTold(error: unknown): void {
  if (!(error instanceof Error && error.message === 'told to fail')) throw error
}
