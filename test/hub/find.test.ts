// Finding a model on this machine: by name, path or hub id, in the places where other tools keep theirs.
import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { chmod, readFile, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { findModel, localModels } from '../../src/hub/find.js'
import { digestMemo, diskFolder, fileStamp } from '../../src/hub/model-folder.js'
import type { HubOptions } from '../../src/hub/places.js'
import { graphs, tinyFiles, writeModel } from '../embedder/tiny-model.js'
import { gitBlob, sha256 } from '../hub-server.js'
import { temporaryFolder } from '../support.js'

let home: string
let hub: HubOptions
beforeEach(() => {
  home = temporaryFolder()
  hub = { builtinDir: join(home, 'builtin'), env: {}, home }
})

const model = (...path: string[]) => writeModel(join(home, ...path), tinyFiles())

/** A repository in the layout of the Hugging Face cache, files being links into `blobs` as there. */
function cached(cache: string, id: string, commit = 'c0ffee', main = commit): string {
  const repository = join(home, cache, `models--${id.replace('/', '--')}`)
  const snapshot = join(repository, 'snapshots', commit)
  for (const [file, content] of Object.entries(tinyFiles())) {
    const blob = join(repository, 'blobs', file.replaceAll('/', '_'))
    const link = join(snapshot, file)
    for (const path of [blob, link]) mkdirSync(dirname(path), { recursive: true })
    writeFileSync(blob, content instanceof Uint8Array ? content : JSON.stringify(content))
    symlinkSync(relative(dirname(link), blob), link)
  }
  mkdirSync(join(repository, 'refs'), { recursive: true })
  writeFileSync(join(repository, 'refs/main'), `${main}\n`)
  return snapshot
}

const at = async (name: string, env: HubOptions['env'] = {}) =>
  dirname((await findModel(name, { ...hub, env })).files.tokenizer.path)

describe('where', () => {
  test('builtin is the folder the root gives, int8 unless told otherwise, 128 tokens', async () => {
    writeModel(model('builtin'), { 'config.json': { max_position_embeddings: 128 } })
    await expect(findModel('builtin', hub)).rejects.toMatchObject({
      code: 'UNSUPPORTED_MODEL',
      message: expect.stringContaining('int8'),
    })
    writeModel(join(home, 'builtin'), { 'onnx/model_quantized.onnx': graphs.plain() })
    expect(await findModel('builtin', hub)).toMatchObject({ id: 'builtin', dtype: 'int8', maxTokens: 128 })
    expect(await findModel('builtin', hub, { dtype: 'fp32', maxTokens: 9 })).toMatchObject({
      dtype: 'fp32',
      maxTokens: 9,
    })
  })

  test('a folder, by path', async () => {
    const dir = model('mine')
    expect(await at(dir)).toBe(dir)
    expect(await at(relative(process.cwd(), dir).replace(/^(?!\.)/, './'))).toBe(
      relative(process.cwd(), dir).replace(/^\.\//, ''),
    )
  })

  test('OP_DBUS_MODEL_DIR, with the organisation or without', async () => {
    const env = { OP_DBUS_MODEL_DIR: join(home, 'models') }
    expect(await at('org/one', { ...env, OP_DBUS_MODEL_DIR: dirname(dirname(model('models/org/one'))) })).toBe(
      join(home, 'models/org/one'),
    )
    model('models/two')
    expect(await at('org/two', env)).toBe(join(home, 'models/two'))
    expect(await at('two', env)).toBe(join(home, 'models/two'))
  })

  test('a level and its hub id are one model with one space', async () => {
    const folder = writeModel(join(home, 'models/all-MiniLM-L6-v2'), { ...tinyFiles(), 'config.json': {} })
    const found = { ...hub, env: { OP_DBUS_MODEL_DIR: dirname(folder) } }
    const [level, id] = [
      await findModel('medium', found),
      await findModel('sentence-transformers/all-MiniLM-L6-v2', found),
    ]
    expect(level).toMatchObject({ id: 'sentence-transformers/all-MiniLM-L6-v2', maxTokens: 256, dtype: 'fp32' })
    expect(level.space).toBe(id.space)
  })

  test('the Hugging Face cache, by its variables in their order', async () => {
    const places: [string, HubOptions['env']][] = [
      ['.cache/huggingface/hub', {}],
      ['xdg/huggingface/hub', { XDG_CACHE_HOME: join(home, 'xdg') }],
      ['hf/hub', { XDG_CACHE_HOME: join(home, 'xdg'), HF_HOME: join(home, 'hf') }],
      ['direct', { XDG_CACHE_HOME: join(home, 'xdg'), HF_HOME: join(home, 'hf'), HF_HUB_CACHE: join(home, 'direct') }],
    ]
    for (const [cache, env] of places) {
      cached(cache, 'org/name')
      expect(await at('org/name', env), cache).toContain(join(home, cache))
    }
  })

  test('the snapshot of main; without it, the only one; of several, none', async () => {
    const cache = '.cache/huggingface/hub'
    cached(cache, 'org/a', 'aaa')
    const newer = cached(cache, 'org/a', 'bbb')
    expect(await at('org/a')).toBe(newer)
    const only = cached(cache, 'org/b', 'ccc', 'another')
    expect(await at('org/b')).toBe(only)
    cached(cache, 'org/c', 'ddd')
    cached(cache, 'org/c', 'eee', 'another')
    await expect(at('org/c')).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })
})

describe('what was recorded', () => {
  const record = (cache: string, commit: string) => {
    const content = JSON.stringify(tinyFiles()['config.json'])
    const files = { 'config.json': { bytes: content.length, blob: gitBlob(content), sha256: sha256(content) } }
    const lock = { version: 1, models: { 'org/a': { commit, files } } }
    writeFileSync(join(home, cache, 'op-dbus-models.lock.json'), JSON.stringify(lock))
  }
  const [old, main] = ['a'.repeat(40), 'b'.repeat(40)]

  test('decides before main does, and nothing stands in for it', async () => {
    const pulled = cached('dir', 'org/a', old)
    const newer = cached('dir', 'org/a', main)
    const env = { OP_DBUS_MODEL_DIR: join(home, 'dir') }
    expect(await at('org/a', env)).toBe(newer)
    record('dir', old)
    expect(await at('org/a', env)).toBe(pulled)
    record('dir', 'c'.repeat(40))
    await expect(at('org/a', env)).rejects.toMatchObject({ code: 'MODEL_NOT_FOUND' })
  })

  test('counts in the place where it lies: first the own folder, then root\u2019s, then the cache of other tools', async () => {
    const shared = cached('.cache/huggingface/hub', 'org/a', main)
    const system = { ...hub, systemDir: join(home, 'system') }
    expect(dirname((await findModel('org/a', system)).files.tokenizer.path)).toBe(shared)
    const own = cached('system', 'org/a', old)
    expect(dirname((await findModel('org/a', system)).files.tokenizer.path)).toBe(own)
    const explicit = { ...system, env: { HF_HOME: join(home, '.cache/huggingface') } }
    expect(dirname((await findModel('org/a', explicit)).files.tokenizer.path)).toBe(shared)
  })
})

describe('not found', () => {
  test('says what there is, what has a name, and what to do, in three lines', async () => {
    model('models/all-MiniLM-L6-v2')
    cached('.cache/huggingface/hub', 'org/cached')
    const env = { OP_DBUS_MODEL_DIR: join(home, 'models') }
    const error = await findModel('nope', { ...hub, env }).catch(e => e)
    expect(error).toMatchObject({ code: 'MODEL_NOT_FOUND', details: { known: ['medium', 'org/cached'] } })
    expect(error.message.split('\n')).toHaveLength(3)
    expect(error.message).toMatch(/"nope".*medium, org\/cached/)
    expect(error.message).toMatch(/high \(sentence-transformers\/all-mpnet-base-v2\)/)
    expect(await localModels(hub)).toEqual(['org/cached'])
  })

  test.each(['org/../../x', '', 'a/b/c', './absent', '/absent', 'org/name\0', 'builtin'])('%j', async name => {
    await expect(findModel(name, { ...hub, env: { OP_DBUS_MODEL_DIR: home } })).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
    })
  })

  test.skipIf(process.getuid?.() === 0)('what is there but cannot be read is STORE (skipped as root)', async () => {
    const dir = model('locked')
    await chmod(join(dir, 'modules.json'), 0)
    await expect(findModel(dir, hub)).rejects.toMatchObject({
      code: 'STORE',
      details: { file: join(dir, 'modules.json') },
    })
  })
})

