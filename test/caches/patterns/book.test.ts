// The book of patterns: it serves only what agreed, checks, revokes for good, and survives other processes and damage.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { StandIn } from '../../../src/cache/stand-in.js'
import { PatternBook } from '../../../src/caches/patterns/book.js'
import type { PatternBookOptions } from '../../../src/caches/patterns/options.js'
import { decodeRecord, distance, encodeRecord } from '../../../src/caches/patterns/record.js'
import { MOST_REVOCATIONS, PatternShelf, type RecordStore } from '../../../src/caches/patterns/shelf.js'
import { createMasker } from '../../../src/embedder/patterns/masker.js'
import type { Embedding, Key, Space } from '../../../src/ports.js'
import { openFileStore } from '../../../src/stores/files.js'
import { crc32, deferred, hash, TestClock, temporaryFolder } from '../../support.js'

const EPSILON = 0.2
const MEMBERS = 4
const never = new AbortController().signal

/** A vector of length 1 at an angle: distances are those of the chord. */
function at(angle: number, more: Partial<Embedding> = {}): Embedding {
  return {
    vector: new Float32Array([Math.cos(angle), Math.sin(angle)]),
    tokens: 3,
    truncated: false,
    device: 'cpu',
    ...more,
  }
}

interface Given extends Partial<Omit<PatternBookOptions, 'shelf'>> {
  readonly dir?: string
  readonly warn?: (message: string) => void
}

function stores(dir: string) {
  const given = { maxEntries: 100, clock: new TestClock(), hash, crc32 }
  return {
    records: openFileStore({ name: 'pattern', dir, ...given }),
    revoked: openFileStore({ name: 'revocation', dir: join(dir, 'revoked'), ...given }),
  }
}

/** Without a trial, for any digits, and without checks of hits, unless told. */
async function newBook({ dir, warn = () => {}, ...options }: Given = {}): Promise<PatternBook> {
  const shelf = await new PatternShelf({ dims: 2, warn, disk: dir === undefined ? undefined : stores(dir) }).open()
  return new PatternBook({
    masker: createMasker(),
    space: 'exact' as Space,
    dims: 2,
    epsilon: EPSILON,
    members: MEMBERS,
    trials: 0,
    variety: 1,
    checkShare: 1 / 16,
    hash,
    random: () => 0.999,
    shelf,
    ...options,
  })
}

/** Asks for `text`, whose exact vector is at `angle`; tells what happened. */
async function ask(book: PatternBook, text: string, angle = 0): Promise<'computed' | Float32Array> {
  const answer = await book.answer(text, async () => at(angle), never)
  return answer instanceof StandIn ? answer.value.vector : 'computed'
}

async function teach(book: PatternBook, angles: readonly number[] = [0, 0.01, 0.02, 0.03], from = 100): Promise<void> {
  for (const [i, angle] of angles.entries()) expect(await ask(book, `container ${from + i}`, angle)).toBe('computed')
}

describe('a pattern', () => {
  it('serves a member’s vector after its first members agreed, the one whose farthest fellow is nearest', async () => {
    const book = await newBook()
    await teach(book, [0, 0.04, 0.02, 0.018])
    expect(await ask(book, 'container 200', 1)).toEqual(at(0.02).vector)
    expect(book.counts).toMatchObject({ patterns: 1, refusals: 0 })
    expect(await ask(book, 'another container 200')).toBe('computed')
    expect(await ask(book, 'no number')).toBe('computed')
  })

  it('is refused at the first member that is too far, and is never asked again', async () => {
    const book = await newBook()
    await teach(book, [0, 0.01])
    expect(await ask(book, 'container 102', 0.06)).toBe('computed')
    expect(book.counts).toMatchObject({ patterns: 0, refusals: 1 })
    expect(book.refusal).toMatchObject({ template: 'container <number>', allowed: 0.25 * EPSILON })
    await teach(book, [0, 0, 0, 0, 0, 0], 300)
    expect(book.counts.patterns).toBe(0)
  })

  it('counts a text once as a member, and knows patterns by the length of their numbers', async () => {
    const book = await newBook()
    for (let i = 0; i < 10; i++) expect(await ask(book, 'container 100')).toBe('computed')
    for (const number of [1, 20, 3000, 40_000, 500_000]) expect(await ask(book, `container ${number}`)).toBe('computed')
    await teach(book, [0, 0, 0], 101)
    expect(await ask(book, 'container 999')).not.toBe('computed')
    expect(await ask(book, 'container 1000')).toBe('computed')
  })

  it('never serves NaN, nor vectors of texts that were cut beside ones that were not', async () => {
    const book = await newBook()
    await book.answer('container 100', async () => at(0), never)
    await book.answer('container 101', async () => at(0, { truncated: true }), never)
    await book.answer('vessel 100', async () => at(Number.NaN), never)
    await book.answer('vessel 101', async () => at(0), never)
    expect(book.counts.refusals).toBe(2)
  })

  it('measures vectors that are not of length 1 against their length', async () => {
    const long = (angle: number, length: number): Embedding => ({
      ...at(angle),
      vector: at(angle).vector.map(x => x * length),
    })
    expect(distance(long(0, 10).vector, long(0.01, 10).vector)).toBeCloseTo(0.01, 4)
    expect(distance(long(0, 10).vector, long(0, 5).vector)).toBeCloseTo(0.5, 6)
    expect(distance(new Float32Array(2), new Float32Array(2))).toBe(0)
    const book = await newBook()
    for (let i = 100; i < 104; i++) await book.answer(`container ${i}`, async () => long(0, 10), never)
    expect(await ask(book, 'container 200')).not.toBe('computed')
    await book.answer('vessel 100', async () => long(0, 10), never)
    await book.answer('vessel 101', async () => long(0, 9), never)
    expect(book.counts.refusals).toBe(1)
  })
})

