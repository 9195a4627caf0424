// `op-dbus bench`, in processes: what it tells and where, and that it leaves nothing behind. Never how fast anything is.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { runCli } from '../processes.js'
import { temporaryFolder } from '../support.js'

let folder: string
let dir: string
/** Nothing of this machine but Node: no plugin of ours is available. */
let env: Record<string, string>

beforeEach(() => {
  folder = temporaryFolder()
  dir = join(folder, 'cache')
  for (const name of ['cache', 'tmp', 'bin']) mkdirSync(join(folder, name))
  env = {
    PATH: join(folder, 'bin'),
    TMPDIR: join(folder, 'tmp'),
    OPDBUS_OVSDB: join(folder, 'none'),
    OPDBUS_SYSTEMD_BUS: `unix:path=${join(folder, 'none')}`,
    OPDBUS_LXC_PATH: join(folder, 'none'),
    OPDBUS_DATA_DIR: join(folder, 'data'),
  }
})

/** A plugin module, by the rest of what it says. */
function module(name: string, rest: string): string {
  const path = join(folder, `${name}.mjs`)
  writeFileSync(
    path,
    `export default {
      name: '${name}', version: '1', resources: { things: { key: 'id' } },
      capabilities: { apply: false, atomic: false, rollback: false, watch: false },
      ${rest}
    }`,
  )
  return path
}

const ANSWERS = 'async query() { return { things: [{ id: "a" }] } }'

function bench(...args: string[]) {
  return runCli(dir, ['bench', '--rounds', '2', ...args], { env })
}

/** What was the user's is as it was, and nothing lies about. */
function expectUntouched(): void {
  expect(readdirSync(dir)).toEqual([])
  expect(readdirSync(join(folder, 'tmp'))).toEqual([])
  expect(readdirSync(folder)).not.toContain('data')
}

describe('op-dbus bench', () => {
  it('tells each row as JSON: measured, or why not', async () => {
    const modules = [
      module('own', ANSWERS),
      module('absent', `unavailable: () => 'there is no such thing here', ${ANSWERS}`),
      module('broken', 'async query() { throw new Error("it is broken") }'),
    ]
    const { code, stdout, stderr } = await bench('--json', '--plugin-modules', modules.join(','))
    expect([code, stderr]).toEqual([0, ''])
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({ 'op-dbus': 'bench', rounds: 2, node: process.version })
    const rows: Record<string, Record<string, unknown>> = Object.fromEntries(
      found.rows.map((row: { name: string }) => [row.name, row]),
    )
    expect(Object.keys(rows)).toEqual([
      'query net',
      'query lxc',
      'query systemd',
      'query own',
      'query absent',
      'query broken',
      'vectorise "Created container 100"',
      'compute diff of 1 MB',
      'get block 100',
    ])
    const time = expect.any(Number)
    const measured = { computedMs: time, memoryMs: time, memorySaves: time }
    expect(rows['query own']).toEqual({ name: 'query own', ...measured, diskMs: time })
    expect(rows['vectorise "Created container 100"']).toMatchObject({ ...measured, diskMs: time })
    // Diffs are not kept on disk, and a block is read from there by whoever has no cache.
    for (const name of ['compute diff of 1 MB', 'get block 100']) expect(rows[name]).toEqual({ name, ...measured })
    expect(rows['query absent']).toEqual({ name: 'query absent', reason: 'there is no such thing here' })
    expect(rows['query broken']).toEqual({ name: 'query broken', reason: expect.stringMatching(/it is broken/) })
    expect(rows['query lxc']?.reason).toMatch(/PATH/)
    expect(found.together).toEqual(measured)
    expectUntouched()
  })

  it('draws a table and a chart, and says what is not kept', async () => {
    Object.assign(env, { OP_DBUS_VECTOR_LEVEL: 'none', OPDBUS_QUERY_CACHE_TTL: '0' })
    const { code, stdout, stderr } = await bench('--plugin-modules', module('own', ANSWERS))
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ +computed +from disk +from memory +memory saves$/m)
    expect(stdout).toMatch(/^query own +\S+ (ns|µs|ms) +- +- +-$/m)
    expect(stdout).toMatch(/^Logarithmic axis/m)
    expect(stdout).toMatch(/^ {2}C computed +█/m)
    expect(stdout).toMatch(/^Not measured\n(.*\n)* +vectorise .*OP_DBUS_VECTOR_LEVEL/m)
    expectUntouched()
  })

  it.each(['0', 'many', '-1', '1.5'])('refuses %s rounds', async rounds => {
    const { code, stderr } = await runCli(dir, ['bench', `--rounds=${rounds}`], { env })
    expect(code).toBe(2)
    expect(stderr).toMatch(/not a whole number from 1 to/)
    expectUntouched()
  })
})
