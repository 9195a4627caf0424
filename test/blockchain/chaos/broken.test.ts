// These tests notice: a plain chain passes them, and each way to break it fails the scenario that is there for it. Two of them by default.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryFolder, temporaryFolder } from '../../support.js'
import { smallChain } from './bases.js'
import { injectEverywhere, withoutStrace } from './inject.js'
import { killWriters } from './kill.js'
import { limitFiles } from './limit-files.js'
import { cutPower, withoutLoop } from './power.js'
import { FULL, SEED } from './scale.js'
import { stopWriters } from './stop.js'
import type { Break } from './target.js'

const MINUTES = { timeout: 600_000 }

/** The chain that keeps its promises, and those that do not. */
function chains(...broken: Break[]): { readonly plain: Break; readonly isNoticed: boolean }[] {
  const all = broken.map(plain => ({ plain, isNoticed: true }))
  return FULL ? [{ plain: 'none', isNoticed: false }, ...all] : all
}

it.each(chains('no-lock'))('kills: $plain', MINUTES, async ({ plain, isNoticed }) => {
  const { faults } = await killWriters({ dir: temporaryFolder(), rounds: 3, seed: SEED, plain })
  expect(faults.length > 0, faults[0]).toBe(isNoticed)
})

it.each(chains('leaves-parts'))('files that may not grow: $plain', MINUTES, async ({ plain, isNoticed }) => {
  const { faults } = await limitFiles(join(temporaryFolder(), 'data'), plain)
  expect(faults.length > 0, faults[0]).toBe(isNoticed)
})

describe.skipIf(!FULL)('OP_DBUS_CHAOS=full', () => {
  it.each(chains('robs-the-stopped'))('stops: $plain', MINUTES, async ({ plain, isNoticed }) => {
    const { faults } = await stopWriters({ dir: temporaryFolder(), rounds: isNoticed ? 30 : 2, seed: SEED, plain })
    expect(faults.length > 0, faults[0]).toBe(isNoticed)
  })

  describe.skipIf(withoutStrace !== undefined)(`calls to the system that fail (${withoutStrace ?? 'strace'})`, () => {
    it.each(chains('answers-early', 'swallows-errors'))('$plain', MINUTES, async ({ plain, isNoticed }) => {
      const work = memoryFolder()
      const base = await smallChain(join(work, 'base'), 'none')
      const { faults, injected } = await injectEverywhere({ work, plain, base, only: ['pwrite64', 'fdatasync'] })
      expect(injected).toBeGreaterThan(0)
      expect(faults.length > 0, faults[0]).toBe(isNoticed)
    })
  })

  const missing = withoutLoop()
  // A folder that is not synced is not noticed on ext4, where the sync of a new file takes its name along; see syscalls.test.ts.
  describe.skipIf(missing !== undefined)(`losses of power (${missing ?? 'ext4 on a loop device'})`, () => {
    it.each(chains('no-sync'))('$plain', MINUTES, async ({ plain, isNoticed }) => {
      const { faults } = await cutPower({ work: memoryFolder(), cuts: isNoticed ? 12 : 2, seed: SEED, plain })
      expect(faults.length > 0, faults[0]).toBe(isNoticed)
    })
  })
})
