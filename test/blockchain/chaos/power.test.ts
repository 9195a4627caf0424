// After a loss of power all that was acknowledged is there.
import { describe, expect, it } from 'vitest'
import { memoryFolder } from '../../support.js'
import { cutPower, withoutLoop } from './power.js'
import { rounds, SEED } from './scale.js'

const missing = withoutLoop()

describe.skipIf(missing !== undefined)(`losses of power (${missing ?? 'ext4 on a loop device'})`, () => {
  it('take nothing that was acknowledged', async () => {
    const { faults, cuts, acknowledged, torn } = await cutPower({
      work: memoryFolder(),
      cuts: rounds(2, 20),
      seed: SEED,
    })
    console.log(`${cuts} cuts: ${acknowledged} blocks were acknowledged before, ${torn} left a torn tail`)
    expect(faults).toEqual([])
  }, 3_600_000)
})
