// What a pull tells while it works and when it cannot: listeners, further tries, what a record says, room on the disk.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { PullProgress } from '../../src/hub/download.js'
import { type Retry, retryText } from '../../src/hub/error-messages.js'
import { findModel, inventory } from '../../src/hub/find.js'
import { type HubIo, NODE_IO } from '../../src/hub/io.js'
import { downloadPlace, modelPlaces } from '../../src/hub/places.js'
import { sha256 } from '../hub-server.js'
import { expectWhole, hubOptions, lockFile, pull, requestsFor, scene, TINY, tree, useHub, weights } from './harness.js'

useHub()
const editRecord = (change: (files: Record<string, Record<string, unknown>>, model: { commit: string }) => void) => {
  const lock = JSON.parse(readFileSync(lockFile(), 'utf8'))
  change(lock.models[TINY.id].files, lock.models[TINY.id])
  writeFileSync(lockFile(), JSON.stringify(lock))
}
const failure = async (run: Promise<unknown>) =>
  run.then(
    () => expect.fail('it did not fail'),
    error => {
      expect(error.message.split('\n').length).toBeLessThanOrEqual(3)
      return error
    },
  )

describe('a listener that throws', () => {
  test.each(['onProgress', 'onRetry'])(
    '%s: the download ends, then the call fails with that error, told once',
    async name => {
      let told = 0
      const mine = new Error('mine')
      let answers = 0
      if (name === 'onRetry') scene.hub.fault = () => (answers++ < 2 ? { status: 503 } : undefined)
      const listener = () => {
        told++
        throw mine
      }
      await expect(pull({ [name]: listener })).rejects.toBe(mine)
      expect(told).toBe(1)
      expectWhole()
      expect((await pull()).downloaded).toBe(0)
    },
  )

  test('the download\u2019s own failure goes before it', async () => {
    scene.hub.fault = ({ host }) => (host === 'cdn' ? { status: 403 } : undefined)
    const onProgress = () => {
      throw new Error('mine')
    }
    await expect(pull({ onProgress })).rejects.toMatchObject({ code: 'DOWNLOAD' })
  })
})

describe('further tries', () => {
  test('are told before each wait: which, how long, why', async () => {
    const told: Retry[] = []
    scene.hub.fault = ({ file }) => (file === undefined ? { status: 429, headers: { 'retry-after': '4' } } : undefined)
    await failure(pull({ onRetry: retry => told.push(retry) }))
    expect(told.map(({ attempt, of, inMs }) => [attempt, of, inMs])).toEqual([2, 3, 4, 5, 6].map(n => [n, 6, 4_000]))
    expect(retryText(told[0]!)).toMatch(/^trying again \(2 of 6\) in 4 s: 127\.0\.0\.1:\d+ answers 429 for org\/tiny$/)
  })

  test('a hub that never answers is told of within ten seconds and given up in about a minute', async () => {
    // Time as it would pass: each try lasts as long as its silence, each wait as long as it was asked to.
    let silence = 0
    let waited = 0
    scene.hub.fault = () => {
      silence += NODE_IO.timeoutMs
      return { silent: true }
    }
    const firstTold: number[] = []
    const sleep = async (ms: number) => {
      waited += ms
    }
    const io: Partial<HubIo> = { timeoutMs: 20, random: () => 0.5, sleep }
    await failure(pull({ io, onRetry: () => firstTold.push(silence + waited) }))
    expect(firstTold[0]).toBeLessThanOrEqual(10_000)
    expect(silence + waited).toBeLessThan(65_000)
  })

  test('HF_HUB_DOWNLOAD_TIMEOUT sets the silence that is allowed', async () => {
    scene.hub.fault = () => ({ silent: true })
    const error = await failure(pull({ io: { timeoutMs: undefined as never } }, { HF_HUB_DOWNLOAD_TIMEOUT: '0.03' }))
    expect(error.message).toMatch(/no byte in/)
  })
})

