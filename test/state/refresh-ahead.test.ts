// Plugins that are asked anew before their answers end, through the manager and the query cache: nobody waits, and nothing that began before a
// change is kept.
import { describe, expect, it, onTestFinished } from 'vitest'
import { openCaches } from '../../src/node.js'
import { openState, type StatePlugin } from '../../src/state.js'
import { Budget } from '../../src/tuning/predict/budget.js'
import { Predictor } from '../../src/tuning/predict/predictor.js'
import { QueryForesight } from '../../src/tuning/predict/queries.js'
import { openTwo } from '../caches/query-support.js'
import { temporaryFolder } from '../support.js'
import { type ManagedOptions, manage, memoryPlugin, TestTimers, tellingPlugin, turns } from './managed.js'

type Queries = ReturnType<typeof manage>['queries']

function foresee(
  queries: Queries,
  { clock, timers, diagnostics }: Pick<ReturnType<typeof manage>, 'clock' | 'timers' | 'diagnostics'>,
) {
  const outcomes: string[] = []
  diagnostics.on('prefetched', ({ outcome }) => outcomes.push(outcome))
  const budget = new Budget()
  const refresh = new Predictor({ name: 'refresh-ahead', cache: 'queries', budget, clock, diagnostics })
  const foresight = new QueryForesight({
    clock,
    timer: timers.timer,
    budget,
    refresh,
    leftMs: id => queries.leftMs(id),
  })
  queries.observe(foresight)
  return { outcomes, foresight, refresh }
}

/** A manager over a plugin that takes 200 ms, with refresh-ahead. */
function slow(options: ManagedOptions = {}, made = memoryPlugin('net')) {
  const signals: AbortSignal[] = []
  const takes = { ms: 200 }
  const plugin: StatePlugin = {
    ...made.plugin,
    async query({ signal }: { signal: AbortSignal }) {
      made.system.asked++
      signals.push(signal)
      const items = structuredClone(made.system.items)
      await new Promise<void>(resolve => managed.timers.timer(takes.ms, resolve))
      return { items }
    },
  }
  const managed = manage([plugin], options)
  const { state, timers } = managed
  const { system } = made
  const ask = async () => {
    const answer = state.query(['net'])
    await timers.pass(0)
    const waits = managed.queries.leftMs([...Object.values(await state.keys())][0]!) === undefined
    await timers.pass(waits ? 200 : 0)
    return answer
  }
  return { ...managed, ...foresee(managed.queries, managed), system, signals, takes, ask }
}

/** Asks every 3 s, `times` more. */
async function rhythm({ ask, timers }: ReturnType<typeof slow>, times: number) {
  const sources: (string | undefined)[] = []
  for (let i = 0; i < times; i++) {
    const report = await ask()
    sources.push(report.sources.net)
    await timers.pass(3000 - (report.sources.net === 'memory' ? 0 : 200))
  }
  return sources
}

describe('a plugin that takes 200 ms, asked every 3 s at a TTL of 5 s', () => {
  it('answers from memory after the first time, with what is so now', async () => {
    const made = slow()
    expect(await rhythm(made, 1)).toEqual(['computed'])
    expect(new Set(await rhythm(made, 20))).toEqual(new Set(['memory']))
    made.system.items = { one: { value: 'new' } }
    await rhythm(made, 2)
    expect((await made.ask()).plugins.net).toEqual({ items: { one: { value: 'new' } } })
    expect(made.system.asked).toBeLessThanOrEqual(13)
  })

  it('is not asked any more once nobody asks, nor once the state is closed', async () => {
    const made = slow()
    await rhythm(made, 6)
    const asked = made.system.asked
    await made.timers.pass(60_000)
    expect(made.system.asked).toBeLessThanOrEqual(asked + 1)
    await rhythm(made, 4)
    const before = made.system.asked
    await made.state.close()
    await made.timers.pass(60_000)
    expect(made.system.asked).toBe(before)
  })
})

/** Brings it to where it is being asked anew, and nobody waits. */
async function underWay(made: ReturnType<typeof slow>, takesMs = 200) {
  await rhythm(made, 3)
  made.takes.ms = takesMs
  const asked = made.system.asked
  while (made.system.asked === asked) await made.timers.pass(50)
  expect(made.refresh.isUnderWay(Object.values(await made.state.keys())[0]!)).toBe(true)
}

