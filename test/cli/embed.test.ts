// `op-dbus embed`, the built CLI in real processes with the built-in model.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { cli, jsonLines, runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'
import { status } from './shell.js'

describe('op-dbus embed', () => {
  it('answers computed, then disk, bit for bit', async () => {
    const dir = temporaryFolder()
    const first = await runCli(dir, ['embed', 'Created container 100', '--json'])
    const second = await runCli(dir, ['embed', 'Created container 100', '--json'])
    expect([first.code, first.stderr, second.code, second.stderr]).toEqual([0, '', 0, ''])
    const [one, two] = [jsonLines(first.stdout)[0], jsonLines(second.stdout)[0]]
    expect(one).toMatchObject({
      text: 'Created container 100',
      source: 'computed',
      device: 'cpu',
      dims: 512,
      truncated: false,
    })
    expect(one.ms).toBeGreaterThan(0)
    expect(two).toMatchObject({ source: 'disk', device: 'cpu' })
    expect(two.vector).toEqual(one.vector)
  })

  it('keeps the order and number of lines: empty ones, CRLF, no newline at the end, bytes that are not UTF-8', async () => {
    const dir = temporaryFolder()
    const input = Buffer.concat([
      Buffer.from('b\r\n\na\nb\n\0\n'),
      Buffer.from([0xff, 0xfe, 0x0a]),
      Buffer.from('last'),
    ])
    const { code, stdout } = await runCli(dir, ['embed', '-', '--json', '--no-vector'], { input })
    expect(code).toBe(0)
    const rows = jsonLines(stdout)
    expect(rows.map(row => row.text)).toEqual(['b', '', 'a', 'b', '\0', '\ufffd\ufffd', 'last'])
    expect(rows[0]).not.toHaveProperty('vector')
  })

  it('writes a NumPy file with a row for each line, and no half file when it fails', async () => {
    const dir = temporaryFolder()
    const [file, out] = [join(dir, 'in.txt'), join(dir, 'out.npy')]
    writeFileSync(file, 'a\nb\n\nc\n')
    const { code } = await runCli(dir, ['embed', '--file', file, '--format', 'npy', '-o', out])
    expect(code).toBe(0)
    const bytes = readFileSync(out)
    expect(bytes.subarray(0, 8)).toEqual(Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]))
    const header = bytes.subarray(10, 10 + bytes.readUInt16LE(8)).toString()
    expect(header).toMatch(/^\{'descr': '<f4', 'fortran_order': False, 'shape': \(4, 512\), \} *\n$/)
    expect(bytes.length).toBe(128 + 4 * 512 * 4)
    const json = jsonLines((await runCli(dir, ['embed', 'c', '--json'])).stdout)[0]
    const row = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset + 128 + 3 * 2048, bytes.byteOffset + 128 + 4 * 2048),
    )
    expect([...row]).toEqual(json.vector)
    const missing = await runCli(dir, [
      'embed',
      'a',
      '--model',
      './nothing',
      '--format',
      'npy',
      '-o',
      join(dir, 'x.npy'),
    ])
    expect(missing.code).toBe(3)
    expect(readdirSync(dir).filter(name => name.includes('x.npy'))).toEqual([])
  })

  it('replaces an output file only by a whole one, also when it is the input', async () => {
    const dir = temporaryFolder()
    const [kept, both] = [join(dir, 'kept.jsonl'), join(dir, 'both.txt')]
    writeFileSync(kept, 'precious\n')
    writeFileSync(both, 'a\nb\n')
    for (const wrong of [
      ['--model', './no'],
      ['--device', 'tpu'],
      ['--device', 'cuda'],
    ]) {
      expect((await runCli(dir, ['embed', 'x', '--json', '-o', kept, ...wrong])).code).not.toBe(0)
      expect(readFileSync(kept, 'utf8')).toBe('precious\n')
    }
    expect((await runCli(dir, ['embed', '--file', both, '--json', '--no-vector', '-o', both])).code).toBe(0)
    expect(jsonLines(readFileSync(both, 'utf8')).map(row => row.text)).toEqual(['a', 'b'])
    const folder = await runCli(dir, ['embed', 'x', '--format', 'npy', '-o', dir])
    expect([folder.code, folder.stderr]).toEqual([6, `op-dbus: cannot write ${dir}: it is a folder\n`])
    expect(readdirSync(dir).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  it('reads a hundred thousand lines in bounded memory', async () => {
    const dir = temporaryFolder()
    const input = Array.from({ length: 100_000 }, (_, i) => `line ${i % 50} ${'x'.repeat(i % 50)}`).join('\n')
    const peak = `process.on('exit', () => process._rawDebug(process.resourceUsage().maxRSS))`
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(peak)}` }
    const { code, stdout, stderr } = await runCli(dir, ['embed', '-', '--json', '--no-vector'], { input, env })
    expect(code).toBe(0)
    expect(stdout.split('\n')).toHaveLength(100_001)
    expect(new Set(jsonLines(stdout.slice(0, 20_000).replace(/[^\n]*$/, '')).map(row => row.text)).size).toBe(50)
    // Model, runtime and Node take about 200 MB; the rows alone would take 200 MB more.
    expect(Number(stderr.trim().split('\n').at(-1)) / 1024).toBeLessThan(600)
  })

  it('answers a line as soon as it is there, without waiting for the next', async () => {
    const dir = temporaryFolder()
    const env = { PATH: process.env.PATH, OPDBUS_CACHE_DIR: dir, HOME: dir }
    const child = spawn(process.execPath, [cli, 'embed', '-', '--json', '--no-vector'], { env })
    try {
      const answer = (async () => {
        for await (const chunk of child.stdout) return String(chunk)
      })()
      child.stdin.write('first line\n')
      expect(JSON.parse((await answer)!)).toMatchObject({ text: 'first line' })
    } finally {
      child.stdin.end()
    }
  })

  it('takes a closed pipe for no error', async () => {
    const dir = temporaryFolder()
    const env = { PATH: process.env.PATH, OPDBUS_CACHE_DIR: dir, HOME: dir }
    const script = `seq 1 200000 | ( ${process.execPath} ${cli} embed - --json; echo "code $?" >&2 ) | head -1`
    const child = spawn('sh', ['-c', script], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    expect(jsonLines(out)).toHaveLength(1)
    expect(err).toBe('code 0\n')
  })

  it('says what is wrong in at most three lines, with an exit code for each kind', async () => {
    const dir = temporaryFolder()
    const cases: [string[], number, RegExp][] = [
      [['embed'], 2, /give texts, or --file FILE, or -/],
      [['embed', 'a', '--file', 'b'], 2, /give texts/],
      [['embed', '--file', join(dir, 'none.txt')], 2, /cannot read .*none\.txt/],
      [['embed', 'a', '--device', 'tpu'], 2, /auto, cuda, webgpu, cpu, wasm/],
      [['embed', 'a', '--device', 'cuda'], 4, /cuda: .*(not installed|Failed to load|CUDA)/],
      [['embed', 'a', '--model', 'no/such', '--offline'], 8, /offline/],
      [['embed', 'a', '--format', 'csv'], 2, /text, json, npy/],
      [['embed', 'a', '--format', 'npy'], 2, /needs -o FILE/],
      [['embed', 'a', '-o', join(dir, 'no', 'folder')], 6, /cannot write/],
      [['embed', 'a', '--blocks'], 2, /has no option --blocks/],
      [['embed', 'a', '--json', '--format', 'text'], 2, /differ/],
      [['embed', 'a', '--no-vector'], 2, /needs --json/],
      [['embed', '--bogus'], 2, /--bogus/],
      [['bogus'], 2, /unknown command "bogus"/],
      [['cache'], 2, /^$/],
      [[], 2, /^$/],
    ]
    for (const [args, code, message] of cases) {
      const outcome = await runCli(dir, args)
      expect(outcome.code, args.join(' ')).toBe(code)
      expect(outcome.stderr, args.join(' ')).toMatch(message)
      expect(outcome.stderr.split('\n').length, args.join(' ')).toBeLessThanOrEqual(4)
      expect(outcome.stderr).not.toMatch(/\n\s+at /)
    }
  })

  it('warns of bad variables by name, uses the defaults, and goes on', async () => {
    const dir = temporaryFolder()
    const env = { OPDBUS_EMBEDDING_CACHE_SIZE: 'many', OPDBUS_QUERY_CACHE_TTL: '-1', OP_DBUS_EXECUTION_PROVIDER: 'tpu' }
    const { code, stdout, stderr } = await runCli(dir, ['embed', 'a', '--json', '--no-vector'], { env })
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toHaveLength(1)
    for (const name of Object.keys(env)) expect(stderr).toContain(name)
    expect(stderr.trim().split('\n')).toHaveLength(3)
  })

  it('leaves at most eight segments after many one-shot runs', async () => {
    const runs = process.env.OP_DBUS_CAMPAIGN === 'full' ? 300 : 10
    const dir = temporaryFolder()
    for (let i = 0; i < runs; i += 2) {
      const pair = [i, i + 1].map(n => runCli(dir, ['embed', `text ${n}`, '--json', '--no-vector']))
      for (const { code, stderr } of await Promise.all(pair)) expect([code, stderr]).toEqual([0, ''])
    }
    const [space] = readdirSync(join(dir, 'embeddings')).filter(name => /^[0-9a-f]{16}$/.test(name))
    const segments = readdirSync(join(dir, 'embeddings', space!)).filter(name => name.endsWith('.vec'))
    expect(segments.length).toBeLessThanOrEqual(8)
    const { stdout } = await runCli(dir, ['cache', 'stats', '--json'])
    expect(JSON.parse(stdout).embeddings.onDisk.entries).toBe(runs)
    expect(JSON.parse(stdout).embeddings.lifetime.misses).toBe(runs)
  }, 300_000)
})

describe('op-dbus cache, doctor and version', () => {
  it('prints the strategy’s four lines', async () => {
    const dir = temporaryFolder()
    const empty = await runCli(dir, ['cache', 'stats'])
    expect(empty.stdout.split('\n').slice(0, 4)).toEqual([
      'Embedding Cache: 0 / 10,000 entries (0% full, n/a hit rate)',
      'Block Cache: 0 / 1,000 blocks (0% full, n/a hit rate)',
      'Query Cache: 0 / ∞ entries (5s TTL, n/a hit rate)',
      'Diff Cache: 0 / 100 entries (0% full)',
    ])
    await runCli(dir, ['embed', 'a', 'b', 'a'])
    await runCli(dir, ['embed', 'a'])
    const env = { OPDBUS_EMBEDDING_CACHE_SIZE: '4' }
    const { stdout } = await runCli(dir, ['cache', 'stats'], { env })
    expect(stdout.split('\n')[0]).toBe('Embedding Cache: 2 / 4 entries (50% full, 25% hit rate)')
    expect(stdout).toContain(`On disk: ${dir}`)
  })

  it('clears what is named in either spelling, and leaves what is not ours', async () => {
    const dir = temporaryFolder()
    mkdirSync(join(dir, 'embeddings'), { recursive: true })
    for (const name of ['notes.txt', 'embeddings/notes.vec']) writeFileSync(join(dir, name), 'mine')
    await runCli(dir, ['embed', 'a'])
    for (const flag of ['--embedding', '--embeddings', '--force']) {
      const { code, stdout, stderr } = await runCli(dir, ['cache', 'clear', flag])
      expect([code, stdout]).toEqual([0, ''])
      expect(stderr).toMatch(/^cleared embeddings \(1 entry/)
      expect(jsonLines((await runCli(dir, ['embed', 'a', '--json', '--no-vector'])).stdout)[0].source).toBe('computed')
    }
    await runCli(dir, ['cache', 'clear', '--blocks', '--queries', '--diffs'])
    expect(jsonLines((await runCli(dir, ['embed', 'a', '--json', '--no-vector'])).stdout)[0].source).toBe('disk')
    for (const name of ['notes.txt', 'embeddings/notes.vec']) expect(existsSync(join(dir, name))).toBe(true)
  })

  it('verifies: 0 when sound, 7 and a count when damaged; the damaged one is computed again', async () => {
    const dir = temporaryFolder()
    await runCli(dir, ['embed', 'a', 'b'])
    expect((await runCli(dir, ['cache', 'verify'])).code).toBe(0)
    const space = readdirSync(join(dir, 'embeddings')).find(name => /^[0-9a-f]{16}$/.test(name))!
    const name = readdirSync(join(dir, 'embeddings', space)).find(file => file.endsWith('.vec'))!
    const path = join(dir, 'embeddings', space, name)
    const bytes = readFileSync(path)
    bytes[500]! ^= 1
    writeFileSync(path, bytes)
    const damaged = await runCli(dir, ['cache', 'verify', '--json'])
    expect(damaged.code).toBe(7)
    expect(JSON.parse(damaged.stdout).caches.embeddings).toMatchObject({ damaged: 1, entries: 1 })
    const sources = jsonLines((await runCli(dir, ['embed', 'a', 'b', '--json', '--no-vector'])).stdout).map(
      row => row.source,
    )
    expect(sources.sort()).toEqual(['computed', 'disk'])
  })

  it('diagnoses versions, model and folders; devices have tests of their own', async () => {
    const dir = temporaryFolder()
    const { code, stdout } = await runCli(dir, ['doctor', '--device', 'cpu', '--json'])
    expect(code).toBe(0)
    const found = JSON.parse(stdout)
    expect(found.versions).toMatchObject({ 'op-dbus': expect.any(String), 'onnxruntime-node': expect.any(String) })
    expect(found.model.description).toMatchObject({ model: 'builtin', dims: 512 })
    const text = await runCli(dir, ['doctor', '--device', 'cpu'])
    expect(text.stdout).toContain('onnxruntime-node')
    expect(text.stdout).toMatch(/\bcpu\s+works\s+0\.999\d{3}/)
    expect(text.stdout).not.toMatch(/\bcuda\b/)
  })

  it('shows the version, and touches nothing', async () => {
    const dir = temporaryFolder()
    expect((await runCli(dir, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(readdirSync(dir)).toEqual([])
  })
})

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

describe('signals', () => {
  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends the work with %i, leaves no half file, and keeps what was computed', async (signal, code) => {
    const dir = temporaryFolder()
    const out = join(dir, 'out.npy')
    const env = { PATH: process.env.PATH, OPDBUS_CACHE_DIR: dir, HOME: dir }
    const args = [cli, 'embed', '-', '--format', 'npy', '-o', out]
    const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'ignore', 'pipe'] })
    const ended = status(child)
    child.stdin.on('error', () => {})
    child.stdin.write('first\n')
    // The vector is on disk when the line was answered, and then it waits for the next one.
    while (!JSON.parse((await runCli(dir, ['cache', 'stats', '--json'])).stdout).embeddings.onDisk?.entries) {
      expect([child.exitCode, child.signalCode]).toEqual([null, null])
    }
    child.kill(signal)
    expect(await ended).toBe(code)
    expect(existsSync(out)).toBe(false)
    expect(readdirSync(dir).filter(name => name.endsWith('.tmp'))).toEqual([])
    expect(jsonLines((await runCli(dir, ['embed', 'first', '--json', '--no-vector'])).stdout)[0].source).toBe('disk')
  })
})