test('progress says which model, from where, into what', async () => {
  const seen: PullProgress[] = []
  await pull({ onProgress: progress => seen.push(progress) })
  expect(seen[0]).toMatchObject({ model: TINY.id, from: scene.hub.endpoint, into: scene.cache, done: 0 })
  // The small files come first: they say whether the weights are worth it.
  expect(seen.at(-1)!.file).toBe('onnx/model.onnx')
})

describe('what failed leaves nothing that looks like a model', () => {
  test.each([
    ['an unknown name', 'nope/typo', () => {}],
    ['a list refused', TINY.id, () => (scene.hub.fault = () => ({ status: 403 }))],
    ['a file refused', TINY.id, () => (scene.hub.fault = ({ file }) => (file ? { status: 403 } : undefined))],
  ])('%s', async (_what, id, spoil) => {
    spoil()
    await failure(pull({}, {}, id))
    expect(existsSync(scene.cache) ? readdirSync(scene.cache) : []).toEqual([])
  })

  test('a repository without snapshots is no model of another tool', async () => {
    mkdirSync(join(scene.cache, 'models--nope--typo/blobs'), { recursive: true })
    mkdirSync(join(scene.cache, `models--other--tool/snapshots/${'a'.repeat(40)}`), { recursive: true })
    writeFileSync(join(scene.cache, `models--other--tool/snapshots/${'a'.repeat(40)}/config.json`), '{}')
    expect((await inventory(hubOptions())).others).toBe(1)
  })
})

describe('a model that cannot work is refused before its weights are fetched', () => {
  test.each([
    ['modules.json', '[{"type":"x.Dense"}]'],
    ['1_Pooling/config.json', '{"word_embedding_dimension":4,"pooling_mode":"weightedmean"}'],
    ['1_Pooling/config.json', '{"word_embedding_dimension":5,"pooling_mode":"mean"}'],
    ['config.json', '{"hidden_size":'],
    ['tokenizer.json', '{"model":{"type":"WordPiece"}}'],
  ])('%s: %s', async (path, content) => {
    scene.hub.push(TINY.id, { ...TINY.files, [path]: content })
    expect(await failure(pull())).toMatchObject({ code: 'UNSUPPORTED_MODEL', details: { file: path } })
    expect(requestsFor('onnx/model.onnx')).toEqual([])
    expect(tree(scene.cache)).toEqual({})
    expect(existsSync(join(scene.cache, TINY.folder))).toBe(false)
  })

  test('one that leaves pooling to its user is fetched', async () => {
    const { 'modules.json': _modules, '1_Pooling/config.json': _pooling, ...bare } = TINY.needed
    const commit = scene.hub.push(TINY.id, bare)
    await pull()
    expectWhole(commit, bare)
  })
})

describe('room on the disk', () => {
  const large = weights(3 * 2 ** 20, 4)

  test('is looked at before a large download; what lies there of it counts', async () => {
    scene.hub.push(TINY.id, { ...TINY.needed, 'onnx/model.onnx': large })
    const free = async () => 2 * 2 ** 20
    const error = await failure(pull({ io: { free } }))
    expect(error).toMatchObject({ code: 'STORE', details: { folder: scene.cache, free: 2 ** 21 } })
    expect(error.message).toMatch(
      /4 MB are to be fetched, 3 MB are free\nmake room for 2 MB more, or set OP_DBUS_MODEL_DIR/,
    )
    expect(scene.hub.requests.filter(({ file }) => file !== undefined)).toEqual([])
    const blobs = join(scene.cache, TINY.folder, 'blobs')
    mkdirSync(blobs, { recursive: true })
    writeFileSync(join(blobs, `${sha256(large)}.00000000.op-dbus.incomplete`), large.subarray(0, 2 ** 21))
    expect((await pull({ io: { free } })).downloaded).toBeLessThan(2 ** 21)
  })

  test('a system that does not say is believed to have it; the real one says', async () => {
    expect(await NODE_IO.free(scene.home)).toBeGreaterThan(0)
    scene.hub.push(TINY.id, { ...TINY.needed, 'onnx/model.onnx': large })
    await pull({ io: { free: () => Promise.reject(new Error('no such call')) } })
    expect(readdirSync(join(scene.cache, TINY.folder, 'snapshots'))).toHaveLength(1)
  })
})