describe('a hit', () => {
  it('is checked as the dice say, the first ones more often; the exact vector is the answer then', async () => {
    let dice = 0.49
    const book = await newBook({ random: () => dice })
    await teach(book)
    expect(await ask(book, 'container 200', 0.1)).toBe('computed')
    expect(await ask(book, 'container 201', 0.1)).not.toBe('computed')
    expect(book.counts).toMatchObject({ checks: 1, revocations: 0 })
    expect(book.counts.worstError).toBeCloseTo(2 * Math.sin((0.1 - 0.02) / 2), 6)
    dice = 0.06
    for (let i = 0; i < 50; i++) expect(await ask(book, `container ${300 + i}`, 0)).toBe('computed')
    dice = 0.07
    expect(await ask(book, 'container 400')).not.toBe('computed')
  })

  it('off the bound revokes the pattern, counts its error, and nothing of it is served again', async () => {
    let dice = 0.999
    const book = await newBook({ random: () => dice })
    await teach(book)
    expect(await ask(book, 'container 200')).not.toBe('computed')
    dice = 0
    expect(await ask(book, 'container 201', 0.5)).toBe('computed')
    dice = 0.999
    expect(book.counts).toMatchObject({ revocations: 1, checks: 1 })
    expect(book.counts.worstError).toBeGreaterThan(EPSILON)
    expect(book.refusal).toMatchObject({ allowed: EPSILON / 2 })
    for (let i = 0; i < 20; i++) expect(await ask(book, `container ${300 + i}`, 0)).toBe('computed')
    expect(book.counts).toMatchObject({ patterns: 1, revocations: 1, checks: 1 })
  })

  it('is never off the bound without a check having the chance to see it: share 1 checks all, share 0 none', async () => {
    const all = await newBook({ checkShare: 1 })
    await teach(all)
    for (let i = 0; i < 20; i++) expect(await ask(all, `container ${300 + i}`, 0)).toBe('computed')
    expect(all.counts.checks).toBe(20)
    const none = await newBook({ checkShare: 0, random: () => 0 })
    await teach(none)
    expect(await ask(none, 'container 300')).not.toBe('computed')
  })

  it('is served by one of the first members, and only where those agreed within a quarter of the bound', async () => {
    const angle = fc.double({ min: -0.2, max: 0.2, noNaN: true })
    await fc.assert(
      fc.asyncProperty(fc.array(angle, { minLength: 5, maxLength: 40 }), async angles => {
        const book = await newBook()
        for (const [i, exact] of angles.entries()) {
          const served = await ask(book, `container ${100 + i}`, exact)
          if (served === 'computed') continue
          const first = angles.slice(0, MEMBERS).map(member => distance(served, at(member).vector))
          expect(Math.min(...first)).toBe(0)
          expect(Math.max(...first)).toBeLessThanOrEqual(0.25 * EPSILON + 1e-6)
        }
      }),
    )
  })
})