describe('digests', () => {
  const sha = async (file: string, memo?: string) =>
    (await diskFolder('x', dirname(file), digestMemo(memo)).digest('model.onnx'))?.sha256

  test('remembered by path and stamp: the file is not read again', async () => {
    const memo = join(home, 'state/of/mine/digests.json')
    const file = join(home, 'model.onnx')
    await writeFile(file, 'one')
    const first = await sha(file, memo)
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    // A memo that lies shows that it is asked.
    await writeFile(memo, (await readFile(memo, 'utf8')).replace(first!, 'f'.repeat(64)))
    expect(await sha(file, memo)).toBe('f'.repeat(64))
    expect(await sha(file)).toBe(first)
    expect(statSync(memo).mode & 0o777).toBe(0o600)
  })

  test('any change of the file is seen, also one that keeps size and modification time', async () => {
    const memo = join(home, 'digests.json')
    const file = join(home, 'model.onnx')
    await writeFile(file, 'one')
    const first = await sha(file, memo)
    const { atime, mtime } = statSync(file)
    await writeFile(file, 'two')
    await utimes(file, atime, mtime)
    expect(await sha(file, memo)).not.toBe(first)
    const stamp = await fileStamp(file)
    const second = await sha(file, memo)
    await writeFile(`${file}_data`, 'weights')
    expect(await fileStamp(file)).not.toBe(stamp)
    const third = await sha(file, memo)
    expect(third).not.toBe(second)
    await writeFile(`${file}_data_1`, 'more weights')
    expect(await sha(file, memo)).not.toBe(third)
  })

  test.each([
    '{"',
    '[]',
    '{"version":2,"digests":{}}',
    '{"version":1,"digests":null}',
    '{"version":1,"digests":7}',
    'null',
  ])('a memo that reads %s is as good as none', async content => {
    const memo = join(home, 'digests.json')
    await writeFile(memo, content)
    const file = join(home, 'model.onnx')
    await writeFile(file, 'one')
    expect(await sha(file, memo)).toBe(await sha(file))
    // It may be somebody else's.
    expect(readFileSync(memo, 'utf8')).toBe(content)
  })

  test('a memo that cannot be written costs nothing but time', async () => {
    const file = join(home, 'model.onnx')
    await writeFile(file, 'one')
    for (const memo of [join(file, 'below/a/file.json'), '/proc/self/none/a/file.json'])
      expect(await sha(file, memo)).toBe(await sha(file))
  })

  test('a memo holds 64 files, the newest', async () => {
    const memo = digestMemo(join(home, 'digests.json'))
    const sha = (i: number) => String(i).padStart(64, '0')
    for (let i = 0; i < 70; i++) await memo.set(`/file${i}`, 'stamp', { sha256: sha(i), dynamic: false })
    expect(await memo.get('/file5', 'stamp')).toBeUndefined()
    expect(await memo.get('/file6', 'stamp')).toEqual({ sha256: sha(6), dynamic: false })
    expect(await memo.get('/file69', 'other stamp')).toBeUndefined()
  })
})
