// What stands before and behind the CLI: full disks, slow and lost readers, writers that never come, signals.
import { spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { cli, jsonLines, runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'
import { cacheWith, environment, shell as runShell, status } from './shell.js'

const POSIX = process.platform !== 'win32'
const cache = cacheWith('a', 'b', 'c', 'd')
const shell: typeof runShell = (dir, script, options) => runShell(dir, script, { cache: cache.dir, ...options })

/** Its stdin stays open for who wants to write there. */
function start(args: readonly string[], stdin: 'none' | 'open' = 'none') {
  const child = spawn(process.execPath, [cli, ...args], { env: environment(cache.dir), stdio: 'pipe' })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: Buffer[] = []
  child.stderr.on('data', chunk => said.push(chunk))
  child.stdin.on('error', () => {})
  if (stdin === 'none') child.stdin.end()
  const stderr = new Promise<string>(resolve => child.once('close', () => resolve(Buffer.concat(said).toString())))
  return { child, status: status(child), stderr }
}

describe.runIf(process.platform === 'linux')('a full disk behind stdout', () => {
  it('is exit code 6, whatever is written', async () => {
    const dir = temporaryFolder()
    const commands = [
      'embed a',
      'embed a --json',
      'embed a --format npy -o -',
      'cache stats',
      'cache verify --json',
      'models list',
      'models list --json',
      'doctor --device cpu',
      'demo --offline',
      'cache',
      '--help',
      '--version',
    ]
    const each = commands.map(command => `op-dbus ${command} > /dev/full; echo $?`).join('\n')
    const { stdout, stderr } = await shell(dir, `${each}\nseq 300 | op-dbus embed - --json > /dev/full; echo $?`)
    expect(stdout).toBe('6\n'.repeat(commands.length + 1))
    const lines = new Set(stderr.trimEnd().split('\n'))
    expect([...lines]).toEqual(['op-dbus: cannot write to standard output: the disk is full'])
    expect(readdirSync(dir).filter(name => name.startsWith('op-dbus-demo'))).toEqual([])
  })

  it('is one, too, when only the end of the last row has no room', async () => {
    const dir = temporaryFolder()
    const script = 'ulimit -f 1; op-dbus --help > help; echo $?; op-dbus embed a --json -q > row; echo $?'
    const { stdout, stderr } = await shell(dir, script)
    expect(stdout).toBe('6\n6\n')
    expect(stderr).toContain('cannot write to standard output: the file would be larger than allowed')
    expect(statSync(join(dir, 'help')).size).toBe(1024)
  })

  it('hides nothing when it is behind stderr, or nobody reads there', async () => {
    const dir = temporaryFolder()
    const script = `op-dbus bogus 2> /dev/full; echo $?; op-dbus bogus 2>&-; echo $?
      op-dbus cache clear 2> /dev/full; echo $?; op-dbus embed a --json --no-vector >&-; echo $?
      op-dbus embed a --model ./none > /dev/full 2> /dev/full; echo $?`
    expect((await shell(dir, script)).stdout).toBe('2\n2\n0\n0\n3\n')
  })
})

describe('readers', () => {
  it('that are slow get everything', async () => {
    const texts = Array.from({ length: 400 }, (_, i) => 'abcd'[i % 4]!)
    const { child, status, stderr } = start(['embed', ...texts, '--json'])
    const chunks: Buffer[] = []
    for await (const chunk of child.stdout) {
      chunks.push(chunk as Buffer)
      await new Promise(resolve => setImmediate(resolve))
    }
    expect([await status, await stderr]).toEqual([0, ''])
    const rows = jsonLines(Buffer.concat(chunks).toString())
    expect(rows.map(row => row.text)).toEqual(texts)
    expect(rows.every(row => row.vector.length === 512)).toBe(true)
  })

  it('that go away with rows unread are no error', async () => {
    const { child, status, stderr } = start(['embed', '-', '--json'], 'open')
    child.stdin.write('a\n'.repeat(2000))
    child.stdout.once('readable', () => child.stdout.destroy())
    expect([await status, await stderr]).toEqual([0, ''])
  })

  it.runIf(POSIX)('that stop reading keep no signal from ending the work', async () => {
    const { child, status } = start(['embed', ...Array.from({ length: 1000 }, () => 'a'), '--json'])
    // 10 MB of rows, and nobody takes more than the first few.
    child.stdout.once('readable', () => child.kill('SIGTERM'))
    expect(await status).toBe(143)
  })
})

describe('writers', () => {
  it('that keep stdin open do not keep a failed process alive', async () => {
    const { child, status } = start(['embed', '-', '--model', './none'], 'open')
    child.stdin.write('a line\n')
    expect(await status).toBe(3)
    child.stdin.end()
  })

  it.runIf(POSIX)('to a FIFO and to a descriptor are read; a folder is told', async () => {
    const dir = temporaryFolder()
    const rows = '--json --no-vector -q'
    const script = `mkfifo pipe; op-dbus embed -f pipe ${rows} & printf 'a\\nb' > pipe; wait $!
      echo c | op-dbus embed -f /dev/stdin ${rows}; op-dbus embed -f <(echo d) ${rows}
      op-dbus embed - < .; echo '{"text":'$?'}'`
    const { stdout, stderr } = await shell(dir, script)
    expect(jsonLines(stdout).map(row => row.text)).toEqual(['a', 'b', 'c', 'd', 2])
    expect(stderr).toBe('op-dbus: cannot read standard input: it is a folder\n')
  })

  it.runIf(POSIX).each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('that never come, and readers that never come, are ended by %s', async (signal, code) => {
    const dir = temporaryFolder()
    expect((await shell(dir, 'mkfifo in out')).code).toBe(0)
    const waiting = [
      ['embed', '--file', join(dir, 'in')],
      ['embed', 'a', '-o', join(dir, 'out')],
    ].map(args => start(args))
    // Both ways of waiting begin when the caches are open; earlier a signal ends the process in its default way.
    await runCli(cache.dir, ['embed', 'b', '-q'])
    for (const { child } of waiting) child.kill(signal)
    expect(await Promise.all(waiting.map(one => one.status))).toEqual([code, code])
  })
})
