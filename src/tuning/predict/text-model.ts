// Which text comes next: counters that step, and templates that follow templates with fields copied. Every prediction is made and compared,
// and only those of templates that were right of late are handed out, so that what is wrong costs nothing. Bounded, in memory, and
// gone with the process. Computes no vector.
import { Gate } from './gate.js'
import { type Fields, fieldsOf, plus, stepOf, textOf } from './text-fields.js'

/** Bounds of the tables; who was not seen longest gives way. */
const MOST_STREAMS = 2048
const MOST_PAIRS = 1024
const MOST_TEMPLATES = 512
const MOST_PENDING = 1024
/** A prediction that has not come after so many texts was wrong. */
const PATIENCE = 256
/** The same of a template that was to follow at once. */
const FOLLOWS_WITHIN = 16
/** Fields of a text that are tried as its counter. */
const MOST_COUNTERS = 4
/** Texts that are looked back at for what a text follows. */
const LOOK_BACK = 4

/** Texts alike but for one counter, or for all of them. */
interface Stream {
  values: readonly string[]
  steps: readonly (number | undefined)[]
}

/** A template that came after another, and where each of its fields came from: a place among the other's, or `own`. */
interface Pair {
  readonly template: string
  readonly from: readonly (number | string)[]
  readonly gate: Gate
}

interface Pending {
  readonly text: string
  readonly gates: Set<Gate>
  /** The number of the last text that it may be. */
  until: number
}

export class TextModel {
  readonly #streams = new Map<string, Stream>()
  /** Of counters, by template. */
  readonly #gates = new Map<string, Gate>()
  /** By the template that leads. */
  readonly #pairs = new Map<string, Map<string, Pair>>()
  #pairCount = 0
  readonly #pending = new Map<string, Pending>()
  /** The prediction of each stream that is pending. */
  readonly #nextOf = new Map<string, string>()
  #recent: Fields[] = []
  #number = 0

  /** Learns that `text` came. The texts that are to be expected now, the surest first. */
  next(text: string): readonly string[] {
    this.#number++
    this.#settle(text)
    this.#age()
    const fields = fieldsOf(text)
    if (fields === undefined) return []
    const expected = new Set<string>()
    this.#count(fields, text, expected)
    this.#follow(fields, text, expected)
    expected.delete(text)
    return [...expected]
  }

  clear(): void {
    for (const table of [this.#streams, this.#gates, this.#pairs, this.#pending, this.#nextOf]) table.clear()
    this.#pairCount = 0
    this.#recent = []
  }

  /** How large each table is. @internal */
  get sizes(): readonly number[] {
    return [this.#streams, this.#gates, this.#pairs, this.#pending, this.#nextOf].map(({ size }) => size)
  }

  /** Whoever foresaw it was right. */
  #settle(text: string): void {
    const pending = this.#pending.get(text)
    if (pending === undefined) return
    this.#pending.delete(text)
    for (const gate of pending.gates) gate.note(true)
  }

  /** What did not come in its time was wrong. */
  #age(): void {
    for (const [text, { until, gates }] of this.#pending) {
      if (until >= this.#number && this.#pending.size <= MOST_PENDING) break
      this.#pending.delete(text)
      for (const gate of gates) gate.note(false)
    }
  }

  #expect(text: string, gate: Gate, within: number, expected: Set<string>): void {
    const until = this.#number + within
    const pending = this.#pending.get(text)
    if (pending === undefined) this.#pending.set(text, { text, gates: new Set([gate]), until })
    else {
      pending.gates.add(gate)
      pending.until = Math.max(pending.until, until)
    }
    if (gate.open) expected.add(text)
  }

  /** Counters: one field steps and all others stay, or all step as they did. */
  #count({ template, values }: Fields, text: string, expected: Set<string>): void {
    let tried = 0
    for (let place = values.length - 1; place >= 0 && tried < MOST_COUNTERS; place--) {
      if (plus(values[place]!, 1) === undefined) continue
      tried++
      const others = values.map((value, i) => (i === place ? '' : value)).join('\0')
      this.#step(`${place}\0${template}\0${others}`, `${place}\0${template}`, template, values, text, expected)
    }
    if (values.length > 1) this.#step(`*\0${template}`, `*\0${template}`, template, values, text, expected)
  }

