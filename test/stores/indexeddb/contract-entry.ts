// The store contract suite on the IndexedDB store, as a page runs it, and two tabs' stores against one model.
import { describe, it } from 'vitest'
import { storeContract } from '../../../src/testing.js'
import { deleteDatabase, open } from './page.js'
import { sharedCases } from './shared-cases.js'

export { runCollected } from '../../browser/vitest-in-page.js'

let media = 0
storeContract(
  'indexeddb',
  {
    medium() {
      const database = `contract-${media++}`
      return { open: () => open({ database }), remove: () => deleteDatabase(database) }
    },
    skips: { sync: 'IndexedDB answers only later' },
  },
  { describe, it },
)
sharedCases()
