import { describe, expect, it } from 'vitest'
import { readConfig, readStateConfig } from '../src/config.js'
import { ON_NODE } from '../src/node/options.js'
import type { CacheSettings } from '../src/settings.js'
import { IN_PAGES } from '../src/web/options.js'

function read(settings: CacheSettings, env: Record<string, string> = {}) {
  const warnings: string[] = []
  return { config: readConfig(settings, env, message => warnings.push(message), ON_NODE), warnings }
}

describe('readConfig', () => {
  it('has the strategy’s defaults', () => {
    expect(read({}).config).toMatchObject({
      embeddingCacheSize: 10_000,
      embeddingDiskCache: true,
      blockCacheSize: 1_000,
      queryCacheTtl: 5,
      diffCacheSize: 100,
      diffCacheTtl: 60,
      model: 'builtin',
      device: 'auto',
    })
  })

  it('takes every variable of the strategy, and an option over its variable', () => {
    const env = {
      OPDBUS_EMBEDDING_CACHE_SIZE: '7',
      OPDBUS_EMBEDDING_DISK_CACHE: 'false',
      OPDBUS_BLOCK_CACHE_SIZE: '8',
      OPDBUS_QUERY_CACHE_TTL: '0.5',
      OPDBUS_DIFF_CACHE_SIZE: '0',
      OPDBUS_DIFF_CACHE_TTL: '9',
      OPDBUS_CACHE_DIR: '/x/cache',
      OP_DBUS_EXECUTION_PROVIDER: 'gpu',
      OP_DBUS_GPU_DEVICE: '1',
      OP_DBUS_MODEL_DIR: '/models',
    }
    const { config, warnings } = read({ blockCacheSize: 3 }, env)
    expect(warnings).toEqual([])
    expect(config).toMatchObject({
      embeddingCacheSize: 7,
      embeddingDiskCache: false,
      blockCacheSize: 3,
      queryCacheTtl: 0.5,
      diffCacheSize: 0,
      diffCacheTtl: 9,
      dir: '/x/cache',
      device: 'cuda',
      gpuDevice: 1,
      modelDir: '/models',
    })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it.each([
    ['OPDBUS_EMBEDDING_CACHE_SIZE', 'lots'],
    ['OPDBUS_EMBEDDING_CACHE_SIZE', '-1'],
    ['OPDBUS_EMBEDDING_CACHE_SIZE', '1e3'],
    ['OPDBUS_EMBEDDING_CACHE_SIZE', '99999999999999999999'],
    ['OPDBUS_EMBEDDING_DISK_CACHE', 'maybe'],
    ['OPDBUS_EMBEDDING_DISK_CACHE', '__proto__'],
    ['OPDBUS_QUERY_CACHE_TTL', 'NaN'],
    ['OPDBUS_QUERY_CACHE_TTL', '-5'],
    ['OP_DBUS_EXECUTION_PROVIDER', 'tensorrt'],
    ['OP_DBUS_EXECUTION_PROVIDER', 'constructor'],
    ['OP_DBUS_VECTOR_LEVEL', 'huge'],
  ])('warns of %s=%s by name, and uses the default', (name, value) => {
    const { config, warnings } = read({}, { [name]: value })
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(`${name}="${value}"`)
    expect(config).toEqual(read({}).config)
  })

  it('takes an empty variable for an unset one', () => {
    expect(read({}, { OPDBUS_EMBEDDING_CACHE_SIZE: ' ', OP_DBUS_MODEL: '' }).warnings).toEqual([])
  })

  it('takes the level when no model is named', () => {
    expect(read({}, { OP_DBUS_VECTOR_LEVEL: 'MED' }).config.model).toBe('medium')
    expect(read({}, { OP_DBUS_VECTOR_LEVEL: 'none' }).config.model).toBe('none')
    expect(read({}, { OP_DBUS_VECTOR_LEVEL: 'low', OP_DBUS_MODEL: './mine' }).config.model).toBe('./mine')
    expect(read({ model: 'high' }, { OP_DBUS_VECTOR_LEVEL: 'bad' })).toMatchObject({
      config: { model: 'high' },
      warnings: [],
    })
  })

  it('names the options of the runtime that was asked, each list right', () => {
    const told = (settings: object, page: boolean) => {
      try {
        readConfig(settings, {}, () => {}, page ? IN_PAGES : ON_NODE)
        return 'accepted'
      } catch (error) {
        return (error as Error).message
      }
    }
    const [onNode, inPage] = [told({ diks: 1 }, false), told({ diks: 1 }, true)]
    const namesIn = (message: string) => message.split('there are: ')[1]!.split(', ')
    expect(onNode).toMatch(/^unknown option "diks"; there are: /)
    expect(namesIn(onNode)).toEqual(expect.arrayContaining(['dir', 'modelDir', 'gpuDevice', 'onWarning', 'embedder']))
    expect(namesIn(onNode)).not.toContain('assetsUrl')
    const ofPages = ['assetsUrl', 'database', 'persist', 'wasmPaths', 'hubUrl', 'onDownload', 'onWarning', 'embedder']
    expect(namesIn(inPage)).toEqual(expect.arrayContaining([...ofPages, 'device', 'threads']))
    for (const option of ['dir', 'modelDir', 'gpuDevice']) {
      expect(namesIn(inPage)).not.toContain(option)
      expect(told({ [option]: 'x' }, true)).toMatch(`a page has no option "${option}"`)
      expect(told({ [option]: undefined }, true)).toBe('accepted')
    }
    expect(told({ device: 'cuda' }, true)).toBe('device: "cuda" is not one of auto, webgpu, wasm')
    expect(told({ device: 'cuda' }, false)).toBe('accepted')
  })

  it.each<CacheSettings>([
    { embeddingCacheSize: -1 },
    { embeddingCacheSize: 1.5 },
    { queryCacheTtl: Number.NaN },
    { queryCacheTtl: Number.POSITIVE_INFINITY },
    { embeddingDiskCache: 'yes' as never },
    { dir: '' },
    { dir: 'a\0b' },
    { device: 'tpu' as never },
    { threads: 0 },
  ])('throws INVALID_INPUT for the option %o', settings => {
    expect(() => read(settings)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
  })
})

it('a word for the blockchain that means nothing keeps values out of it', () => {
  const warnings: string[] = []
  const config = readStateConfig({}, { OPDBUS_BLOCKCHAIN: 'name' }, message => warnings.push(message))
  expect(config.blockchain).toBe('names')
  expect(warnings).toEqual([expect.stringMatching(/^OPDBUS_BLOCKCHAIN="name" is not .*; using "names"$/)])
})
