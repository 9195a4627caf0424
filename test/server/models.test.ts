// Several models in one daemon: their names, each with vectors of its own, and what readiness follows.
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { OpDbusError } from '../../src/errors.js'
import { type Models, type ModelsOptions, openModels } from '../../src/server/models.js'
import { newFolder } from '../support.js'
import { fakeVector } from './daemon.js'

const dir = newFolder()
afterAll(() => rmSync(dir, { recursive: true }))

const opened: Models[] = []
afterEach(async () => {
  for (const models of opened.splice(0)) await models.close()
})

async function models(options: Omit<ModelsOptions, 'open'>, open: ModelsOptions['open'] = {}): Promise<Models> {
  const all = await openModels({ ...options, open: { dir, offline: true, ...open } })
  opened.push(all)
  return all
}

describe('names', () => {
  it('the first serves who names none; levels answer to their id on the hub, folders to their own name', async () => {
    const all = await models({
      models: ['builtin', 'medium', '/some/where/my-model'],
      aliases: { 'text-embedding-3-small': 'medium' },
    })
    const nameOf = (name: string | undefined) => all.of(name).name
    expect(nameOf(undefined)).toBe('builtin')
    expect(nameOf('sentence-transformers/all-MiniLM-L6-v2')).toBe('medium')
    expect(nameOf('text-embedding-3-small')).toBe('medium')
    expect(nameOf('my-model')).toBe('my-model')
    expect(all.of('medium').aliases).toEqual(['sentence-transformers/all-MiniLM-L6-v2', 'text-embedding-3-small'])
    for (const strange of ['text-embedding-3-large', '', 'constructor', '/some/where/my-model']) {
      expect(() => all.of(strange)).toThrowError(expect.objectContaining({ code: 'MODEL_NOT_FOUND' }))
    }
    expect(() => all.of('mediun')).toThrow(/Did you mean "medium"/)
  })

  it.each<[string, Omit<ModelsOptions, 'open'>]>([
    ['a model twice', { models: ['builtin', 'builtin'] }],
    ['two folders of one name', { models: ['/a/model', '/b/model'] }],
    ['an alias of nothing', { models: ['builtin'], aliases: { x: 'medium' } }],
    ['an alias that is another model', { models: ['builtin', 'medium'], aliases: { medium: 'builtin' } }],
  ])('%s is refused', async (_, options) => {
    await expect(models(options)).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('without any, the model that openCaches would take', async () => {
    expect((await models({})).all.map(({ name }) => name)).toEqual(['builtin'])
    expect((await models({}, { model: 'medium' })).all.map(({ name }) => name)).toEqual(['medium'])
  })
})

describe('two models', () => {
  it('over one folder have spaces of their own, and are opened when first asked', async () => {
    const all = await models({ models: ['builtin', 'op-dbus-tests/none'] })
    expect((await all.infos()).map(({ state }) => state)).toEqual(['unopened', 'unopened'])
    const builtin = all.of('builtin')
    expect(await builtin.open()).toBe(512)
    expect(builtin.dims).toBe(512)
    await builtin.caches.embeddings.getOrEmbed('eth0 is up')
    // It is not on this machine, and may not be fetched.
    await expect(all.of('op-dbus-tests/none').open()).rejects.toMatchObject({ code: 'DOWNLOAD' })
    const [first, second] = await all.infos()
    expect(first).toMatchObject({
      name: 'builtin',
      serves: 'builtin',
      state: 'ready',
      dims: 512,
      device: expect.any(String),
    })
    expect(second).toMatchObject({
      name: 'op-dbus-tests/none',
      state: 'failed',
      problem: expect.stringMatching(/could not be used|nothing is fetched/),
    })
    expect(JSON.stringify(second)).not.toContain(dir)
    await all.close()
    opened.splice(0)
    expect(readdirSync(join(dir, 'embeddings'))).toHaveLength(1)
  })
})

describe('readiness', () => {
  it('is proven once, whoever asks, and looked into anew after an embedding failed', async () => {
    let broken = true
    let calls = 0
    const embedder = {
      space: 'mine',
      dims: 8,
      async embed(texts: readonly string[]) {
        calls++
        if (broken) throw new Error('no device')
        return Float32Array.from(texts.flatMap(text => [...fakeVector(text)]))
      },
    }
    const all = await models({}, { embedder })
    expect(all.all.map(({ name }) => name)).toEqual(['mine'])
    expect(await all.ready()).toMatchObject({ ready: false, error: { code: 'EMBEDDER_FAILED' } })
    broken = false
    calls = 0
    expect(await Promise.all([all.ready(), all.ready(), all.ready()])).toEqual(Array(3).fill({ ready: true }))
    expect(await all.ready()).toEqual({ ready: true })
    expect(calls).toBe(1)
    const model = all.of(undefined)
    // Not the model's fault.
    model.doubt(new OpDbusError('OVERLOADED', 'full'))
    await all.ready()
    expect(calls).toBe(1)
    broken = true
    model.doubt(new OpDbusError('EMBEDDER_FAILED', 'it failed'))
    expect(await all.ready()).toMatchObject({ ready: false })
    expect(calls).toBe(2)
  })

  it('who asks gets an answer though the model does not, and it goes on', async () => {
    let release = () => {}
    const held = new Promise<void>(resolve => (release = resolve))
    let calls = 0
    const embedder = {
      space: 'slow',
      dims: 8,
      async embed(texts: readonly string[]) {
        calls++
        await held
        return Float32Array.from(texts.flatMap(text => [...fakeVector(text)]))
      },
    }
    const all = await models({}, { embedder })
    const answers = await Promise.all(Array.from({ length: 50 }, () => all.ready(1)))
    expect(answers).toMatchObject(Array(50).fill({ ready: false, error: { code: 'ABORTED' } }))
    const patient = all.ready()
    release()
    expect(await patient).toEqual({ ready: true })
    expect(calls).toBe(1)
  })
})
