// `op-dbus blockchain ...` on chains of its own: what people and programs are told, and what is refused. In this process, but for what
// reads standard input, asks a model, or goes on.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { cli, jsonLines, runCli } from '../processes.js'
import { newFolder, temporaryFolder } from '../support.js'
import { answered } from './in-process.js'
import { status } from './shell.js'

const GOLDEN = { interface: 'eth0', ip: '192.168.1.100', status: 'active' }
const FOOTPRINTS = [
  { plugin_id: 'net', operation: 'create', timestamp: 1_700_000_000, data: GOLDEN },
  { plugin_id: 'lxc', operation: 'create', text: 'Created container 100' },
  { plugin_id: 'lxc', operation: 'delete', text: 'Deleted container 100' },
  { plugin_id: 'systemd', operation: 'restart', data: { unit: 'ssh.service' }, metadata: { user: 'root' } },
].map(footprint => JSON.stringify(footprint))

/** One chain for what only reads. */
const dir = newFolder()
const env = { OPDBUS_DATA_DIR: join(dir, 'data') }
const chain = (...args: string[]) => answered(['blockchain', ...args, '--data-dir', env.OPDBUS_DATA_DIR, '--dir', dir])
/** The same in a process of its own. */
const spawned = (...args: string[]) => runCli(dir, ['blockchain', ...args], { env })
const hashes: string[] = []
beforeAll(async () => {
  const { code, stdout, stderr } = await runCli(dir, ['blockchain', 'add', '-'], { env, input: FOOTPRINTS.join('\n') })
  expect([code, stderr]).toEqual([0, ''])
  const told = jsonLines(stdout)
  expect(told.map(({ number }) => number)).toEqual([0, 1, 2, 3])
  hashes.push(...told.map(({ hash }) => hash))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** A chain that a test may change. */
function own() {
  const home = temporaryFolder()
  const data = join(home, 'data')
  const at = (name: string) => join(home, name)
  const run = (...args: string[]) => answered(['blockchain', ...args, '--data-dir', data, '--dir', home])
  /** In a process of its own, where it reads standard input. */
  const fed = (input: string, ...args: string[]) =>
    runCli(home, ['blockchain', ...args], { env: { OPDBUS_DATA_DIR: data }, cwd: home, input })
  const add = async (...lines: string[]) => {
    writeFileSync(at('footprints'), lines.join('\n'))
    expect(await run('add', at('footprints'))).toMatchObject({ code: 0, stderr: '' })
  }
  return { home, data, at, run, fed, add, segment: join(data, 'blockchain', 'timing', '000000000000.jsonl') }
}

const footprint = (operation: string) => JSON.stringify({ plugin_id: 'net', operation })

describe('list', () => {
  it('tells the newest first, as JSON Lines in a pipe and as a table for people', async () => {
    const [json, text] = await Promise.all([spawned('list', '--limit', '3'), chain('list', '--format', 'text')])
    expect(json.code).toBe(0)
    const blocks = jsonLines(json.stdout)
    expect(blocks.map(({ number }) => number)).toEqual([3, 2, 1])
    expect(Object.keys(blocks[0])).toEqual(['number', 'hash', 'header', 'body'])
    expect(blocks[0]).toMatchObject({ hash: hashes[3], header: { plugin: 'systemd', previous: hashes[2] } })
    const lines = text.stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^block {2}hash +appended +plugin +operation {2}what$/)
    expect(lines[2]).toMatch(
      new RegExp(
        `^ +2  ${hashes[2]!.slice(0, 12)}  \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z  lxc +delete +Deleted container 100$`,
      ),
    )
    expect(lines).toHaveLength(5)
  })

  it('chooses, and says why it is empty', async () => {
    const chosen = await chain('list', '-p', 'lxc', '--operation', 'delete', '--since', '1h')
    expect(jsonLines(chosen.stdout).map(({ number }) => number)).toEqual([2])
    const late = await chain('list', '--until', '2020-01-01', '--format', 'text')
    expect(late).toEqual({ code: 0, stdout: '', stderr: 'op-dbus: no block fits, of 4 blocks\n' })
    const none = await own().run('list', '--format', 'text')
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('the chain has no block yet') })
  })

  it.each([
    [['list', '--since', '1 hour'], '--since "1 hour" is no time'],
    [['list', '--since', '2026-01-02', '--until', '2026-01-01'], 'is not before --until'],
    [['list', '--limit', '0'], '--limit "0" is no whole number from 1 on'],
    [['list', '--limit', '-1'], '--limit needs a value, and "-1" begins as an option does'],
    [['list', '--format', 'xml'], 'unknown format "xml"'],
    [['follow', '--from', '-1x'], 'if it is the value: --from=-1x'],
    [['proof', 'x'], 'no block is called "x"'],
    [['show'], '"blockchain show" takes one block'],
    [['export', '--range', '5'], '--range "5" is no range'],
    [['export', '--range', '5-3'], '--range 5-3 ends before it begins'],
    [['export', '--tiles', 'x', '-o', 'y'], '--tiles writes the whole log'],
    [['prune', '--keep-within', 'x', '--yes'], '--keep-within "x" is no duration'],
    [['search', 'a', 'b'], '"blockchain search" takes one text'],
    [['search', 'a', '-k', '10001'], '--top "10001" is no whole number from 1 to 10000'],
    [['search', 'a', '--text', '--hybrid'], 'two ways to search'],
    [['lsit'], 'did you mean "blockchain list"?'],
  ])('%j is refused', async (args, message) => {
    const { code, stdout, stderr } = await chain(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
  })

  it('what asks is refused where nobody can answer', async () => {
    const asked = await Promise.all([spawned('prune', '--keep-last', '1'), spawned('restore', 'x')])
    for (const { code, stdout, stderr } of asked) {
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain('nothing was changed: there is no terminal to ask on')
    }
  })
})

