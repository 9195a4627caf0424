// apply and rollback as processes of their own: what is shown and asked, what happens, what is told of it, and how it is undone.
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { newSystem, noTerminal } from './system.js'

const STATE = {
  things: [
    { name: 'a', size: 1 },
    { name: 'b', size: 2 },
  ],
  mode: { level: 'low' },
}
const desired = (things: unknown, more: object = {}) => ({ version: 1, plugins: { things: { things, ...more } } })
const TWO = desired([
  { name: 'b', size: 20 },
  { name: 'n', size: 9 },
])
const AFTER = {
  things: [
    { name: 'a', size: 1 },
    { name: 'b', size: 20 },
    { name: 'n', size: 9 },
  ],
  mode: { level: 'low' },
}

describe('apply', () => {
  it('makes it so, tells each resource, and is undone by the command that it names', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', TWO)
    const { code, stdout, stderr } = await system.run(['apply', file, '--yes'])
    expect(code).toBe(0)
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ success: true, outcomes: [{ status: 'done' }, { status: 'done' }] })
    expect(system.state()).toEqual(AFTER)
    expect(stderr).toContain('✓ done        ~ things things/b')
    expect(stderr).toContain(`op-dbus rollback ${report.checkpoint}`)
    expect(existsSync(join(system.data, 'state', 'current.json'))).toBe(true)
    expect((await system.run(['verify', file])).code).toBe(0)

    const again = await system.run(['apply', file, '--yes'])
    expect(again.code).toBe(0)
    expect(JSON.parse(again.stdout)).toMatchObject({ success: true, outcomes: [] })
    expect(system.asked().filter(word => word === 'apply')).toHaveLength(1)

    const back = await system.run(['rollback', report.checkpoint, '--yes', '-q'])
    expect([back.code, back.stderr]).toEqual([0, ''])
    expect(system.state()).toEqual(STATE)
    const list = JSON.parse((await system.run(['rollback', '--list'])).stdout)
    expect(list.checkpoints).toHaveLength(2)
    expect(list.checkpoints[1]).toMatchObject({ id: report.checkpoint, plugins: ['things'], resources: 2 })
  })

  it('is remembered in the chain, unless that is switched off; where the chain cannot be written nothing is changed', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', TWO)
    const first = await system.run(['apply', file, '--yes'])
    expect(JSON.parse(first.stdout).blocks).toEqual([0])
    expect(first.stderr).toContain('op-dbus: remembered as block 0\n')
    const off = { env: { OPDBUS_BLOCKCHAIN: 'off' } }
    expect(JSON.parse((await system.run(['rollback', '--yes'], off)).stdout)).not.toHaveProperty('blocks')
    const text = JSON.parse((await system.run(['blockchain', 'show', 'latest'])).stdout).body.text
    expect(text).toBe('Changed thing b: size from 2 to 20. Created thing n: size 9.')

    const names = { env: { OPDBUS_BLOCKCHAIN: 'names' } }
    expect((await system.run(['apply', file, '--yes'], names)).code).toBe(0)
    expect((await system.run(['rollback', '--yes'], off)).code).toBe(0)
    const shown = JSON.parse((await system.run(['blockchain', 'show', 'latest'])).stdout)
    expect(shown.body.text).toBe('Changed thing b: size. Created thing n: size.')

    const before = system.state()
    rmSync(join(system.data, 'blockchain'), { recursive: true })
    writeFileSync(join(system.data, 'blockchain'), 'in the way')
    const refused = await system.run(['apply', file, '--yes'])
    expect(refused.code).toBe(6)
    expect(refused.stderr).toMatch(
      /nothing was changed, since the chain could not remember it: .*blockchain is no folder/,
    )
    expect(refused.stderr).toContain('OPDBUS_BLOCKCHAIN=off')
    expect(system.state()).toEqual(before)
    expect((await system.run(['apply', file, '--yes'], off)).code).toBe(0)
    expect(system.state()).toEqual(AFTER)
  })

  it('that was done and could not be remembered any more says so, and ends with 6', async () => {
    const system = newSystem(STATE)
    writeFileSync(`${system.file}.hold`, '')
    const running = system.start(['apply', system.write('desired.json', TWO), '--yes'])
    // The chain was looked at, and the change is under way.
    await vi.waitUntil(() => system.asked().includes('apply'), { timeout: 20_000, interval: 10 })
    rmSync(join(system.data, 'blockchain'), { recursive: true })
    writeFileSync(join(system.data, 'blockchain'), 'in the way')
    rmSync(`${system.file}.hold`)
    const { code, stdout, stderr } = await running.end
    expect(code).toBe(6)
    expect(JSON.parse(stdout)).toMatchObject({ success: true, unremembered: expect.stringContaining('blockchain') })
    expect(stderr).toContain('the apply was done, and is not remembered in the chain: ')
    expect(system.state()).toEqual(AFTER)
  })

  it('without a terminal and without --yes changes nothing, and asks nothing', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', TWO)
    const calls = [['apply', file], ['apply', '-'], ['apply', '--plan', file], ['rollback']]
    for (const outcome of await Promise.all(calls.map(args => system.run(args, { input: JSON.stringify(TWO) })))) {
      expect(outcome).toMatchObject({ code: 2, stdout: '' })
      expect(outcome.stderr).toContain('--yes')
    }
    expect([system.asked(), system.state()]).toEqual([[], STATE])
    expect((await system.run(['apply', '-', '--yes'], { input: JSON.stringify(TWO) })).code).toBe(0)
    expect(system.state()).toEqual(AFTER)
  })

  it('--dry-run shows the plan and leaves system and data folder as they are', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', TWO)
    const first = await system.run(['apply', file, '--dry-run'])
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(first.stdout)).toMatchObject({ 'op-dbus': 'plan', diffs: [{ plugin: 'things' }] })
    expect(existsSync(system.data)).toBe(false)
    await system.run(['apply', file, '--yes'])
    const before = system.dataFiles()
    system.set(STATE)
    expect((await system.run(['apply', file, '--dry-run', '--yes'])).code).toBe(0)
    expect((await system.run(['rollback', '--dry-run'])).code).toBe(0)
    expect([system.state(), system.dataFiles()]).toEqual([STATE, before])
  })

  it('ends with 10 where some of it did not happen, and tells what and why', async () => {
    const system = newSystem({ ...STATE, things: [...STATE.things, { name: 'fixed', size: 0 }] })
    const things = ['a', 'broken', 'fixed', 'slow'].map(name => ({ name, size: 5 }))
    const { code, stdout, stderr } = await system.run(['apply', system.write('d.json', desired(things)), '--yes'])
    expect(code).toBe(10)
    const report = JSON.parse(stdout)
    expect(report.success).toBe(false)
    const told = Object.fromEntries(
      report.outcomes.map(({ resource, status }: { resource: { name: string }; status: string }) => [
        resource.name,
        status,
      ]),
    )
    expect(told).toMatchObject({ broken: 'failed', fixed: 'refused', slow: 'pending' })
    expect(stderr).toMatch(/✗ failed .*broken: it is broken/)
    expect(stderr).toMatch(/! refused .*fixed: what is fixed stays as it is/)
  })

  it('deletes only what it is told to', async () => {
    const system = newSystem(STATE)
    const absent = system.write('absent.json', desired([{ name: 'b', ensure: 'absent' }]))
    expect((await system.run(['apply', absent, '--yes'])).code).toBe(0)
    expect(system.state()).toEqual({ ...STATE, things: [STATE.things[0]] })
    const prune = system.write('prune.json', desired([], { prune: true }))
    expect((await system.run(['apply', prune, '--yes'])).code).toBe(0)
    expect(system.state()).toEqual({ ...STATE, things: [] })
  })

  it('--plan keeps a plan, which is carried out as long as the system is what it saw', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', TWO)
    const plan = join(system.dir, 'plan.json')
    const made = await system.run(['apply', file, '--plan', plan])
    expect(made.code).toBe(0)
    expect(made.stderr).toContain('op-dbus apply --plan ')
    expect([system.state(), existsSync(system.data)]).toEqual([STATE, false])
    expect((await system.run(['apply', '--plan', plan, '--dry-run'])).code).toBe(0)

    system.set({ ...STATE, things: [{ name: 'b', size: 3 }] })
    const late = ['--yes', '--dry-run'].map(last => system.run(['apply', '--plan', plan, last]))
    for (const moved of await Promise.all(late)) {
      expect(moved).toMatchObject({ code: 10, stdout: '' })
    }
    expect(system.asked()).not.toContain('apply')
    system.set(STATE)
    expect((await system.run(['apply', '--plan', plan, '--yes'])).code).toBe(0)
    expect(system.state()).toEqual(AFTER)

    const out = await system.run(['apply', file, '--plan', '-', '-q'])
    expect(JSON.parse(out.stdout)['op-dbus']).toBe('plan')
    writeFileSync(plan, '{"op-dbus":"plan"}')
    const damaged = await system.run(['apply', '--plan', plan, '--yes'])
    expect(damaged.code).toBe(2)
    expect(damaged.stderr).toContain('plan.json:1:')
  })

  it('waits for another apply, and says for whom', async () => {
    const system = newSystem(STATE)
    writeFileSync(`${system.file}.hold`, '')
    const first = system.start(['apply', system.write('one.json', desired([{ name: 'b', size: 20 }])), '--yes'])
    // It is in the plugin now.
    await vi.waitUntil(() => system.asked().includes('apply'), { timeout: 20_000, interval: 10 })
    const second = system.start(['apply', system.write('two.json', desired([{ name: 'a', size: 10 }])), '--yes'])
    expect(await second.printed('another apply is under way', 'stderr')).toContain(String(first.child.pid))
    rmSync(`${system.file}.hold`)
    expect([(await first.end).code, (await second.end).code]).toEqual([0, 0])
    expect(system.state()).toMatchObject({
      things: expect.arrayContaining([
        { name: 'a', size: 10 },
        { name: 'b', size: 20 },
      ]),
    })
  })

  it('that is ended half-way tells what became of it', async () => {
    const system = newSystem(STATE)
    writeFileSync(`${system.file}.hold`, '')
    const running = system.start(['apply', system.write('desired.json', TWO), '--yes'])
    await vi.waitUntil(() => system.asked().includes('apply'), { timeout: 20_000, interval: 10 })
    running.child.kill('SIGINT')
    const { signal, stdout, stderr } = await running.end
    expect(signal).toBe('SIGINT')
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ success: false, outcomes: [{ status: 'failed' }, { status: 'failed' }] })
    expect(stderr).toMatch(/✗ failed .*things\/b/)
    // Nothing was changed, and there is nothing to undo.
    expect(report.checkpoint).toBeUndefined()
    expect(stderr).not.toContain('op-dbus rollback ')
    expect(system.state()).toEqual(STATE)
  })

  it('says what is no call of it', async () => {
    const system = newSystem(STATE)
    const cases: readonly [args: string[], said: string][] = [
      [['apply'], '--plan FILE'],
      [['apply', 'a', 'b'], 'one desired file'],
      [['apply', 'a', '--plan', 'b', '--yes'], 'leave out --yes'],
      [['apply', '--plan', 'b', '-p', 'net', '--yes'], 'carried out whole'],
      [['apply', 'a', '--yes', '-p', ','], 'names no plugin'],
      [['rollback', 'a', 'b', '--yes'], 'one checkpoint'],
      [['rollback', 'a', '--list'], 'takes no checkpoint'],
      [['rollback', '--yes'], 'checkpoint'],
      [['rollback', 'nothing-like-it', '--yes'], 'nothing-like-it'],
    ]
    const outcomes = await Promise.all(cases.map(([args]) => system.run(args)))
    for (const [i, [args, said]] of cases.entries()) {
      expect(outcomes[i], args.join(' ')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(said) })
    }
    expect(system.asked()).toEqual([])
  })
})

