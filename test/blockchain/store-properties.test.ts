// Whatever is appended by whichever of several stores, closed and opened again in between: all of it is there, in order, in every view.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Block } from '../../src/blockchain/block.js'
import type { RawLine } from '../../src/blockchain/ports.js'
import { memoryFolder } from '../support.js'
import { allBlocks, drafts, type TestStore, testStore } from './store-parts.js'

type Step = { readonly who: number; readonly counts: readonly number[]; readonly after: 'nothing' | 'reopen' | 'read' }

const step: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(1),
  counts: fc.array(fc.nat(4), { minLength: 1, maxLength: 4 }),
  after: fc.constantFrom('nothing', 'reopen', 'read'),
})

describe('the store', () => {
  it('has all that was appended, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 8 }),
        fc.constantFrom(1, 3000, 1 << 20),
        async (steps, segmentBytes) => {
          const dir = memoryFolder()
          const stores: TestStore[] = [testStore(dir, { segmentBytes }), testStore(dir, { segmentBytes })]
          const written: Block[] = []
          for (const { who, counts, after } of steps) {
            const { store } = stores[who]!
            const answers = await Promise.all(
              counts.map((count, at) => store.append(drafts(count, written.length + at))),
            )
            written.push(...answers.flat())
            if (after === 'reopen') {
              await store.close()
              stores[who] = testStore(dir, { segmentBytes })
            }
            for (const { store } of stores) {
              expect(store.size()).toBe(written.length)
              if (after === 'read') for (const block of written) expect(store.read(block.number)).toEqual(block)
            }
          }
          for (const { store, warnings } of stores) {
            expect(await allBlocks(store)).toEqual(written)
            expect(await allBlocks(store, 3, 7)).toEqual(written.slice(3, 7))
            const raw: RawLine[] = []
            for await (const piece of store.lines()) raw.push(...(piece as RawLine[]))
            expect(raw.map(({ number }) => number)).toEqual(written.map(({ number }) => number))
            expect(warnings).toEqual([])
            await store.close()
          }
        },
      ),
      { numRuns: 15 },
    )
  })
})