describe('what is new', () => {
  const trials = 3
  const strict: Given = { trials, variety: 3, checkShare: 0, random: () => 0 }

  it('is computed by a pattern that serves, and opens the trial again', async () => {
    const book = await newBook(strict)
    await teach(book, [0, 0, 0, 0], 100)
    // The last digit is free now, the others are not: 105 to 107 are the trial.
    for (const number of [105, 106, 107]) expect(await ask(book, `container ${number}`)).toBe('computed')
    expect(await ask(book, 'container 108')).not.toBe('computed')
    expect(book.counts.checks).toBe(3)
    for (const number of [119, 118, 117, 116]) expect(await ask(book, `container ${number}`)).toBe('computed')
    expect(await ask(book, 'container 108')).not.toBe('computed')
    expect(await ask(book, 'container 208')).toBe('computed')
  })

  it('and far from the rest ends the pattern', async () => {
    const book = await newBook(strict)
    await teach(book, [0, 0, 0, 0, 0, 0, 0], 100)
    expect(await ask(book, 'container 108')).not.toBe('computed')
    expect(await ask(book, 'container 208', 0.06)).toBe('computed')
    expect(await ask(book, 'container 109')).toBe('computed')
    expect(book.counts).toMatchObject({ revocations: 1, checks: 3 })
  })

  it('is remembered over the end of a process, and so is the trial', async () => {
    const dir = temporaryFolder()
    for (const number of [100, 101, 102, 103, 105, 106]) {
      const book = await newBook({ ...strict, dir })
      expect(await ask(book, `container ${number}`)).toBe('computed')
      await book.close()
    }
    const book = await newBook({ ...strict, dir })
    expect(await ask(book, 'container 107')).toBe('computed')
    expect(await ask(book, 'container 108')).not.toBe('computed')
    expect(await ask(book, 'container 118')).toBe('computed')
  })

  it('is no reason to compute more at once than the trial wants', async () => {
    const book = await newBook(strict)
    await teach(book, [0, 0, 0, 0], 100)
    let computed = 0
    const texts = Array.from({ length: 10 }, (_, i) => `container 10${i}`)
    const answers = await Promise.all(
      texts.slice(4).map(text =>
        book.answer(
          text,
          async () => {
            computed++
            return at(0)
          },
          never,
        ),
      ),
    )
    expect(computed).toBe(trials)
    expect(answers.filter(answer => answer instanceof StandIn)).toHaveLength(6 - trials)
  })
})

describe('a pattern that declines', () => {
  it('asks the disk for a few of many texts, and masks each once', async () => {
    const dir = temporaryFolder()
    const disk = stores(dir)
    let asked = 0
    const counted = (store: RecordStore): RecordStore =>
      new Proxy(store, {
        get(target, name) {
          if (['getSync', 'standsSync', 'clearedElsewhere'].includes(name as string)) asked++
          return Reflect.get(target, name)
        },
      })
    const shelf = await new PatternShelf({
      dims: 2,
      warn() {},
      disk: { records: counted(disk.records), revoked: counted(disk.revoked) },
    }).open()
    const masker = createMasker()
    let masked = 0
    const counting = {
      name: masker.name,
      mask(text: string) {
        masked++
        return masker.mask(text)
      },
    }
    const options = { space: 'exact' as Space, dims: 2, epsilon: EPSILON, members: MEMBERS, trials: 0, variety: 1 }
    const book = new PatternBook({ ...options, masker: counting, checkShare: 0, hash, random: () => 0, shelf })
    await ask(book, 'container 100', 0)
    await ask(book, 'container 101', 1)
    ;[asked, masked] = [0, 0]
    for (let i = 0; i < 800; i++) expect(await ask(book, `container ${102 + i}`)).toBe('computed')
    expect(masked).toBe(800)
    expect(asked).toBeLessThan(12)
  })
})

