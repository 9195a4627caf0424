// Applies in processes of their own on one system, a file: killed at each step and at any moment, two at once. Whatever was cut short,
// the next one sees what is.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { openState } from '../../src/state.js'
import { root } from '../processes.js'
import { memoryFolder } from '../support.js'
import { jsonPlugin, readItems, writeItems } from './json-system.mjs'

const library = new URL('../../dist/state.js', import.meta.url).href
const module = fileURLToPath(new URL('json-system.mjs', import.meta.url))
const BEFORE = { one: { value: 1 }, two: { value: 2 }, three: { value: 3 }, four: { value: 4 } }
const AFTER = { one: { value: 10 }, two: { value: 2 }, three: { value: 30 }, five: { value: 50 } }
const WANTED = {
  version: 1 as const,
  plugins: {
    json: { items: { one: { value: 10 }, three: { value: 30 }, five: { value: 50 }, four: { ensure: 'absent' } } },
  },
}
/** Loading aside: opens, plans, applies, and says the report in one line. */
const SCRIPT = `
  import { writeSync } from 'node:fs'
  const { openState } = await import(${JSON.stringify(library)})
  const state = await openState()
  const plan = await state.plan(${JSON.stringify(WANTED)})
  writeSync(1, 'planned\\n')
  const onWait = who => writeSync(1, 'waits for ' + who + '\\n')
  const report = await state.apply(plan, { onWait }).catch(error => ({ code: error.code }))
  writeSync(1, 'report ' + JSON.stringify(report) + '\\n')
  await state.close()`

/** The machine that the tests run on is asked nothing. */
const NOWHERE = { ovsdb: '/nowhere/db.sock', lxcPath: '/nowhere/lxc', systemdBus: 'unix:path=/nowhere/bus' }

const running = new Set<ChildProcess>()
afterEach(() => {
  for (const child of running) child.kill('SIGKILL')
})

function machine() {
  const dir = memoryFolder()
  const file = join(dir, 'system.json')
  writeItems(file, BEFORE)
  return { file, dataDir: join(dir, 'data'), dir: join(dir, 'cache') }
}
type Machine = ReturnType<typeof machine>

/** A process that applies; `line` is told each line that it says. */
function applying(
  { file, dataDir, dir }: Machine,
  env: Record<string, string>,
  line: (line: string, child: ChildProcess) => void = () => {},
) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', SCRIPT], {
    cwd: root,
    env: {
      PATH: '',
      OPDBUS_OVSDB: NOWHERE.ovsdb,
      OPDBUS_LXC_PATH: NOWHERE.lxcPath,
      OPDBUS_SYSTEMD_BUS: NOWHERE.systemdBus,
      JSON_SYSTEM: file,
      OPDBUS_PLUGINS: module,
      OPDBUS_DATA_DIR: dataDir,
      OPDBUS_CACHE_DIR: dir,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  let out = ''
  let errors = ''
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  child.stdout.on('data', chunk => {
    const said = (out + chunk).split('\n').length
    const before = out.split('\n').length
    out += chunk
    for (const one of out.split('\n').slice(before - 1, said - 1)) line(one, child)
  })
  return new Promise<{ out: string; errors: string }>(resolve => {
    child.once('close', () => {
      running.delete(child)
      resolve({ out, errors })
    })
  })
}

/** What must hold after an apply that was cut short anywhere. */
async function judge({ file, dataDir, dir }: Machine, out: string): Promise<'nothing' | 'half' | 'all'> {
  const found = JSON.stringify(sorted(readItems(file)))
  const end =
    found === JSON.stringify(sorted(BEFORE)) ? 'nothing' : found === JSON.stringify(sorted(AFTER)) ? 'all' : 'half'
  // What was said is whole or absent, and true.
  const said = /^report (.*)\n/m.exec(out)?.[1]
  if (said !== undefined) expect([JSON.parse(said).success, end]).toEqual([true, 'all'])
  const currentFile = join(dataDir, 'state/current.json')
  if (existsSync(currentFile)) expect(JSON.parse(readFileSync(currentFile, 'utf8')).plugins.json.items).toEqual(AFTER)

  await using state = await openState({ dir, dataDir, ...NOWHERE, plugins: [jsonPlugin(file)], onWarning: () => {} })
  const verified = await state.verify(WANTED)
  expect(verified.same).toBe(end === 'all')
  const differing = verified.diffs[0]!.actions.filter(({ kind }) => kind !== 'none').map(
    ({ resource: { name } }) => name,
  )
  const items = readItems(file) as Record<string, { value: number } | undefined>
  const names = ['five', 'four', 'one', 'three']
  expect(differing).toEqual(names.filter(name => items[name]?.value !== (AFTER as typeof items)[name]?.value))

  const kept = await state.checkpoints()
  if (kept.length === 0) expect(end).toBe('nothing')
  else {
    const waited: string[] = []
    const back = await state.apply(await state.planRollback(), { onWait: who => waited.push(who) })
    expect([back.success, waited]).toEqual([true, []])
  }
  expect(readItems(file)).toEqual(BEFORE)
  const left = existsSync(join(dataDir, 'state')) ? readdirSync(join(dataDir, 'state')) : []
  if (kept.length > 0) expect(left.filter(name => !['checkpoints', 'current.json'].includes(name))).toEqual([])
  return end
}

