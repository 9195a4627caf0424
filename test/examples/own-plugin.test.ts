// The plugin of examples/own-plugin, as users run it: asked, compared, applied, taken back and watched by the built command line.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import files from '../../examples/own-plugin/plugin.mjs'
import { checkDesired } from '../../src/state/desired.js'
import { diffState } from '../../src/state/diff.js'
import { normaliseState } from '../../src/state/normalise.js'
import type { PluginTools, StatePlugin } from '../../src/state/plugin.js'
import { cli, root, runNode } from '../processes.js'
import { temporaryFolder } from '../support.js'

const WEB = '# the web server\nPORT=8080\n\nHOST = example.org\nPORT=8081\n'

function system() {
  const dir = temporaryFolder()
  const folder = join(dir, 'files')
  mkdirSync(folder)
  writeFileSync(join(folder, 'web.conf'), WEB, { mode: 0o640 })
  writeFileSync(join(folder, 'old.conf'), 'A=1\n')
  writeFileSync(join(folder, 'notes.txt'), 'not ours\n')
  const env = {
    HOME: dir,
    OPDBUS_CACHE_DIR: join(dir, 'cache'),
    OPDBUS_DATA_DIR: join(dir, 'data'),
    OPDBUS_PLUGINS: './examples/own-plugin/plugin.mjs',
    KEY_FILES: folder,
  }
  return {
    folder,
    text: (name: string) => readFileSync(join(folder, name), 'utf8'),
    run: (args: readonly string[], desired?: object) =>
      runNode([cli, ...args], { env, cwd: root, input: desired === undefined ? '' : JSON.stringify(desired) }),
  }
}

const desired = (of: object, more: object = {}) => ({ plugins: { files: { ...more, files: of } } })

it('is asked, changes what is declared and nothing else, and takes it back', async () => {
  const { folder, text, run } = system()
  const asked = await run(['query', 'files', '--json'])
  expect(asked).toMatchObject({ code: 0, stderr: '' })
  const state = {
    'old.conf': { comments: 0, keys: { A: '1' } },
    'web.conf': { comments: 1, keys: { HOST: 'example.org', PORT: '8081' } },
  }
  expect(JSON.parse(asked.stdout).plugins.files).toEqual({ files: state })

  const wish = desired({
    'web.conf': { keys: { PORT: '9090', HOST: null, USER: 'www' } },
    'old.conf': { ensure: 'absent' },
    'new.conf': { keys: { B: '2' } },
  })
  expect(await run(['verify', '-'], wish)).toMatchObject({ code: 9 })
  expect(await run(['apply', '-', '--yes'], wish)).toMatchObject({ code: 0 })
  expect(text('web.conf')).toBe('# the web server\nPORT=9090\n\nUSER=www\n')
  expect(statSync(join(folder, 'web.conf')).mode & 0o777).toBe(0o640)
  expect(text('new.conf')).toBe('B=2\n')
  expect(readdirSync(folder).sort()).toEqual(['new.conf', 'notes.txt', 'web.conf'])
  expect(await run(['verify', '-'], wish)).toMatchObject({ code: 0 })

  expect(await run(['rollback', '--yes'])).toMatchObject({ code: 0 })
  const back = await run(['query', 'files', '--json'])
  expect(JSON.parse(back.stdout).plugins.files).toEqual({ files: state })
})

it('says what is wrong, by the place in the file', async () => {
  const { run } = system()
  const { code, stderr } = await run(['diff', '-'], desired({ 'web.conf': { keys: { PORT: 8080 } }, '../passwd': {} }))
  expect(code).toBe(2)
  expect(stderr).toContain(':1:51 /plugins/files/files/web.conf/keys/PORT: has to be a text of one line')
  expect(stderr).toContain(':1:65 /plugins/files/files/..~1passwd: is no name of a file')
})

it('refuses what it cannot undo, and says so in the plan', async () => {
  const { run, text } = system()
  const wish = desired({ 'web.conf': { ensure: 'absent' }, 'old.conf': { keys: { A: '2' } } })
  const plan = await run(['apply', '-', '--dry-run'], wish)
  expect(plan.stdout).toContain('its comments would be lost')
  expect(await run(['apply', '-', '--yes'], wish)).toMatchObject({ code: 10 })
  expect([text('web.conf'), text('old.conf')]).toEqual([WEB, 'A=2\n'])
})

it('changes nothing where a file is not what the plan saw', async () => {
  const { folder, text } = system()
  const plugin = open(folder)
  const current = normaliseState(await plugin.query({ signal: never() }), plugin)
  const wish = checkDesired(desired({ 'old.conf': { keys: { A: '2' } }, 'web.conf': { keys: { PORT: '1' } } }), [
    plugin,
  ])
  const actions = diffState(plugin, current, wish.plugins.files!)
  writeFileSync(join(folder, 'web.conf'), 'PORT=7\n')
  const told: unknown[] = []
  const call = { signal: never(), report: (...outcome: unknown[]) => void told.push(outcome) }
  await expect(plugin.apply!(actions, call)).rejects.toMatchObject({ name: 'OpDbusError', code: 'CONFLICT' })
  expect([told, text('old.conf'), text('web.conf')]).toEqual([[], 'A=1\n', 'PORT=7\n'])
})

it('tells changes from the moment on that it says so, and that it tells no more', async () => {
  const { folder } = system()
  const heard: string[] = []
  let next = () => {}
  const note = (what: string) => {
    heard.push(what)
    next()
  }
  const until = (what: string) =>
    new Promise<void>(resolve => {
      next = () => heard.includes(what) && resolve()
      next()
    })
  const plugin = open(folder)
  const watch = await plugin.watch!({ changed: () => note('changed'), lost: why => note(why) }, { signal: never() })
  writeFileSync(join(folder, 'old.conf'), 'A=3\n')
  await until('changed')
  rmSync(folder, { recursive: true })
  await until(`the folder ${folder} was removed`)
  expect(plugin.unavailable!()).toBe(`there is no folder ${folder}; KEY_FILES names another`)
  watch.close()
})

const never = () => new AbortController().signal
const open = (folder: string) =>
  (files as unknown as (tools: PluginTools) => StatePlugin)({ env: { KEY_FILES: folder } } as unknown as PluginTools)
