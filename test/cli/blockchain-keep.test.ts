// prune, snapshot, snapshots and restore as processes of their own: what they say, what they ask, and what comes of the answer.
import { expect, it } from 'vitest'
import { newSystem, noTerminal, type System } from './system.js'

const footprints = ['a', 'b', 'c'].map(operation => JSON.stringify({ plugin_id: 'net', operation })).join('\n')

async function own() {
  const system = newSystem({})
  const run = (args: readonly string[], input?: string) =>
    system.run(['blockchain', ...args], input === undefined ? {} : { input })
  expect((await run(['add', '-'], footprints)).code).toBe(0)
  return { system, run, asked: (args: readonly string[], answer: string) => asked(system, args, answer) }
}

async function asked(system: System, args: readonly string[], answer: string) {
  const { code, stdout } = await system.onTerminal(['blockchain', ...args], `${answer}\n`)
  return { code, shown: stdout.replaceAll('\r', '') }
}

it('snapshots, prunes, restores and deletes, and says so', async () => {
  const { run } = await own()
  const made = await run(['snapshot', 'before'])
  expect(JSON.parse(made.stdout)).toMatchObject({ name: 'before', size: 3 })
  const dry = await run(['prune', '--keep-last', '1', '--dry-run', '--format', 'text'])
  expect(dry.stdout).toMatch(
    /^2 blocks of 3 would lose their bodies \(.*\); 1 keeps its body\nwhat goes may still be in /,
  )
  const pruned = await run(['prune', '--keep-last', '1', '--yes'])
  expect(JSON.parse(pruned.stdout)).toMatchObject({ dryRun: false, size: 3, kept: 1, pruned: 2, block: 3 })
  expect(JSON.parse((await run(['show', '0'])).stdout).body).toBeUndefined()
  const unread = await run(['search', 'foo', '--text', '--format', 'text'])
  expect(unread.stderr).toBe('op-dbus: nothing found in 2 blocks; 2 blocks were pruned and have no text\n')
  const [list, stats] = await Promise.all([run(['snapshots']), run(['stats'])])
  expect(JSON.parse(list.stdout).snapshots).toMatchObject([{ name: 'before', size: 3 }])
  const plugins = { net: 3, 'op-dbus': 1 }
  expect(JSON.parse(stats.stdout)).toMatchObject({ size: 4, pruned: 2, snapshots: 1, plugins })
  const restored = await run(['restore', 'before', '--yes', '--format', 'text'])
  expect(restored.stdout).toMatch(/^restored 3 blocks of before; what was there before is the snapshot /)
  expect(JSON.parse((await run(['show', '0'])).stdout).body.footprint.operation).toBe('a')
  for (const name of ['..', 'no/such', 'nosuch']) {
    expect(await run(['restore', name, '--yes'])).toMatchObject({ code: 2, stdout: '' })
  }
  // Two snapshots: the one that was made, and what the restore has kept.
  expect(await run(['prune', '--snapshots', '--keep-last', '0', '--yes'])).toMatchObject({ code: 2, stdout: '' })
  const some = await run(['prune', '--snapshots', '--keep-last', '1', '--yes', '--format', 'text'])
  expect(some.stdout).toBe('1 snapshot is deleted, 1 kept: before\n')
  const [rest] = JSON.parse((await run(['snapshots'])).stdout).snapshots
  const gone = await run(['snapshot', '--delete', rest.name, '--yes'])
  expect(JSON.parse(gone.stdout)).toEqual({ deleted: rest.name })
  expect(JSON.parse((await run(['snapshots'])).stdout)).toEqual({ snapshots: [] })
})

it('takes everything where that is said, and asks nothing where there is nobody to ask', async () => {
  const { run } = await own()
  const nothing = ['prune', '--keep-last', '0']
  const calls = [nothing, ['snapshot', '--delete', 'x'], ['prune', '--snapshots'], [...nothing, '--yes']]
  for (const { code, stdout } of await Promise.all(calls.map(args => run(args))))
    expect([code, stdout]).toEqual([2, ''])
  const all = await run([...nothing, '--everything', '--yes'])
  expect(JSON.parse(all.stdout)).toMatchObject({ dryRun: false, kept: 0, pruned: 3 })
  expect(JSON.parse((await run([...nothing, '--yes'])).stdout)).toMatchObject({ dryRun: false, pruned: 0 })
})

it.skipIf(noTerminal)(
  'asks on a terminal, does nothing where the answer is no, and all of it where it is yes',
  async () => {
    const { run, asked } = await own()
    await run(['snapshot', 'kept'])
    const questions: [args: string[], question: string][] = [
      [['prune', '--keep-last', '1'], 'Remove these bodies? [y/N]'],
      [['restore', 'kept'], 'Put 3 blocks of kept in place of the 3 blocks there are? [y/N]'],
      [['snapshot', '--delete', 'kept'], 'Delete the snapshot kept, of 3 blocks? [y/N]'],
      [['prune', '--snapshots', '--keep-last', '0', '--everything'], 'Delete these snapshots? [y/N]'],
    ]
    const refused = await Promise.all(questions.map(([args]) => asked(args, 'n')))
    for (const [i, { code, shown }] of refused.entries()) {
      expect(shown).toContain(questions[i]![1])
      expect([code, shown]).toEqual([10, expect.stringMatching(/op-dbus: nothing was changed\n$/)])
    }
    const stats = async () => JSON.parse((await run(['stats'])).stdout)
    expect(await stats()).toMatchObject({ size: 3, pruned: 0, snapshots: 1 })

    const pruned = await asked(questions[0]![0], 'y')
    expect(pruned.shown).toContain('2 blocks of 3 would lose their bodies')
    expect(pruned.shown).toMatch(/2 blocks of 3 have lost their bodies .*; 1 keeps its body\nblock 3 says which\n/)
    const restored = await asked(['restore', 'kept'], 'yes')
    expect(restored.shown).toContain('restored 3 blocks of kept; what was there before is the snapshot before-restore-')
    expect((await asked(['snapshot', '--delete', 'kept'], 'y')).shown).toContain('deleted the snapshot kept\n')
    expect(await stats()).toMatchObject({ size: 3, pruned: 0, snapshots: 1 })
  },
)