describe.skipIf(noTerminal)('on a terminal', () => {
  it('apply shows the plan, asks, and does it for a yes alone', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', TWO)
    const no = await system.onTerminal(['apply', file], 'n\n')
    expect(no.code).toBe(10)
    expect(no.stdout).toContain('nothing was changed')
    expect(system.state()).toEqual(STATE)
    expect(existsSync(system.data)).toBe(false)

    const yes = await system.onTerminal(['apply', file], 'y\n')
    expect(yes.code).toBe(0)
    expect(yes.stdout).toMatch(/\x1b\[38;2;\S+m~\x1b\[0m size {2}2 -> 20/)
    expect(yes.stdout).toContain('1 to create, 1 to modify')
    expect(yes.stdout).toContain('2 of 2 done')
    expect(system.state()).toEqual(AFTER)

    const back = await system.onTerminal(['rollback', '--yes'], '', { NO_COLOR: '1' })
    expect(back.code).toBe(0)
    expect(back.stdout).toContain('  - things/n')
    expect(back.stdout).not.toContain('\x1b[38')
    expect(system.state()).toEqual(STATE)
    expect((await system.onTerminal(['rollback', '--list'])).stdout).toMatch(/^checkpoint +age +plugins +resources/m)
  })

  it('Ctrl+C at the question ends it, with nothing changed', async () => {
    const system = newSystem(STATE)
    const { code } = await system.onTerminal(['apply', system.write('desired.json', TWO)], '\x03')
    expect(code).toBe(130)
    expect([system.state(), existsSync(system.data)]).toEqual([STATE, false])
  })

  it('query --watch and diff --watch tell each change, until Ctrl+C', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', desired([{ name: 'a', size: 1 }]))
    const query = system.startOnTerminal(['query', 'things', '--watch'], { NO_COLOR: '1' })
    const diff = system.startOnTerminal(['diff', file, '--watch'], { NO_COLOR: '1' })
    await Promise.all([query.printed('level=low'), diff.printed('1 already so')])
    system.set({ ...STATE, things: [{ name: 'a', size: 4 }] })
    expect(await query.printed('1 -> 4')).toMatch(
      /things\r\n {2}~ things\/a\r\n {4}~ size {2}1 -> 4\r\n {2}- things\/b\r\n/,
    )
    expect(await diff.printed('0 already so')).toContain('    ~ size  4 -> 1\r\n')
    rmSync(system.file)
    expect(await query.printed('does not answer')).toMatch(/\r\n\d\d:\d\d:\d\d\r\nthings does not answer: there is no /)
    system.set({ ...STATE, things: [{ name: 'a', size: 5 }] })
    expect(await query.printed('4 -> 5')).toMatch(/things answers again\r\nthings\r\n {2}~ things\/a\r\n/)
    for (const { child } of [query, diff]) child.stdin.write('\x03')
    expect([(await query.end).code, (await diff.end).code]).toEqual([130, 130])
  })

  it('query, diff, verify and plugins speak to people', async () => {
    const system = newSystem(STATE)
    const shown = async (...args: string[]) =>
      (await system.onTerminal(args, '', { NO_COLOR: '1' })).stdout.replaceAll('\r', '')
    expect(await shown('query', 'things')).toBe(
      'things  C computed  3 resources\n  things/a  size=1\n  things/b  size=2\n  mode      level=low\n',
    )
    expect(await shown('query', 'things')).toContain('things  D disk')
    expect(await shown('query', 'things', '--json')).toContain('"plugins"')
    const same = system.write('same.json', desired([{ name: 'a', size: 1 }]))
    expect(await shown('verify', same)).toMatch(/^equal: 1 resource is as \S+same\.json says\n$/)
    expect(await shown('diff', same)).toBe(
      'things  D disk  nothing differs\n\n0 to create, 0 to modify, 0 to delete; 1 already so\n',
    )
    expect(await shown('plugins')).toMatch(/^things +1 +yes +apply rollback watch +\S+$/m)
  })
})
