// Writers that are killed lose nothing that was acknowledged, and readers see none of it change.
import { expect, it } from 'vitest'
import { temporaryFolder } from '../../support.js'
import { killWriters } from './kill.js'
import { rounds, SEED } from './scale.js'

it('keeps what was acknowledged when writers are killed', async () => {
  const report = await killWriters({ dir: temporaryFolder(), rounds: rounds(3, 67), seed: SEED })
  console.log(
    `killed ${report.kills} times: ${report.acknowledged} blocks acknowledged, ${report.seen} seen by the reader`,
  )
  expect(report.faults).toEqual([])
}, 3_600_000)
