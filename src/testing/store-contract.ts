// What every Store promises, as tests of any runner: for this package's stores and for those of its users.
import type { StoreHarness } from './harness.js'
import { storeRules } from './store-rules.js'

/** `describe` and `it` of node:test, vitest, jest or mocha. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown
  it: ((name: string, body: () => Promise<void>) => unknown) & {
    skip?(name: string, body: () => Promise<void>): unknown
  }
}

/** Every rule of the contract as a test of `runner`. */
export function storeContract(name: string, harness: StoreHarness, runner: TestRunner): void {
  const { describe, it } = runner
  describe(`store contract: ${name}`, () => {
    for (const rule of storeRules(harness)) {
      const run = () => rule.run()
      if (rule.skip === undefined) it(rule.name, run)
      else if (it.skip) it.skip(`${rule.name} (${rule.skip})`, run)
    }
  })
}
