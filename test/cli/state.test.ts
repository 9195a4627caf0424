// The commands of a system's state as processes of their own, over a system that is a file: what they print, write, and end with.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jsonLines } from '../processes.js'
import { shell } from './shell.js'
import { newSystem } from './system.js'

const STATE = {
  things: [
    { name: 'a', size: 1, tags: ['x'] },
    { name: 'b', size: 2 },
    { name: 'c', size: 3 },
  ],
  mode: { level: 'low' },
}
const desired = (things: unknown, more: object = {}) => ({ version: 1, plugins: { things: { things, ...more } } })
/** One to create, one to modify, one that is so already. */
const TWO = desired([
  { name: 'a', size: 1 },
  { name: 'b', size: 20 },
  { name: 'n', size: 9 },
])

describe('query', () => {
  it('answers the plugins named, from the cache while that is good; --fresh asks', async () => {
    const system = newSystem(STATE)
    const first = await system.run(['query', 'things'])
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(first.stdout)).toEqual({ plugins: { things: STATE } })
    const second = await system.run(['query', 'things', '--json'])
    expect(second.stdout).toBe(first.stdout)
    expect(system.asked()).toEqual(['query'])
    await system.run(['query', '-p', 'things', '--fresh'])
    expect(system.asked()).toEqual(['query', 'query'])
  })

  it('answers a part of a plugin, in the shape of the whole', async () => {
    const system = newSystem(STATE)
    const part = async (...args: string[]) => JSON.parse((await system.run(['query', ...args])).stdout).plugins.things
    expect(await part('things/things/b')).toEqual({ things: [{ name: 'b', size: 2 }] })
    expect(await part('things/mode', 'things/things/a')).toEqual({ mode: STATE.mode, things: [STATE.things[0]] })
    expect(await part('things/mode', 'things')).toEqual(STATE)
    const text = await system.run(['query', 'things/things/a', '--format', 'text'])
    expect(text.stdout).toBe('things  D disk  1 resource\n  things/a\n    size  1\n    tags  x\n')
    for (const [wrong, said] of [
      ['things/thing', 'mean "things"'],
      ['things/things/z', 'no "z" in things/things'],
    ] as const) {
      const refused = await system.run(['query', wrong])
      expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(said) })
    }
  })

  it('of all tells in passing what is not available, and of those named fails', async () => {
    const system = newSystem(STATE)
    // No program of LXC is found where there is none at all.
    const env = { PATH: '' }
    const all = await system.run(['query'], { env })
    expect(all.code).toBe(0)
    expect(Object.keys(JSON.parse(all.stdout).plugins)).toContain('things')
    expect(all.stderr).toMatch(/^op-dbus: lxc is not available: ./m)
    expect((await system.run(['query', '-q'], { env })).stderr).toBe('')
    const named = await system.run(['query', 'things', 'lxc'], { env })
    expect(named.code).toBe(11)
    expect(Object.keys(JSON.parse(named.stdout).plugins)).toEqual(['things'])
    expect(named.stderr).toContain('lxc')
  })

  it('tells a plugin that fails, and what a name may have meant', async () => {
    const system = newSystem(STATE)
    writeFileSync(system.file, '{ broken')
    const failed = await system.run(['query', 'things'])
    expect(failed.code).toBe(11)
    expect(JSON.parse(failed.stdout)).toEqual({ plugins: {} })
    expect(failed.stderr).toContain('things')
    const strange = await system.run(['query', 'thing'])
    expect(strange).toMatchObject({ code: 2, stdout: '' })
    expect(strange.stderr).toContain('"things"')
  })

  it('no name and no message of a system steers a terminal', async () => {
    const evil = '\x1b]0;owned\x07\u202e'
    const system = newSystem({ things: [{ name: evil }, { name: evil }], mode: {} })
    const failed = await system.run(['query', 'things'])
    expect(failed.code).toBe(11)
    const desired = system.write('d.json', { version: 1, plugins: { things: { [evil]: {} } } })
    const refused = await system.run(['diff', desired])
    expect(refused.code).toBe(2)
    system.set({ things: [{ name: `${evil}\x9b\x7f` }], mode: {} })
    const asJson = await system.run(['query', 'things'])
    expect(asJson.stdout).toContain('\\u202e\\u009b\\u007f')
    expect(asJson.stdout.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/)
    expect(JSON.parse(asJson.stdout).plugins.things.things).toEqual([{ name: `${evil}\x9b\x7f` }])
    for (const { stderr } of [failed, refused]) {
      expect(stderr).toContain('owned')
      expect(stderr.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u202e]/)
    }
  })

  it('--watch prints a document a line, at once and at each change, until it is interrupted', async () => {
    const system = newSystem(STATE)
    const running = system.start(['query', 'things', '--watch'])
    await running.printed('\n')
    const changed = { ...STATE, mode: { level: 'high' } }
    system.set(changed)
    await running.printed('"high"')
    running.child.kill('SIGINT')
    const { signal, stdout, stderr } = await running.end
    expect([signal, stderr]).toEqual(['SIGINT', ''])
    const time = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(jsonLines(stdout)).toEqual([
      { time, plugins: { things: STATE } },
      { time, plugins: { things: changed } },
    ])
  })

  it('--watch tells a plugin that does not answer as that, and not as one that has nothing', async () => {
    const system = newSystem(STATE)
    const running = system.start(['query', 'things', '--watch'])
    await running.printed('\n')
    rmSync(system.file)
    await running.printed('"trouble"')
    system.set(STATE)
    await running.printed(/\n.*\n.*\n/)
    running.child.kill('SIGINT')
    const lines = jsonLines((await running.end).stdout)
    expect(lines.map(({ plugins, trouble }) => [plugins, trouble])).toEqual([
      [{ things: STATE }, undefined],
      [{}, { things: { kind: 'unavailable', message: `there is no ${system.file}` } }],
      [{ things: STATE }, undefined],
    ])
  })

  it('--watch ends with its reader', async () => {
    const system = newSystem(STATE)
    const running = system.start(['query', 'things', '--watch'])
    await running.printed('\n')
    running.child.stdout.destroy()
    system.set({ ...STATE, mode: { level: 'high' } })
    expect(await running.end).toMatchObject({ code: 0, stderr: '' })
  })
})

