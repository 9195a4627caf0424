// Objects in folders and in S3: one contract on every medium, then what only one of them meets. The S3 is a server of the test's own, and
// moto where that is installed.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectSource, ObjectStore } from '../../src/ports.js'
import { openObjectFolder } from '../../src/stores/object-folder.js'
import { openS3, type S3Options } from '../../src/stores/s3.js'
import { temporaryFolder } from '../support.js'
import { BUCKET, CREDENTIALS, type Fault, findMoto, REGION, S3Server, startMoto } from './s3-server.js'

let server: S3Server
beforeAll(async () => {
  server = await S3Server.start()
})
afterEach(() => {
  server.fault = () => undefined
  server.objects.clear()
  server.asked.length = 0
})
afterAll(() => server.stop())

const waits: number[] = []
const io = {
  async sleep(ms: number) {
    waits.push(ms)
  },
  random: () => 1,
}
const s3 = (options: Partial<S3Options> = {}): ObjectStore =>
  openS3({
    bucket: BUCKET,
    prefix: 'a/b',
    endpoint: server.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
    io,
    ...options,
  })

function source(text: string | Uint8Array, pieceBytes = 1000): ObjectSource {
  const bytes = Buffer.from(text)
  return {
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    *pieces() {
      for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
    },
  }
}

async function all(store: ObjectStore, name: string, from = 0): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of store.read(name, { from })) pieces.push(piece)
  return Buffer.concat(pieces)
}

async function listed(store: ObjectStore): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for await (const { name, bytes } of store.list()) found[name] = bytes
  return found
}

const large = Buffer.from(Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31) >> 3))

async function behaves(store: ObjectStore): Promise<void> {
  expect(await listed(store)).toEqual({})
  expect(await store.putNew('space-1/one.vec', source('first'))).toBe(true)
  expect(await store.putNew('space-1/one.vec', source('second'))).toBe(false)
  expect(String(await all(store, 'space-1/one.vec'))).toBe('first')
  await store.replace('space-1/one.vec', source('other'))
  expect(String(await all(store, 'space-1/one.vec'))).toBe('other')
  expect(await store.putNew('large.vec', source(large))).toBe(true)
  expect((await all(store, 'large.vec')).equals(large)).toBe(true)
  expect((await all(store, 'large.vec', 2_999_000)).equals(large.subarray(2_999_000))).toBe(true)
  // Who wants no more lets go.
  for await (const piece of store.read('large.vec')) {
    expect(piece.length).toBeGreaterThan(0)
    break
  }
  for (let i = 0; i < 8; i++) await store.putNew(`space-2/${i}.json`, source('x'.repeat(i + 1)))
  expect(await listed(store)).toEqual({
    'space-1/one.vec': 5,
    'large.vec': large.length,
    ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`space-2/${i}.json`, i + 1])),
  })
  await expect(all(store, 'space-1/none.vec')).rejects.toMatchObject({ code: 'STORE', details: { why: 'absent' } })
  const ended = { signal: AbortSignal.abort() }
  await expect(store.putNew('never.vec', source('x'), ended)).rejects.toMatchObject({ code: 'ABORTED' })
}

describe('objects', () => {
  it('are the same in a folder', async () => {
    const dir = join(temporaryFolder(), 'deep', 'folder')
    await behaves(openObjectFolder(dir))
    expect(readdirSync(join(dir, 'space-1'))).toEqual(['one.vec'])
    expect(statSync(join(dir, 'space-1', 'one.vec')).mode & 0o777).toBe(0o600)
  })

  it('are the same in S3, signed, whatever the prefix is', async () => {
    for (const prefix of ['', 'a', "a/b.c/d_e-(f)!'*"]) {
      server.objects.clear()
      server.objects.set('a/bcd/foreign & <file>', Buffer.from('somebody else wrote this'))
      if (prefix === 'a') server.objects.delete('a/bcd/foreign & <file>')
      if (prefix === '') server.objects.clear()
      await behaves(s3({ prefix }))
    }
    // A service that has not the right to refuse what is there must not be asked without the condition.
    const puts = server.asked.filter(({ method }) => method === 'PUT')
    expect(puts.length).toBeGreaterThan(20)
    expect(puts.filter(({ headers }) => headers['if-none-match'] !== '*')).toHaveLength(3)
  })

  const moto = findMoto()
  it.skipIf('missing' in moto)(`are the same in moto${'missing' in moto ? ` (${moto.missing})` : ''}`, async () => {
    const { endpoint, stop } = await startMoto('path' in moto ? moto.path : '')
    try {
      await expect(listed(s3({ endpoint }))).rejects.toMatchObject({ details: { code: 'NoSuchBucket' } })
      expect((await fetch(`${endpoint}/${BUCKET}`, { method: 'PUT' })).status).toBe(200)
      await behaves(s3({ endpoint }))
    } finally {
      await stop()
    }
  })
})

