// `op-dbus embed -o`: what is there stays what it is, and keeps what it held until the new bytes are whole.
import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { jsonLines, type RunOptions, runCli as run } from '../processes.js'
import { temporaryFolder } from '../support.js'
import { cacheWith, noMounts, noNobody, shell as runShell } from './shell.js'

const POSIX = process.platform !== 'win32'
const ROW = ['embed', 'a', '--json', '--no-vector', '-q']
/** The same, for scripts. */
const EMBED = 'op-dbus embed a --json --no-vector -q'

const cache = cacheWith('a', 'b')
const runCli = (dir: string, args: readonly string[], options: RunOptions = {}) =>
  run(dir, args, { ...options, env: { OPDBUS_CACHE_DIR: cache.dir, ...options.env } })
const shell: typeof runShell = (dir, script, options) => runShell(dir, script, { cache: cache.dir, ...options })

const textsIn = (path: string) => jsonLines(readFileSync(path, 'utf8')).map(row => row.text)
const temporaries = (dir: string) => readdirSync(dir).filter(name => name.endsWith('.tmp'))

describe.runIf(POSIX)('what -o leads to', () => {
  it('follows links: of links, relative to their own folder, to what is not there yet', async () => {
    const dir = temporaryFolder()
    mkdirSync(join(dir, 'real', 'deep'), { recursive: true })
    mkdirSync(join(dir, 'other'))
    writeFileSync(join(dir, 'real', 'old.json'), 'old\n')
    symlinkSync('real/deep', join(dir, 'short'))
    // Counted from real/deep, where the link lies, and not from the folder that its path names.
    symlinkSync('../old.json', join(dir, 'real', 'deep', 'up'))
    symlinkSync('short/up', join(dir, 'chain'))
    symlinkSync('other/new.json', join(dir, 'dangling'))
    for (const [link, end] of [
      ['chain', 'real/old.json'],
      ['dangling', 'other/new.json'],
    ] as const) {
      const target = readlinkSync(join(dir, link))
      expect((await runCli(dir, [...ROW, '-o', join(dir, link)])).code).toBe(0)
      expect(textsIn(join(dir, end))).toEqual(['a'])
      expect(readlinkSync(join(dir, link))).toBe(target)
    }
    symlinkSync('loop', join(dir, 'loop'))
    const loop = await runCli(dir, [...ROW, '-o', join(dir, 'loop')])
    expect([loop.code, loop.stderr]).toEqual([6, expect.stringContaining('too many links')])
    for (const folder of ['.', 'real', 'real/deep', 'other']) expect(temporaries(join(dir, folder))).toEqual([])
  })

  it('keeps mode and owner, and gives a new file those of the umask', async () => {
    const dir = temporaryFolder()
    const root = process.getuid?.() === 0
    const script = [
      'umask 022; echo old > private; chmod 600 private; echo old > open; chmod 666 open',
      root ? 'chown 1234:4321 private' : ':',
      `for name in private open fresh; do ${EMBED} -o $name || exit 1; done; ls -ln private open fresh`,
    ]
    const { code, stdout } = await shell(dir, script.join('\n'))
    expect(code).toBe(0)
    const modes = ['private', 'open', 'fresh'].map(name => (statSync(join(dir, name)).mode & 0o777).toString(8))
    expect(modes).toEqual(['600', '666', '644'])
    if (root) expect(stdout).toMatch(/ 1234 4321 .* private/)
    for (const name of ['private', 'open', 'fresh']) expect(textsIn(join(dir, name))).toEqual(['a'])
  })

  it('writes to all names of a file with several', async () => {
    const dir = temporaryFolder()
    const [one, two] = [join(dir, 'one'), join(dir, 'two')]
    // Once the old bytes are more than the new ones, once fewer.
    for (const old of ['old\n', 'old\n'.repeat(1000)]) {
      writeFileSync(one, old)
      if (old === 'old\n') linkSync(one, two)
      expect((await runCli(dir, [...ROW, '-o', two])).code).toBe(0)
      expect([textsIn(one), textsIn(two)]).toEqual([['a'], ['a']])
      expect(lstatSync(one).ino).toBe(lstatSync(two).ino)
    }
    expect(temporaries(dir)).toEqual([])
  })

  it('gives the reader of a FIFO its rows, or a whole NumPy file, and leaves the FIFO', async () => {
    const dir = temporaryFolder()
    const script = `mkfifo pipe
      cat pipe > rows.json & ${EMBED} -o pipe || exit 1; wait $!
      cat pipe > rows.npy & op-dbus embed a b --format npy -q -o pipe || exit 1; wait $!
      head -c 8 pipe > start & op-dbus embed a b --format npy -q -o pipe || exit 1; wait $!
      [ -p pipe ]`
    expect(await shell(dir, script)).toMatchObject({ code: 0, stderr: '' })
    expect(textsIn(join(dir, 'rows.json'))).toEqual(['a'])
    const matrix = readFileSync(join(dir, 'rows.npy'))
    expect(matrix.subarray(10, 128).toString()).toContain("'shape': (2, 512)")
    expect(matrix.length).toBe(128 + 2 * 512 * 4)
    expect(temporaries(dir)).toEqual([])
  })

  it('writes to a descriptor where it stands', async () => {
    const dir = temporaryFolder()
    // By its name in /proc, so that no fault of ours could replace /dev/stdout.
    const script = `{ echo '{"text":"head"}'; ${EMBED} -o /proc/self/fd/1; ${EMBED} -o -; echo '{"text":"tail"}'; } > all.json
      ${EMBED} -o /proc/self/fd/7 7>> all.json
      ${EMBED} -o >(cat > piped.json); wait $!
      ${EMBED} -o /proc/self/fd/77`
    const { code, stderr } = await shell(dir, process.platform === 'linux' ? script : `echo skipped`)
    if (process.platform !== 'linux') return
    expect([code, stderr]).toEqual([6, 'op-dbus: cannot write /proc/self/fd/77: it is not open for this\n'])
    expect(textsIn(join(dir, 'all.json'))).toEqual(['head', 'a', 'a', 'tail', 'a'])
    expect(textsIn(join(dir, 'piped.json'))).toEqual(['a'])
  })
})