describe('init', () => {
  it('writes what verify finds equal; over nothing that is there, unless --force', async () => {
    const system = newSystem(STATE)
    const file = join(system.dir, 'desired.json')
    const made = await system.run(['init', file, '-p', 'things'])
    expect(made).toMatchObject({ code: 0, stdout: '' })
    expect(made.stderr).toMatch(/desired\.json declares 4 of 4 resources: things 4 of 4\n$/)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ version: 1, plugins: { things: STATE } })
    expect(await system.run(['verify', file])).toMatchObject({ code: 0, stderr: '' })

    writeFileSync(file, 'mine')
    const refused = await system.run(['init', file, '-p', 'things'])
    expect(refused.code).toBe(2)
    expect(refused.stderr).toContain('--force')
    expect(readFileSync(file, 'utf8')).toBe('mine')
    expect((await system.run(['init', file, '-p', 'things', '--force', '-q'])).stderr).toBe('')
    expect((await system.run(['init', '-p', 'things'])).stdout).toBe(readFileSync(file, 'utf8'))
  })

  it('writes nothing where a plugin that is named does not answer', async () => {
    const system = newSystem(STATE)
    const file = join(system.dir, 'desired.json')
    const { code, stderr } = await system.run(['init', file, '-p', 'things,lxc'], { env: { PATH: '' } })
    expect(code).toBe(11)
    expect(stderr).toContain('lxc is not available')
    expect(existsSync(file)).toBe(false)
  })
})

