// What goes wrong while a model is pulled: each fault has its code, leaves nothing half, and the next good pull succeeds.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PullProgress } from '../../src/hub/download.js'
import { NODE_IO } from '../../src/hub/io.js'
import { isSafePath } from '../../src/hub/names.js'
import { type Fault, type HubRequest, type ListingJson, sha256 } from '../hub-server.js'
import { expectNothingHalf, expectWhole, pull, requestsFor, scene, TINY, tree, useHub, weights } from './harness.js'

useHub()
const blobs = () => join(scene.cache, TINY.folder, 'blobs')
const partials = () => (existsSync(blobs()) ? readdirSync(blobs()).filter(name => name.endsWith('.incomplete')) : [])
const weightsFile = ({ host, file }: HubRequest) => host === 'cdn' && file === 'onnx/model.onnx'
const config = ({ file }: HubRequest) => file === 'config.json'
const listing = ({ file }: HubRequest) => file === undefined
/** A progress callback, and what waits until it was told of so many bytes of the large file. */
function watcher() {
  const before = Object.values(TINY.needed).reduce((sum, content) => sum + Buffer.from(content as Uint8Array).length, 0)
  const waiting: { bytes: number; go: () => void }[] = []
  let have = 0
  const look = () => {
    for (const { bytes, go } of waiting) if (have >= bytes) go()
  }
  return {
    onProgress({ file, done }: PullProgress) {
      if (file === 'onnx/model.onnx') have = done - (before - TINY.onnx.length)
      look()
    },
    until: (bytes: number) =>
      new Promise<void>(go => {
        waiting.push({ bytes, go })
        look()
      }),
  }
}
const on = (which: (request: HubRequest) => boolean, fault: Fault) => {
  scene.hub.fault = request => (which(request) ? fault : undefined)
}

