import { openMapStore } from '../../src/stores/map.js'
import { storeContract } from '../contract/store-contract.js'

const inMemory = 'a Map lives and dies with its process'

storeContract('map', {
  medium: () => ({ open: openMapStore }),
  skips: { persistence: inMemory, shared: inMemory },
})
