// Public root for tests: the contract that every Store keeps, for stores of one's own. Needs no test runner of its own.
export type { CallOptions, Key, LentMemory, Store, StoreCounters } from './ports.js'
export { type MapStore, openMapStore } from './stores/map.js'
export type { Medium, Skips, StoreHarness } from './testing/harness.js'
export { storeContract, type TestRunner } from './testing/store-contract.js'
export { type StoreRule, storeRules } from './testing/store-rules.js'
