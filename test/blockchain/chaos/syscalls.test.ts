// Every call to the system that an append makes may fail, or be its process's last: nothing that was acknowledged is lost, and what
// failed is not there.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { memoryFolder } from '../../support.js'
import { fullSegment, smallChain, tornChain } from './bases.js'
import { type InjectOptions, injectEverywhere, withoutStrace } from './inject.js'
import { FULL } from './scale.js'

const HOUR_MS = 3_600_000

/** Hundreds of runs take minutes: what they find is said at once. */
function told(name: string): InjectOptions['onRun'] {
  return (done, of, faults) => {
    for (const fault of faults) console.error(`${name}: ${fault.slice(0, 1000)}`)
    if (FULL && done % 50 === 0) console.error(`${name}: ${done} of ${of}`)
  }
}

describe.skipIf(withoutStrace !== undefined)(`calls to the system that fail (${withoutStrace ?? 'strace'})`, () => {
  /** By default one run in so many: another one each time, so that all have their turn. */
  const run = async (name: string, every: number, options: Omit<InjectOptions, 'choose'>) => {
    const turn = Math.floor(Date.now() / 1000) % every
    const report = await injectEverywhere({
      ...options,
      onRun: told(name),
      ...(!FULL && { choose: index => index % every === turn }),
    })
    const { runs, injected, failed, recorded } = report
    console.log(
      `${name}: ${runs} runs, the call was reached in ${injected}, an append failed in ${failed}: ${JSON.stringify(recorded)}`,
    )
    expect(report.faults).toEqual([])
  }

  it(
    'in an append',
    async () => {
      const work = memoryFolder()
      await run('append', 20, { work, base: await smallChain(join(work, 'base')) })
    },
    HOUR_MS,
  )

  it(
    'in the first append',
    async () => {
      await run('first append', 20, { work: memoryFolder() })
    },
    HOUR_MS,
  )

  it(
    'in an append that begins a segment',
    async () => {
      const work = memoryFolder()
      await run('new segment', 30, { work, base: await fullSegment(join(work, 'base')) })
    },
    HOUR_MS,
  )

  it(
    'in an append that cuts off what another began',
    async () => {
      const work = memoryFolder()
      const small = await smallChain(join(work, 'small'))
      await run('recovery', 20, { work, base: await tornChain(join(work, 'base'), small, join(work, 'scratch')) })
    },
    HOUR_MS,
  )

  it(
    'in an append, and from then on',
    async () => {
      const work = memoryFolder()
      const options = { forever: true, ways: ['error=EIO'] as const }
      await run('for ever', 10, { work, base: await smallChain(join(work, 'base')), ...options })
    },
    HOUR_MS,
  )
})
