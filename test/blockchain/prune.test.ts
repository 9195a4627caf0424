// Pruning: bodies go that no rule keeps, and nothing else does, in every process.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lineText } from '../../src/blockchain/line.js'
import { pruneChain } from '../../src/blockchain/prune.js'
import { makeSnapshot } from '../../src/blockchain/snapshots.js'
import { memoryFolder } from '../support.js'
import { all, DAY_MS, fill, hashes, keepParts } from './keep-support.js'

const textOf = (dataDir: string) => {
  const timing = join(dataDir, 'blockchain', 'timing')
  return readdirSync(timing)
    .map(name => readFileSync(join(timing, name), 'utf8'))
    .join('')
}

describe('prune', () => {
  it('takes bodies away that no rule keeps, and leaves headers, hashes and links as they were', async () => {
    const dataDir = memoryFolder()
    const parts = keepParts(dataDir)
    for (let day = 0; day < 10; day++) {
      await fill(parts, 5)
      parts.clock.advance(DAY_MS)
    }
    const before = await all(parts.store)
    const bytes = textOf(dataDir).length
    const told: unknown[] = []
    parts.diagnostics.on('pruned', event => told.push(event))
    const call = { last: 3, daily: 4 }
    const planned = await pruneChain(parts, { ...call, dryRun: true })
    expect(planned).toMatchObject({ dryRun: true, size: 50, kept: 6, pruned: 44, before: 0, snapshots: [] })
    expect(textOf(dataDir).length).toBe(bytes)
    expect(told).toEqual([])
    const other = keepParts(dataDir)
    expect(other.store.read(0)!.body).toBeDefined()

    const report = await pruneChain(parts, call)
    expect(report).toEqual({ ...planned, dryRun: false, block: 50 })
    const [note] = (await all(parts.store)).slice(50)
    expect(bytes - (textOf(dataDir).length - lineText(note!).length)).toBe(report.bytes)
    expect(note).toMatchObject({
      header: { plugin: 'op-dbus', operation: 'prune' },
      body: {
        text: 'Pruned 44 of 50 blocks: their bodies go. Kept: the newest 3, the newest of each of 4 days.',
        metadata: {
          'op-dbus:prune': {
            ranges: [
              [0, 33],
              [35, 38],
              [40, 43],
              [45, 46],
            ],
            rules: { last: 3, daily: 4 },
            pruned: 44,
            size: 50,
          },
        },
      },
    })
    expect(told).toEqual([{ blocks: 44, bytes: report.bytes, micros: expect.any(Number) }])
    expect(parts.gone).toHaveLength(44)
    const after = (await all(parts.store)).slice(0, 50)
    expect(hashes(after)).toEqual(hashes(before))
    expect(after.map(({ header }) => header)).toEqual(before.map(({ header }) => header))
    const withBody = after.filter(({ body }) => body !== undefined).map(({ number }) => number)
    expect(withBody).toEqual([34, 39, 44, 47, 48, 49])
    expect(textOf(dataDir)).not.toContain('first 33')
    // Another process sees it at its next look, and appends behind it.
    other.clock.advance(5)
    expect(other.store.read(0)).toEqual(after[0])
    await fill(other, 1)
    expect(parts.store.size()).toBe(52)
    // Again: nothing is left to do but for the one that is new. What prunes say counts for no rule, and stays.
    expect(await pruneChain(parts, call)).toMatchObject({ size: 52, kept: 7, pruned: 1, before: 44, block: 52 })
    const again = await pruneChain(parts, call)
    expect(again).toMatchObject({ size: 53, kept: 8, pruned: 0, before: 45, bytes: 0 })
    expect([again.block, parts.store.size()]).toEqual([undefined, 53])
    expect(parts.store.read(50)).toEqual(note)
    await Promise.all([parts.store.close(), other.store.close()])
  })

  it('refuses to take everything unless that is said', async () => {
    const dataDir = memoryFolder()
    const parts = keepParts(dataDir)
    await fill(parts, 20)
    const text = textOf(dataDir)
    await expect(pruneChain(parts, {})).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: /no block would keep its body/,
    })
    await expect(pruneChain(parts, { dryRun: true })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(textOf(dataDir)).toBe(text)
    expect(await pruneChain(parts, { everything: true })).toMatchObject({ kept: 0, pruned: 20, block: 20 })
    expect((await all(parts.store)).flatMap(({ number, body }) => (body ? [number] : []))).toEqual([20])
    // Nothing to take is nothing to refuse.
    expect(await pruneChain(parts, {})).toMatchObject({ size: 21, kept: 1, pruned: 0, before: 20 })
    expect(await pruneChain(keepParts(memoryFolder()), {})).toMatchObject({ size: 0, pruned: 0 })
    await parts.store.close()
  })

  it('takes nothing where a body that would go is not what was written, or nobody agrees', async () => {
    const dataDir = memoryFolder()
    const parts = keepParts(dataDir)
    await fill(parts, 20)
    const asked: unknown[] = []
    const refused = await pruneChain(parts, { last: 3, agree: planned => asked.push(planned) < 0 })
    expect([refused, parts.store.size()]).toEqual([asked[0], 20])
    expect(refused).toMatchObject({ dryRun: true, pruned: 17 })
    await parts.store.close()
    const timing = join(dataDir, 'blockchain', 'timing')
    const path = join(timing, readdirSync(timing).sort()[0]!)
    writeFileSync(path, readFileSync(path, 'utf8').replace('"text":"first 2"', '"text":"other 2"'))
    const damaged = textOf(dataDir)
    const again = keepParts(dataDir)
    const fault = { code: 'CHAIN_DAMAGED', details: { block: 2, blocks: [2] } }
    await expect(pruneChain(again, { last: 3, dryRun: true })).rejects.toMatchObject(fault)
    await expect(pruneChain(again, { last: 3 })).rejects.toMatchObject(fault)
    expect(textOf(dataDir)).toBe(damaged)
    expect(await pruneChain(again, { last: 18 })).toMatchObject({ pruned: 2 })
    await again.store.close()
  })

  it('says which snapshots have the bodies still, and changes no file of theirs', async () => {
    const dataDir = memoryFolder()
    const parts = keepParts(dataDir)
    await fill(parts, 30)
    await makeSnapshot(parts, 'whole', {})
    const kept = join(dataDir, 'snapshots/whole/timing')
    const before = readdirSync(kept).map(name => readFileSync(join(kept, name), 'utf8'))
    expect(await pruneChain(parts, { last: 1 })).toMatchObject({ pruned: 29, snapshots: ['whole'] })
    expect(readdirSync(kept).map(name => readFileSync(join(kept, name), 'utf8'))).toEqual(before)
    await parts.store.close()
  })

  it('lets appends in between, and ends where another process rewrote the chain', async () => {
    const dataDir = memoryFolder()
    const [parts, other] = [keepParts(dataDir), keepParts(dataDir)]
    await fill(parts, 40)
    const appended = fill(other, 5, 'meanwhile')
    const report = await pruneChain(parts, { last: 2 })
    await appended
    const bodies = (await all(parts.store)).filter(({ body }) => body !== undefined)
    // What came after the look is young, and one block says what went.
    expect(bodies.length).toBe(2 + 45 - report.size + 1)
    const race = await Promise.allSettled([pruneChain(parts, { last: 1 }), pruneChain(other, { last: 1 })])
    for (const one of race) if (one.status === 'rejected') expect(one.reason).toMatchObject({ code: 'CONFLICT' })
    expect((await all(parts.store)).filter(({ body }) => body !== undefined).length).toBeLessThan(11)
    await Promise.all([parts.store.close(), other.store.close()])
  })

  it('ends at a signal with every segment whole, and goes on with the rest the next time', async () => {
    const dataDir = memoryFolder()
    const parts = keepParts(dataDir, 1500)
    await fill(parts, 40)
    const before = hashes(await all(parts.store))
    const ending = new AbortController()
    let rounds = 0
    const store = new Proxy(parts.store, {
      get(target, name) {
        if (name === 'exclusively' && ++rounds === 3) ending.abort()
        const value = Reflect.get(target, name) as unknown
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const ended = pruneChain({ ...parts, store }, { last: 1, signal: ending.signal })
    await expect(ended).rejects.toMatchObject({ code: 'ABORTED' })
    const left = (await all(parts.store)).filter(({ body }) => body !== undefined).length
    expect(left).toBeGreaterThan(1)
    expect(left).toBeLessThan(40)
    // What the first one said is not said again.
    const { block, ...report } = await pruneChain(parts, { last: 1 })
    expect([block, report]).toMatchObject([undefined, { kept: 2, pruned: left - 2 }])
    expect(hashes(await all(parts.store)).slice(0, 40)).toEqual(before)
    await parts.store.close()
  })
})
