// Two real processes on one folder: what one has in memory, the other makes out of date.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { library } from '../processes.js'
import { temporaryFolder } from '../support.js'

/** Does what it is told, one thing after another; a query begun with `begin` answers when `finish` says what. */
const PROGRAM = `
  import { openCaches } from ${JSON.stringify(library)}
  const { queries } = await openCaches({ dir: process.env.OPDBUS_CACHE_DIR, queryCacheTtl: 600 })
  let finish, slow
  const tasks = {
    // On disk, too, by then: what is answered need not be written yet.
    ask: async value => {
      const answer = await queries.getOrCompute('net', () => value)
      await queries.stats()
      return answer.value
    },
    view: async () => queries.view('net') ?? null,
    get: async () => (await queries.get('net'))?.value ?? null,
    begin: () => new Promise(begun => {
      slow = queries.getOrCompute('net', () => new Promise(resolve => { finish = resolve; begun('begun') }))
    }),
    finish: async value => { finish(value); return (await slow).value },
    hold: async () => { await queries.hold('net'); return 'held' },
    delete: async () => { await queries.delete('net'); return 'told' },
    invalidate: async () => { await queries.invalidate('net'); return 'told' },
  }
  process.on('message', async ([task, value]) => process.send([await tasks[task](value)]))
  process.on('disconnect', () => process.exit())
  process.send(['ready'])
`

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function start(dir: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    env: { PATH: process.env.PATH, HOME: dir, OPDBUS_CACHE_DIR: dir },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.push(child)
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process ended: ${code ?? signal}`)
  })
  ended.catch(() => {})
  const answer = () =>
    Promise.race([new Promise(resolve => child.once('message', answers => resolve((answers as [unknown])[0]))), ended])
  expect(await answer()).toBe('ready')
  const told = (task: string, value?: unknown) => {
    const answered = answer()
    child.send([task, value])
    return answered
  }
  const kill = () => {
    child.kill('SIGKILL')
    return once(child, 'exit')
  }
  return Object.assign(told, { kill })
}

it('never serves from memory or disk what another process invalidated, nor what was asked before', async () => {
  const dir = temporaryFolder()
  const [server, cli] = await Promise.all([start(dir), start(dir)])

  for (const change of ['delete', 'invalidate']) {
    await server('ask', 'old')
    expect(await server('view')).toBe('old')
    // The other process has it from disk.
    expect(await cli('ask', 'not asked')).toBe('old')
    await cli(change)
    expect(await server('view')).toBeNull()
    expect(await server('ask', `after ${change}`)).toBe(`after ${change}`)
    expect(await cli('ask', 'not asked')).toBe(`after ${change}`)
    await cli('delete')
  }

  await server('begin')
  await cli('delete')
  expect(await server('finish', 'from before')).toBe('from before')
  expect(await server('view')).toBeNull()
  expect(await server('get')).toBeNull()
  expect(await cli('get')).toBeNull()
  expect(await cli('ask', 'from after')).toBe('from after')
  expect(await server('ask', 'not asked')).toBe('from after')

  // Who changes it is killed half-way: what was asked meanwhile was kept by nobody.
  await cli('hold')
  expect(await server('ask', 'half')).toBe('half')
  expect(await server('view')).toBeNull()
  await cli.kill()
  expect(await server('get')).toBeNull()
  expect(await server('ask', 'whole')).toBe('whole')
  expect(await server('ask', 'not asked')).toBe('whole')
}, 60_000)
