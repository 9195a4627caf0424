// `op-dbus models` against a hub on loopback, in processes of their own: the built-in model, and the real MiniLM where it is.
import { type ChildProcess, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Files, startHub, type TestHub } from '../hub-server.js'
import { jsonLines, root, runCli, runNode, cli as script } from '../processes.js'
import { deferred, temporaryFolder } from '../support.js'

const MINILM = join(root, '../shared/models/all-MiniLM-L6-v2')
const ID = 'op-dbus/builtin'

function filesIn(dir: string): Files {
  const paths = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(path =>
    statSync(join(dir, path)).isFile(),
  )
  return Object.fromEntries(paths.map(path => [path, readFileSync(join(dir, path))]))
}

const builtin = filesIn(fileURLToPath(new URL('../../dist/models/builtin', import.meta.url)))

let hub: TestHub
let dir: string
let cache: string
beforeEach(async () => {
  hub = await startHub()
  hub.push(ID, builtin)
  dir = temporaryFolder()
  cache = join(dir, 'hub')
})
afterEach(() => hub.close())

const cli = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  runCli(join(dir, 'cache'), args, { env: { HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache, ...env } })
const fetched = () => hub.requests.filter(request => request.host === 'cdn').map(request => request.file)

describe('pull, then embed with the network gone', () => {
  const cases: [string, string, () => Files, number][] = [
    ['the built-in model as a model of a hub', ID, () => builtin, 512],
    ['the level medium', 'medium', () => filesIn(MINILM), 384],
  ]
  test.each(cases)('%s', async (_what, name, files, dims) => {
    if (name === 'medium') {
      if (!existsSync(MINILM)) return console.warn('skipped: ../shared/models/all-MiniLM-L6-v2 is not here')
      hub.push('sentence-transformers/all-MiniLM-L6-v2', files())
    }
    const pulled = await cli(['models', 'pull', name])
    expect(pulled).toMatchObject({ code: 0, stdout: '' })
    expect(pulled.stderr).toContain(hub.endpoint)
    expect(pulled.stderr).toContain(cache)
    // Off a terminal no bar is drawn.
    expect(pulled.stderr).not.toMatch(/[\r\x1b]/)
    expect(pulled.stderr.trim().split('\n')).toHaveLength(1)
    expect(fetched()).toEqual(['onnx/model.onnx'])
    await hub.close()

    const { code, stdout, stderr } = await cli(['embed', '--model', name, '--json', 'Created container 100'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const [answer] = jsonLines(stdout)
    expect(answer.vector).toHaveLength(dims)
    expect(Math.hypot(...answer.vector)).toBeCloseTo(1, 4)

    const path = await cli(['models', 'path', name])
    expect(path).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(path.stdout.trim())).toContain('tokenizer.json')
    const list = await cli(['models', 'list', '--json'])
    const id = name === 'medium' ? 'sentence-transformers/all-MiniLM-L6-v2' : ID
    expect(JSON.parse(list.stdout).models).toContainEqual({
      name: id,
      ...(name === 'medium' && { level: 'medium' }),
      path: path.stdout.trim(),
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      dims,
      dtypes: ['fp32'],
      bytes: expect.any(Number),
    })
  })
})

test('a CPU that gives a model of the table other vectors than its authors is refused; a folder of the user’s own is not', async () => {
  if (!existsSync(MINILM)) return console.warn('skipped: ../shared/models/all-MiniLM-L6-v2 is not here')
  const files = filesIn(MINILM)
  const onnx = Buffer.from(files['onnx/model.onnx'] as Uint8Array)
  // A megabyte of weights is gone, as if the processor lost it.
  onnx.fill(0, onnx.length - 2 ** 21, onnx.length - 2 ** 20)
  hub.push('sentence-transformers/all-MiniLM-L6-v2', { ...files, 'onnx/model.onnx': onnx })
  const embed = (env = {}) =>
    cli(['embed', '-q', '-m', 'medium', '--device', 'cpu', '--json', 'Created container 100'], env)
  const refused = await embed()
  expect(refused).toMatchObject({ code: 4, stdout: '' })
  expect(refused.stderr).toMatch(/wrong vectors: cosine .*by sentence-transformers/)
  const own = join(dir, 'own')
  cpSync((await cli(['models', 'path', 'medium'])).stdout.trim(), join(own, 'all-MiniLM-L6-v2'), {
    recursive: true,
    dereference: true,
  })
  expect((await embed({ OP_DBUS_MODEL_DIR: own })).code).toBe(0)
})

test('a model that is missing is fetched by embed itself, int8 where that is asked', async () => {
  const embed = (...args: string[]) =>
    cli(['embed', '--model', ID, '--dtype', 'int8', '--json', '--no-vector', 'x', ...args])
  const { code, stdout, stderr } = await embed()
  expect(code).toBe(0)
  // Off a terminal, one line says what is going on.
  expect(stderr).toMatch(/^op-dbus: fetching op-dbus\/builtin \(\d.*MB\) from http:\/\/127.* into \/.*\n$/)
  expect(stderr).toContain(`from ${hub.endpoint} into ${cache}`)
  expect(jsonLines(stdout)[0]).toMatchObject({ source: 'computed', dims: 512 })
  expect(fetched()).toEqual(['onnx/model_quantized.onnx'])
  expect(await embed()).toMatchObject({ code: 0, stderr: '' })
  rmSync(cache, { recursive: true })
  expect(await embed('-q')).toMatchObject({ code: 0, stderr: '' })
})

test('a model altered since it was pulled is not used; pulling it mends that', async () => {
  await cli(['models', 'pull', ID])
  const folder = (await cli(['models', 'path', ID])).stdout.trim()
  const file = join(folder, 'tokenizer_config.json')
  const before = readFileSync(file, 'utf8')
  rmSync(file)
  writeFileSync(file, `${before} `)
  const refused = await cli(['embed', '--model', ID, 'x'])
  expect(refused).toMatchObject({ code: 8, stdout: '' })
  expect(refused.stderr).toMatch(
    /tokenizer_config\.json of .*lock\.json records\n.*SHA-256.*\n.*op-dbus models pull op-dbus\/builtin/,
  )
  expect((await cli(['models', 'pull', ID])).code).toBe(0)
  expect((await cli(['embed', '--model', ID, 'x'])).code).toBe(0)
})

test('several names: each is tried, the first failure decides the exit code', async () => {
  const outcome = await cli(['models', 'pull', 'org/none', ID, './x'])
  expect(outcome).toMatchObject({ code: 3, stdout: '' })
  expect(outcome.stderr).toMatch(/no model "org\/none"[\s\S]*op-dbus\/builtin at commit[\s\S]*neither a level nor/)
  expect((await cli(['models', 'list'])).stderr).toBe('')
})

test('a hub that is busy: each further try is told', async () => {
  let answers = 0
  hub.fault = ({ file }) =>
    file === undefined && answers++ === 0 ? { status: 503, headers: { 'retry-after': '0' } } : undefined
  const { code, stderr } = await cli(['models', 'pull', ID])
  expect(code).toBe(0)
  expect(stderr).toMatch(/^op-dbus: op-dbus\/builtin: trying again \(2 of 6\) in 1 s: .*answers 503/)
  rmSync(cache, { recursive: true })
  // What was recorded needs no list.
  rmSync(join(dir, 'op-dbus-models.lock.json'))
  answers = 0
  const embedded = await cli(['embed', '--model', ID, '--json', '--no-vector', 'x'])
  expect(embedded.stderr).toMatch(/^op-dbus: fetching op-dbus\/builtin: trying again \(2 of 6\)/)
})

/** `models pull` in a process that can be watched. */
function start(): { child: ChildProcess; said: (what: RegExp) => Promise<void>; ended: Promise<number | null> } {
  const env = { PATH: process.env.PATH ?? '', HOME: dir, HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache }
  const child = spawn(process.execPath, [script, 'models', 'pull', ID], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let text = ''
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const said = (what: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => what.test(text) && resolve()
      child.stderr!.on('data', chunk => {
        text += chunk
        look()
      })
      look()
      void ended.then(() => reject(new Error(`it ended without saying ${what}: ${text}`)))
    })
  return { child, said, ended }
}

test('two processes that pull at once download once', async () => {
  // The first is held in the middle of its download until the second says that it waits.
  const { promise: held, resolve: release } = deferred<void>()
  const begun = deferred<void>()
  const onnx = builtin['onnx/model.onnx']!
  hub.fault = ({ host, headers }) => {
    if (host !== 'cdn' || headers.range !== undefined) return undefined
    begun.resolve()
    return { resetAt: onnx.length >> 1, hold: () => held }
  }
  const one = start()
  await begun.promise
  const before = hub.requests.length
  const two = start()
  await two.said(/process \d+ is at work on/)
  release()
  expect(await Promise.all([one.ended, two.ended])).toEqual([0, 0])
  expect(hub.requests.filter(request => request.file === undefined)).toHaveLength(1)
  // Of the large file, once from the start and once from where it was cut off.
  expect(hub.requests.slice(before).every(request => request.headers.range !== undefined)).toBe(true)
  expect(existsSync(join(cache, '.locks/models--op-dbus--builtin/op-dbus.lock'))).toBe(false)
})

test('a process that is killed leaves a lock and a partial file, and the next takes both over', async () => {
  const onnx = builtin['onnx/model.onnx']!
  hub.fault = ({ host }) =>
    host === 'cdn' ? { resetAt: onnx.length >> 1, hold: () => new Promise(() => {}) } : undefined
  const { child, ended } = start()
  const blobs = join(cache, 'models--op-dbus--builtin/blobs')
  const partial = () =>
    existsSync(blobs) ? readdirSync(blobs).find(name => name.endsWith('.incomplete') && name.length > 70) : undefined
  const size = () => (partial() === undefined ? 0 : statSync(join(blobs, partial()!)).size)
  while (size() < onnx.length >> 2) await new Promise(resolve => setTimeout(resolve, 10))
  child.kill('SIGKILL')
  await ended
  expect(existsSync(join(cache, '.locks/models--op-dbus--builtin/op-dbus.lock'))).toBe(true)
  expect(existsSync(join(cache, 'models--op-dbus--builtin/snapshots'))).toBe(false)
  const had = size()
  hub.fault = () => undefined
  hub.requests.length = 0
  expect((await cli(['models', 'pull', ID])).code).toBe(0)
  const ranges = hub.requests.filter(request => request.host === 'cdn').map(request => request.headers.range)
  expect(ranges).toEqual([`bytes=${had}-`])
})

describe('list, path, rm', () => {
  test('list names what is here and which levels are not', async () => {
    const { code, stdout } = await cli(['models', 'list'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^model +level +dims +weights +size +commit +folder\nbuiltin +builtin +512 +fp32 int8 +/)
    expect(stdout).toMatch(/Not here.*\n {2}low \(.*\n {2}medium \(.*\n {2}high \(/)
  })

  test('path of what is not here: exit 3, nothing on stdout', async () => {
    expect(await cli(['models', 'path', 'high'])).toMatchObject({ code: 3, stdout: '' })
    expect((await cli(['models', 'path', 'builtin'])).stdout.trim()).toContain('builtin')
  })

  test('rm removes the repository and its record, and nothing else', async () => {
    await cli(['models', 'pull', ID])
    const other = join(cache, 'models--other--tool/blobs/x')
    mkdirSync(join(other, '..'), { recursive: true })
    writeFileSync(other, 'x')
    const removed = await cli(['models', 'rm', ID])
    expect(removed).toMatchObject({ code: 0, stdout: '' })
    expect(removed.stderr).toMatch(/removed op-dbus\/builtin: \d/)
    expect(readdirSync(cache).sort()).toEqual(['.locks', 'models--other--tool'])
    expect(JSON.parse(readFileSync(join(dir, 'op-dbus-models.lock.json'), 'utf8')).models).toEqual({})
    expect(await cli(['models', 'rm', ID])).toMatchObject({ code: 3 })
    expect(await cli(['models', 'path', ID])).toMatchObject({ code: 3 })
  })

  test('rm asks for --force where other tools keep files of the model, and follows no link', async () => {
    await cli(['models', 'pull', ID])
    const repository = join(cache, 'models--op-dbus--builtin')
    const outside = join(dir, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'keep'), 'x')
    writeFileSync(join(repository, 'blobs', 'f'.repeat(64)), 'weights of another tool')
    symlinkSync(relative(join(repository, 'snapshots'), outside), join(repository, 'snapshots/link'))
    const refused = await cli(['models', 'rm', ID])
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--force') })
    expect(existsSync(join(repository, 'blobs', 'f'.repeat(64)))).toBe(true)
    expect(await cli(['models', 'rm', ID, '--force'])).toMatchObject({ code: 0 })
    expect(existsSync(repository)).toBe(false)
    expect(readdirSync(outside)).toEqual(['keep'])
    symlinkSync(outside, repository)
    expect(await cli(['models', 'rm', ID, '--force'])).toMatchObject({ code: 6 })
    expect(readdirSync(outside)).toEqual(['keep'])
  })

  test('rm leaves alone the built-in model and folders of the user', async () => {
    const own = join(dir, 'own')
    mkdirSync(join(own, 'org/mine'), { recursive: true })
    writeFileSync(join(own, 'org/mine/config.json'), '{}')
    for (const name of ['builtin', join(own, 'org/mine'), 'org/mine', '../x'])
      expect(await cli(['models', 'rm', name, '--force'], { OP_DBUS_MODEL_DIR: own }), name).toMatchObject({ code: 2 })
    expect(existsSync(join(own, 'org/mine/config.json'))).toBe(true)
  })
})

describe('exit codes and messages', () => {
  test.each([
    [['models', 'pull'], 2, /needs a name/],
    [['models', 'pull', 'builtin'], 2, /comes with the package/],
    [['models', 'pull', './x'], 2, /neither a level nor/],
    [['models', 'pull', 'org/none'], 3, /no model "org\/none"/],
    [['models', 'pull', ID, '--dtype', 'fp16'], 3, /no fp16 ONNX file.*model_quantized/s],
    [['models', 'pull', ID, '--dtype', 'q4'], 2, /dtype/],
    [['models', 'pull', ID, '--offline'], 8, /nothing is fetched offline.*\n.*copy models--op-dbus--builtin/],
    [['embed', '--model', ID, '--offline', 'x'], 8, /nothing is fetched offline.*\n.*copy models--op-dbus--builtin/],
    [['models', 'path'], 2, /needs a name/],
    [['models', 'list', 'x'], 2, /takes no argument/],
    [['models', 'frobnicate'], 2, /unknown command/],
  ])('%j', async (args, code, message) => {
    const outcome = await cli(args)
    expect(outcome).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
    expect(outcome.stderr.trim().split('\n').length).toBeLessThanOrEqual(3)
  })

  test.each(['models', 'cache'])('%s alone lists its commands', async name => {
    const { code, stdout, stderr } = await cli([name])
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    const commands = [...stdout.matchAll(/^ {2}(\w+ \w+) /gm)].map(([, command]) => command)
    const known =
      name === 'models'
        ? ['list', 'pull', 'path', 'rm']
        : ['stats', 'clear', 'warm', 'trace', 'tune', 'verify', 'export', 'import']
    expect(commands).toEqual(known.map(command => `${name} ${command}`))
  })

  test('without a home: which variables name a folder', async () => {
    const homeless = { HF_HUB_CACHE: '', HOME: '', XDG_CACHE_HOME: '' }
    if (process.getuid?.() === 0) return console.warn('skipped: root has a folder of its own')
    const { code, stderr } = await cli(['models', 'pull', ID], homeless)
    expect(code).toBe(6)
    expect(stderr).toMatch(/no home folder.*\n.*OP_DBUS_MODEL_DIR, or HF_HOME/)
  })

  test('--json is one object a model; --update moves on', async () => {
    const [before] = jsonLines((await cli(['models', 'pull', ID, '--json', '-q'])).stdout)
    expect(before).toMatchObject({ id: ID, from: hub.endpoint, files: expect.arrayContaining([]) })
    const commit = hub.push(ID, { ...builtin, 'config_sentence_transformers.json': '{}' })
    expect(jsonLines((await cli(['models', 'pull', ID, '--json', '-q'])).stdout)[0].commit).toBe(before.commit)
    expect(jsonLines((await cli(['models', 'pull', ID, '--json', '-q', '--update'])).stdout)[0]).toMatchObject({
      commit,
      downloaded: 2,
    })
  })

  test('on a terminal a bar is drawn, and nothing of it stays', async () => {
    if (!existsSync('/usr/bin/script')) return console.warn('skipped: no script(1) here to play a terminal')
    const log = join(dir, 'terminal')
    const command = `${process.execPath} ${script} models pull ${ID}`
    const env = { PATH: process.env.PATH ?? '', HOME: dir, HF_ENDPOINT: hub.endpoint, HF_HUB_CACHE: cache }
    const body = `require('node:child_process').execFileSync('/usr/bin/script', ['-qec', ${JSON.stringify(command)}, ${JSON.stringify(log)}])`
    expect((await runNode(['-e', body], { env })).code).toBe(0)
    const text = readFileSync(log, 'utf8')
    expect(text).toMatch(/\[=+ *\] \d+%/)
    const lines = text.split('\n').filter(line => line.includes('%') || line.includes('commit'))
    // What stays is what follows the last erasure.
    expect(lines.at(-1)!.split('\x1b[K').at(-1)).toMatch(/^op-dbus\/builtin at commit/)
    rmSync(log)
  })
})
