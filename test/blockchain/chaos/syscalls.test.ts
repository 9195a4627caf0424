// Every call to the system that an append makes may fail, or be its process's last: nothing that was acknowledged is lost, and what
// failed is not there.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryFolder } from '../../support.js'
import { fullSegment, smallChain, tornChain } from './bases.js'
import { type InjectOptions, injectEverywhere, withoutStrace } from './inject.js'
import { FULL, SEED } from './scale.js'

const HOUR_MS = 3_600_000

/** Hundreds of runs take minutes: what they find is said at once. */
function told(name: string): InjectOptions['onRun'] {
  return (done, of, faults) => {
    for (const fault of faults) console.error(`${name}: ${fault.slice(0, 1000)}`)
    if (FULL && done % 50 === 0) console.error(`${name}: ${done} of ${of}`)
  }
}

type Situation = readonly [
  name: string,
  samples: number,
  make: (work: string) => Promise<Partial<InjectOptions>> | Partial<InjectOptions>,
]

const situations: readonly Situation[] = [
  ['an append', 8, async work => ({ base: await smallChain(join(work, 'base')) })],
  ['the first append', 5, () => ({})],
  ['an append that begins a segment', 3, async work => ({ base: await fullSegment(join(work, 'base')) })],
  [
    'an append that cuts off what another began',
    5,
    async work => ({
      base: await tornChain(join(work, 'base'), await smallChain(join(work, 'small')), join(work, 'scratch')),
    }),
  ],
  [
    'an append, and from then on',
    3,
    async work => ({ base: await smallChain(join(work, 'base')), forever: true, ways: ['error=EIO'] }),
  ],
]

describe.skipIf(withoutStrace !== undefined)(`calls to the system that fail (${withoutStrace ?? 'strace'})`, () => {
  it.each(situations)('in %s', { timeout: HOUR_MS }, async (name, samples, make) => {
    const work = memoryFolder()
    const options = { work, seed: SEED, onRun: told(name), ...(await make(work)) }
    const { faults, runs, injected, failed, recorded } = await injectEverywhere(
      FULL ? options : { ...options, samples },
    )
    console.log(
      `${name}: ${runs} runs, the call was reached in ${injected}, an append failed in ${failed}: ${JSON.stringify(recorded)}`,
    )
    expect(faults).toEqual([])
    expect(injected).toBeGreaterThan(0)
    // The segment, and the folders in which names are new.
    if (name === 'the first append') expect(recorded.fsync).toBeGreaterThanOrEqual(3)
  })
})
