// Which plugins there are: their order, modules of the configuration, and what is none.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Diagnostics } from '../../src/diagnostics.js'
import { loadPluginModule } from '../../src/node/state-options.js'
import type { StatePlugin } from '../../src/state/plugin.js'
import { PluginCalls } from '../../src/state/plugin-calls.js'
import { Registry } from '../../src/state/registry.js'
import { openState } from '../../src/state.js'
import { hash, TestClock, temporaryFolder } from '../support.js'
import { memoryPlugin } from './managed.js'

const never = () => () => {}

function registry(parts: { builtin?: StatePlugin[]; modules?: string[]; own?: unknown[] }) {
  return new Registry({
    builtin: () => parts.builtin ?? [],
    modules: parts.modules ?? [],
    load: loadPluginModule,
    own: (parts.own ?? []) as StatePlugin[],
    tools: { clock: new TestClock(), env: { GREETING: 'hello' }, warn: () => {}, run: () => Promise.reject() },
    calls: new PluginCalls(never, 1000, new Diagnostics()),
    hash,
  })
}

const source = (name: string, more = '') => `{ name: '${name}', version: '2', resources: { items: {} },
  capabilities: { apply: false, atomic: false, rollback: false, watch: false }, query: async () => ({ items: {} }) ${more} }`

const names = async (made: Registry) => (await made.all()).map(({ plugin }) => plugin.name)
const mine = (name: string) => memoryPlugin(name).plugin