describe('many at once', () => {
  it('only as many learn as are needed; the others wait for the outcome', async () => {
    const book = await newBook()
    const started: { text: string; done: (value: Embedding) => void; failed: (error: unknown) => void }[] = []
    const askLater = (text: string, signal = never) =>
      book.answer(
        text,
        () => {
          const { promise, resolve, reject } = deferred<Embedding>()
          started.push({ text, done: resolve, failed: reject })
          return promise
        },
        signal,
      )
    const answers = Array.from({ length: 20 }, (_, i) => askLater(`container ${100 + i}`))
    expect(started.map(({ text }) => text)).toEqual([
      'container 100',
      'container 101',
      'container 102',
      'container 103',
    ])
    // One that fails makes room for one that waits.
    started[0]!.failed(new Error('no'))
    await expect(answers[0]).rejects.toThrow('no')
    await Promise.resolve()
    expect(started).toHaveLength(5)
    for (const { done } of started.slice(1)) done(at(0))
    const served = await Promise.all(answers.slice(1))
    expect(served.filter(answer => answer instanceof StandIn)).toHaveLength(15)
    expect(started).toHaveLength(5)
    expect(book.counts.patterns).toBe(1)
  })

  it('when the pattern is refused all that wait are computed', async () => {
    const book = await newBook()
    let computed = 0
    const answers = Array.from({ length: 20 }, (_, i) =>
      book.answer(`container ${100 + i}`, async () => at(computed++), never),
    )
    const served = await Promise.all(answers)
    expect(served.some(answer => answer instanceof StandIn)).toBe(false)
    expect([computed, book.counts.refusals]).toEqual([20, 1])
  })

  it('who was aborted while waiting takes no place', async () => {
    const book = await newBook()
    const gates = Array.from({ length: MEMBERS }, () => deferred<Embedding>())
    const learners = gates.map(({ promise }, i) => book.answer(`container ${100 + i}`, () => promise, never))
    const leaver = new AbortController()
    const left = book.answer('container 300', async () => expect.fail('computed for nobody'), leaver.signal)
    leaver.abort()
    gates[0]!.reject(new Error('no'))
    await expect(learners[0]).rejects.toThrow('no')
    await expect(left).rejects.toMatchObject({ code: 'ABORTED' })
    for (const { resolve } of gates.slice(1)) resolve(at(0))
    await Promise.all(learners.slice(1))
  })

  it('a revocation while others are computed is final; their exact vectors are answered', async () => {
    const book = await newBook({ random: () => 0 })
    await teach(book)
    const gates = [deferred<Embedding>(), deferred<Embedding>()]
    const checks = gates.map(({ promise }, i) => book.answer(`container ${200 + i}`, () => promise, never))
    gates[1]!.resolve(at(1))
    expect((await checks[1]) as Embedding).toEqual(at(1))
    gates[0]!.resolve(at(0))
    expect((await checks[0]) as Embedding).toEqual(at(0))
    expect(book.counts).toMatchObject({ revocations: 1, checks: 1 })
  })

  it('what is computed while the book is cleared is not learnt', async () => {
    const book = await newBook({ dir: temporaryFolder() })
    const gate = deferred<Embedding>()
    const answer = book.answer('container 100', () => gate.promise, never)
    await book.clear()
    gate.resolve(at(0))
    await answer
    await teach(book, [0, 0, 0], 200)
    expect(await ask(book, 'container 300')).toBe('computed')
    expect(await ask(book, 'container 301')).not.toBe('computed')
  })
})

