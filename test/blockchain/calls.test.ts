// What a call is given that it does not know is refused, and nothing is done.
import { expect, it } from 'vitest'
import { openChain } from '../../src/blockchain.js'
import { memoryFolder } from '../support.js'

it('refuses options that no call has, with the one that was meant, and what is no call', async () => {
  const dir = memoryFolder()
  await using chain = await openChain({ dataDir: dir, dir, model: 'none' })
  await chain.addBatch([1, 2, 3].map(n => ({ plugin_id: 'net', operation: 'apply', data: n })))
  const meant = { keepLst: 1, lst: 1 } as object
  await expect(chain.prune(meant)).rejects.toMatchObject({ code: 'INVALID_INPUT', message: /no option "keepLst"/ })
  await expect(chain.prune({ lst: 1 } as object)).rejects.toThrow('prune has no option "lst"; did you mean "last"?')
  await expect(chain.verify({ ful: true } as object)).rejects.toThrow('did you mean "full"?')
  const wrong: (() => unknown)[] = [
    () => chain.list(null as never),
    () => chain.verify({ full: 'yes' as never }),
    () => chain.prune({ dryRun: 1 as never }),
    () => chain.verify({ keys: ['some key'] }),
    () => chain.prune(null as never),
    () => chain.stream(null as never),
    () => chain.consistency(null as never),
    () => chain.export(undefined as never),
    () => chain.list({ signal: 5 as never }),
    () => chain.snapshot('x', { full: true } as object),
    () => chain.pruneSnapshots({ hour: 1 } as object),
    ...[' ', '*', '-x', '.x', 'a/b', 'x ', '', '\u001b', 'e'.repeat(256), 5].map(
      name => () => chain.snapshot(name as never),
    ),
  ]
  for (const call of wrong) {
    await expect((async () => call())(), String(call)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  }
  expect(await chain.stats()).toMatchObject({ size: 3, pruned: 0, snapshots: 0 })
  for (const name of ['one', 'Größe 1', '2026-11-27T17.15', '_', 'a.b-c']) {
    expect(await chain.snapshot(name)).toMatchObject({ name })
  }
})
