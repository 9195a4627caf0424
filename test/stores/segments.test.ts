// The segment store against the contract, in several shapes.
import { describe, it } from 'vitest'
import { type StoreHarness, storeContract } from '../../src/testing.js'
import { SegmentBench, VALUE_BYTES } from './segments/harness.js'

const harness = (options: { budgetBytes?: number }, capacity?: number): StoreHarness => ({
  valueBytes: VALUE_BYTES,
  capacity,
  medium: () => {
    const bench = new SegmentBench()
    return { open: () => bench.open(options), settle: () => bench.settle() }
  },
})

describe('segments', () => {
  storeContract('segments', harness({}), { describe, it })
  // A segment takes 14 records, so that sealing and merging happen all the time; the budget is more than a test can fill.
  storeContract('segments, small ones', harness({ budgetBytes: 16 * 1200 }, 100), { describe, it })
})