describe('the registry', () => {
  it('has the plugins of op-dbus first, then modules in the order given, then the caller’s', async () => {
    const dir = temporaryFolder()
    writeFileSync(join(dir, 'b.mjs'), `export default ${source('b')}`)
    writeFileSync(join(dir, 'c.cjs'), `module.exports = ${source('c')}`)
    writeFileSync(
      join(dir, 'a.mjs'),
      `export default async tools => (${source('a', ', scope: tools.env.GREETING, vantage: "here"')})`,
    )
    const modules = [join(dir, 'b.mjs'), join(dir, 'a.mjs'), join(dir, 'c.cjs')]
    const made = registry({ builtin: [mine('z'), mine('y')], modules, own: [mine('x')] })
    expect(await names(made)).toEqual(['z', 'y', 'b', 'a', 'c', 'x'])
    expect((await made.all()).map(({ key }) => key)).toEqual(['z@1', 'y@1', 'b@2', 'a@2:hello\there', 'c@2', 'x@1'])
    expect((await made.find(['x', 'z', 'x'])).map(({ plugin }) => plugin.name)).toEqual(['z', 'x'])
  })

  it('takes a package by its name from where the process is', async () => {
    const dir = temporaryFolder()
    const folder = join(dir, 'node_modules', 'op-dbus-plugin-test')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{"name":"op-dbus-plugin-test","main":"main.cjs"}')
    writeFileSync(join(folder, 'main.cjs'), `module.exports = ${source('packed')}`)
    const before = process.cwd
    process.cwd = () => dir
    try {
      expect(await names(registry({ modules: ['op-dbus-plugin-test'] }))).toEqual(['packed'])
    } finally {
      process.cwd = before
    }
  })

  it.each([
    ['throw new Error("no luck")', /cannot load the plugin module .*: no luck\ncorrect it, or take it out of/],
    ['export default () => { throw new Error("made badly") }', /cannot load .*made badly/],
    ['export const other = 1', /is no plugin: its default export is neither a plugin nor a function/],
    ['export default 5', /is no plugin: its default export/],
    [`export default ${source('Bad')}`, /is no plugin: its name must be a lower-case letter/],
    [`export default ${source('net')}`, /the name "net" is taken by op-dbus itself/],
    [`export default { ...${source('odd')}, query: 1 }`, /it has no function "query"/],
    [`export default { ...${source('odd')}, check: 1 }`, /its "check" is no function/],
    [`export default { ...${source('odd')}, version: '' }`, /its version must be/],
    [`export default { ...${source('odd')}, scope: 1 }`, /its scope must be a text/],
    [`export default { ...${source('odd')}, resources: { prune: {} } }`, /a collection "prune"/],
    [`export default { ...${source('odd')}, resources: 1 }`, /how its state is made of resources/],
    [`export default { ...${source('odd')}, capabilities: {} }`, /do not say "apply" as true or false/],
    [
      `export default { ...${source('odd')}, capabilities: { apply: true, atomic: false, rollback: false, watch: false } }`,
      /promise "apply", and it has no such function/,
    ],
  ])('refuses the module %s', async (text, message) => {
    const module = join(temporaryFolder(), 'plugin.mjs')
    writeFileSync(module, text)
    await expect(registry({ builtin: [mine('net')], modules: [module] }).all()).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringMatching(message),
    })
  })

  it('says which plugin was meant', async () => {
    const made = registry({ builtin: [mine('net'), mine('systemd')] })
    await expect(made.find(['systmd'])).rejects.toThrow('no plugin is called "systmd"; did you mean "systemd"?')
    await expect(made.find(['x'])).rejects.toThrow('no plugin is called "x"; there are: net, systemd')
    await expect(made.find('net' as never)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('openState', () => {
  const dir = () => ({ dir: temporaryFolder(), dataDir: temporaryFolder() })

  it('knows its own plugins, and those of the caller', async () => {
    await using state = await openState({ ...dir(), plugins: [mine('mine')] })
    expect((await state.plugins()).map(({ name }) => name)).toEqual(['net', 'lxc', 'systemd', 'mine'])
  })

  it('opens with a module that is missing: who asks for plugins is told, and nobody else', async () => {
    await using state = await openState({ ...dir(), pluginModules: ['/nowhere/plugin.mjs'] })
    await expect(state.query()).rejects.toThrow(
      'cannot load the plugin module /nowhere/plugin.mjs: there is no such file',
    )
    await expect(state.plugins()).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(await state.checkpoints()).toEqual([])
  })

  it('takes caches that are open, and leaves them open', async () => {
    const { openCaches } = await import('../../src/node.js')
    const warnings: string[] = []
    await using caches = await openCaches({ dir: temporaryFolder(), onWarning: message => warnings.push(message) })
    const heard: unknown[] = []
    caches.on('warning', ({ message }) => heard.push(message))
    caches.on('failed', ({ plugin, asked, why }) => heard.push([plugin, asked, why]))
    const bad = memoryPlugin('bad', {
      query: () => Promise.reject(new Error('no')),
      close: () => Promise.reject(new Error('stuck')),
    })
    const state = await openState({ caches, dataDir: temporaryFolder(), plugins: [mine('mine'), bad.plugin] })
    await state.query(['mine'])
    // What happens in the state is told where the caches tell it.
    await state.query(['bad'])
    await state.close()
    const warning = 'plugin "bad" failed: stuck'
    expect(heard).toEqual([['bad', 'query', 'error'], ['bad', 'close', 'error'], warning])
    expect(warnings).toEqual([warning])
    expect(caches.queries.view('mine@1')).toEqual({ items: { one: { value: 1 }, two: { value: 2 } } })
    await expect(openState({ caches, queryCacheTtl: 1 })).rejects.toThrow('options of caches (queryCacheTtl)')
    await expect(openState({ caches, onWarning: () => {} })).rejects.toThrow('options of caches (onWarning)')
    await expect(openState({ caches: {} as never })).rejects.toThrow('caches must be what openCaches answers')
  })

  it.each([
    [{ dataDir: '' }, 'dataDir: "" is not a non-empty text'],
    [{ pluginModules: 'x.mjs' as never }, 'pluginModules: "x.mjs" is not a list'],
    [{ queryPushTtl: -1 }, 'queryPushTtl: -1 is not seconds'],
    [{ nosuch: 1 } as never, /unknown option "nosuch"; there are: .*dataDir, .*embedder, .*pluginModules, .*plugins/],
    [{ plugins: {} as never }, 'plugins must be a list'],
  ])('refuses %j', async (options, message) => {
    await expect(openState(options)).rejects.toThrow(message)
  })

  it('leaves what is for plugins to those that take it', async () => {
    const { openCaches } = await import('../../src/node.js')
    await expect(openCaches({ dataDir: 'x' } as never)).rejects.toThrow('unknown option "dataDir"')
  })

  it('tells options of its own plugins when plugins are asked for', async () => {
    await using state = await openState({ ...dir(), systemdBus: 'nonsense' })
    await expect(state.plugins()).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})
