// What a command loads, as Node itself tells it: files of ours by their coverage, its own modules by the list that it keeps.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { nodeOf } from '../other-node.js'
import { cli, runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'

/** Words that in the built files only one part of the sources has. */
const PARTS = {
  library: 'getOrEmbed',
  commands: 'takes no argument',
  options: 'Keep only this many leading dims',
  help: 'Exit codes',
  completion: 'COMPREPLY',
  masker: 'pattern must be a RegExp',
  download: 'x-linked-etag',
  tokenizer: 'max_input_chars_per_word',
  matrix: 'fortran_order',
  output: 'its folder is missing',
  input: 'is this a text file?',
  doctor: 'trying the model on each device',
  state: 'the state is closed',
  changes: 'the state has moved since',
  'plan files': 'is no time of ISO 8601',
  'Open vSwitch': 'monitor_cond_since',
  'D-Bus': 'GetUnitFileState',
  chain: 'the chain is closed',
  'chain commands': 'waiting for blocks; Ctrl+C',
} as const

/** Modules of Node that take longer to load than what they would be good for here. */
const COSTLY = ['child_process', 'crypto', 'http', 'net', 'stream', 'tty', 'worker_threads', 'zlib']

/** Parts of ours and modules of Node that `op-dbus ARGS > FILE` loads. */
function loadedBy(dir: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const coverage = mkdtempSync(join(dir, 'coverage-'))
  const list = join(coverage, 'list.cjs')
  const names = join(coverage, 'names.txt')
  writeFileSync(
    list,
    `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(names)}, process.moduleLoadList.join('\\n')))`,
  )
  const { status } = spawnSync(process.execPath, ['--require', list, cli, ...args], {
    env: { PATH: process.env.PATH, OPDBUS_CACHE_DIR: dir, HOME: dir, NODE_V8_COVERAGE: coverage, ...env },
    stdio: ['ignore', openSync(join(coverage, 'out.txt'), 'w'), 'inherit'],
  })
  expect(status).toBe(0)
  const reports = readdirSync(coverage).filter(name => name.startsWith('coverage-'))
  const urls = reports.flatMap(name => {
    const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8')) as { result: { url: string }[] }
    return result.map(({ url }) => url).filter(url => url.includes('/dist/'))
  })
  const text = urls.map(url => readFileSync(fileURLToPath(url), 'utf8')).join('\n')
  const modules = readFileSync(names, 'utf8').split('\n')
  return {
    files: urls.length,
    parts: Object.entries(PARTS).flatMap(([part, word]) => (text.includes(word) ? [part] : [])),
    costly: COSTLY.filter(name => modules.includes(`NativeModule ${name}`)),
    out: readFileSync(join(coverage, 'out.txt'), 'utf8'),
  }
}

it('the words by which parts are found stand in the built files', () => {
  const dist = join(cli, '..')
  const text = readdirSync(dist).map(name => (/^cli.*\.js$/.test(name) ? readFileSync(join(dist, name), 'utf8') : ''))
  for (const word of Object.values(PARTS)) expect(text.join('\n'), word).toContain(word)
})

it('--version loads no command and no option', () => {
  const { parts, out } = loadedBy(temporaryFolder(), ['--version'])
  expect(out).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
  expect(parts).toEqual([])
})

it('--help loads the commands and no code that they run', () => {
  const { parts, out } = loadedBy(temporaryFolder(), ['--help'])
  expect(out).toContain('op-dbus')
  // Lies with the help.
  expect(parts.filter(part => part !== 'completion')).toEqual(['commands', 'options', 'help'])
})

it('a text from disk loads what looks it up: nothing that computes, fetches, masks or writes files', async () => {
  const dir = temporaryFolder()
  expect((await runCli(dir, ['embed', 'a text'])).stdout).toMatch(/^C computed/)
  const { parts, costly, files, out } = loadedBy(dir, ['embed', 'a text'])
  expect(out).toMatch(/^D disk/)
  expect(parts).toEqual(['library', 'commands', 'options'])
  // What makes keys and checks records; both bring streams along.
  expect(costly).toEqual(['crypto', 'stream', 'zlib'])
  // Each costs as much as twenty thousand characters of code.
  expect(files).toBeLessThanOrEqual(8)
})

it('a state from disk loads no client of any system, and nothing that compares, changes or reads plans', async () => {
  const dir = temporaryFolder()
  const system = join(dir, 'system.json')
  writeFileSync(system, '{"things":[],"mode":{}}')
  const env = {
    OPDBUS_PLUGINS: fileURLToPath(new URL('file-plugin.mjs', import.meta.url)),
    TEST_SYSTEM: system,
    OPDBUS_QUERY_CACHE_TTL: '3600',
  }
  expect((await runCli(dir, ['query', 'things'], { env })).code).toBe(0)
  const { parts, costly, files, out } = loadedBy(dir, ['query', 'things'], env)
  expect(JSON.parse(out)).toEqual({ plugins: { things: { mode: {}, things: [] } } })
  expect(readFileSync(`${system}.log`, 'utf8')).toBe('query\n')
  expect(parts).toEqual(['library', 'commands', 'options', 'state'])
  expect(costly).toEqual(['crypto', 'stream', 'zlib'])
  expect(files).toBeLessThanOrEqual(8)
})

it('a newer Node keeps the compiled code of a command, where it keeps that of others; --version writes nothing', ({
  skip,
}) => {
  const node = nodeOf(24)
  if (node === undefined) return skip('no Node 24 to be had')
  const dir = temporaryFolder()
  const run = (...args: string[]) =>
    spawnSync(node, [cli, ...args], { env: { PATH: process.env.PATH, HOME: dir, TMPDIR: dir, OPDBUS_CACHE_DIR: dir } })
  expect(run('--version').status).toBe(0)
  expect(readdirSync(dir)).toEqual([])
  expect(run('embed', '--help').status).toBe(0)
  expect(readdirSync(dir)).toEqual(['node-compile-cache'])
})

it('a block that is shown loads the chain, and nothing that computes or knows a system', async () => {
  const dir = temporaryFolder()
  const env = { OPDBUS_DATA_DIR: join(dir, 'data') }
  const input = '{"plugin_id":"net","operation":"apply"}'
  expect((await runCli(dir, ['blockchain', 'add', '-'], { env, input })).code).toBe(0)
  const { parts, costly, files, out } = loadedBy(dir, ['blockchain', 'show', 'latest'], env)
  expect(JSON.parse(out)).toMatchObject({ number: 0, header: { plugin: 'net' } })
  const own = ['library', 'commands', 'options', 'state', 'chain', 'chain commands']
  expect(parts.filter(part => !own.includes(part))).toEqual([])
  expect(costly).toEqual(['crypto', 'stream', 'zlib'])
  expect(files).toBeLessThanOrEqual(11)
})
