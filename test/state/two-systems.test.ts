// Two systems behind one plugin, whose states are equal: what is said of one is never an answer about the other.
import { expect, it } from 'vitest'
import { openCaches } from '../../src/node.js'
import type { StatePlugin } from '../../src/state/plugin.js'
import { openState } from '../../src/state.js'
import { temporaryFolder } from '../support.js'

it('keeps states and diffs of two scopes and two versions apart, in the same caches', async () => {
  const dir = temporaryFolder()
  const caches = await openCaches({ dir })
  const plugin = (scope: string, version: string): StatePlugin => ({
    name: 'things',
    version,
    scope,
    resources: { things: { key: 'name' } },
    capabilities: { apply: true, atomic: false, rollback: false, watch: false },
    query: async () => ({ things: [{ name: 'a', size: 1 }] }),
    refuses: () => `refused by ${scope} of version ${version}`,
    apply: async () => {},
  })
  const desired = { version: 1, plugins: { things: { things: [{ name: 'a', size: 2 }] } } } as const
  const systems = [
    ['here', '1'],
    ['there', '1'],
    ['here', '2'],
  ] as const
  for (const [scope, version] of systems) {
    const state = await openState({ caches, dataDir: dir, plugins: [plugin(scope, version)] })
    for (const source of ['computed', 'memory']) {
      const { diffs, sources } = await state.diff(desired)
      expect(sources.things).toBe(source)
      expect(diffs[0]?.actions).toMatchObject([{ refused: `refused by ${scope} of version ${version}` }])
    }
    await state.close()
  }
  const { diffs } = await caches.stats()
  expect(diffs).toMatchObject({ memory: { size: 3 }, hits: 3, misses: 3 })
  await caches.close()
})
