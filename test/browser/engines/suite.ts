// What every engine other than Chromium has to pass: with storage, and in each way in which it may have none.
import { describe, vi } from 'vitest'
import type { Found } from '../../programs.js'
import { useWebAssets } from '../web-assets.js'
import type { Engine } from './engine.js'
import { deniedLibraryTest, libraryTests, useVectorsOfNode } from './library-tests.js'
import { deniedPlaygroundTest, playgroundTests, usePlayground } from './playground-tests.js'
import { useEngine } from './use-engine.js'

/** A way in which a browser keeps nothing. */
export interface Denied {
  /** As the end of a sentence that begins with `where`. */
  readonly how: string
  readonly launch: () => Promise<Engine>
  /** Run ahead of the page's scripts. */
  readonly before?: () => void
  readonly kind: 'denied' | 'missing'
  /** The Cache API is forbidden along with it: the model is fetched again at each visit, which is told, too. */
  readonly keepsNoFiles?: boolean
}

export interface EngineSuite {
  readonly launch: () => Promise<Engine>
  readonly denied: readonly Denied[]
  /** What a test fails with where the engine broke, and not what runs in it: it is tried once more, and said so. */
  readonly ownFault?: RegExp
}

/** All tests of an engine; skipped, with the reason in their name, where it is not on this machine. */
export function engineSuite<T>(name: string, found: Found<T>, suite: (programs: T) => EngineSuite): void {
  if ('missing' in found) {
    describe.skip(`${name} (skipped: ${found.missing})`, () => describeAll({ launch: notHere, denied: [] }))
    return
  }
  const own = suite(found.programs)
  const { ownFault } = own
  describe(name, ownFault ? { retry: { count: 1, condition: ownFault } } : {}, () => describeAll(own))
}

function describeAll({ launch, denied }: EngineSuite): void {
  // Each test opens a model of its own, which takes a busy machine a while.
  vi.setConfig({ testTimeout: 180_000 })
  const assets = useWebAssets({ web: 'test/browser/web-entry.ts' })
  const node = useVectorsOfNode()
  const playground = usePlayground()
  describe('as it comes', () => {
    const test = useEngine(launch)
    libraryTests(test, assets, node)
    playgroundTests(test, playground)
  })
  for (const [i, one] of denied.entries()) {
    describe(`where ${one.how}`, () => {
      const test = useEngine(one.launch)
      deniedLibraryTest(test, assets, node, one)
      // Each costs a model in a slow engine, and the page only repeats what the library says: that is tested for all.
      if (i === 0 || process.env.OP_DBUS_CAMPAIGN === 'full') deniedPlaygroundTest(test, playground, one)
    })
  }
}

function notHere(): never {
  throw new Error('it is not on this machine')
}
