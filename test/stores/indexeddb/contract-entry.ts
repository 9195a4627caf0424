// The store contract suite on the IndexedDB store, as a page runs it, and two tabs' stores against one model.
import { storeContract } from '../../contract/store-contract.js'
import { deleteDatabase, open } from './page.js'
import { sharedCases } from './shared-cases.js'

export { runCollected } from '../../browser/vitest-in-page.js'

// The suite compares bytes with Node's Buffer.
Object.assign(globalThis, {
  Buffer: {
    compare: (a: Uint8Array, b: Uint8Array) => (a.length === b.length && a.every((x, i) => x === b[i]) ? 0 : 1),
  },
})

let media = 0
storeContract('indexeddb', {
  medium() {
    const database = `contract-${media++}`
    return {
      open: () => open({ database }),
      settle: () => undefined,
      remove: () => deleteDatabase(database),
    }
  },
  skips: { sync: 'IndexedDB answers only later' },
})
sharedCases()
