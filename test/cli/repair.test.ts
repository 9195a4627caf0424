// A chain that is damaged, and the way back: an apply is refused, what would be is said, and after the repair all goes on.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newSystem } from './system.js'

const footprints = [0, 1, 2, 3, 4].map(i => JSON.stringify({ plugin_id: 'net', operation: 'apply', text: `step ${i}` }))

describe('a damaged chain', () => {
  it('refuses an apply, which says how to go on, and is repaired', async () => {
    const system = newSystem({ things: [{ name: 'a', size: 1 }], mode: {} })
    const chain = (...args: string[]) => system.run(['blockchain', ...args])
    const added = await system.run(['blockchain', 'add', '-'], { input: footprints.join('\n') })
    expect(added.code).toBe(0)
    expect((await chain('head')).code).toBe(0)
    const segment = join(system.data, 'blockchain', 'timing', '000000000000.jsonl')
    const damaged = readFileSync(segment, 'utf8').replace('"number":3', '"number":9')
    writeFileSync(segment, damaged)

    const file = system.write('desired.json', { version: 1, plugins: { things: { things: [{ name: 'a', size: 2 }] } } })
    const refused = await system.run(['apply', file, '--yes'])
    expect(refused.code).toBe(7)
    expect(refused.stderr).toMatch(/nothing was changed, since the chain could not remember it: /)
    expect(refused.stderr).toContain('op-dbus blockchain repair mends the chain; OPDBUS_BLOCKCHAIN=off applies without')
    expect(system.state()).toMatchObject({ things: [{ name: 'a', size: 1 }] })

    const unasked = await chain('repair')
    expect([unasked.code, unasked.stderr]).toEqual([2, expect.stringContaining('there is no terminal to ask on')])
    const planned = await chain('repair', '--dry-run', '--format', 'text')
    expect(planned.code).toBe(7)
    expect(planned.stdout).toMatch(/^\d faults? in 5 lines:\n {2}block \d/)
    expect(planned.stdout).toContain('3 blocks would stay; 2 lines would be in a snapshot alone')
    expect(readFileSync(segment, 'utf8')).toBe(damaged)

    const repaired = await chain('repair', '--yes')
    expect(repaired.code).toBe(0)
    const report = JSON.parse(repaired.stdout)
    expect(report).toMatchObject({ dryRun: false, lines: 5, acknowledged: 5, size: 3, cut: 2, lost: 0, repaired: true })
    expect(repaired.stderr).toContain('to begin another log: op-dbus blockchain key --renew')
    const kept = join(system.data, 'snapshots', report.snapshot.name, 'timing', '000000000000.jsonl')
    expect(readFileSync(kept, 'utf8')).toBe(damaged)
    expect((await chain('snapshots', '--format', 'text')).stdout).toMatch(/^before-repair-.* damaged: /m)
    expect((await chain('head')).code).not.toBe(0)
    expect((await chain('key', '--renew')).code).toBe(0)
    expect((await chain('head')).code).toBe(0)
    expect(JSON.parse((await system.run(['apply', file, '--yes'])).stdout)).toMatchObject({
      success: true,
      blocks: [3],
    })
    expect((await chain('verify', '--full')).code).toBe(0)
    expect((await chain('repair', '--yes', '--format', 'text')).stdout).toBe('4 blocks, and nothing to repair\n')
  })

  it('with damaged bodies alone keeps its blocks; the bodies go where that is wanted', async () => {
    const system = newSystem({ things: [], mode: {} })
    const chain = (...args: string[]) => system.run(['blockchain', ...args])
    await system.run(['blockchain', 'add', '-'], { input: footprints.join('\n') })
    const segment = join(system.data, 'blockchain', 'timing', '000000000000.jsonl')
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('"step 2"', '"step 7"'))
    const told = await chain('repair', '--yes', '--format', 'text')
    expect(told.code).toBe(7)
    expect(told.stdout).toContain('1 block with a damaged body (2): they stay as they are; --drop-bodies takes')
    const dropped = await chain('repair', '--drop-bodies', '--yes', '--format', 'text')
    expect(dropped.code).toBe(0)
    expect(dropped.stdout).toContain('1 block with a damaged body (2): block 5 says that they went')
    expect((await chain('verify', '--full')).code).toBe(0)
    expect(JSON.parse((await chain('show', '2')).stdout)).not.toHaveProperty('body')
    expect(JSON.parse((await chain('show', 'latest')).stdout).body.text).toMatch(/^Repaired the chain: 1 damaged body/)

    writeFileSync(segment, readFileSync(segment, 'utf8').replace(/,"body":[^\n]*"step 1"[^\n]*/, '}'))
    const missing = await chain('repair', '--yes', '--format', 'text')
    expect([missing.code, missing.stdout]).toEqual([
      7,
      '1 fault in 6 lines:\n  block 1: it has no body, and no prune says so: somebody took it away\n' +
        '1 block without a body, which nothing announced (1): --drop-bodies adds a block that says so\n',
    ])
    const announced = await chain('repair', '--drop-bodies', '--yes', '--format', 'text')
    expect([announced.code, announced.stdout]).toEqual([0, expect.stringContaining('(1): block 6 says so now\n')])
    expect((await chain('verify', '--full')).code).toBe(0)
    const part = await chain('export', '--range', '0-4')
    const copy = newSystem({ things: [], mode: {} })
    const imported = await copy.run(['blockchain', 'import', '-', '--format', 'text'], { input: part.stdout })
    expect(imported.stdout).toContain('\n2 bodies are gone, and no prune among what was imported says so: ')

    writeFileSync(segment, 'not a block\n')
    const nothing = await chain('repair', '--yes', '--format', 'text')
    expect(nothing.stdout).toContain('nothing is left: the chain begins anew with the next block\n')
    expect(nothing.stdout).toContain('6 blocks were acknowledged and are nowhere any more\n')
    const key = await chain('verify', '--key', 'key.pub')
    expect([key.code, key.stderr]).toEqual([2, expect.stringContaining('it goes with --head')])
  })
})