describe('show', () => {
  it('finds a block by number, hash, the beginning of a hash, and as the latest', async () => {
    const asked = ['2', hashes[2]!, hashes[2]!.slice(0, 10), hashes[2]!.slice(0, 10).toUpperCase(), 'latest']
    const told = await Promise.all(asked.map(which => chain('show', which)))
    expect(told.map(({ stdout }) => JSON.parse(stdout).number)).toEqual([2, 2, 2, 2, 3])
    const text = await chain('show', '0', '--format', 'text')
    expect(text.stdout).toContain('content hash   b5dd479749467d860ec0e901cdd527981a2b2df88ca7f910b97366a15d90597d')
    expect(text.stdout).toContain('data hash      fb24df6b31b954002a2aff3edbe27d8aa781b9be1c9b777b0c2de28517bcdb0b')
  })

  it('says what there is where there is none', async () => {
    const stderr = 'op-dbus: there is no such block: 4\n  there are blocks 0 to 3\n'
    expect(await chain('show', '4')).toEqual({ code: 2, stdout: '', stderr })
    expect((await chain('show', '12345678901234567890')).stderr).toContain('no block has this number, and no hash')
    expect((await chain('show', 'not-a-hash')).code).toBe(2)
    expect((await own().run('show', 'latest')).stderr).toContain('the chain has no block yet')
  })
})