describe.runIf(POSIX)('when -o cannot be written', () => {
  it('says why in words, keeps what was there, and leaves nothing behind', async () => {
    const dir = temporaryFolder()
    const kept = join(dir, 'kept')
    writeFileSync(kept, 'precious\n')
    const cases: [string, number, string][] = [
      [join(dir, 'no', 'where'), 6, 'its folder is missing'],
      [dir, 6, 'it is a folder'],
      [`${dir}/new/`, 6, 'it is a folder'],
      [`${kept}/`, 6, 'a part of the path is no folder'],
      [join(dir, 'x'.repeat(300)), 6, 'the name is too long'],
      ['', 2, 'needs the path of a file'],
    ]
    for (const [path, code, why] of cases) {
      const outcome = await runCli(dir, [...ROW, '-o', path])
      expect([outcome.code, outcome.stderr], path).toEqual([code, expect.stringContaining(why)])
    }
    expect(readFileSync(kept, 'utf8')).toBe('precious\n')
    // As long as a name may be: what is added to it for the time of writing has to fit as well.
    expect((await runCli(dir, [...ROW, '-o', join(dir, 'n'.repeat(255))])).code).toBe(0)
    expect(temporaries(dir)).toEqual([])
  })

  it.skipIf(!POSIX)('writes to no descriptor that it was not given: those are Node’s own', async () => {
    const dir = temporaryFolder()
    const { stdout } = await shell(dir, `for n in 3 4 7 12 40; do ${EMBED} -o /dev/fd/$n; echo $?; done`)
    expect(stdout).toBe('6\n'.repeat(5))
  })

  const unwritable = 'lets nobody replace what he may not write, and writes what he may in a folder that he may not'
  it.skipIf(noNobody)(noNobody ? `${unwritable} (skipped: ${noNobody})` : unwritable, async () => {
    const dir = temporaryFolder()
    mkdirSync(join(dir, 'closed'))
    for (const name of ['shut', 'closed/open']) writeFileSync(join(dir, name), 'precious\n')
    chmodSync(join(dir, 'shut'), 0o444)
    chmodSync(join(dir, 'closed/open'), 0o666)
    chmodSync(join(dir, 'closed'), 0o555)
    chmodSync(dir, 0o777)
    const script = `${EMBED} -o shut; echo $?; ${EMBED} -o closed/open; echo $?; ${EMBED} -o closed/new; echo $?`
    const { stdout, stderr } = await shell(dir, script, { unprivileged: true, cache: dir })
    chmodSync(join(dir, 'closed'), 0o755)
    expect(stdout).toBe('6\n0\n6\n')
    expect(stderr).toMatch(/shut: permission denied\n.*closed\/new: permission denied\n$/)
    expect(readFileSync(join(dir, 'shut'), 'utf8')).toBe('precious\n')
    expect(textsIn(join(dir, 'closed/open'))).toEqual(['a'])
    expect([...temporaries(dir), ...temporaries(join(dir, 'closed'))]).toEqual([])
  })

  it('keeps what was there when the file grows too large, also one with several names', async () => {
    const dir = temporaryFolder()
    writeFileSync(join(dir, 'alone'), 'precious\n')
    writeFileSync(join(dir, 'one'), 'precious\n')
    linkSync(join(dir, 'one'), join(dir, 'two'))
    const names = ['alone', 'two', 'fresh']
    const script = `for i in $(seq 60); do echo a; done > lines; ulimit -f 32
      for name in ${names.join(' ')}; do op-dbus embed -f lines --json -q -o $name; echo $?; done`
    const { stdout, stderr } = await shell(dir, script)
    expect(stdout).toBe('6\n6\n6\n')
    for (const name of names) expect(stderr).toContain(`cannot write ${name}: the file would be larger than allowed`)
    for (const name of ['alone', 'one', 'two']) expect(readFileSync(join(dir, name), 'utf8')).toBe('precious\n')
    expect(readdirSync(dir)).not.toContain('fresh')
    expect(temporaries(dir)).toEqual([])
  })

  it('is not stopped by what a killed process with the same number has left, and does not touch it', async () => {
    const dir = temporaryFolder()
    writeFileSync(join(dir, 'precious'), 'precious\n')
    for (const end of ['npy', 'json']) symlinkSync('precious', join(dir, `out.${end}.1.tmp`))
    const one = "Object.defineProperty(process, 'pid', { value: 1 })"
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(one)}` }
    const npy = await runCli(dir, ['embed', 'a', '--format', 'npy', '-o', join(dir, 'out.npy')], { env })
    const json = await runCli(dir, [...ROW, '-o', join(dir, 'out.json')], { env })
    expect([npy.code, json.code]).toEqual([0, 0])
    expect(readFileSync(join(dir, 'precious'), 'utf8')).toBe('precious\n')
    expect(temporaries(dir)).toEqual(['out.json.1.tmp', 'out.npy.1.tmp'])
  })
})

describe.skipIf(noMounts !== undefined)(`mounts${noMounts ? ` (skipped: ${noMounts})` : ''}`, () => {
  it('leaves a device a device', async () => {
    const dir = temporaryFolder()
    const script = `touch null full; mount --bind /dev/null null; mount --bind /dev/full full
      ${EMBED} -o null && op-dbus embed a --format npy -q -o null || exit 1
      for what in --json '--format npy'; do op-dbus embed a -q $what -o full; echo $?; done
      [ -c null ] && [ -c full ]`
    const { code, stdout, stderr } = await shell(dir, script, { mounts: true })
    expect([code, stdout]).toEqual([0, '6\n6\n'])
    expect(stderr).toBe('op-dbus: cannot write full: the disk is full\n'.repeat(2))
    expect(temporaries(dir)).toEqual([])
  })

  it('writes into a file that is a mount of its own, as containers have them', async () => {
    const dir = temporaryFolder()
    const script = `echo old > inside; echo old > outside; mount --bind outside inside; ${EMBED} -o inside && umount inside`
    expect(await shell(dir, script, { mounts: true })).toMatchObject({ code: 0, stderr: '' })
    expect(textsIn(join(dir, 'outside'))).toEqual(['a'])
    expect(readFileSync(join(dir, 'inside'), 'utf8')).toBe('old\n')
    expect(temporaries(dir)).toEqual([])
  })

  it('keeps what was there when the disk is full, and leaves it as full as it was', async () => {
    const dir = temporaryFolder()
    const script = `mkdir disk; mount -t tmpfs -o size=128k none disk; for i in $(seq 60); do echo a; done > lines
      cd disk; echo precious > alone; echo precious > one; ln one two
      for name in alone two fresh; do op-dbus embed -f ../lines --json -q -o $name; echo $?; done
      cat alone one two; ls -A | tr '\\n' ' '
      head -c 100000 /dev/zero > filler; op-dbus embed -f ../lines --json -q > rows; echo $?`
    const { stdout, stderr } = await shell(dir, script, { mounts: true })
    expect(stdout).toBe(`6\n6\n6\n${'precious\n'.repeat(3)}alone one two 6\n`)
    expect(stderr.split('\n').filter(line => line.endsWith(': the disk is full'))).toHaveLength(4)
  })
})