describe('the record', () => {
  test('that differs is named with both hashes, and how to move on', async () => {
    const pulled = await pull()
    rmSync(join(scene.cache, TINY.folder), { recursive: true })
    editRecord(files => {
      files['config.json']!.sha256 = 'f'.repeat(64)
    })
    const { message } = await failure(pull())
    expect(message).toContain(lockFile())
    expect(message).toContain(`SHA-256 ${'f'.repeat(64)}`)
    expect(message).toContain(pulled.files.find(file => file.path === 'config.json')!.sha256)
    expect(message).toContain(`op-dbus models pull --update ${TINY.id}`)
  })

  test.each(['the files of the record', 'the list'])('of a commit that is gone is named: %s', async way => {
    await pull()
    rmSync(join(scene.cache, TINY.folder), { recursive: true })
    scene.hub.push(TINY.id, { ...TINY.files, 'config.json': '{"hidden_size":4,"max_position_embeddings":8}' })
    scene.hub.forget(scene.commit)
    const { message } = await failure(pull(way === 'the list' ? { dtype: 'int8' } : {}))
    expect(message).toContain(scene.commit.slice(0, 12))
    expect(message).toContain(lockFile())
    expect(message).toContain(`op-dbus models pull --update ${TINY.id}`)
  })

  test.each(['config.json', 'tokenizer.json', '1_Pooling/config.json', 'onnx/model.onnx'])(
    'holds when the model is used, too: %s altered',
    async path => {
      const { path: snapshot } = await pull()
      const file = join(snapshot, path)
      await findModel(TINY.id, hubOptions())
      const before = readFileSync(file)
      rmSync(file)
      writeFileSync(file, path.endsWith('.onnx') ? weights(TINY.onnx.length, 8) : `${before.toString()} `)
      const error = await failure(findModel(TINY.id, hubOptions()))
      expect(error).toMatchObject({ code: 'DOWNLOAD', details: { why: 'integrity', file: path } })
      expect(error.message).toContain(sha256(before))
      expect(error.message).toContain(sha256(readFileSync(file)))
      expect(error.message).toContain(`op-dbus models pull ${TINY.id}`)
      await pull()
      expect((await findModel(TINY.id, hubOptions())).id).toBe(TINY.id)
    },
  )

  test('with weights beside the graph; altered ones are found', async () => {
    scene.hub.push(TINY.id, { ...TINY.needed, 'onnx/model.onnx_data': weights(5_000, 3) })
    const { path } = await pull()
    expect((await findModel(TINY.id, hubOptions())).files.model.sha256).toMatch(/^[0-9a-f]{64}$/)
    rmSync(join(path, 'onnx/model.onnx_data'))
    writeFileSync(join(path, 'onnx/model.onnx_data'), weights(5_000, 4))
    await expect(findModel(TINY.id, hubOptions())).rejects.toMatchObject({ details: { why: 'integrity' } })
  })
})

describe('places', () => {
  test('without a home nothing is looked for, and a download names the variables', async () => {
    const homeless = { ...hubOptions({ HF_HUB_CACHE: undefined }), home: '' }
    expect(modelPlaces(homeless)).toEqual([])
    expect(() => downloadPlace(homeless)).toThrow(/no home folder.*\n.*OP_DBUS_MODEL_DIR, or HF_HOME/)
    await expect(findModel(TINY.id, homeless)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
    const named = { ...homeless, env: { ...homeless.env, HF_HOME: scene.home } }
    expect(downloadPlace(named).dir).toBe(join(scene.home, 'hub'))
  })

  test('a folder that may not be written: which variables move it', async () => {
    const error = await failure(
      pull({
        io: {
          write: async () => {
            throw Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' })
          },
        },
      }),
    )
    expect(error).toMatchObject({ code: 'STORE' })
    expect(error.message).toMatch(/set OP_DBUS_MODEL_DIR \(or HF_HOME/)
  })
})
