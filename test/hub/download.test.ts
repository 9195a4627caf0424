// Pulling a model: the cache's layout, which files, what is recorded, what is taken from there, who gets the token.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import type { PullProgress } from '../../src/hub/download.js'
import { locateModel } from '../../src/hub/find.js'
import { get } from '../../src/hub/http.js'
import { blobName, gitBlob, sha256 } from '../hub-server.js'
import { expectWhole, hubOptions, lockFile, pull, requestsFor, scene, TINY, tree, useHub, weights } from './harness.js'

useHub()
const modules = TINY.needed['modules.json'] as string
const record = () => JSON.parse(readFileSync(lockFile(), 'utf8')).models[TINY.id]

describe('a pull', () => {
  test('leaves the layout of huggingface_hub, the files needed and no others, and asks once for each', async () => {
    const steps: PullProgress[] = []
    const pulled = await pull({ onProgress: step => steps.push(step) })
    const bytes = Object.values(TINY.needed).reduce(
      (sum, content) => sum + Buffer.from(content as Uint8Array).length,
      0,
    )
    expect(pulled).toMatchObject({ id: TINY.id, commit: scene.commit, bytes, downloaded: bytes })
    expect(pulled.files.find(file => file.path === 'onnx/model.onnx')).toEqual({
      path: 'onnx/model.onnx',
      bytes: TINY.onnx.length,
      sha256: sha256(TINY.onnx),
    })
    expectWhole()
    const found = tree(join(scene.cache, TINY.folder))
    for (const [path, content] of Object.entries(TINY.needed)) {
      const up = '../'.repeat(path.split('/').length + 1)
      expect(found[`snapshots/${scene.commit}/${path}`]).toBe(`${up}blobs/${blobName(path, content)}`)
    }
    // Its readers take the whole text for the commit.
    expect(readFileSync(join(scene.cache, TINY.folder, 'refs/main'), 'utf8')).toBe(scene.commit)
    expect(await locateModel(TINY.id, hubOptions())).toBe(pulled.path)

    expect(requestsFor(undefined)).toHaveLength(1)
    for (const path of Object.keys(TINY.files)) {
      const expected = !(path in TINY.needed) ? [] : path.endsWith('.onnx') ? ['hub', 'cdn'] : ['hub']
      expect(requestsFor(path).map(request => request.host)).toEqual(expected)
    }
    expect(steps.at(-1)).toMatchObject({ done: bytes, total: bytes })
    for (const [i, step] of steps.entries()) expect(step.done).toBeGreaterThanOrEqual(steps[i - 1]?.done ?? 0)
  })

  test('takes another dtype on top of the first, and refuses one that is not there by what is', async () => {
    await pull()
    scene.hub.requests.length = 0
    const pulled = await pull({ dtype: 'int8' })
    expect(pulled.downloaded).toBe(1_000)
    expectWhole(scene.commit, { ...TINY.needed, 'onnx/model_quantized.onnx': TINY.files['onnx/model_quantized.onnx']! })
    expect(Object.keys(record().files)).toContain('onnx/model.onnx')
    await expect(pull({ dtype: 'fp16' })).rejects.toMatchObject({
      code: 'UNSUPPORTED_MODEL',
      message: expect.stringContaining('onnx/model_quantized.onnx'),
      details: { found: ['onnx/model.onnx', 'onnx/model_quantized.onnx'] },
    })
  })

  test('brings weights that lie beside their graph', async () => {
    const files = { ...TINY.needed, 'onnx/model.onnx_data': weights(5_000, 3) }
    const commit = scene.hub.push(TINY.id, files)
    await pull()
    expectWhole(commit, files)
  })

  test('says what a repository lacks before it fetches anything', async () => {
    const { 'tokenizer.json': _tokenizer, ...rest } = TINY.files
    scene.hub.push(TINY.id, rest)
    await expect(pull()).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file: 'tokenizer.json' } })
    expect(scene.hub.requests).toHaveLength(1)
  })

  test('uses what other tools pulled, and mends what is damaged', async () => {
    await pull()
    const onnx = join(scene.cache, TINY.folder, 'blobs', sha256(TINY.onnx))
    rmSync(lockFile())
    expect((await pull()).downloaded).toBe(0)
    writeFileSync(onnx, Buffer.concat([TINY.onnx.subarray(1), Buffer.from([0])]))
    scene.hub.requests.length = 0
    expect((await pull()).downloaded).toBe(TINY.onnx.length)
    expect(scene.hub.requests.map(request => request.file)).toEqual(['onnx/model.onnx', 'onnx/model.onnx'])
    expectWhole()
  })

  test('takes files that lie in the snapshot itself, as on systems without links', async () => {
    const symlink = async () => {
      throw Object.assign(new Error('no links here'), { code: 'EPERM' })
    }
    await pull({ io: { symlink } })
    expectWhole()
    expect(Object.values(tree(join(scene.cache, TINY.folder))).join('')).toBe('')
    rmSync(join(scene.cache, TINY.folder, 'blobs'), { recursive: true })
    expect((await pull({ io: { symlink } })).downloaded).toBe(0)
  })

  test('twice at once fetches once', async () => {
    const waited: string[] = []
    const [one, two] = await Promise.all([0, 1].map(() => pull({ onWait: who => waited.push(who) })))
    expect(waited).toEqual([`process ${process.pid}`])
    expect([one!.downloaded, two!.downloaded].sort((a, b) => a - b)).toEqual([0, one!.bytes])
    expect(requestsFor(undefined)).toHaveLength(1)
    expectWhole()
  })

  test('is not for the built-in model, folders, or what is no hub id', async () => {
    for (const name of ['builtin', './x', '/x', 'a/b/c', 'org/..', 'a--b', 'org/x.git', '', 'a\0b'])
      await expect(pull({}, {}, name), name).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    expect(scene.hub.requests).toEqual([])
  })
})

