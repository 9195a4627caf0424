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

/** What is said of each chain that does not keep its promises. */
const NOTICED: Readonly<Record<Exclude<Break, 'none'>, RegExp>> = {
  'no-lock': /^block \d+ |in the place of|does not follow|is there twice|no JSON/,
  'robs-the-stopped': /^block \d+ |in the place of|does not follow|is there twice|no JSON/,
  'leaves-parts': / is there in part|failed, and is there|no JSON|in the place of|does not follow/,
  'answers-early': /is lost|was acknowledged, and is not there|has no block/,
  'swallows-errors': /is lost|was acknowledged, and is not there|has no block/,
  'no-sync': /is lost|was acknowledged, and is not there|has no block|no JSON/,
}

/** With all, the chain that keeps its promises as well. */
function chains(
  ...broken: Exclude<Break, 'none'>[]
): { readonly plain: Break; readonly noticed: RegExp | undefined }[] {
  const all = broken.map(plain => ({ plain, noticed: NOTICED[plain] }))
  return FULL ? [{ plain: 'none', noticed: undefined }, ...all] : all
}

/** By what it did wrong, and not by a process that hangs or an error that no chain is there for. */
function expectNoticed(faults: readonly string[], noticed: RegExp | undefined): void {
  if (noticed === undefined) expect(faults).toEqual([])
  else
    expect(
      faults.some(fault => noticed.test(fault.replace(/^(cut \d+|\w+:\S+:when=\S+): /, ''))),
      faults.join('\n'),
    ).toBe(true)
}

it.each(chains('no-lock'))('kills: $plain', MINUTES, async ({ plain, noticed }) => {
  const { faults } = await killWriters({ dir: temporaryFolder(), rounds: noticed ? 20 : 3, seed: SEED, plain })
  expectNoticed(faults, noticed)
})

it.each(chains('leaves-parts'))('files that may not grow: $plain', MINUTES, async ({ plain, noticed }) => {
  const { faults } = await limitFiles(join(temporaryFolder(), 'data'), plain)
  expectNoticed(faults, noticed)
})

describe.skipIf(!FULL)('OP_DBUS_CHAOS=full', () => {
  it.each(chains('robs-the-stopped'))('stops: $plain', MINUTES, async ({ plain, noticed }) => {
    const { faults } = await stopWriters({ dir: temporaryFolder(), rounds: noticed ? 30 : 2, seed: SEED, plain })
    expectNoticed(faults, noticed)
  })

  describe.skipIf(withoutStrace !== undefined)(`calls to the system that fail (${withoutStrace ?? 'strace'})`, () => {
    it.each(chains('answers-early', 'swallows-errors'))('$plain', MINUTES, async ({ plain, noticed }) => {
      const work = memoryFolder()
      const base = await smallChain(join(work, 'base'), 'none')
      const { faults, injected } = await injectEverywhere({ work, plain, base, only: ['pwrite64', 'fdatasync'] })
      expect(injected).toBeGreaterThan(0)
      expectNoticed(faults, noticed)
    })
  })

  const missing = withoutLoop()
  // A folder that is not synced is not noticed on ext4, where the sync of a new file takes its name along; see syscalls.test.ts.
  describe.skipIf(missing !== undefined)(`losses of power (${missing ?? 'ext4 on a loop device'})`, () => {
    it.each(chains('no-sync'))('$plain', MINUTES, async ({ plain, noticed }) => {
      const { faults } = await cutPower({ work: memoryFolder(), cuts: noticed ? 12 : 2, seed: SEED, plain })
      expectNoticed(faults, noticed)
    })
  })
})