const sorted = (items: object) => Object.entries(items).sort()

/** Of work that waits on processes: some at a time. */
async function inTurns<T>(tasks: readonly (() => Promise<T>)[], width: number): Promise<T[]> {
  const results: T[] = []
  const rest = [...tasks.entries()]
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (let next = rest.shift(); next !== undefined; next = rest.shift()) results[next[0]] = await next[1]()
    }),
  )
  return results
}

describe('an apply that is killed', () => {
  it('at each step: the next verify tells the truth, and a rollback restores', { timeout: 60_000 }, async () => {
    const whole = await applying(machine(), { JSON_SAY: '1' })
    const steps = [...whole.out.matchAll(/^step/gm)].length
    expect([steps, whole.errors]).toEqual([13, ''])
    const ends = await inTurns(
      Array.from({ length: steps }, (_, index) => async () => {
        const on = machine()
        const { out } = await applying(on, { JSON_SAY: '1', JSON_STOP: String(index + 1) }, (line, child) => {
          if (line.startsWith(`step ${index + 1} `)) child.kill('SIGKILL')
        })
        expect(out).not.toContain('report')
        return judge(on, out)
      }),
      3,
    )
    expect(new Set(ends)).toEqual(new Set(['nothing', 'half', 'all']))
  })

  it('at 37 other moments', { timeout: 60_000 }, async () => {
    // One a line of what the process says, and a part of a millisecond behind it.
    let seed = 13
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return seed / 2 ** 31
    }
    const moments = Array.from({ length: 37 }, () => ({ line: Math.floor(random() * 15), ms: random() * 4 }))
    const tasks = moments.map(({ line, ms }) => async () => {
      const on = machine()
      let lines = 0
      const { out } = await applying(on, { JSON_SAY: '1' }, (_line, child) => {
        if (lines++ === line) setTimeout(() => child.kill('SIGKILL'), ms)
      })
      return judge(on, out)
    })
    expect((await inTurns(tasks, 4)).length).toBe(37)
  })
})

describe('a process that holds a state in memory', () => {
  it('answers fresh once another has applied, and has the answers of other plugins still', async () => {
    const on = machine()
    const other = join(on.dataDir, '..', 'other.json')
    writeItems(other, BEFORE)
    let asked = 0
    const counting = jsonPlugin(other, () => void asked++, 'other')
    // Long enough that nothing here is fresh by age.
    const options = { ...NOWHERE, dir: on.dir, dataDir: on.dataDir, queryCacheTtl: 600 }
    await using state = await openState({ ...options, plugins: [jsonPlugin(on.file), counting] })
    const items = async () => {
      const { plugins, sources } = await state.query(['json', 'other'])
      return [plugins.json?.items, sources] as const
    }
    await items()
    expect(await items()).toEqual([BEFORE, { json: 'memory', other: 'memory' }])
    expect((await applying(on, { OPDBUS_QUERY_CACHE_TTL: '600' })).out).toContain('report {"success":true')
    const [now, sources] = await items()
    expect(now).toEqual(AFTER)
    expect([sources.other, asked]).toEqual(['memory', 1])
  })
})

describe('two processes that apply at once', () => {
  it('one waits and says so, and goes on when the other is killed', { timeout: 30_000 }, async () => {
    const on = machine()
    // The first stands still in mid-apply: both have planned by then, and the second waits.
    let first: ChildProcess | undefined
    let second: Promise<{ out: string }> | undefined
    const one = await applying(on, { JSON_SAY: '1', JSON_STOP: '6' }, (line, child) => {
      if (!line.startsWith('step 6 ')) return
      first = child
      second = applying(on, {}, said => {
        // Its owner is killed while somebody waits for it: nobody waits for ever.
        if (said === `waits for process ${first?.pid}`) first?.kill('SIGKILL')
      })
    })
    expect(one.out).not.toContain('report')
    const { out } = await second!
    expect(out).toMatch(/^planned\nwaits for process \d+\nreport /)
    expect(JSON.parse(/report (.*)/.exec(out)![1]!)).toMatchObject({ success: true })
    expect(readItems(on.file)).toEqual(AFTER)
  })
})
