// A block that was just added is read at once, by the process that added it and by others.
import { expect, it } from 'vitest'
import { openChain } from '../../src/blockchain.js'
import { temporaryFolder } from '../support.js'
import { Child } from './chaos/children.js'

it('is readable at once in the process that added it, and soon in another', async () => {
  const dir = temporaryFolder()
  await using chain = await openChain({ dataDir: dir, dir: `${dir}/cache`, model: 'builtin' })
  const reader = await Child.start({ role: 'follow', name: 'reader', dir })
  await reader.until(events => events.some(({ kind }) => kind === 'ready'))
  const waits: number[] = []
  for (let n = 0; n < 50; n++) {
    const added = await chain.addFootprint({ plugin_id: 'test', operation: `${n}` })
    const since = Date.now()
    expect(chain.size()).toBe(n + 1)
    expect(await chain.getBlock(n)).toEqual(added)
    expect(await chain.getBlock('latest')).toEqual(added)
    await reader.until(events => events.some(event => event.kind === 'seen' && event.block[0] === n))
    const seen = reader.events.find(event => event.kind === 'seen' && event.block[0] === n)
    if (seen?.kind !== 'seen') throw new Error(reader.stderr)
    expect(seen.block[1]).toBe(added.hash)
    waits.push(seen.at - since)
  }
  waits.sort((one, other) => one - other)
  console.log(`seen by another process after ${waits[25]} ms (median), ${waits.at(-1)} ms (the longest of 50)`)
  reader.finish()
  await reader.end()
})