describe('add', () => {
  it('adds all of a file or nothing, and says what is wrong by line and column', async () => {
    const { at, run, fed } = own()
    writeFileSync(
      at('f.jsonl'),
      `${footprint('a')}\n{"plugin_id":"net","operation":"b","data":{"big":9007199254740993}}\n`,
    )
    const wrong = await run('add', at('f.jsonl'))
    expect([wrong.code, wrong.stdout]).toEqual([2, ''])
    expect(wrong.stderr).toMatch(/f\.jsonl:2:\d+: data\/big is an integer beyond 2\^53/)
    expect(wrong.stderr).toMatch(/^op-dbus: .*f\.jsonl cannot be used: see above; nothing was touched$/m)
    const broken = await fed('{"plugin_id": "net",\n "operation": }', 'add', '-')
    expect(broken.stderr).toMatch(/^standard input:2:15: is not JSON/)
    expect((await run('list')).stdout).toBe('')
    writeFileSync(at('f.json'), `[${footprint('a')},${footprint('b')}]`)
    const list = await run('add', at('f.json'), '--format', 'text')
    expect(list.stdout).toMatch(/^block 0 {2}[0-9a-f]{64}\nblock 1 {2}[0-9a-f]{64}\n$/)
  })

  it('--each adds what it can, in order, and tells what is no footprint', async () => {
    const { run, fed, at } = own()
    const more = Array.from({ length: 30 }, (_, i) => footprint(`more ${i}`))
    const input = [footprint('a'), '{', '', footprint('b'), '{"plugin_id":"net"}', ...more, footprint('c')].join('\n')
    const { code, stdout, stderr } = await fed(input, 'add', '-', '--each')
    expect(code).toBe(2)
    expect(jsonLines(stdout).map(({ number }) => number)).toEqual(Array.from({ length: 33 }, (_, i) => i))
    expect(stderr).toMatch(
      /^standard input:2:2: is not JSON.*\nstandard input:5:1: operation must be.*\nop-dbus: 2 lines are no footprint.*\n$/,
    )
    const blocks = jsonLines((await run('list')).stdout)
    expect(blocks.slice(0, 2).map(({ header }) => header.operation)).toEqual(['c', 'more 29'])
    writeFileSync(at('latin1'), Buffer.from(`${footprint('gr\xfc\xdfe')}\n${footprint('d')}\r\n`, 'latin1'))
    const latin = await run('add', at('latin1'), '--each')
    expect(jsonLines(latin.stdout)).toMatchObject([{ number: 33 }])
    expect(latin.stderr).toMatch(/latin1:1:1: is not UTF-8/)
  })
})

describe('follow', () => {
  it('tells what is there, and what another process adds; ends with its reader, and without an error', async () => {
    const { data, home, add } = own()
    await add(footprint('a'), footprint('b'))
    const child = spawn(process.execPath, [cli, 'blockchain', 'follow', '--from', '1'], {
      env: { PATH: process.env.PATH, OPDBUS_DATA_DIR: data, OPDBUS_CACHE_DIR: home, HOME: home },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = status(child)
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const next = async () => JSON.parse((await lines.next()).value)
    expect((await next()).header.operation).toBe('b')
    await add(footprint('c'))
    expect(await next()).toMatchObject({ number: 2, header: { operation: 'c' } })
    child.stdout.destroy()
    await add(footprint('d'))
    expect(await ended).toBe(0)
  })
})

describe('verify', () => {
  it('tells a sound chain, and each fault of another with exit code 7', async () => {
    const { at, add, run, segment } = own()
    await add(...FOOTPRINTS)
    expect((await run('head', '-o', at('saved'))).code).toBe(0)
    const sound = await run('verify', '--full', '--head', at('saved'), '--format', 'text')
    expect(sound).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^sound: 4 blocks; continues the saved head of 4 blocks\nlast hash /),
    })
    expect((await run('verify', '-q', '--format', 'text')).stdout).toBe('')
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('Deleted container 100', 'Deleted container 101'))
    const [text, json] = await Promise.all([run('verify', '--full', '--format', 'text'), run('verify', '--full')])
    expect([text.code, json.code]).toEqual([7, 7])
    expect(text.stdout).toMatch(/^block 2 {2}body {2}.*\ndamaged: 1 fault\n$/)
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, faultCount: 1, faults: [{ block: 2, kind: 'body' }] })
  })
})