describe('S3', () => {
  it('is asked again after a 500, a 503 and a connection that breaks, and no more often than it says', async () => {
    const faults: Fault[] = ['reset', { status: 503, headers: { 'retry-after': '2' } }, { status: 500 }]
    server.fault = () => faults.shift()
    waits.length = 0
    expect(await s3().putNew('one.vec', source('hello'))).toBe(true)
    expect(waits).toEqual([200, 2000, 800])
    expect(server.count('PUT')).toBe(4)

    server.asked.length = 0
    server.fault = () => ({ status: 500, code: 'InternalError' })
    await expect(all(s3(), 'one.vec')).rejects.toMatchObject({
      code: 'STORE',
      details: { status: 500, why: 'unreachable' },
    })
    expect(server.asked).toHaveLength(6)
  })

  it('goes on where a body was cut, as often as something came', async () => {
    server.objects.set('a/b/large.vec', large)
    let cuts = 0
    server.fault = () => (++cuts <= 12 ? { cutAfter: 200_000 } : undefined)
    expect((await all(s3(), 'large.vec')).equals(large)).toBe(true)
    const ranges = server.asked.map(({ headers }) => headers.range)
    expect(ranges[0]).toBeUndefined()
    expect(ranges.length).toBeGreaterThan(5)
    for (const range of ranges.slice(1)) expect(range).toMatch(/^bytes=[1-9]\d*-$/)
  })

  it('may know no ranges: what came already is passed over', async () => {
    server.objects.set('a/b/large.vec', large)
    server.fault = () => 'no ranges'
    expect((await all(s3(), 'large.vec', 1_234_567)).equals(large.subarray(1_234_567))).toBe(true)
  })

  it('that says nothing is given up, and tried again', async () => {
    server.objects.set('a/b/one.vec', Buffer.from('hello'))
    let silent = 1
    server.fault = () => (silent-- > 0 ? 'silence' : undefined)
    expect(String(await all(s3({ timeoutMs: 60 }), 'one.vec'))).toBe('hello')
    server.fault = () => 'silence'
    await expect(all(s3({ timeoutMs: 30, tries: 2 }), 'one.vec')).rejects.toThrow(
      /cannot reach 127\.0\.0\.1:\d+: no byte in 0\.03 s/,
    )
  })

  it('that says nothing lets go of a caller who leaves', async () => {
    const leaving = new AbortController()
    server.fault = () => {
      leaving.abort()
      return 'silence'
    }
    const call = { signal: leaving.signal }
    await expect(s3().putNew('one.vec', source('x'), call)).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('that refuses is not asked again, and what is told of it holds no secret', async () => {
    const cases = [
      [
        { status: 403, code: 'AccessDenied' },
        /answers 403 \(AccessDenied\) for bucket vectors\ncheck AWS_ACCESS_KEY_ID/,
      ],
      [{ status: 404, code: 'NoSuchBucket' }, /no such bucket/],
      [
        { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-west-3' } },
        /set AWS_REGION to eu-west-3/,
      ],
      [{ status: 307, headers: { location: 'http://169.254.169.254/' } }, /another address, which is not followed/],
      [{ status: 403, code: 'RequestTimeTooSkewed' }, /clock/],
      [{ status: 418, code: '<script>' }, /answers 418 for bucket/],
    ] as const
    for (const [fault, message] of cases) {
      server.asked.length = 0
      server.fault = () => fault
      const error = await all(s3(), 'one.vec').catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({
        code: 'STORE',
        message: expect.stringMatching(message),
        details: { why: 'refused' },
      })
      expect(server.asked).toHaveLength(1)
      expect(JSON.stringify([error, String((error as Error).stack)])).not.toContain(
        CREDENTIALS.secretAccessKey.slice(0, 10),
      )
    }
    server.fault = () => undefined
    const wrong = s3({ credentials: { ...CREDENTIALS, secretAccessKey: 'another' } })
    await expect(all(wrong, 'one.vec')).rejects.toMatchObject({ details: { code: 'SignatureDoesNotMatch' } })
  })

  it('that answers something else than S3 does is not believed', async () => {
    server.objects.set('a/b/x.vec', Buffer.from('x'))
    server.pageSize = 0
    // Each page says that there are more, and none holds anything: no half of a list is taken for all of it.
    await expect(listed(s3())).rejects.toMatchObject({ code: 'STORE', message: expect.stringContaining('same page') })
    server.pageSize = 3
    const folder = openS3({
      bucket: BUCKET,
      prefix: '',
      endpoint: server.endpoint,
      region: REGION,
      credentials: CREDENTIALS,
      io,
    })
    await expect(all(folder, '../../etc/passwd')).rejects.toMatchObject({ code: 'STORE' })
  })

  it('is not opened by a name, a prefix or an address that cannot be', () => {
    const cases: Partial<S3Options>[] = [
      { bucket: 'UPPER' },
      { bucket: 'a/b' },
      { bucket: '..' },
      { prefix: '/a' },
      { prefix: 'a//b' },
      { prefix: '../a' },
      { prefix: 'a/./b' },
      { prefix: 'a?b' },
      { prefix: 'ü' },
      { region: 'a.b/c' },
      { endpoint: 'ftp://localhost' },
      { endpoint: 'http://user:password@localhost' },
      { endpoint: 'localhost:9000' },
      { endpoint: 'http://storage.example.com' },
    ]
    for (const options of cases)
      expect(() => s3(options), JSON.stringify(options)).toThrow(expect.objectContaining({ code: 'INVALID_INPUT' }))
    expect(() => s3({ endpoint: 'http://storage.example.com', allowHttp: true })).not.toThrow()
    for (const endpoint of ['http://localhost:9000', 'http://[::1]:9000', 'https://storage.example.com/path/']) {
      expect(() => s3({ endpoint })).not.toThrow()
    }
    expect(() => s3({ endpoint: 'http://user:password@localhost' })).not.toThrow(/password@/)
  })
})

describe('a folder of objects', () => {
  it('is not written or read through a link in it, nor by a name that leads out of it', async () => {
    const [dir, elsewhere] = [temporaryFolder(), temporaryFolder()]
    symlinkSync(elsewhere, join(dir, 'linked'))
    writeFileSync(join(elsewhere, 'secret.vec'), 'secret')
    symlinkSync(join(elsewhere, 'secret.vec'), join(dir, 'file.vec'))
    const store = openObjectFolder(dir)
    await expect(store.putNew('linked/deep/one.vec', source('x'))).rejects.toMatchObject({ code: 'STORE' })
    await expect(all(store, 'linked/secret.vec')).rejects.toMatchObject({ code: 'STORE' })
    await expect(all(store, 'file.vec')).rejects.toMatchObject({ code: 'STORE' })
    expect(await store.putNew('file.vec', source('x'))).toBe(false)
    expect(await listed(store)).toEqual({ 'file.vec': 0, linked: 0 })
    for (const name of ['../x.vec', '/x.vec', 'a/../../x.vec', 'a//b.vec', '.hidden', 'a\\b.vec', '']) {
      await expect(store.putNew(name, source('x'))).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    expect(readdirSync(elsewhere)).toEqual(['secret.vec'])
    expect(readFileSync(join(elsewhere, 'secret.vec'), 'utf8')).toBe('secret')
  })

  it('holds nothing of an object whose bytes ended with an error', async () => {
    const dir = temporaryFolder()
    const broken: ObjectSource = {
      ...source('hello'),
      *pieces() {
        yield Buffer.from('hel')
        throw new Error('the disk is gone')
      },
    }
    await expect(openObjectFolder(dir).putNew('space/one.vec', broken)).rejects.toThrow('the disk is gone')
    expect(readdirSync(join(dir, 'space'))).toEqual([])
    mkdirSync(join(dir, 'space', 'two.vec'))
    expect(await openObjectFolder(dir).putNew('space/two.vec', source('x'))).toBe(false)
  })
})