describe('the record', () => {
  test('holds commit, sizes and hashes; with all of it here the hub is not asked', async () => {
    await pull()
    expect(record()).toMatchObject({
      commit: scene.commit,
      files: {
        'onnx/model.onnx': { bytes: TINY.onnx.length, blob: sha256(TINY.onnx), sha256: sha256(TINY.onnx) },
        'modules.json': {
          bytes: modules.length,
          blob: gitBlob(modules),
          sha256: sha256(modules),
        },
      },
    })
    await scene.hub.close()
    expect(await pull()).toMatchObject({ commit: scene.commit, downloaded: 0 })
    expect(await pull({}, { HF_HUB_OFFLINE: '1' })).toMatchObject({ commit: scene.commit })
  })

  test('keeps its commit when the hub moves on; update moves along', async () => {
    const before = await pull()
    const moved = { ...TINY.files, 'onnx/model.onnx': weights(2_000, 9) }
    const commit = scene.hub.push(TINY.id, moved)
    expect((await pull()).commit).toBe(scene.commit)
    // Another dtype comes from the recorded commit as well.
    expect((await pull({ dtype: 'int8' })).commit).toBe(scene.commit)
    const after = await pull({ update: true })
    expect(after).toMatchObject({ commit, downloaded: 2_000 })
    expect(Object.keys(record().files)).not.toContain('onnx/model_quantized.onnx')
    expect(readFileSync(join(scene.cache, TINY.folder, 'refs/main'), 'utf8')).toBe(commit)
    expect(await locateModel(TINY.id, hubOptions())).toBe(after.path)
    expect(readFileSync(join(before.path, 'onnx/model.onnx')).length).toBe(TINY.onnx.length)
  })

  test('may be shipped: an empty cache then gets those bytes, whatever the hub calls main', async () => {
    await pull()
    const shipped = join(scene.home, 'deploy/models.lock.json')
    mkdirSync(dirname(shipped))
    renameSync(lockFile(), shipped)
    rmSync(scene.cache, { recursive: true })
    scene.hub.push(TINY.id, { ...TINY.files, 'config.json': '{"hidden_size":5}' })
    scene.hub.requests.length = 0
    const pulled = await pull({}, { OP_DBUS_MODEL_LOCK: shipped })
    expect(pulled.commit).toBe(scene.commit)
    expect(requestsFor(undefined)).toEqual([])
    expectWhole()
    expect(await locateModel(TINY.id, hubOptions({ OP_DBUS_MODEL_LOCK: shipped }))).toBe(pulled.path)
  })

  test('a hub with other bytes for the recorded commit is refused, a commit that is gone is named', async () => {
    await pull()
    rmSync(join(scene.cache, TINY.folder), { recursive: true })
    scene.hub.fault = ({ file, host }) =>
      file === 'onnx/model.onnx' && host === 'cdn' ? { body: weights(TINY.onnx.length, 7) } : undefined
    await expect(pull()).rejects.toMatchObject({ code: 'DOWNLOAD', details: { why: 'integrity' } })
    scene.hub.fault = () => undefined
    scene.hub.listing = answer => ({
      ...answer,
      siblings: answer.siblings.map(file => ({ ...file, size: 1, lfs: null })),
    })
    await expect(pull({ dtype: 'int8' })).rejects.toMatchObject({ code: 'DOWNLOAD', details: { why: 'integrity' } })
    scene.hub.push(TINY.id, { ...TINY.files, 'config.json': '{}' })
    scene.hub.forget(scene.commit)
    await expect(pull({ dtype: 'int8' })).rejects.toMatchObject({
      code: 'DOWNLOAD',
      message: expect.stringContaining('--update'),
    })
  })

  test.each(['{', 'null', '{"version":2}', '{"version":1,"models":{"org/tiny":{"commit":"x"}}}', '7'])(
    'that reads %s is refused aloud, not forgotten',
    async text => {
      mkdirSync(scene.cache)
      writeFileSync(lockFile(), text)
      await expect(pull()).rejects.toMatchObject({ code: 'STORE', details: { file: lockFile() } })
      expect(scene.hub.requests).toEqual([])
    },
  )

  test.each(['../../x', '/etc/x', 'a\\b', 'C:x'])('that names a file %s is refused', async path => {
    mkdirSync(scene.cache)
    const files = { [path]: { bytes: 1, blob: 'a'.repeat(40), sha256: 'a'.repeat(64) } }
    writeFileSync(lockFile(), JSON.stringify({ version: 1, models: { [TINY.id]: { commit: 'a'.repeat(40), files } } }))
    await expect(pull()).rejects.toMatchObject({ code: 'STORE' })
  })
})

