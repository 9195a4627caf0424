// Writers that are killed lose nothing that was acknowledged, and readers see none of it change.
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../support.js'
import { killWriters } from './kill.js'
import { FULL, rounds, SEED } from './scale.js'

/** Sixteen kills each with all: every round looks at the whole chain. */
const chains = Array.from({ length: FULL ? 7 : 1 }, (_, index) => SEED + index)

it.each(chains)('keeps what was acknowledged when writers are killed (seed %i)', { timeout: 3_600_000 }, async seed => {
  const report = await killWriters({ dir: temporaryFolder(), rounds: rounds(3, 10), seed })
  console.log(
    `killed ${report.kills} times: ${report.acknowledged} blocks acknowledged, ${report.seen} seen by the reader`,
  )
  expect(report.faults).toEqual([])
})
