// Which texts are foreseen: counters, followers, silence where nothing can be known; on real log lines where they are at hand.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fieldsOf, plus, stepOf, textOf } from '../../../src/tuning/predict/text-fields.js'
import { TextModel } from '../../../src/tuning/predict/text-model.js'
import { counterLog, randomNumbers } from './counter-log.js'

const folder = fileURLToPath(new URL('../../../../shared/data/loghub', import.meta.url))

/** What came of foreseeing texts as a cache does: those that were seen before are not learnt from. */
function foresee(lines: readonly string[]) {
  const model = new TextModel()
  const seen = new Set<string>()
  const fetched = new Set<string>()
  const counts = { firstSeen: 0, foreseen: 0, fetched: 0 }
  for (const line of lines) {
    if (seen.has(line)) continue
    seen.add(line)
    counts.firstSeen++
    if (fetched.has(line)) counts.foreseen++
    for (const next of model.next(line)) {
      if (seen.has(next) || fetched.has(next)) continue
      fetched.add(next)
      counts.fetched++
    }
  }
  return {
    ...counts,
    covered: counts.foreseen / counts.firstSeen,
    precise: counts.fetched === 0 ? 1 : counts.foreseen / counts.fetched,
  }
}

describe('fields', () => {
  it('make up the text again', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^([a-z]{1,5}[ :=/#-][0-9]{1,4}[ .,]?){1,4}$/)), text => {
        const fields = fieldsOf(text)
        if (fields) expect(textOf(fields.template, fields.values)).toBe(text)
      }),
    )
  })

  it.each([
    ['100', '101', 1],
    ['container-9', 'container-10', 1],
    ['007', '008', 1],
    ['a1b', 'a4b', 3],
    ['10.1.1.1', '10.1.1.2', undefined],
    ['99', '098', undefined],
    ['x1', 'y2', undefined],
    ['5', '3', -2],
  ])('%s to %s is a step of %s', (before, after, step) => {
    expect(stepOf(before, after)).toBe(step)
    if (step !== undefined) expect(plus(before, step)).toBe(after)
  })

  it('do not step below nought, or beyond what is exact', () => {
    expect(plus('1', -2)).toBeUndefined()
    expect(plus(String(Number.MAX_SAFE_INTEGER), 1)).toBeUndefined()
  })
})

describe('texts', () => {
  it('of a log of counters, interleaved, with noise: 40 % of those that are new, at 80 % precision and more', () => {
    for (const seed of [1, 2, 3]) {
      const { covered, precise, firstSeen } = foresee(counterLog(2000, seed))
      expect(firstSeen).toBeGreaterThan(600)
      expect(covered).toBeGreaterThan(0.4)
      expect(precise).toBeGreaterThan(0.8)
    }
  })

  it('that follow others with a field of theirs', () => {
    const random = randomNumbers(7)
    const lines = Array.from({ length: 400 }, () => {
      const id = `blk_${Math.floor(random() * 1e9)}`
      return [`Receiving block ${id}`, `Verified ${id} in the store`]
    }).flat()
    const { covered, precise } = foresee(lines)
    expect(covered).toBeGreaterThan(0.45)
    expect(precise).toBeGreaterThan(0.95)
  })

  it('that are random are not foreseen', () => {
    const random = randomNumbers(3)
    const lines = Array.from(
      { length: 2000 },
      () => `request ${Math.floor(random() * 1e6)} took ${Math.floor(random() * 900)} ms`,
    )
    expect(foresee(lines).fetched).toBeLessThan(10)
  })

  it('whose counters jump once they are believed are soon not believed', () => {
    let number = 0
    const lines = Array.from({ length: 2000 }, (_, i) => {
      number += i % 5 === 4 ? 1000 + i : 1
      return `job ${number} done`
    })
    const { fetched, foreseen } = foresee(lines)
    expect(fetched - foreseen).toBeLessThan(50)
  })

  it('of any kind keep the tables bounded', () => {
    const model = new TextModel()
    const random = randomNumbers(5)
    for (let i = 0; i < 6000; i++)
      model.next(`t${random().toString(36)} a ${i} b ${Math.floor(random() * 50)} c ${Math.floor(random() * 50)}`)
    for (const size of model.sizes) expect(size).toBeLessThanOrEqual(2048)
  })
})

describe.skipIf(!existsSync(folder))('real log lines (skipped without ../shared/data/loghub)', () => {
  it.each(['HDFS', 'Hadoop', 'Linux', 'OpenSSH', 'OpenStack', 'Spark', 'Windows', 'Zookeeper'])(
    '%s: right, or silent',
    name => {
      const lines = readFileSync(`${folder}/${name}.tsv`, 'utf8').trimEnd().split('\n')
      expect(foresee(lines.map(line => line.slice(line.indexOf('\t') + 1))).precise).toBeGreaterThan(0.8)
    },
  )
})