describe('a hub that does not do as it should', () => {
  const faults: [string, (request: HubRequest) => boolean, Fault, object][] = [
    ['401 for the list', listing, { status: 401 }, { code: 'DOWNLOAD', details: { why: 'refused', status: 401 } }],
    ['403 for a file', config, { status: 403 }, { code: 'DOWNLOAD', details: { why: 'refused', status: 403 } }],
    ['404 for the list', listing, { status: 404 }, { code: 'MODEL_NOT_FOUND' }],
    ['404 for a file', weightsFile, { status: 404 }, { code: 'DOWNLOAD', details: { why: 'refused' } }],
    ['503 without end', listing, { status: 503 }, { code: 'DOWNLOAD', details: { why: 'unreachable' } }],
    ['a list that is no JSON', listing, { body: '<html>' }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    ['a list without a commit', listing, { body: '{}' }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    ['a list that is null', listing, { body: 'null' }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    ['a list without end', listing, { endless: true }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    [
      'wrong bytes in a large file',
      weightsFile,
      { body: weights(TINY.onnx.length, 5) },
      { details: { why: 'integrity' } },
    ],
    ['wrong bytes in a small file', config, { body: '{"hidden_size":5}' }, { details: { why: 'integrity' } }],
    ['another length stated', weightsFile, { body: 'short' }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    ['an endless body', weightsFile, { endless: true }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    ['an endless small body', config, { endless: true }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    ['a gzip bomb', weightsFile, { bomb: 100_000_000 }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    ['a bomb for a list', listing, { bomb: 100_000_000 }, { code: 'DOWNLOAD', details: { why: 'integrity' } }],
    ['a body cut short each time', weightsFile, { endAt: 0 }, { code: 'DOWNLOAD', details: { why: 'unreachable' } }],
    ['a reset each time', weightsFile, { resetAt: 0 }, { code: 'DOWNLOAD', details: { why: 'unreachable' } }],
    ['a redirect to itself', config, { status: 302, headers: { location: '' } }, { details: { why: 'refused' } }],
    [
      'a redirect to a file',
      config,
      { status: 302, headers: { location: 'file:///etc/passwd' } },
      { details: { why: 'refused' } },
    ],
    [
      'another hash in its headers',
      ({ host, file }) => host === 'hub' && file === 'onnx/model.onnx',
      { headers: { 'x-linked-etag': `"${'a'.repeat(64)}"` } },
      { details: { why: 'integrity' } },
    ],
    ['another commit in its headers', config, { headers: { 'x-repo-commit': 'x' } }, { details: { why: 'integrity' } }],
  ]
  test.each(faults)('%s', async (_what, which, fault, expected) => {
    on(which, fault)
    await expect(pull()).rejects.toMatchObject(expected)
    expectNothingHalf()
    scene.hub.fault = () => undefined
    await pull()
    expectWhole()
  })

  test('a proxy that packs what it was asked not to is understood', async () => {
    on(weightsFile, { body: gzipSync(TINY.onnx), headers: { 'content-encoding': 'gzip' } })
    await pull()
    expectWhole()
  })

  test('silence is given up', async () => {
    on(weightsFile, { silent: true })
    await expect(pull({ io: { timeoutMs: 30 } })).rejects.toMatchObject({ details: { why: 'unreachable' } })
    expectNothingHalf()
  })

  test('a busy one is asked again when it says, others after a growing wait', async () => {
    const waits: number[] = []
    const sleep = async (ms: number) => void waits.push(ms)
    let answers = 0
    scene.hub.fault = request => {
      if (!listing(request)) return undefined
      answers++
      if (answers === 1) return { status: 429, headers: { 'retry-after': '7' } }
      return answers < 5 ? { status: 502 } : undefined
    }
    await pull({ io: { sleep, random: () => 1 } })
    expect(waits).toEqual([7_000, 1_000, 2_000, 4_000])
  })
})

describe('hostile names in the list', () => {
  const names = [
    '../x',
    '/x',
    'a/../../x',
    'a//b',
    './x',
    'a\\b',
    '..\\x',
    'C:x',
    'c:/x',
    '',
    'a\0b',
    'a\nb',
    '.git/config',
  ]
  const more = ['a/.GIT/hooks', `${'x'.repeat(256)}`, `${'é'.repeat(128)}`, 'a/'.repeat(600), 7 as unknown as string]
  test.each([...names, ...more])('%j', async rfilename => {
    scene.hub.listing = (answer: ListingJson) => {
      answer.siblings.push({ ...answer.siblings[0]!, rfilename })
      return answer
    }
    await expect(pull()).rejects.toMatchObject({ code: 'DOWNLOAD', details: { why: 'integrity' } })
    expectNothingHalf()
    scene.hub.listing = answer => answer
    await pull()
    expectWhole()
  })

  test('a file named twice, a file without a hash or size', async () => {
    scene.hub.listing = answer => ({ ...answer, siblings: [...answer.siblings, ...answer.siblings] })
    await expect(pull()).rejects.toMatchObject({ details: { why: 'integrity' } })
    for (const odd of [{ size: undefined }, { size: -1 }, { size: 1.5 }, { blobId: '../x' }, { blobId: undefined }]) {
      scene.hub.listing = answer => ({
        ...answer,
        siblings: answer.siblings.map(file => (file.rfilename === 'tokenizer.json' ? { ...file, ...odd } : file)),
      })
      await expect(pull(), JSON.stringify(odd)).rejects.toMatchObject({
        code: 'DOWNLOAD',
        message: expect.stringMatching(/without sizes or hashes.*tokenizer\.json/),
        details: { why: 'integrity' },
      })
    }
    expectNothingHalf()
  })

  test('a mirror that calls the hash of a large file its oid', async () => {
    scene.hub.listing = answer => ({
      ...answer,
      siblings: answer.siblings.map(({ lfs, ...file }) =>
        lfs ? { ...file, lfs: { oid: lfs.sha256, size: lfs.size } } : file,
      ),
    })
    await pull()
    expectWhole()
  })

  test('a size that no sentence encoder has', async () => {
    scene.hub.listing = answer => {
      for (const file of answer.siblings) if (file.lfs) file.lfs.size = Number.MAX_SAFE_INTEGER
      return answer
    }
    await expect(pull()).rejects.toMatchObject({ code: 'UNSUPPORTED_MODEL' })
  })

  test('a name that is taken stays below its folder', () => {
    const part = fc.oneof(fc.constantFrom('..', '.', '', '\\', '/', 'C:', '.git', 'a'), fc.string())
    fc.assert(
      fc.property(fc.array(part, { maxLength: 5 }), parts => {
        const path = parts.join('/')
        if (isSafePath(path)) expect(join('/root', path).startsWith('/root/')).toBe(true)
      }),
    )
  })
})

describe('a connection that breaks', () => {
  test.each([1, 50, 99])('at %i percent: goes on from there', async percent => {
    const at = Math.floor((TINY.onnx.length * percent) / 100)
    let broke = false
    scene.hub.fault = request => {
      if (!weightsFile(request) || broke) return undefined
      broke = true
      return { resetAt: at, hold: () => watch.until(at) }
    }
    const watch = watcher()
    const pulled = await pull(watch)
    expect(pulled.downloaded).toBe(pulled.bytes)
    const ranges = requestsFor('onnx/model.onnx')
      .filter(weightsFile)
      .map(request => request.headers.range)
    expect(ranges).toEqual([undefined, `bytes=${at}-`])
    expectWhole()
  })

  test('again and again, as long as each try brings a mebibyte', async () => {
    const large = weights(8 * 2 ** 20)
    const commit = scene.hub.push(TINY.id, { ...TINY.needed, 'onnx/model.onnx': large })
    scene.hub.fault = request => {
      if (!weightsFile(request)) return undefined
      const from = Number(/\d+/.exec(request.headers.range ?? '0')?.[0])
      const resetAt = Math.min(from + 2 ** 20 + 1, large.length)
      return { resetAt, hold: () => watch.until(resetAt) }
    }
    const watch = watcher()
    await pull(watch)
    expectWhole(commit, { ...TINY.needed, 'onnx/model.onnx': large })
  })

  test('a server that knows no ranges: from the start again', async () => {
    let broke = false
    scene.hub.fault = request => {
      if (!weightsFile(request)) return undefined
      const first = !broke
      broke = true
      return first ? { resetAt: 1_000 } : { ignoreRange: true }
    }
    await pull()
    expectWhole()
  })

  test.each([
    ['another place', { headers: { 'content-range': `bytes 0-${TINY.onnx.length - 1}/${TINY.onnx.length}` } }],
    ['another length', { headers: { 'content-range': `bytes 1000-1999/2000` } }],
    ['nowhere', { status: 416, body: '' }],
  ])('a server that resumes at %s: from the start again', async (_where, fault: Fault) => {
    scene.hub.fault = request => {
      if (!weightsFile(request)) return undefined
      if (request.headers.range) return fault
      return requestsFor('onnx/model.onnx').filter(weightsFile).length === 1 ? { resetAt: 1_000 } : undefined
    }
    await pull()
    expectWhole()
  })

  test('and stays away: a later pull goes on; what was spoilt meanwhile is fetched anew', async () => {
    for (const spoil of [false, true]) {
      const watch = watcher()
      on(weightsFile, { resetAt: 200_000, hold: () => watch.until(200_000) })
      const failed = pull({ update: true, ...watch })
      await expect(failed).rejects.toMatchObject({ code: 'DOWNLOAD' })
      expectNothingHalf()
      expect(partials()).toHaveLength(1)
      const partial = join(blobs(), partials()[0]!)
      expect(statSync(partial).size).toBe(200_000)
      if (spoil) writeFileSync(partial, Buffer.alloc(200_000))
      scene.hub.fault = () => undefined
      scene.hub.requests.length = 0
      const { downloaded } = await pull()
      expect(downloaded).toBe(spoil ? 100_000 + TINY.onnx.length : 100_000)
      const ranges = requestsFor('onnx/model.onnx')
        .filter(weightsFile)
        .map(request => request.headers.range)
      expect(ranges).toEqual(spoil ? ['bytes=200000-', undefined] : ['bytes=200000-'])
      expectWhole()
      rmSync(scene.cache, { recursive: true })
    }
  })
})

describe('abort', () => {
  test.each(['the list', 'a large file'])('during %s', async during => {
    const controller = new AbortController()
    const which = during === 'the list' ? listing : weightsFile
    scene.hub.fault = request => {
      if (!which(request)) return undefined
      // The answer never comes: only the abort ends the wait.
      setImmediate(() => controller.abort())
      return { silent: true }
    }
    await expect(pull({ signal: controller.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expectNothingHalf()
    expect(tree(join(scene.cache, '.locks'))).toEqual({})
    scene.hub.fault = () => undefined
    await pull()
    expectWhole()
  })

  test('in the middle of a file keeps what came; before the start asks nothing', async () => {
    const controller = new AbortController()
    const aborted = pull({
      signal: controller.signal,
      onProgress: ({ file, done }) => {
        if (file === 'onnx/model.onnx' && done > 100_000) controller.abort()
      },
    })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(partials()).toHaveLength(1)
    scene.hub.requests.length = 0
    await expect(pull({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(scene.hub.requests).toEqual([])
    await pull()
    expectWhole()
  })

  test('between two tries', async () => {
    const controller = new AbortController()
    on(listing, { status: 503 })
    const sleep: typeof NODE_IO.sleep = (ms, signal) => {
      controller.abort()
      return NODE_IO.sleep(ms, signal)
    }
    await expect(pull({ signal: controller.signal, io: { sleep } })).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

describe('the disk', () => {
  test.each(['ENOSPC', 'EDQUOT', 'EIO'])('%s in the middle of a file: nothing is left of it', async code => {
    const write: typeof NODE_IO.write = async (file, bytes, position) => {
      if (position > 100_000) throw Object.assign(new Error(`${code}: no`), { code })
      return NODE_IO.write(file, bytes, position)
    }
    await expect(pull({ io: { write } })).rejects.toMatchObject({ code: 'STORE', details: { errno: code } })
    expectNothingHalf()
    expect(partials()).toEqual([])
    await pull()
    expectWhole()
  })

  test('no room for links', async () => {
    const symlink = async () => {
      throw Object.assign(new Error('full'), { code: 'ENOSPC' })
    }
    await expect(pull({ io: { symlink } })).rejects.toMatchObject({ code: 'STORE' })
    expectNothingHalf()
    expect((await pull()).downloaded).toBe(0)
    expectWhole()
  })

  const links: [string, () => string][] = [
    ['the repository', () => join(scene.cache, TINY.folder)],
    ['blobs', () => blobs()],
    ['snapshots', () => join(scene.cache, TINY.folder, 'snapshots')],
    ['the snapshot', () => join(scene.cache, TINY.folder, 'snapshots', scene.commit)],
    ['a folder of the snapshot', () => join(scene.cache, TINY.folder, 'snapshots', scene.commit, 'onnx')],
    ['the locks', () => join(scene.cache, '.locks')],
    ['the locks of the model', () => join(scene.cache, '.locks', TINY.folder)],
    ['refs', () => join(scene.cache, TINY.folder, 'refs')],
    ['a blob', () => join(blobs(), sha256(TINY.onnx))],
    ['a file of the snapshot', () => join(scene.cache, TINY.folder, 'snapshots', scene.commit, 'config.json')],
  ]
  test.each(links)('a link in place of %s is refused, and nothing is written through it', async (_what, where) => {
    const outside = join(scene.home, 'outside')
    mkdirSync(outside)
    mkdirSync(join(where(), '..'), { recursive: true })
    symlinkSync(outside, where())
    await expect(pull()).rejects.toMatchObject({ code: 'STORE', message: expect.stringContaining(where()) })
    expect(readdirSync(outside)).toEqual([])
  })

  test('a link of a blob that stays in the cache is read, as huggingface_hub shares blobs, and not written through', async () => {
    const shared = join(scene.cache, 'blobs/ab/shared')
    mkdirSync(join(shared, '..'), { recursive: true })
    mkdirSync(blobs(), { recursive: true })
    symlinkSync('../../blobs/ab/shared', join(blobs(), sha256(TINY.onnx)))
    writeFileSync(shared, TINY.onnx)
    await pull()
    expect(requestsFor('onnx/model.onnx')).toEqual([])
    writeFileSync(shared, 'spoilt')
    await pull()
    expectWhole()
    expect(readFileSync(shared, 'utf8')).toBe('spoilt')
  })
})
