// Texts that are embedded before anybody asks, in simulated time: what it gives, what it costs, who gives way.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Diagnostics, type PrefetchedEvent } from '../../../src/diagnostics.js'
import { Budget } from '../../../src/tuning/predict/budget.js'
import { Predictor } from '../../../src/tuning/predict/predictor.js'
import { TextForesight } from '../../../src/tuning/predict/texts.js'
import { counterLog, randomNumbers } from './counter-log.js'
import { Time } from './simulated.js'

interface Line {
  readonly at: number
  readonly text: string
}

/** An embedder that does one text after another, `ms` each, behind a cache that keeps all of them; and who waited how long. */
async function play(
  lines: readonly Line[],
  { ms, eager, most = 1, rest = 60_000 }: { ms: number; eager: boolean; most?: number; rest?: number },
) {
  const time = new Time()
  const events: PrefetchedEvent[] = []
  const diagnostics = new Diagnostics()
  diagnostics.on('prefetched', event => events.push(event))
  const held = new Set<string>()
  const underWay = new Map<string, Promise<void>>()
  let free = 0
  let waiting = 0
  let computed = 0
  const embed = (text: string) => {
    computed++
    waiting++
    free = Math.max(free, time.now) + ms
    const promise = time.after(free - time.now).then(() => {
      waiting--
      underWay.delete(text)
      held.add(text)
    })
    underWay.set(text, promise)
    return promise
  }
  const budget = new Budget()
  const predictor = new Predictor({
    name: 'text-successors',
    cache: 'embeddings',
    budget,
    usedIsOwed: true,
    clock: time.clock,
    diagnostics,
  })
  const ahead = {
    pays: true,
    get idle() {
      return waiting === 0
    },
    async embed(text: string, signal: AbortSignal) {
      if (held.has(text) || underWay.has(text) || waiting > 0) return false
      await embed(text)
      if (signal.aborted) throw new Error('aborted')
      return true
    },
  }
  const foresight = eager
    ? new TextForesight({ clock: time.clock, timer: time.timer, budget, predictor, ahead })
    : undefined
  const waits: number[] = []
  for (let i = 0; i < lines.length; i += most) {
    const { at } = lines[i]!
    const texts = lines.slice(i, i + most).map(({ text }) => text)
    if (at > time.now) await time.until(at)
    if (most === 1) {
      const text = texts[0]!
      if (held.has(text)) {
        foresight?.asked(text, { source: 'memory' })
        waits.push(0)
        continue
      }
      const before = underWay.get(text)
      const answer = (before ?? embed(text)).then(() => ({
        source: 'computed',
        ...(before && { joined: true as const }),
      }))
      foresight?.asked(text, answer)
      void answer.then(() => waits.push(time.now - at))
      continue
    }
    const sources = texts.map(text => (held.has(text) ? 'memory' : 'computed'))
    const began = time.now
    foresight?.batchBegins()
    for (const text of new Set(texts)) if (!held.has(text)) void (underWay.get(text) ?? embed(text))
    await time.until(Math.max(time.now, free))
    foresight?.batch(texts, sources as never, began)
  }
  await time.until(time.now + rest)
  foresight?.close()
  const of = (outcome: string) => events.filter(event => event.outcome === outcome).length
  return { computed, waits, state: predictor.state(), of }
}

const every = (ms: number, texts: readonly string[]): Line[] => texts.map((text, i) => ({ at: i * ms, text }))

describe('a log of counters, a line in 100 ms, 10 ms a text', () => {
  it('finds 40 % of its new texts embedded already, of those that were fetched 80 %; and costs 5 % more at most', async () => {
    const lines = every(100, counterLog(1600, 11))
    const plain = await play(lines, { ms: 10, eager: false })
    const { computed, state } = await play(lines, { ms: 10, eager: true })
    expect(state.useful + state.late).toBeGreaterThan(0.4 * plain.computed)
    expect(state.useful).toBeGreaterThan(0.8 * (state.useful + state.useless))
    expect(computed).toBeLessThanOrEqual(1.05 * plain.computed + 8)
  })

  it('nobody waits longer than for what is being computed for somebody already', async () => {
    const { waits } = await play(every(100, counterLog(800, 12)), { ms: 10, eager: true })
    expect(Math.max(...waits)).toBeLessThanOrEqual(20)
  })

  it('in batches: learns from their order, and foresees what comes after them', async () => {
    const lines = every(20, counterLog(2000, 13))
    const { state } = await play(lines, { ms: 1, eager: true, most: 50 })
    expect(state.useful + state.late).toBeGreaterThan(20)
  })
})

it('where texts follow one another without a pause, nothing is fetched', async () => {
  const texts = counterLog(600, 14).filter(text => text !== 'health check passed')
  const { state } = await play(every(10, texts), { ms: 10, eager: true, rest: 0 })
  expect(state.useful + state.useless + state.late).toBe(0)
})

it('what nobody asked for in its time is told as useless, also where nothing comes after it', async () => {
  const texts = Array.from({ length: 30 }, (_, i) => `Created container ${i + 1}`)
  const { of } = await play(every(100, texts), { ms: 10, eager: true, rest: 700_000 })
  expect([of('useless'), of('cancelled')]).toEqual([1, 0])
})

it('a text that takes next to nothing is not foreseen', async () => {
  const { state } = await play(every(100, counterLog(1000, 15)), { ms: 0.05, eager: true })
  expect(state.useful + state.useless).toBeLessThanOrEqual(1)
})

describe('whatever is asked, 5 % more is computed at most, beyond a start of eight', () => {
  it('of counters that jump, stop and begin, at any pace', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 2, max: 40 }),
        fc.array(
          fc.record({
            gap: fc.integer({ min: 0, max: 200 }),
            counter: fc.integer({ min: 0, max: 3 }),
            jumps: fc.boolean(),
          }),
          {
            minLength: 50,
            maxLength: 400,
          },
        ),
        async (seed, every, steps) => {
          const random = randomNumbers(seed)
          const numbers = [1, 1, 1, 1]
          let at = 0
          const lines = steps.map(({ gap, counter, jumps }, i) => {
            const far = jumps && i % every === 0
            numbers[counter] = numbers[counter]! + (far ? 50 + Math.floor(random() * 1000) : 1)
            at += gap
            return { at, text: `counter ${'abcd'[counter]} is at ${numbers[counter]}` }
          })
          const plain = await play(lines, { ms: 10, eager: false })
          const { computed } = await play(lines, { ms: 10, eager: true })
          expect(computed).toBeLessThanOrEqual(1.05 * plain.computed + 8 + 1)
        },
      ),
      { numRuns: process.env.OP_DBUS_TUNING === 'full' ? 500 : 12, seed: 16 },
    )
  })
})
