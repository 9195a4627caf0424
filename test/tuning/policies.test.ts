// Every policy against a plain model of it, over all that a memory does with a policy.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { EvictionPolicy, PolicyName } from '../../src/cache/eviction.js'
import { seeded } from '../../src/sample-lines.js'
import { WTinyLfu } from '../../src/tuning/policies/w-tinylfu.js'
import { POLICIES } from '../../src/tuning/policies.js'
import { ExactFrequencies, MODELS, type Model } from './reference.js'

const NAMES = Object.keys(MODELS) as PolicyName[]
const FULL = process.env.OP_DBUS_TUNING === 'full'
const RUNS = FULL ? 500 : 15
const STEPS = FULL ? 40_000 : 4000
/** More than any capacity tried. */
const KEYS = 14
/**
 * The last two keys share a hash, as two of many will. Not under W-TinyLFU, which learns of the hits of one when that one is looked at, and not when
 * the other is.
 */
const hashOf = (name: PolicyName, key: number) =>
  Math.imul((key === KEYS - 1 && name !== 'w-tinylfu' ? key - 1 : key) + 1, 0x9e3779b1) >>> 0

const key = fc.oneof(fc.nat(4), fc.nat(KEYS - 1))
const cost = fc.constantFrom(0, 10, 100, 100, 150, 3000, 1_000_000)
const bytes = fc.constantFrom(1, 100, 1536)
const step = fc.oneof(
  { weight: 100, arbitrary: fc.record({ do: fc.constant('request' as const), key, bytes, cost }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('remove' as const), key }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('replace' as const), key, bytes, cost }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('victim' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('resize' as const), to: fc.integer({ min: 1, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const) }) },
)

/** A memory of slots over a policy and its model, which must agree on every victim. */
class Both {
  readonly slots = new Map<number, number>()
  /** Slots that were used and are not any more. */
  #free: number[] = []
  #policy: EvictionPolicy
  #model: Model
  #capacity: number
  /** Of the model; the policy has one that says the same. */
  readonly #random: () => number
  readonly #name: PolicyName
  readonly #newModel: (typeof MODELS)[PolicyName]

  constructor(name: PolicyName, capacity: number) {
    this.#name = name
    this.#capacity = capacity
    this.#policy =
      name === 'w-tinylfu'
        ? new WTinyLfu(capacity, seeded(5), new ExactFrequencies(capacity))
        : POLICIES[name](capacity)
    this.#random = seeded(5)
    this.#newModel = MODELS[name]
    this.#model = this.#newModel(capacity, this.#random)
  }

  request(key: number, bytes: number, cost: number): void {
    const held = this.slots.get(key)
    if (held !== undefined) {
      this.#policy.hit(held)
      this.#model.hit(held)
      return
    }
    while (this.slots.size >= this.#capacity) this.giveUp()
    const slot = this.#free.pop() ?? this.slots.size
    this.slots.set(key, slot)
    this.#policy.added(slot, hashOf(this.#name, key), bytes, cost)
    this.#model.added(slot, hashOf(this.#name, key), bytes, cost)
  }

  replace(key: number, bytes: number, cost: number): void {
    const slot = this.slots.get(key)
    if (slot === undefined) return
    if (this.#policy.replaced) this.#policy.replaced(slot, bytes, cost)
    else this.#policy.hit(slot)
    this.#model.replaced(slot, bytes, cost)
  }

  remove(key: number): void {
    const slot = this.slots.get(key)
    if (slot === undefined) return
    this.slots.delete(key)
    this.#free.push(slot)
    this.#policy.removed(slot)
    this.#model.removed(slot)
  }

  giveUp(): void {
    const right = this.#model.victims()
    const slot = this.#policy.victim()
    if (right.length === 0) expect(slot).toBeUndefined()
    else expect(right).toContain(slot)
    if (slot === undefined) return
    this.#model.gaveUp(slot)
    this.#free.push(slot)
    for (const [key, held] of this.slots) if (held === slot) this.slots.delete(key)
  }

  resize(to: number): void {
    this.#capacity = to
    this.#policy.resize(to)
    this.#model.resize(to)
    while (this.slots.size > to) this.giveUp()
  }

  clear(): void {
    this.slots.clear()
    this.#free = []
    this.#policy.clear()
    this.#model = this.#newModel(this.#capacity, this.#random)
  }

  check(): void {
    const inOrder = (slots: Iterable<number>) => [...slots].sort((a, b) => a - b)
    expect(inOrder(this.#policy.slots())).toEqual(inOrder(this.slots.values()))
    expect(inOrder(this.#model.held())).toEqual(inOrder(this.slots.values()))
  }
}

describe.each(NAMES)('%s', name => {
  it('gives up what its model gives up, whatever is done', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(step, { minLength: 50, maxLength: 300, size: 'max' }),
        (capacity, steps) => {
          const both = new Both(name, capacity)
          for (const step of steps) {
            if (step.do === 'request') both.request(step.key, step.bytes, step.cost)
            else if (step.do === 'replace') both.replace(step.key, step.bytes, step.cost)
            else if (step.do === 'remove') both.remove(step.key)
            else if (step.do === 'victim') both.giveUp()
            else if (step.do === 'resize') both.resize(step.to)
            else both.clear()
          }
          both.check()
        },
      ),
      { numRuns: RUNS },
    )
  })

  it('does so over a long time, among many entries', () => {
    const random = seeded(11)
    const below = (most: number) => Math.floor(random() * most)
    const both = new Both(name, 100)
    for (let i = 0; i < STEPS; i++) {
      // A ranking that moves on, as popularity does.
      const key = (Math.floor(random() ** 3 * 400) + Math.floor((12 * i) / STEPS)) % 1000
      const micros = 100 * (1 + (key % 10)) ** 3
      const what = random()
      if (what < 0.01) both.remove(key)
      else if (what < 0.02) both.replace(key, 1 + below(3000), 2 * micros)
      else both.request(key, 1 + (key % 7), micros)
      if (i % (STEPS / 4) === STEPS / 4 - 1) both.resize(60 + below(80))
    }
    both.check()
  })
})
