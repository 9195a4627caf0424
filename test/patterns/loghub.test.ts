// How much templates save on real log lines, and that they merge no two events there. The lines (LogHub, 2,000 a set, with the
// event of each) may be measured with and not be shipped: they lie beside the repository, or this is skipped.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { createMasker } from '../../src/patterns/masker.js'

const folder = fileURLToPath(new URL('../../../shared/data/loghub', import.meta.url))
const missing = !existsSync(folder)

interface Score {
  readonly set: string
  /** The share of lines whose template was seen before. */
  readonly hitRate: number
  /** The same with one template an event: what is to be had. */
  readonly ideal: number
  /** Templates that hold lines of two events. */
  readonly merged: readonly string[]
}

function score(set: string, lines: readonly string[]): Score {
  const masker = createMasker()
  const events = new Map<string, Set<string>>()
  const known = new Set<string>()
  for (const line of lines) {
    const tab = line.indexOf('\t')
    const event = line.slice(0, tab)
    const { template } = masker.mask(line.slice(tab + 1))
    events.set(template, (events.get(template) ?? new Set()).add(event))
    known.add(event)
  }
  const rate = (keys: number) => 1 - keys / lines.length
  const merged = [...events].filter(([, of]) => of.size > 1).map(([template]) => template)
  return { set, hitRate: rate(events.size), ideal: rate(known.size), merged }
}

describe.skipIf(missing)('real log lines (skipped without ../shared/data/loghub)', () => {
  test('templates merge no two events, and hit at least 92 % of the lines', () => {
    const files = readdirSync(folder).filter(name => name.endsWith('.tsv'))
    const scores = files.map(name =>
      score(name.slice(0, -4), readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean)),
    )
    const mean = scores.reduce((sum, { hitRate }) => sum + hitRate, 0) / scores.length
    const rows = scores.map(({ set, hitRate, ideal }) => `${set} ${hitRate.toFixed(3)} of ${ideal.toFixed(3)}`)
    console.info(`hit rates of templates: ${rows.join(', ')}; mean ${mean.toFixed(3)}`)
    expect(scores.flatMap(({ set, merged }) => merged.map(template => `${set}: ${template}`))).toEqual([])
    expect(mean).toBeGreaterThanOrEqual(0.92)
  })
})
