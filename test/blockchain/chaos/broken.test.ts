// These tests notice: a plain chain passes them, and each way to break it fails the scenario that is there for it.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryFolder, temporaryFolder } from '../../support.js'
import { smallChain, tornChain } from './bases.js'
import { injectEverywhere, withoutStrace } from './inject.js'
import { killWriters } from './kill.js'
import type { Break } from './target.js'

describe('kills', () => {
  it('are nothing to a chain that keeps its promises', async () => {
    expect((await killWriters({ dir: temporaryFolder(), rounds: 3, seed: 1, plain: 'none' })).faults).toEqual([])
  })

  it.each(['no-lock'] as const)('show one that has: %s', async plain => {
    expect((await killWriters({ dir: temporaryFolder(), rounds: 9, seed: 1, plain })).faults).not.toEqual([])
  })
})

describe.skipIf(withoutStrace !== undefined)(`faults at calls to the system (${withoutStrace ?? 'strace'})`, () => {
  async function inject(plain: Break, base: 'none' | 'small' | 'torn', choose?: (index: number) => boolean) {
    const work = memoryFolder()
    const small = base === 'none' ? undefined : await smallChain(join(work, 'small'), 'none')
    const start = base === 'torn' ? await tornChain(join(work, 'torn'), small!, join(work, 'scratch'), 'none') : small
    return injectEverywhere({ work, plain, ...(start && { base: start }), ...(choose && { choose }) })
  }

  it('are nothing to a chain that keeps its promises', async () => {
    for (const base of ['none', 'small', 'torn'] as const) {
      const report = await inject('none', base)
      console.log(base, report)
      expect(report.faults).toEqual([])
    }
  }, 600_000)

  it.each([
    ['answers-early', 'small'],
    ['swallows-errors', 'small'],
    ['no-batches', 'torn'],
    ['leaves-parts', 'torn'],
  ] as const)('show one that has: %s', async (plain, base) => {
    const { faults } = await inject(plain, base)
    console.log(plain, faults.map(f => f.slice(0, 150)).slice(0, 3), faults.length)
    expect(faults).not.toEqual([])
  }, 600_000)
})
