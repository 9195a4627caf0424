// `op-dbus blockchain ...` from outside, on chains of its own: what people and programs are told, and what is refused.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { cli, jsonLines, runCli } from '../processes.js'
import { newFolder, temporaryFolder } from '../support.js'
import { status } from './shell.js'

const GOLDEN = { interface: 'eth0', ip: '192.168.1.100', status: 'active' }
const FOOTPRINTS = [
  { plugin_id: 'net', operation: 'create', timestamp: 1_700_000_000, data: GOLDEN },
  { plugin_id: 'lxc', operation: 'create', text: 'Created container 100' },
  { plugin_id: 'lxc', operation: 'delete', text: 'Deleted container 100' },
  { plugin_id: 'systemd', operation: 'restart', data: { unit: 'ssh.service' }, metadata: { user: 'root' } },
]

/** One chain for what only reads. */
const dir = newFolder()
const env = { OPDBUS_DATA_DIR: join(dir, 'data') }
const chain = (...args: string[]) => runCli(dir, ['blockchain', ...args], { env })
const hashes: string[] = []
beforeAll(async () => {
  const input = FOOTPRINTS.map(footprint => JSON.stringify(footprint)).join('\n')
  const { code, stdout, stderr } = await runCli(dir, ['blockchain', 'add', '-'], { env, input })
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
  const own = { OPDBUS_DATA_DIR: data }
  const run = (args: readonly string[], input?: string) =>
    runCli(home, ['blockchain', ...args], { env: own, cwd: home, ...(input !== undefined && { input }) })
  return { home, data, run, segment: join(data, 'blockchain', 'timing', '000000000000.jsonl') }
}

const footprint = (operation: string) => JSON.stringify({ plugin_id: 'net', operation })

describe('list', () => {
  it('tells the newest first, as JSON Lines in a pipe and as a table for people', async () => {
    const [json, text] = await Promise.all([chain('list', '--limit', '3'), chain('list', '--format', 'text')])
    expect(json.code).toBe(0)
    const blocks = jsonLines(json.stdout)
    expect(blocks.map(({ number }) => number)).toEqual([3, 2, 1])
    expect(Object.keys(blocks[0])).toEqual(['number', 'hash', 'header', 'body'])
    expect(blocks[0]).toMatchObject({ hash: hashes[3], header: { plugin: 'systemd', previous: hashes[2] } })
    const lines = text.stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^block {2}hash +time +plugin +operation {2}what$/)
    expect(lines[2]).toMatch(
      new RegExp(
        `^ +2  ${hashes[2]!.slice(0, 12)}  \\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z  lxc +delete +Deleted container 100$`,
      ),
    )
    expect(lines).toHaveLength(5)
  })

  it('chooses, and says why it is empty', async () => {
    const [chosen, late, none] = await Promise.all([
      chain('list', '-p', 'lxc', '--operation', 'delete', '--since', '1h'),
      chain('list', '--until', '2020-01-01', '--format', 'text'),
      own().run(['list', '--format', 'text']),
    ])
    expect(jsonLines(chosen.stdout).map(({ number }) => number)).toEqual([2])
    expect(late).toMatchObject({ code: 0, stdout: '', stderr: 'op-dbus: no block fits, of 4 blocks\n' })
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('the chain has no block yet') })
  })

  it.each([
    [['list', '--since', '1 hour'], '--since "1 hour" is no time'],
    [['list', '--since', '2026-01-02', '--until', '2026-01-01'], 'is not before --until'],
    [['list', '--limit', '0'], '--limit "0" is no whole number from 1 on'],
    [['list', '--format', 'xml'], 'unknown format "xml"'],
    [['follow', '--from', '-1x'], "'--from' argument is ambiguous"],
    [['proof', 'x'], 'block "x" is no whole number from 0 on'],
    [['show'], '"blockchain show" takes one block'],
    [['export', '--range', '5'], '--range "5" is no range'],
    [['export', '--range', '5-3'], '--range 5-3 ends before it begins'],
    [['export', '--tiles', 'x', '-o', 'y'], '--tiles writes the whole log'],
    [['prune', '--keep-within', 'x', '--yes'], '--keep-within "x" is no duration'],
    [['prune', '--keep-last', '1'], 'nothing was changed: there is no terminal to ask on'],
    [['restore', 'x'], 'nothing was changed: there is no terminal to ask on'],
    [['search', 'a', 'b'], '"blockchain search" takes one text'],
    [['search', 'a', '--text', '--hybrid'], 'two ways to search'],
    [['lsit'], 'did you mean "blockchain list"?'],
  ])('%j is refused', async (args, message) => {
    const { code, stdout, stderr } = await chain(...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
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
    const [number, hash] = await Promise.all([chain('show', '4'), chain('show', 'not-a-hash')])
    expect(number).toMatchObject({
      code: 2,
      stdout: '',
      stderr: 'op-dbus: there is no block 4\n  there are blocks 0 to 3\n',
    })
    expect(hash.code).toBe(2)
  })
})

