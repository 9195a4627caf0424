// These tests notice: a plain chain passes them, and each way to break it fails the scenario that is there for it.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryFolder, temporaryFolder } from '../../support.js'
import { smallChain } from './bases.js'
import { injectEverywhere, withoutStrace } from './inject.js'
import { killWriters } from './kill.js'
import { limitFiles } from './limit-files.js'
import { cutPower, withoutLoop } from './power.js'
import { stopWriters } from './stop.js'
import type { Break } from './target.js'

/** The chain that keeps its promises, and those that do not. */
function chains(...broken: Break[]): { readonly plain: Break; readonly isNoticed: boolean }[] {
  return [{ plain: 'none', isNoticed: false }, ...broken.map(plain => ({ plain, isNoticed: true }))]
}

it.each(chains('no-lock'))('kills: $plain', async ({ plain, isNoticed }) => {
  const { faults } = await killWriters({ dir: temporaryFolder(), rounds: 3, seed: 1, plain })
  expect(faults.length > 0, faults[0]).toBe(isNoticed)
})

it.each(chains('robs-the-stopped'))('stops: $plain', async ({ plain, isNoticed }) => {
  const { faults } = await stopWriters({ dir: temporaryFolder(), rounds: isNoticed ? 30 : 2, seed: 1, plain })
  expect(faults.length > 0, faults[0]).toBe(isNoticed)
})

it.each(chains('leaves-parts'))('files that may not grow: $plain', async ({ plain, isNoticed }) => {
  const { faults } = await limitFiles(join(temporaryFolder(), 'data'), plain)
  expect(faults.length > 0, faults[0]).toBe(isNoticed)
})

describe.skipIf(withoutStrace !== undefined)(`calls to the system that fail (${withoutStrace ?? 'strace'})`, () => {
  it.each(chains('answers-early', 'swallows-errors'))('$plain', async ({ plain, isNoticed }) => {
    const work = memoryFolder()
    const base = await smallChain(join(work, 'base'), 'none')
    const { faults, injected } = await injectEverywhere({
      work,
      plain,
      base,
      only: ['pwrite64', 'fdatasync'],
      choose: index => index % 3 !== 1,
    })
    expect(injected).toBeGreaterThan(0)
    expect(faults.length > 0, faults[0]).toBe(isNoticed)
  })
})

const missing = withoutLoop()
describe.skipIf(missing !== undefined)(`losses of power (${missing ?? 'ext4 on a loop device'})`, () => {
  it.each(chains('no-sync', 'no-folder-sync'))('$plain', async ({ plain, isNoticed }) => {
    const { faults } = await cutPower({ work: memoryFolder(), cuts: isNoticed ? 12 : 2, seed: 1, plain })
    expect(faults.length > 0, faults[0]).toBe(isNoticed)
  })
})