describe('on disk', () => {
  it('what one process learnt a second one goes on with, member by member', async () => {
    const dir = temporaryFolder()
    for (let i = 0; i < MEMBERS; i++) {
      const book = await newBook({ dir })
      expect(await ask(book, `container ${100 + i}`, i / 100)).toBe('computed')
      await book.close()
    }
    const book = await newBook({ dir })
    expect(await ask(book, 'container 500', 9)).not.toBe('computed')
    expect(book.counts.patterns).toBe(0)
  })

  it('two that learn at once join what they know', async () => {
    const dir = temporaryFolder()
    const [one, two] = [await newBook({ dir }), await newBook({ dir })]
    await teach(one, [0, 0], 100)
    await teach(two, [0, 0], 200)
    await one.close()
    await two.close()
    expect(await ask(await newBook({ dir }), 'container 500')).not.toBe('computed')
  })

  it('a revocation is honoured by a process that serves already, and by every later one', async () => {
    const dir = temporaryFolder()
    const one = await newBook({ dir })
    await teach(one)
    const two = await newBook({ dir, random: () => 0 })
    expect(await ask(two, 'container 500', 1)).toBe('computed')
    expect(two.counts.revocations).toBe(1)
    expect(await ask(one, 'container 501')).toBe('computed')
    await one.close()
    await two.close()
    const later = await newBook({ dir })
    await teach(later, Array(10).fill(0), 600)
    expect(later.counts).toMatchObject({ patterns: 0, refusals: 0, revocations: 0 })
  })

  it('a damaged revocation, or any file in its place, still revokes; and no serving record is left behind it', async () => {
    const dir = temporaryFolder()
    let dice = 0.999
    const book = await newBook({ dir, random: () => dice })
    await teach(book)
    await book.flush()
    dice = 0
    expect(await ask(book, 'container 500', 1)).toBe('computed')
    await book.close()
    const [name] = readdirSync(join(dir, 'revoked')).filter(name => name.endsWith('.json'))
    const [revocation, record] = [join(dir, 'revoked', name!), join(dir, name!)]
    const state = (bytes: Buffer) => /"state":"(\w+)"/.exec(bytes.toString())?.[1]
    expect(state(readFileSync(record))).toBe('revoked')
    const sound = readFileSync(revocation, 'utf8')
    // The record that served may even be brought back, as by a copy of the folder.
    const other = temporaryFolder()
    const served = await newBook({ dir: other })
    await teach(served)
    await served.close()
    const serving = readFileSync(join(other, name!))
    expect(state(serving)).toBe('serving')
    for (const damaged of [sound.replace('distance', 'distancf'), sound.slice(0, 40), '', 'mine']) {
      writeFileSync(revocation, damaged)
      for (const there of [readFileSync(record), serving]) {
        writeFileSync(record, there)
        const later = await newBook({ dir })
        for (let i = 0; i < 6; i++) expect(await ask(later, `container ${600 + i}`)).toBe('computed')
        await later.close()
      }
    }
  })

  it('a refusal by one stops another that began to serve', async () => {
    const dir = temporaryFolder()
    const [one, two] = [await newBook({ dir }), await newBook({ dir })]
    await teach(two, [0], 700)
    await teach(one)
    expect(await ask(one, 'container 500')).not.toBe('computed')
    await ask(two, 'container 701', 1)
    expect(await ask(one, 'container 501')).toBe('computed')
  })

  it('another bound, model or mask asks for other evidence', async () => {
    const dir = temporaryFolder()
    const first = await newBook({ dir })
    await teach(first)
    await first.close()
    const others: Given[] = [
      { epsilon: 0.1 },
      { members: 5 },
      { space: 'another' as Space },
      { masker: createMasker({ literals: ['vlan'] }) },
    ]
    for (const other of others) expect(await ask(await newBook({ dir, ...other }), 'container 500')).toBe('computed')
    expect(await ask(await newBook({ dir }), 'container 500')).not.toBe('computed')
  })

  it('holds the template and no text, in files for their owner alone', async () => {
    const dir = temporaryFolder()
    const book = await newBook({ dir })
    await teach(book, [0, 0], 87_123)
    await ask(book, 'user 10.1.2.3 came', 0)
    await book.close()
    const files = readdirSync(dir).filter(name => name.endsWith('.json'))
    expect(files).toHaveLength(2)
    for (const name of files) {
      const text = readFileSync(join(dir, name), 'utf8')
      expect(text).toMatch(/"template":"(container <number>|user <ip> came)"/)
      expect(text).not.toMatch(/8712[34]|10\.1\.2\.3/)
      expect(JSON.parse(text)['op-dbus']).toBe(1)
      expect(statSync(join(dir, name)).mode & 0o777).toBe(0o600)
    }
  })

  it('a damaged, foreign or senseless record is none', async () => {
    const dir = temporaryFolder()
    const book = await newBook({ dir })
    await teach(book)
    await book.close()
    const [name] = readdirSync(dir).filter(name => name.endsWith('.json'))
    const file = join(dir, name!)
    const good = readFileSync(file)
    for (const place of [30, 60, good.length >> 1, good.length - 3]) {
      const bad = Buffer.from(good)
      bad[place]! ^= 1
      writeFileSync(file, bad)
      expect(await ask(await newBook({ dir }), 'container 500')).toBe('computed')
    }
    writeFileSync(file, 'mine')
    expect(await ask(await newBook({ dir }), 'container 500')).toBe('computed')
    expect(readFileSync(file, 'utf8')).toBe('mine')
  })

  it('a record reads back as it was, and anything else as nothing', () => {
    const record = {
      state: 'serving',
      template: 'a <number>',
      spread: 0.1,
      ids: ['x'],
      places: [[7], null],
      clean: 3,
      embeddings: [at(0.3)],
    } as const
    expect(decodeRecord(encodeRecord(record), 2)).toEqual(record)
    expect(decodeRecord(encodeRecord(record), 3)).toBeUndefined()
    expect(decodeRecord(encodeRecord({ ...record, state: 'learning', ids: [] }), 2)).toBeUndefined()
    expect(decodeRecord(encodeRecord({ ...record, spread: Number.NaN }), 2)).toBeUndefined()
    const text = new TextDecoder().decode(encodeRecord(record))
    for (const [a, b] of [
      ['"v":2', '"v":1'],
      ['[7]', '["7"]'],
      ['cpu', 'abacus'],
      ['serving', 'toString'],
      ['"ids":["x"]', '"ids":[1]'],
    ]) {
      expect(decodeRecord(new TextEncoder().encode(text.replace(a!, b!)), 2), a).toBeUndefined()
    }
    fc.assert(
      fc.property(fc.json(), json => {
        expect(decodeRecord(new TextEncoder().encode(json), 2)).toBeUndefined()
      }),
    )
  })

  it('a record that claims more members than are needed blocks nobody', async () => {
    const dir = temporaryFolder()
    const book = await newBook({ dir, members: 8 })
    await teach(book, Array(7).fill(0))
    await book.close()
    const [name] = readdirSync(dir).filter(name => name.endsWith('.json'))
    const { records } = stores(dir)
    const key = name!.replace('.json', '') as Key
    const record = decodeRecord(records.getSync(key)!, 2)!
    const more = { ...record, ids: [...record.ids, 'a', 'b'], embeddings: [...record.embeddings, at(0), at(0)] }
    records.setSync(key, encodeRecord(more))
    const later = await newBook({ dir, members: 8 })
    await Promise.all(Array.from({ length: 20 }, (_, i) => ask(later, `container ${300 + i}`)))
    expect(await ask(later, 'container 500')).not.toBe('computed')
  })

  it('cleared by another process is forgotten here', async () => {
    const dir = temporaryFolder()
    const [one, two] = [await newBook({ dir }), await newBook({ dir })]
    await teach(one)
    expect(await ask(two, 'container 500')).not.toBe('computed')
    await one.clear()
    expect(await ask(two, 'container 501')).toBe('computed')
    expect(readdirSync(dir).filter(name => name.endsWith('.json'))).toEqual([])
  })

  it('a deleted text takes its pattern along, a text that was no member does not; a revocation stays', async () => {
    const dir = temporaryFolder()
    let dice = 0.999
    const book = await newBook({ dir, random: () => dice })
    await teach(book)
    await book.forget('container 500')
    await book.forget('no number')
    expect(await ask(book, 'container 500')).not.toBe('computed')
    await book.forget('container 102')
    expect(readdirSync(dir).filter(name => name.endsWith('.json'))).toEqual([])
    await teach(book, [0, 0, 0, 0], 600)
    dice = 0
    await ask(book, 'container 700', 1)
    dice = 0.999
    await book.forget('container 600')
    await teach(book, Array(10).fill(0), 800)
  })

  it('that fails is told once; patterns are learnt in memory, and nothing serves whose revocation is unknown', async () => {
    const dir = temporaryFolder()
    writeFileSync(join(dir, 'not-a-folder'), '')
    const told: string[] = []
    const book = await newBook({ dir: join(dir, 'not-a-folder'), warn: message => told.push(message) })
    await teach(book)
    await book.close()
    expect(told).toHaveLength(1)
    const broken: RecordStore = {
      ...stores(join(dir, 'x')).revoked,
      standsSync() {
        throw new Error('EIO')
      },
    }
    mkdirSync(join(dir, 'y'))
    const shelf = new PatternShelf({ dims: 2, warn() {}, disk: { ...stores(join(dir, 'y')), revoked: broken } })
    expect(shelf.isRevoked('k' as Key)).toBe(true)
  })

  it('with as many revocations as are kept no pattern serves any more', async () => {
    const shelf = new PatternShelf({ dims: 2, warn() {} })
    for (let i = 0; i < MOST_REVOCATIONS - 1; i++) shelf.revoke(`${i}` as Key, { template: '', spread: 1 })
    expect(shelf.isRevoked('other' as Key)).toBe(false)
    shelf.revoke('last' as Key, { template: '', spread: 1 })
    expect(shelf.isRevoked('other' as Key)).toBe(true)
    await shelf.clear()
    expect(shelf.isRevoked('last' as Key)).toBe(false)
  })
})

describe('in memory', () => {
  it('patterns under learning keep their vectors bounded, and what goes is on disk', async () => {
    const dir = temporaryFolder()
    const book = await newBook({ dir })
    const word = (i: number) => [...String(i)].map(digit => 'abcdefghij'[Number(digit)]).join('')
    for (let i = 0; i < 2100; i++) await ask(book, `kind ${word(i)} container 100`)
    // The folder holds a hundred; memory has let go of at least that many to write them.
    expect(readdirSync(dir).filter(name => name.endsWith('.json')).length).toBeGreaterThan(90)
  })
})