describe('add', () => {
  it('adds all of a file or nothing, and says what is wrong by line and column', async () => {
    const { home, run } = own()
    const file = join(home, 'f.jsonl')
    writeFileSync(file, `${footprint('a')}\n{"plugin_id":"net","operation":"b","data":{"big":9007199254740993}}\n`)
    const wrong = await run(['add', 'f.jsonl'])
    expect([wrong.code, wrong.stdout]).toEqual([2, ''])
    expect(wrong.stderr).toMatch(/^f\.jsonl:2:\d+: data\/big is an integer beyond 2\^53/)
    expect(wrong.stderr).toContain('op-dbus: f.jsonl cannot be used: see above; nothing was touched')
    const broken = await run(['add', '-'], '{"plugin_id": "net",\n "operation": }')
    expect(broken.stderr).toMatch(/^standard input:2:15: is not JSON/)
    expect((await run(['list'])).stdout).toBe('')
    const list = await run(['add', '-', '--format', 'text'], `[${footprint('a')},${footprint('b')}]`)
    expect(list.stdout).toMatch(/^block 0 {2}[0-9a-f]{64}\nblock 1 {2}[0-9a-f]{64}\n$/)
  })

  it('--each adds what it can, in order, and tells what is no footprint', async () => {
    const { run } = own()
    const input = [footprint('a'), '{', '', footprint('b'), '{"plugin_id":"net"}', footprint('c')].join('\n')
    const { code, stdout, stderr } = await run(['add', '-', '--each'], input)
    expect(code).toBe(2)
    expect(jsonLines(stdout).map(({ number }) => number)).toEqual([0, 1, 2])
    expect(stderr).toMatch(
      /^standard input:2:2: is not JSON.*\nstandard input:5:1: operation must be.*\nop-dbus: 2 lines are no footprint/,
    )
    const blocks = jsonLines((await run(['list'])).stdout)
    expect(blocks.map(({ header }) => header.operation)).toEqual(['c', 'b', 'a'])
  })
})

describe('follow', () => {
  it('tells what is there, and what another process adds; ends with its reader, and without an error', async () => {
    const { data, home, run } = own()
    await run(['add', '-'], [footprint('a'), footprint('b')].join('\n'))
    const child = spawn(process.execPath, [cli, 'blockchain', 'follow', '--from', '1'], {
      env: { PATH: process.env.PATH, OPDBUS_DATA_DIR: data, OPDBUS_CACHE_DIR: home, HOME: home },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const ended = status(child)
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const next = async () => JSON.parse((await lines.next()).value)
    expect((await next()).header.operation).toBe('b')
    await run(['add', '-'], footprint('c'))
    expect(await next()).toMatchObject({ number: 2, header: { operation: 'c' } })
    child.stdout.destroy()
    await run(['add', '-'], footprint('d'))
    expect(await ended).toBe(0)
  })
})

describe('verify', () => {
  it('tells a sound chain, and each fault of another with exit code 7', async () => {
    const { run, segment } = own()
    await run(['add', '-'], FOOTPRINTS.map(one => JSON.stringify(one)).join('\n'))
    const head = await run(['head', '-o', 'saved'])
    expect(head.code).toBe(0)
    const sound = await run(['verify', '--full', '--head', 'saved', '--format', 'text'])
    expect(sound).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^sound: 4 blocks; continues the saved head of 4 blocks\nlast hash /),
    })
    expect((await run(['verify', '-q', '--format', 'text'])).stdout).toBe('')
    writeFileSync(segment, readFileSync(segment, 'utf8').replace('Deleted container 100', 'Deleted container 101'))
    const [text, json] = await Promise.all([run(['verify', '--full', '--format', 'text']), run(['verify', '--full'])])
    expect([text.code, json.code]).toEqual([7, 7])
    expect(text.stdout).toMatch(/^block 2 {2}body {2}.*\ndamaged: 1 fault\n$/)
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, faultCount: 1, faults: [{ block: 2, kind: 'body' }] })
  })
})