describe('a refresh that began before a change', () => {
  it('is cancelled by an apply, and what it saw is served to nobody', async () => {
    const made = slow()
    await underWay(made)
    const key = Object.values(await made.state.keys())[0]!
    const letGo = await made.queries.hold(key)
    expect(made.signals.at(-1)!.aborted).toBe(true)
    made.system.items = { one: { value: 'applied' } }
    await made.timers.pass(1000)
    expect(made.queries.view(key)).toBeUndefined()
    // Nothing is fetched while it is held.
    const asked = made.system.asked
    await made.timers.pass(20_000)
    expect(made.system.asked).toBe(asked)
    await letGo()
    expect((await made.ask()).plugins.net).toEqual({ items: { one: { value: 'applied' } } })
    expect(made.outcomes).toContain('cancelled')
  })

  it('is joined by who asks once what was held has ended, and counts as late', async () => {
    const made = slow()
    await underWay(made, 1000)
    const left = made.queries.leftMs(Object.values(await made.state.keys())[0]!) ?? 0
    await made.timers.pass(left + 1)
    const asked = made.system.asked
    const answer = made.state.query(['net'])
    await made.timers.pass(1000)
    expect((await answer).sources.net).toBe('computed')
    expect(made.system.asked).toBe(asked)
    expect(made.outcomes.at(-1)).toBe('late')
  })

  it('ends with the caches', async () => {
    const made = slow()
    await underWay(made)
    made.foresight.close()
    await turns()
    expect(made.signals.at(-1)!.aborted).toBe(true)
    expect(made.refresh.state()).toMatchObject({ state: 'off', waiting: 0 })
  })
})

it('while changes are told a refreshed answer is good for as long as that; and no longer once they are not', async () => {
  let gone = false
  const made = tellingPlugin('net', async () => {
    if (gone) throw new Error('gone')
  })
  const managed = slow({ push: true }, made)
  await managed.ask()
  await turns()
  const key = Object.values(await managed.state.keys())[0]!
  // Asked once more now that it is listened to.
  const again = managed.state.query(['net'], { fresh: true })
  await managed.timers.pass(200)
  await again
  expect(managed.queries.leftMs(key)).toBeGreaterThan(200_000)
  for (let i = 0; i < 20; i++) {
    await managed.ask()
    await managed.timers.pass(14_000)
  }
  gone = true
  made.watches.at(-1)!.watcher.lost('gone')
  for (let i = 0; i < 3; i++) await rhythm(managed, 4)
  expect(managed.queries.leftMs(key) ?? 0).toBeLessThanOrEqual(5000)
})

it('what another process holds or invalidates is not fetched, or not kept', async () => {
  const { here, there, clock } = openTwo({ ttlMs: 5000 })
  const timers = new TestTimers(clock)
  const { diagnostics } = manage([])
  const { refresh } = foresee(here, { clock, timers, diagnostics })
  let answers = 0
  const finish: (() => void)[] = []
  const query = () => {
    answers++
    return answers === 1 ? answers : new Promise<number>(resolve => finish.push(() => resolve(answers)))
  }
  for (let i = 0; i < 3; i++) {
    await here.getOrCompute('net', query)
    await timers.pass(1500)
  }
  const letGo = await there.hold('net')
  await timers.pass(1000)
  expect(answers).toBe(1)
  await letGo()
  const asked = here.getOrCompute('net', query)
  await turns()
  finish.pop()!()
  await asked
  for (let i = 0; i < 2; i++) {
    await timers.pass(1500)
    await here.getOrCompute('net', query)
  }
  while (!refresh.isUnderWay('net')) await timers.pass(50)
  await there.invalidate('net')
  finish.pop()!()
  await timers.pass(1)
  expect(here.leftMs('net')).toBeUndefined()
})

it('in a process: the first who asks waits, and then it is fetched before', async () => {
  const caches = await openCaches({
    dir: temporaryFolder(),
    predict: 'conservative',
    queryCacheTtl: 0.4,
    model: 'none',
  })
  onTestFinished(() => caches.close())
  const plugin: StatePlugin = {
    ...memoryPlugin('slow').plugin,
    query: () => new Promise(resolve => setTimeout(() => resolve({ items: {} }), 30)),
  }
  await using state = await openState({
    caches,
    plugins: [plugin],
    pluginModules: [],
    blockchain: 'off',
    dataDir: temporaryFolder(),
  })
  const used = new Promise<void>(resolve => {
    caches.on('prefetched', ({ outcome }) => outcome === 'useful' && resolve())
  })
  const asking = setInterval(() => void state.query(['slow']), 150)
  onTestFinished(() => clearInterval(asking))
  await used
  expect(caches.tuning()!.predictors).toEqual([
    expect.objectContaining({ name: 'refresh-ahead', cache: 'queries', state: 'on', useful: 1, useless: 0 }),
  ])
})