describe('offline', () => {
  test('fetches nothing, and says where the files go', async () => {
    await expect(pull({}, { HF_HUB_OFFLINE: 'YES' })).rejects.toMatchObject({
      code: 'DOWNLOAD',
      message: expect.stringContaining(scene.cache),
      details: { why: 'offline', folder: scene.cache },
    })
    expect(scene.hub.requests).toEqual([])
  })

  test('a hub that cannot be reached: the same advice, at once', async () => {
    await scene.hub.close()
    const error = await pull().catch(thrown => thrown)
    expect(error).toMatchObject({ code: 'DOWNLOAD', details: { why: 'unreachable', folder: scene.cache } })
    expect(error.message).toMatch(/ECONNREFUSED/)
    expect(error.message).toContain(`copy ${TINY.folder}`)
    expect(error.message.split('\n').length).toBeLessThanOrEqual(3)
  })
})

describe('where', () => {
  test('OP_DBUS_MODEL_DIR, then the variables of huggingface_hub, then its default; root has a folder of its own', async () => {
    const hf = { HF_HUB_CACHE: undefined, XDG_CACHE_HOME: join(scene.home, 'xdg') }
    const at = async (env: Record<string, string | undefined>, systemDir?: string) => {
      const { pullModel } = await import('../../src/hub/download.js')
      const { path } = await pullModel(TINY.id, { ...hubOptions({ ...hf, ...env }), systemDir })
      return path.slice(0, path.indexOf(`/${TINY.folder}`))
    }
    const dir = join(scene.home, 'dir')
    expect(await at({ OP_DBUS_MODEL_DIR: dir, HF_HOME: '/never' })).toBe(dir)
    expect(await at({ HF_HUB_CACHE: '~/direct', HF_HOME: '/never' }, '/never')).toBe(join(scene.home, 'direct'))
    expect(await at({ HF_HOME: join(scene.home, 'hf') }, '/never')).toBe(join(scene.home, 'hf/hub'))
    const system = join(scene.home, 'system/models')
    expect(await at({}, system)).toBe(join(scene.home, 'xdg/huggingface/hub'))
    const unset = { XDG_CACHE_HOME: undefined }
    expect(await at(unset, system)).toBe(system)
    // Beside the folder of models, of which there may be several.
    const files = Object.keys(tree(scene.home)).filter(path => path.endsWith('.lock.json'))
    expect(files.sort()).toEqual([
      'dir.op-dbus-models.lock.json',
      'direct.op-dbus-models.lock.json',
      'hf/op-dbus-models.lock.json',
      'system/models.op-dbus-models.lock.json',
      'xdg/huggingface/op-dbus-models.lock.json',
    ])
    // What another tool keeps for root is used where it lies.
    expect(await at(unset)).toBe(join(scene.home, '.cache/huggingface/hub'))
    expect(await at(unset, join(scene.home, 'other'))).toBe(join(scene.home, '.cache/huggingface/hub'))
  })

  test('relative folders begin where the caches were opened', async () => {
    const { pullModel } = await import('../../src/hub/download.js')
    const hub = { ...hubOptions({ OP_DBUS_MODEL_DIR: 'below/models' }), cwd: scene.home }
    const { path } = await pullModel(TINY.id, hub)
    expect(path.startsWith(join(scene.home, 'below/models/models--'))).toBe(true)
  })
})

