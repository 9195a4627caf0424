// Completion scripts in the shells that they are for; those that are not installed are skipped.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.js'
import { offersOf } from '../../src/cli/completion/words.js'
import { root, runCli } from '../processes.js'
import { newFolder } from '../support.js'

const SHELLS = [
  ['bash', ['test/cli/offers/bash.sh']],
  ['zsh', ['-f', 'test/cli/offers/zsh.zsh']],
  ['fish', ['test/cli/offers/fish.fish']],
] as const

/** Line up to the cursor -> all that is offered there, in any order. Of folders and files: those in the folder below. */
const OFFERED: Readonly<Record<string, string>> = {
  'op-dbus ':
    'embed serve health cache models init query diff apply verify rollback plugins blockchain assets doctor demo bench completion help',
  'op-dbus em': 'embed',
  'op-dbus help mo': 'models',
  'op-dbus help cache ': 'stats clear warm trace tune verify export import',
  'op-dbus cache trace ': 'on off status export clear',
  'op-dbus cache trace export --format ': 'csv oracleGeneral',
  'op-dbus models ': 'list pull path rm',
  'op-dbus embed --fo': '--format',
  'op-dbus serve --model low --model ': 'builtin low medium high',
  'op-dbus serve --log-level ': 'debug info warn error none',
  'op-dbus embed --format ': 'text json npy',
  'op-dbus embed --format=j': 'json',
  'op-dbus embed --patterns=': 'off template',
  'op-dbus embed a ': '',
  'op-dbus embed --file ': 'events.log folder',
  'op-dbus embed -f ev': 'events.log',
  'op-dbus embed --dir ': 'folder',
  'op-dbus doctor --device w': 'webgpu wasm',
  'op-dbus models pull --dir folder m': 'medium',
  'op-dbus query ': 'net lxc systemd',
  'op-dbus diff -p ': 'net lxc systemd',
  'op-dbus diff --format ': 'text json json-patch',
  'op-dbus apply ev': 'events.log',
  'op-dbus apply --plan ev': 'events.log',
  'op-dbus apply --data-dir ': 'folder',
  'op-dbus rollback ': '20261127T171500.123Z-1a2b3c4d 20261128T080000.000Z-5e6f7a8b',
  'op-dbus blockchain re': 'restore repair',
  'op-dbus blockchain restore ': 'before-update nightly',
  'op-dbus bc re': 'restore repair',
  'op-dbus bc restore ': 'before-update nightly',
  'op-dbus bc verify --he': '--head --help',
  'op-dbus help bc sho': 'show',
  'op-dbus blockchain add ev': 'events.log',
  'op-dbus blockchain export --tiles ': 'folder',
  'op-dbus assets ': 'folder',
  'op-dbus completion ': 'bash zsh fish',
}

const dir = newFolder()
beforeAll(() => {
  mkdirSync(join(dir, 'folder'))
  writeFileSync(join(dir, 'events.log'), '')
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe.each(SHELLS)('completion for %s', (shell, program) => {
  const installed = spawnSync(shell, ['--version'], { stdio: 'ignore' }).status === 0

  it.runIf(installed)('offers commands, options, values, files and folders where they can stand', async () => {
    const { code, stdout, stderr } = await runCli(dir, ['completion', shell])
    expect([code, stderr]).toEqual([0, ''])
    const home = newFolder()
    const checkpoints = join(home, 'data', 'state', 'checkpoints')
    mkdirSync(checkpoints, { recursive: true })
    for (const id of OFFERED['op-dbus rollback ']!.split(' ')) writeFileSync(join(checkpoints, `${id}.json`), '')
    for (const name of ['before-update', 'nightly', '.tmp-1'])
      mkdirSync(join(home, 'data', 'snapshots', name), { recursive: true })
    const script = join(home, 'script')
    writeFileSync(script, stdout)
    const options = COMMANDS.map(({ name }) => `op-dbus ${name} --`)
    const [driver, ...flags] = [...program].reverse() as [string, ...string[]]
    const lines = [...Object.keys(OFFERED), ...options]
    const told = spawnSync(shell, [...flags, join(root, driver), script, ...lines], {
      cwd: dir,
      env: { PATH: process.env.PATH, HOME: home, TERM: 'dumb', OPDBUS_DATA_DIR: join(home, 'data') },
      encoding: 'utf8',
    })
    rmSync(home, { recursive: true, force: true })
    expect([told.status, told.stderr]).toEqual([0, ''])
    // fish repeats the option before an equals sign, and marks folders.
    const words = (line: string) => line.split(' ').map(word => word.replace(/^--[\w-]+=(?=.)|[=/]$/g, ''))
    const offered = told.stdout.split('\n').map(line => [...new Set(words(line))].sort())
    for (const [i, [line, wanted]] of Object.entries(OFFERED).entries()) {
      expect(offered[i], line).toEqual(wanted.split(' ').sort())
    }
    for (const [i, command] of COMMANDS.entries()) {
      const wanted = offersOf(command).map(({ flags: [long] }) => long)
      expect(offered[Object.keys(OFFERED).length + i], command.name).toEqual(wanted.sort())
    }
  })
})

it('an unknown shell is told which there are', async () => {
  for (const args of [['completion'], ['completion', 'csh'], ['completion', 'bash', 'zsh']]) {
    const { code, stderr } = await runCli(dir, args)
    expect([code, stderr]).toEqual([2, expect.stringContaining('takes one shell: bash, zsh, fish')])
  }
})