describe('what others need', () => {
  it('the key, a head, proofs and tiles come as files, and continue what was saved', async () => {
    const { at, add, run } = own()
    await add(footprint('a'), footprint('b'))
    const made = await run('key', '--name', 'example.org/changes')
    expect(made.stdout).toMatch(/^example\.org\/changes\+[0-9a-f]{8}\+\S+\n$/)
    expect(made.stderr).toContain('op-dbus: made a key for example.org/changes')
    expect(await run('key')).toMatchObject({ stdout: made.stdout, stderr: '' })
    await run('head', '-o', at('saved'))
    expect(readFileSync(at('saved'), 'utf8')).toMatch(/^example\.org\/changes\n2\n/)
    await add(footprint('c'))
    const proof = await run('proof', '1', '--head', at('saved'), '-o', at('1.tlog-proof'))
    const stderr = 'op-dbus: the chain continues the saved head of 2 blocks\n'
    expect(proof).toEqual({ code: 0, stdout: '', stderr })
    expect(readFileSync(at('1.tlog-proof'), 'utf8')).toContain('index 1\n')
    expect(readFileSync(at('1.tlog-proof.consistency'), 'utf8')).toMatch(/^old 2\n/)
    const entry = await run('proof', '1', '--entry')
    expect(JSON.parse(entry.stdout)).toMatchObject({ number: 1, operation: 'b' })
    const tiles = await run('export', '--tiles', at('log'))
    expect(tiles).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('3 blocks in ') })
    expect(existsSync(join(at('log'), 'checkpoint'))).toBe(true)
  })

  it('what signs first makes the key, and says so', async () => {
    const { add, run } = own()
    await add(footprint('a'))
    const { stderr } = await run('proof', '0')
    expect(stderr).toMatch(/^op-dbus: made the log's key.*\n {2}to give it a name of yours: op-dbus/)
    expect((await run('head')).stderr).toBe('')
  })

  it("nothing is written into the chain's own folders, by whatever way", async () => {
    const { at, add, data, run } = own()
    await add(footprint('a'))
    await run('key')
    await run('snapshot', 'kept')
    const folder = join(data, 'blockchain')
    symlinkSync(join(folder, 'key'), at('link'))
    symlinkSync(folder, at('folder'))
    const contents = () => {
      const names = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(name => /key$|jsonl$/.test(name))
      return names.map(name => [name, readFileSync(join(data, name), 'utf8')])
    }
    const before = contents()
    expect(before).toHaveLength(3)
    for (const args of [
      ['proof', '0', '-o', join(folder, 'timing', '000000000000.jsonl')],
      ['head', '-o', at('link')],
      ['head', '-o', join(at('folder'), 'new')],
      ['export', '-o', join(data, 'snapshots', 'kept', '000000000000.jsonl')],
      ['export', '--tiles', folder],
      ['export', '--tiles', join(at('folder'), 'new')],
    ]) {
      const { code, stderr } = await run(...args)
      expect(code, args.join(' ')).toBe(2)
      expect(stderr).toContain('where only the chain itself writes')
    }
    expect(contents()).toEqual(before)
  })

  it('what is no export is not imported, and says what it is', async () => {
    const { at, run } = own()
    for (const [content, message] of [
      [footprint('a'), 'line 1 is a footprint, and no block yet: op-dbus blockchain add'],
      ['\n\n', 'line 1 is empty'],
    ] as const) {
      writeFileSync(at('file'), content)
      const { code, stderr } = await run('import', at('file'))
      expect([code, stderr]).toEqual([2, expect.stringContaining(message)])
    }
    writeFileSync(at('file'), '')
    expect(await run('import', at('file'))).toMatchObject({ code: 0, stderr: expect.stringContaining('no block in') })
  })

  it('an export is what an import brings back', async () => {
    const { at, run, fed } = own()
    const exported = await chain('export', '-o', at('chain.jsonl'), '--range', '0-3')
    expect(exported).toMatchObject({ code: 0, stdout: '', stderr: 'op-dbus: exported 4 blocks\n' })
    const imported = await run('import', at('chain.jsonl'))
    expect(JSON.parse(imported.stdout)).toMatchObject({ format: 'blocks', imported: 4, size: 4 })
    const again = await fed(readFileSync(at('chain.jsonl'), 'utf8'), 'import', '-', '--format', 'text')
    expect(again.stdout).toMatch(/here already +4\n/)
    expect((await run('show', 'latest')).stdout).toBe((await chain('show', 'latest')).stdout)
  })
})

describe('search', () => {
  it('finds by meaning, by text and by both', async () => {
    const [meaning, hybrid] = await Promise.all([
      spawned('search', 'container removed', '-k', '2'),
      spawned('search', 'container removed', '--hybrid', '--plugin', 'lxc', '-k', '1'),
    ])
    expect(jsonLines(meaning.stdout).map(({ number }) => number)).toEqual([2, 1])
    expect(Object.keys(jsonLines(meaning.stdout)[0])).toEqual(['score', 'number', 'hash', 'header', 'body'])
    expect(jsonLines(hybrid.stdout).map(({ number }) => number)).toEqual([2])
    const text = await chain('search', 'SSH.SERVICE', '--text', '--format', 'text')
    expect(text.stdout).toMatch(/^score {2}block .*\n1\.000 +3 .* unit: ssh\.service, meta\.user: root\n$/)
  })
})