describe('the token', () => {
  const tokensAt = (host: string) =>
    scene.hub.requests.filter(request => request.host === host).map(request => request.headers.authorization)

  test('goes to the hub, never to the host that it redirects to', async () => {
    await pull({}, { HF_TOKEN: ' hf_secret\n' })
    expect(new Set(tokensAt('hub'))).toEqual(new Set(['Bearer hf_secret']))
    expect(tokensAt('cdn')).toEqual([undefined])
  })

  test('is sent no more once another host was in between', async () => {
    scene.hub.fault = ({ host, url }) => {
      if (!url.includes('/resolve/') || !url.endsWith('.onnx')) return undefined
      return {
        status: 302,
        headers: { location: host === 'hub' ? scene.hub.cdn + url : `${scene.hub.endpoint}${url}?2` },
      }
    }
    await pull({}, { HF_TOKEN: 'hf_secret' })
    const seen = requestsFor('onnx/model.onnx').map(({ host, headers }) => [host, headers.authorization])
    expect(seen).toEqual([
      ['hub', 'Bearer hf_secret'],
      ['cdn', undefined],
      ['hub', undefined],
      ['cdn', undefined],
    ])
  })

  test('is read from the file of `hf auth login`, unless it is not to be', async () => {
    const env = { HF_HUB_CACHE: undefined, HF_HOME: join(scene.home, 'hf') }
    mkdirSync(env.HF_HOME)
    writeFileSync(join(env.HF_HOME, 'token'), 'hf_file\n')
    await pull({}, env)
    expect(tokensAt('hub')[0]).toBe('Bearer hf_file')
    scene.hub.requests.length = 0
    await pull({ update: true }, { ...env, HF_HUB_DISABLE_IMPLICIT_TOKEN: '1' })
    expect(tokensAt('hub')).toEqual([undefined])
  })

  test.each([
    ['http://mirror.example/x', 'plain http'],
    ['ftp://mirror.example/x', 'no address'],
    ['https://user:word@mirror.example/x', 'no address'],
  ])('a redirect from https to %s is refused', async (location, why) => {
    const asked: string[] = []
    vi.stubGlobal('fetch', async (url: URL) => {
      asked.push(url.href)
      return new Response('', { status: 302, headers: { location } })
    })
    try {
      const site = { endpoint: 'https://hub.example', token: 'hf_secret' }
      const got = get(site, 'https://hub.example/x', { signal: undefined, timeoutMs: 1000 })
      await expect(got).rejects.toMatchObject({ code: 'DOWNLOAD', details: { why: 'refused' } })
      await expect(got).rejects.toThrow(why)
      expect(asked).toEqual(['https://hub.example/x'])
    } finally {
      vi.unstubAllGlobals()
    }
  })
})