describe('diff and verify', () => {
  it('tell what differs of what is declared, and end with 9 where that is asked', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', TWO)
    const json = await system.run(['diff', file])
    expect(json).toMatchObject({ code: 0, stderr: '' })
    const report = JSON.parse(json.stdout)
    expect(report.same).toBe(false)
    expect(
      report.diffs[0].actions.map(({ kind, resource }: never) => [kind, (resource as { name: string }).name]),
    ).toEqual(
      expect.arrayContaining([
        ['none', 'a'],
        ['modify', 'b'],
        ['create', 'n'],
      ]),
    )
    const text = await system.run(['diff', file, '--format', 'text', '--exit-code'])
    expect(text.code).toBe(9)
    expect(text.stdout).toBe(
      'things  D disk\n  ~ things/b\n    ~ size  2 -> 20\n  + things/n\n    + name  "n"\n    + size  9\n\n' +
        '1 to create, 1 to modify, 0 to delete; 1 already so\n',
    )
    const same = system.write('same.json', desired([{ name: 'a' }]))
    const [patch, verified, ...others] = await Promise.all([
      system.run(['diff', file, '--format', 'json-patch']),
      system.run(['verify', file]),
      system.run(['diff', same, '--exit-code']),
      system.run(['verify', file, '-q']),
      system.run(['diff', file, '-q', '--exit-code']),
    ])
    const operation = { op: 'replace', path: '/plugins/things/things/1/size', value: 20 }
    expect(JSON.parse(patch.stdout)).toContainEqual(operation)
    expect(verified.code).toBe(9)
    expect(JSON.parse(verified.stdout).same).toBe(false)
    const nothing = { stdout: '', stderr: '' }
    expect(others).toMatchObject([{ code: 0 }, { code: 9, ...nothing }, { code: 9, ...nothing }])
  })

  it('verify asks the system, whatever is cached', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', desired([{ name: 'a', size: 1 }]))
    await system.run(['diff', file])
    system.set({ ...STATE, things: [] })
    expect((await system.run(['verify', file])).code).toBe(9)
  })

  it('read standard input, a FIFO, and of a file the plugins that are chosen', async () => {
    const system = newSystem(STATE)
    const input = JSON.stringify(TWO)
    expect((await system.run(['diff', '-', '--exit-code'], { input })).code).toBe(9)
    const { env, dir } = system
    const lines = Object.entries(env).map(([name, value]) => `export ${name}='${value}'`)
    system.write('desired.json', TWO)
    const piped =
      'mkfifo pipe\ncat desired.json > pipe &\nop-dbus diff pipe --format text\nop-dbus verify <(cat desired.json)'
    const script = `${lines.join('\n')}\n${piped}`
    const { code, stdout } = await shell(dir, script)
    expect(code).toBe(9)
    expect(stdout).toContain('1 to create')
    const other = system.write('other.json', { version: 1, plugins: { things: {}, lxc: {} } })
    const silent = await system.run(['diff', other, '--format', 'text'], { env: { PATH: '' } })
    expect(silent.code).toBe(11)
    expect(silent.stdout).toContain(
      'nothing to do: no resource is declared; not compared, for want of an answer: lxc\n',
    )
    expect(await system.run(['diff', other, '-p', 'things', '--exit-code'])).toMatchObject({ code: 0, stderr: '' })
    expect((await system.run(['diff', other, '-p', 'net'])).stderr).toContain('says nothing of plugin "net"')
  })

  it('a file that is no desired state is told by its places, and nothing is asked', async () => {
    const system = newSystem(STATE)
    const text = system.write('desired.json', '{\n  "version": 1,\n  "plugins": { "thing": {} }\n}\n')
    const { code, stdout, stderr } = await system.run(['diff', text])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr.split('\n')[0]).toMatch(/desired\.json:3:\d+ \S+: .*things/)
    expect(stderr.split('\n')[0]).not.toContain('op-dbus: ')
    const bad = ['', '{', '[]', '\0', '{"version":1,"version":1,"plugins":{}}', '{"version":2,"plugins":{}}']
    const files = bad.map((content, i) => system.write(`bad${i}.json`, content))
    const outcomes = await Promise.all(files.map(file => system.run(['apply', file, '--yes'])))
    for (const [i, outcome] of outcomes.entries()) {
      expect(outcome, bad[i]).toMatchObject({ code: 2, stdout: '' })
      expect(outcome.stderr, bad[i]).toMatch(/^\S*bad\d\.json:\d+:\d+:? /)
    }
    expect(system.asked()).toEqual([])
  })

  it('what cannot be read, or is too large, is an error with its reason', async () => {
    const system = newSystem(STATE)
    mkdirSync(join(system.dir, 'folder'))
    system.write('large.json', ' '.repeat(16 * 2 ** 20 + 1))
    const cases: readonly [args: string[], said: string][] = [
      [['diff', 'folder'], 'cannot read folder: '],
      [['diff', 'none.json'], 'there is no such file'],
      [['diff', 'large.json'], 'larger than 16 MiB'],
      [['verify', '/dev/zero'], 'larger than 16 MiB'],
      [['diff'], 'takes one desired file'],
      [['diff', 'a', 'b'], 'takes one desired file'],
      [['diff', 'a', '--format', 'yaml'], 'json-patch'],
      [['diff', 'a', '--json', '--format', 'text'], 'differ'],
      [['query', '--format', 'json-patch'], 'there are: text, json'],
      [['query', 'things/mode', '--watch'], 'whole plugins'],
      [['diff', '-', '--watch'], 'regular'],
      [['diff', '', '--watch'], 'path'],
    ]
    const outcomes = await Promise.all(cases.map(([args]) => system.run(args)))
    for (const [i, [args, said]] of cases.entries()) {
      expect(outcomes[i], args.join(' ')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(said) })
    }
  })

  it('--watch tells the diff again when the system changes, and when the file does', async () => {
    const system = newSystem(STATE)
    const file = system.write('desired.json', desired([{ name: 'b', size: 20 }]))
    const running = system.start(['diff', file, '--watch'])
    await running.printed('\n')
    system.set({ ...STATE, things: [{ name: 'b', size: 7 }] })
    await running.printed('"old":7')
    system.write('desired.json', '{ half')
    await running.printed('desired.json:1:', 'stderr')
    system.write('desired.json', desired([{ name: 'b', size: 7 }]))
    await running.printed('"same":true')
    running.child.kill('SIGTERM')
    const { signal, stdout } = await running.end
    expect(signal).toBe('SIGTERM')
    expect(jsonLines(stdout).map(({ same }) => same)).toEqual([false, false, true])
  })
})

describe('plugins', () => {
  it('lists all with what they can do, and why one is not available', async () => {
    const system = newSystem(STATE)
    const { code, stdout } = await system.run(['plugins'], { env: { PATH: '' } })
    expect(code).toBe(0)
    const { plugins } = JSON.parse(stdout)
    expect(plugins.map(({ name }: { name: string }) => name)).toEqual(['net', 'lxc', 'systemd', 'things'])
    expect(plugins.at(-1)).toMatchObject({ version: '1', available: true, capabilities: { apply: true } })
    expect(plugins[1]).toMatchObject({ available: false, reason: expect.any(String) })
    expect(system.asked()).toEqual([])
  })
})

it('a data folder or a cache folder that cannot be used costs no answer, and nothing is left in the folder of a query', async () => {
  const system = newSystem(STATE)
  expect((await system.run(['query', 'things'], { env: { OPDBUS_CACHE_DIR: '/proc/none' } })).code).toBe(0)
  expect(existsSync(system.data)).toBe(false)
  expect(readdirSync(system.dir).sort()).toEqual(['system.json', 'system.json.log'])
})