  #step(
    key: string,
    gateKey: string,
    template: string,
    values: readonly string[],
    text: string,
    expected: Set<string>,
  ): void {
    const before = this.#streams.get(key)
    this.#streams.delete(key)
    const steps = before?.values.map((value, i) => stepOf(value, values[i]!)) ?? []
    this.#streams.set(key, { values, steps })
    trim(this.#streams, MOST_STREAMS)
    const gate = recent(this.#gates, gateKey, MOST_TEMPLATES, () => new Gate())
    this.#disappoint(key, text, gate)
    if (before === undefined || steps.every(step => step === 0)) return
    const sure = steps.every((step, i) => step !== undefined && step === before.steps[i])
    if (!sure) return
    const next = values.map((value, i) => plus(value, steps[i]!))
    if (next.includes(undefined)) return
    const foreseen = textOf(template, next as string[])
    this.#nextOf.set(key, foreseen)
    trim(this.#nextOf, MOST_STREAMS)
    this.#expect(foreseen, gate, PATIENCE, expected)
  }

  /** The stream goes on with another text than the one that it was to go on with. */
  #disappoint(key: string, text: string, gate: Gate): void {
    const foreseen = this.#nextOf.get(key)
    this.#nextOf.delete(key)
    if (foreseen === undefined || foreseen === text) return
    const pending = this.#pending.get(foreseen)
    if (!pending?.gates.delete(gate)) return
    gate.note(false)
    if (pending.gates.size === 0) this.#pending.delete(foreseen)
  }

  /** Templates that follow this one, with its fields; and this one, after those that came just before. */
  #follow(fields: Fields, text: string, expected: Set<string>): void {
    const { template } = fields
    for (const leader of this.#recent) if (leader.template !== template) this.#learn(leader, fields)
    this.#recent.push(fields)
    if (this.#recent.length > LOOK_BACK) this.#recent.shift()
    const followers = this.#pairs.get(template)
    if (followers === undefined) return
    for (const pair of followers.values()) {
      const values = pair.from.map(from => (typeof from === 'number' ? fields.values[from]! : from))
      const foreseen = textOf(pair.template, values)
      if (foreseen !== text) this.#expect(foreseen, pair.gate, FOLLOWS_WITHIN, expected)
    }
  }

  #learn(leader: Fields, { template, values }: Fields): void {
    const followers = this.#pairs.get(leader.template)
    const known = followers?.get(template)
    if (known !== undefined) {
      const holds = known.from.every((from, i) => (typeof from === 'number' ? leader.values[from] : from) === values[i])
      if (holds || known.gate.open) return
    }
    const from = values.map(value => {
      const place = leader.values.indexOf(value)
      return place < 0 ? value : place
    })
    // What copies nothing is the same text each time, and memory has it.
    if (!from.some(place => typeof place === 'number')) return
    if (known === undefined && ++this.#pairCount > MOST_PAIRS) this.#forgetPairs()
    const gate = known?.gate ?? new Gate()
    if (followers) followers.set(template, { template, from, gate })
    else this.#pairs.set(leader.template, new Map([[template, { template, from, gate }]]))
  }

  #forgetPairs(): void {
    for (const [template, followers] of this.#pairs) {
      if (this.#pairCount <= MOST_PAIRS / 2) return
      this.#pairs.delete(template)
      this.#pairCount -= followers.size
    }
  }
}

function trim<V>(table: Map<string, V>, most: number): void {
  if (table.size > most) table.delete(table.keys().next().value!)
}

/** The value of `key`, made where there is none; the newest at the end. */
function recent<V>(table: Map<string, V>, key: string, most: number, make: () => V): V {
  const value = table.get(key) ?? make()
  table.delete(key)
  table.set(key, value)
  trim(table, most)
  return value
}
