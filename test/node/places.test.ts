// Where things lie is settled when the caches are opened: relative folders, root's folders, and what of a value reaches the disk.
import { existsSync, mkdirSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { openCaches } from 'op-dbus'
import { describe, expect, test } from 'vitest'
import { findModel } from '../../src/hub/find.js'
import { tinyFiles, writeModel } from '../embedder/tiny-model.js'
import { jsonLines, runScript } from '../processes.js'
import { temporaryFolder } from '../support.js'

describe('a process that changes its folder after it opened the caches', () => {
  const SCRIPT = `
    const caches = await lib.openCaches({ ...JSON.parse(process.env.OPTIONS), device: 'cpu' })
    process.chdir('/')
    const { source } = await caches.embeddings.getOrEmbed('a b')
    const { dir: folder } = await caches.stats()
    await caches.close()
    console.log(JSON.stringify({ source, folder }))`

  test.each<[string, object, Record<string, string>]>([
    ['a path', { model: './models/tiny' }, {}],
    ['a bare name', { model: 'models/tiny' }, {}],
    ['a variable', {}, { OP_DBUS_MODEL: './models/tiny' }],
    ['a folder of models', { model: 'tiny', modelDir: 'models' }, {}],
    ['a folder of models in a variable', { model: 'tiny' }, { OP_DBUS_MODEL_DIR: 'models' }],
  ])('still has its model: %s', async (_what, options, env) => {
    const cwd = temporaryFolder()
    writeModel(join(cwd, 'models/tiny'), tinyFiles())
    const home = join(cwd, 'home')
    mkdirSync(home)
    const given = { OPTIONS: JSON.stringify({ dir: 'cache', ...options }), HOME: home, ...env }
    const { stdout, stderr } = await runScript(home, SCRIPT, { cwd, env: given })
    expect(jsonLines(stdout), stderr).toEqual([{ source: 'computed', folder: join(cwd, 'cache') }])
    expect(existsSync(join(cwd, 'cache/embeddings'))).toBe(true)
  })

  test('a model is known by where it lies, so that it can be loaded again', async () => {
    const cwd = temporaryFolder()
    writeModel(join(cwd, 'tiny'), tinyFiles())
    const spec = await findModel('./tiny', { builtinDir: '/none', env: {}, home: '', cwd })
    expect(spec.id).toBe('./tiny')
    for (const file of Object.values(spec.files)) expect(isAbsolute(file?.path ?? '/')).toBe(true)
  })
})

test.skipIf(process.getuid?.() !== 0)('as root XDG_CACHE_HOME is where caches lie (skipped for others)', async () => {
  const home = temporaryFolder()
  const env = { HOME: home, OPDBUS_CACHE_DIR: '', XDG_CACHE_HOME: join(home, 'xdg') }
  const script = `
    const caches = await lib.openCaches()
    const { folder } = await lib.listModels()
    console.log(JSON.stringify({ dir: (await caches.stats()).dir, folder }))
    await caches.close()`
  const own = jsonLines((await runScript(home, script, { env })).stdout)
  expect(own).toEqual([{ dir: join(home, 'xdg/op-dbus'), folder: join(home, 'xdg/huggingface/hub') }])
  const system = jsonLines((await runScript(home, script, { env: { ...env, XDG_CACHE_HOME: '' } })).stdout)
  expect(system).toEqual([{ dir: '/var/lib/op-dbus/cache', folder: '/var/lib/op-dbus/models' }])
})

test('-0 is never read back as 0', async () => {
  const dir = temporaryFolder()
  const vector = Float32Array.of(-0, 0)
  const options = { dir, queryCacheTtl: 600, embedder: { space: 'a', dims: 2, embed: async () => vector } }
  const first = await openCaches(options)
  await first.queries.getOrCompute('p', () => ({ temperature: -0 }))
  await first.embeddings.getOrEmbed('x')
  await first.close()
  const second = await openCaches(options)
  const { value } = await second.queries.getOrCompute('p', () => ({ temperature: -0 }))
  expect(value).toEqual({ temperature: -0 })
  const embedded = await second.embeddings.getOrEmbed('x')
  expect([...embedded.vector]).toEqual([-0, 0])
  expect(embedded.source).toBe('disk')
  await second.close()
})
