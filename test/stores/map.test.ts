// The reference store against the contract.
import { describe, it } from 'vitest'
import { openMapStore } from '../../src/stores/map.js'
import { storeContract } from '../../src/testing.js'

const inMemory = 'a Map lives and dies with its process'

storeContract(
  'map',
  { medium: () => ({ open: openMapStore }), skips: { persistence: inMemory, shared: inMemory } },
  { describe, it },
)