describe('what others need', () => {
  it('the key, a head, proofs and tiles come as files, and continue what was saved', async () => {
    const { home, run } = own()
    await run(['add', '-'], [footprint('a'), footprint('b')].join('\n'))
    const made = await run(['key', '--name', 'example.org/changes'])
    expect(made.stdout).toMatch(/^example\.org\/changes\+[0-9a-f]{8}\+\S+\n$/)
    expect(made.stderr).toContain('op-dbus: made a key for example.org/changes')
    expect(await run(['key'])).toMatchObject({ stdout: made.stdout, stderr: '' })
    await run(['head', '-o', 'saved'])
    expect(readFileSync(join(home, 'saved'), 'utf8')).toMatch(/^example\.org\/changes\n2\n/)
    await run(['add', '-'], footprint('c'))
    const proof = await run(['proof', '1', '--head', 'saved', '-o', '1.tlog-proof'])
    expect(proof).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'op-dbus: the chain continues the saved head of 2 blocks\n',
    })
    expect(readFileSync(join(home, '1.tlog-proof'), 'utf8')).toContain('index 1\n')
    expect(readFileSync(join(home, '1.tlog-proof.consistency'), 'utf8')).toMatch(/^old 2\n/)
    const entry = await run(['proof', '1', '--entry'])
    expect(JSON.parse(entry.stdout)).toMatchObject({ number: 1, operation: 'b' })
    const tiles = await run(['export', '--tiles', 'log'])
    expect(tiles).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('3 blocks in ') })
    expect(existsSync(join(home, 'log', 'checkpoint'))).toBe(true)
  })

  it('an export is what an import brings back', async () => {
    const { home, run } = own()
    const exported = await chain('export', '-o', join(home, 'chain.jsonl'), '--range', '0-3')
    expect(exported).toMatchObject({ code: 0, stdout: '', stderr: 'op-dbus: exported 4 blocks\n' })
    const imported = await run(['import', 'chain.jsonl'])
    expect(JSON.parse(imported.stdout)).toMatchObject({ format: 'blocks', imported: 4, size: 4 })
    const again = await run(['import', '-', '--format', 'text'], readFileSync(join(home, 'chain.jsonl'), 'utf8'))
    expect(again.stdout).toMatch(/here already +4\n/)
    expect((await run(['show', 'latest'])).stdout).toBe((await chain('show', 'latest')).stdout)
  })
})

describe('search', () => {
  it('finds by meaning, by text and by both', async () => {
    const meaning = await chain('search', 'container removed', '-k', '2')
    expect(jsonLines(meaning.stdout).map(({ number }) => number)).toEqual([2, 1])
    expect(Object.keys(jsonLines(meaning.stdout)[0])).toEqual(['score', 'number', 'hash', 'header', 'body'])
    const [text, hybrid] = await Promise.all([
      chain('search', 'SSH.SERVICE', '--text', '--format', 'text'),
      chain('search', 'container removed', '--hybrid', '--plugin', 'lxc', '-k', '1'),
    ])
    expect(text.stdout).toMatch(/^score {2}block .*\n1\.000 +3 .* unit: ssh\.service, meta\.user: root\n$/)
    expect(jsonLines(hybrid.stdout).map(({ number }) => number)).toEqual([2])
  })
})

describe('what is kept', () => {
  it('snapshots, prunes and restores, and says so', async () => {
    const { run } = own()
    await run(['add', '-'], [footprint('a'), footprint('b'), footprint('c')].join('\n'))
    const made = await run(['snapshot', 'before'])
    expect(JSON.parse(made.stdout)).toMatchObject({ name: 'before', size: 3 })
    const keep = [
      '--keep-last',
      '1',
      '--keep-hourly',
      '0',
      '--keep-daily',
      '0',
      '--keep-weekly',
      '0',
      '--keep-quarterly',
      '0',
    ]
    const dry = await run(['prune', ...keep, '--dry-run', '--format', 'text'])
    expect(dry.stdout).toMatch(/^2 blocks of 3 would lose their bodies/)
    const pruned = await run(['prune', ...keep, '--yes'])
    expect(JSON.parse(pruned.stdout)).toMatchObject({ dryRun: false, size: 3, kept: 1, pruned: 2 })
    expect(JSON.parse((await run(['show', '0'])).stdout).body).toBeUndefined()
    const [list, stats] = await Promise.all([run(['snapshots']), run(['stats'])])
    expect(JSON.parse(list.stdout).snapshots).toMatchObject([{ name: 'before', size: 3 }])
    expect(JSON.parse(stats.stdout)).toMatchObject({ size: 3, pruned: 2, snapshots: 1, plugins: { net: 3 } })
    const restored = await run(['restore', 'before', '--yes', '--format', 'text'])
    expect(restored.stdout).toMatch(/^restored 3 blocks of before; what was there before is the snapshot /)
    expect(JSON.parse((await run(['show', '0'])).stdout).body.footprint.operation).toBe('a')
    for (const name of ['..', 'no/such', 'nosuch']) {
      expect(await run(['restore', name, '--yes'])).toMatchObject({ code: 2, stdout: '' })
    }
  })
})
