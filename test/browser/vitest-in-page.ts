// As much of vitest as a suite needs to run inside a page: its real `expect`, and a collector for the cases. A bundle puts
// it in place of `vitest`; the test in Node reports what `runCollected` says.
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect'
import * as chai from 'chai'

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)
setState({ assertionCalls: 0, isExpectingAssertions: false }, chai.expect as never)

export const expect = chai.expect

interface Context {
  skip(why: string): void
}
type Body = (context: Context) => unknown

const cases: { name: string; body: Body }[] = []
const after: (() => unknown)[] = []

export function describe(_name: string, body: () => void): void {
  body()
}

export function it(name: string, body: Body): void {
  cases.push({ name, body })
}

it.skip = (name: string): void => {
  cases.push({ name, body: context => context.skip('as its name says') })
}

export function afterEach(body: () => unknown): void {
  after.push(body)
}

/** Runs every case, one after the other: name -> `passed`, `skipped: why`, or what was thrown. */
export async function runCollected(): Promise<Record<string, string>> {
  const results: Record<string, string> = {}
  for (const { name, body } of cases) {
    let result = 'passed'
    const skip = (why: string) => {
      result = `skipped: ${why}`
    }
    try {
      await body({ skip })
    } catch (error) {
      const { stack, cause } = error as Error
      result = `${stack}\n${cause ?? ''}`
    }
    for (const undo of after) {
      await Promise.resolve(undo()).catch(error => {
        result = `afterwards: ${error.stack}`
      })
    }
    results[name] = result
  }
  return results
}
