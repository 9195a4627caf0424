// Whether the vectors are those of the blocks' texts.
import type { ChainParts } from '../chain-parts.js'
import type { VerifyCall } from '../reports.js'
import type { Faults } from './faults.js'

export async function checkVectors(_parts: ChainParts, _call: VerifyCall, _faults: Faults): Promise<void> {}
