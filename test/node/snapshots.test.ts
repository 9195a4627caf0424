// Snapshots as operators use them: a cache goes to a folder or a bucket and warms another machine, what changed goes alone, and nothing
// that is not exactly what was exported gets in.
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { exportEmbeddings, importEmbeddings } from '../../src/node/snapshots.js'
import { spaceId } from '../../src/node/spaces.js'
import { verifyCaches } from '../../src/node/verify.js'
import { openCaches } from '../../src/node.js'
import { cli, library, runCli } from '../processes.js'
import { BUCKET, CREDENTIALS, environment, findMoto, S3Server, startMoto } from '../stores/s3-server.js'
import { temporaryFolder } from '../support.js'

const DIMS = 64
/** Numbers that a text alone determines. */
const vectorOf = (text: string) => {
  const bytes = createHash('sha256').update(text).digest()
  return Float32Array.from({ length: DIMS }, (_, i) => bytes[i % 32]! - 128 + i)
}
const bytesOf = (texts: readonly string[]) => Buffer.concat(texts.map(text => Buffer.from(vectorOf(text).buffer)))
const named = (space: string) => spaceId(JSON.stringify({ v: 1, custom: space, dims: DIMS }))

class Machine {
  readonly dir = temporaryFolder()
  computed = 0

  constructor(readonly bytes = 2 ** 31) {}

  get options() {
    return { dir: this.dir, embeddingDiskBytes: this.bytes }
  }

  /** Asks for `text FROM` to `text TO`, and says how many were computed. */
  async ask(from: number, to: number, space = 'one'): Promise<number> {
    const before = this.computed
    const embed = async (texts: readonly string[]) => {
      this.computed += texts.length
      return Float32Array.from(texts.flatMap(text => [...vectorOf(text)]))
    }
    const caches = await openCaches({ ...this.options, embedder: { space, dims: DIMS, embed } })
    const texts = Array.from({ length: to - from }, (_, i) => `text ${from + i}`)
    const { matrix } = await caches.embeddings.embedMany(texts)
    expect(Buffer.compare(Buffer.from(matrix.buffer, matrix.byteOffset, matrix.byteLength), bytesOf(texts))).toBe(0)
    await caches.close()
    return this.computed - before
  }

  segments(space = 'one'): string[] {
    const folder = join(this.dir, 'embeddings', named(space).slice(0, 16))
    const names = existsSync(folder) ? readdirSync(folder) : []
    return names
      .filter(name => name.endsWith('.vec'))
      .sort()
      .map(name => join(folder, name))
  }
}

let one: Machine
let two: Machine
let target: string
beforeEach(() => {
  one = new Machine()
  two = new Machine()
  target = join(temporaryFolder(), 'snapshots')
})

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  vi.unstubAllEnvs()
})

const objects = (space = 'one') => {
  const folder = join(target, named(space))
  const inside = (name: string) =>
    readdirSync(join(folder, name))
      .sort()
      .map(file => join(folder, name, file))
  return { segments: inside('segments'), manifests: inside('snapshots') }
}

describe('a snapshot', () => {
  it('warms another machine, of every space or of one; a second export sends what is new, a second import nothing', async () => {
    await one.ask(0, 300)
    await one.ask(0, 20, 'two')
    const first = await exportEmbeddings(target, one.options)
    expect(first.spaces).toHaveLength(2)
    expect(first.spaces[0]).toMatchObject({
      space: named('one'),
      snapshot: 1,
      changed: true,
      records: 300,
      unsealed: 0,
    })
    expect(await exportEmbeddings(target, one.options)).toMatchObject({
      spaces: [{ snapshot: 1, changed: false, sent: { segments: 0 } }, { changed: false }],
    })
    await one.ask(290, 350)
    const second = await exportEmbeddings(target, one.options, { space: named('one').slice(0, 6) })
    expect(second.spaces).toMatchObject([
      { space: named('one'), snapshot: 2, records: 350, segments: 2, sent: { segments: 1 } },
    ])

    const told: number[] = []
    const report = await importEmbeddings(target, two.options, {
      space: named('one'),
      onProgress: ({ bytes, ofBytes }) => told.push(bytes / ofBytes),
    })
    expect(report.spaces).toMatchObject([
      { space: named('one'), description: { custom: 'one' }, snapshot: 2, segments: 2, records: 350, there: 0 },
    ])
    expect(told.at(-1)).toBe(1)
    expect(told).toEqual([...told].sort((x, y) => x - y))
    expect([await two.ask(0, 350), await two.ask(0, 20, 'two')]).toEqual([0, 20])
    const both = await importEmbeddings(target, two.options)
    expect(both.spaces.find(({ space }) => space === named('one'))).toMatchObject({ segments: 0, there: 2 })
    expect(both.spaces.find(({ space }) => space === named('two'))).toMatchObject({
      segments: 1,
      there: 0,
      records: 20,
    })
    // Where it came from, all of it is there.
    expect(await importEmbeddings(target, one.options)).toMatchObject({ spaces: [{ segments: 0 }, { segments: 0 }] })
    // A copy of a copy is the same bytes: nothing is sent by the other machine but what it computed.
    expect(await exportEmbeddings(target, two.options, { space: named('one') })).toMatchObject({
      spaces: [{ changed: false, sent: { segments: 0 } }],
    })
    for (const { dir } of [one, two])
      expect((await verifyCaches({ dir })).caches.embeddings).toMatchObject({ damaged: 0, foreign: 0 })
    expect(existsSync(join(two.dir, 'embeddings', 'importing'))).toBe(false)
  })

  it('is taken of a cache that a process writes to: what is finished goes along, and that process sees what comes in', async () => {
    await two.ask(1000, 1010)
    await exportEmbeddings(target, two.options)
    const script = `
      import { createInterface } from 'node:readline'
      const { openCaches } = await import(${JSON.stringify(library)})
      const embed = async texts => new Float32Array(texts.length * ${DIMS}).fill(7)
      const caches = await openCaches({ dir: ${JSON.stringify(one.dir)}, embedder: { space: 'one', dims: ${DIMS}, embed } })
      for await (const line of createInterface({ input: process.stdin }))
        console.log((await caches.embeddings.getOrEmbed(line)).source)
    `
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const ask = async (text: string) => {
      child.stdin.write(`${text}\n`)
      return (await answers.next()).value
    }
    for (let i = 0; i < 20; i++) expect(await ask(`live ${i}`)).toBe('computed')
    const other = join(target, 'other')
    await expect
      .poll(async () => (await exportEmbeddings(other, one.options)).spaces[0])
      .toMatchObject({ records: 20, unsealed: 1 })
    const third = new Machine()
    expect(await importEmbeddings(other, third.options)).toMatchObject({ spaces: [{ records: 20 }] })

    expect(await importEmbeddings(target, one.options)).toMatchObject({ spaces: [{ records: 10 }] })
    await expect.poll(() => ask('text 1003')).toBe('memory')
    expect(await ask('text 1007')).toBe('disk')
    // More of the same segment is another copy, and what was imported does not come twice.
    expect(await ask('live 20')).toBe('computed')
    await expect.poll(async () => (await exportEmbeddings(other, one.options)).spaces[0]!.records).toBe(31)
    await importEmbeddings(other, third.options)
    expect((await verifyCaches({ dir: third.dir })).caches.embeddings).toMatchObject({ entries: 31, damaged: 0 })
  })

  it('holds nothing that was deleted or is damaged, nor what a clear made void', async () => {
    await one.ask(0, 50)
    const embed = async () => new Float32Array(DIMS)
    const caches = await openCaches({ ...one.options, embedder: { space: 'one', dims: DIMS, embed } })
    await caches.embeddings.delete('text 7')
    await caches.close()
    const [file] = one.segments()
    const bytes = readFileSync(file!)
    const record = 40 + 8 + 4 * DIMS
    bytes[64 + 9 * record + 60]! ^= 1
    writeFileSync(file!, bytes)
    expect(await exportEmbeddings(target, one.options)).toMatchObject({ spaces: [{ records: 48 }] })
    await importEmbeddings(target, two.options)
    expect(await two.ask(0, 50)).toBe(2)

    const clearing = await openCaches({ dir: one.dir })
    await clearing.clear({ embeddings: true })
    await clearing.close()
    writeFileSync(join(one.dir, 'epoch-of-before'), '')
    mkdirSync(join(one.dir, 'embeddings', named('one').slice(0, 16)), { recursive: true })
    writeFileSync(file!, bytes)
    expect(await exportEmbeddings(target, one.options)).toMatchObject({ spaces: [] })
    // What was cleared comes back only because it is asked for.
    expect(await importEmbeddings(target, one.options)).toMatchObject({ spaces: [{ records: 48 }] })
  })

  it('is imported as far as the budget has room, the newest first, and evicts nothing', async () => {
    for (let round = 0; round < 3; round++) {
      await one.ask(round * 1500, (round + 1) * 1500)
      // Ages are told by the names of segments, in ms.
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    const { spaces } = await exportEmbeddings(target, one.options)
    const small = new Machine(Math.floor(spaces[0]!.bytes * 0.8))
    await small.ask(9000, 9010)
    expect(await importEmbeddings(target, small.options)).toMatchObject({
      spaces: [{ segments: 2, records: 3000, leftOut: { segments: 1 } }],
    })
    expect([await small.ask(9000, 9010), await small.ask(3000, 4500), await small.ask(1500, 3000)]).toEqual([0, 0, 0])
    expect(await small.ask(0, 5)).toBe(5)
  })
})

describe('an import', () => {
  const reject = async (code: string, message: RegExp, details: object = {}) => {
    const error = await importEmbeddings(target, two.options).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), details })
    expect(two.segments()).toEqual([])
    return error
  }
  const edit = (change: (manifest: Record<string, unknown>, segments: Record<string, unknown>[]) => unknown) => {
    const [file] = objects().manifests
    const manifest = JSON.parse(readFileSync(file!, 'utf8'))
    const instead = change(manifest, manifest.segments)
    writeFileSync(file!, instead instanceof Buffer ? instead : JSON.stringify(manifest))
  }

  it('refuses a manifest that is none, before anything is fetched', async () => {
    await one.ask(0, 30)
    await exportEmbeddings(target, one.options)
    const [file] = objects().manifests
    const good = readFileSync(file!)
    const cases: [
      RegExp,
      (manifest: Record<string, unknown>, segments: Record<string, unknown>[]) => unknown,
      string?,
    ][] = [
      [/no JSON/, () => Buffer.from('{"format":')],
      [/no JSON/, () => Buffer.alloc(0)],
      [/no manifest/, () => Buffer.from('[]')],
      [/no manifest of op-dbus/, manifest => (manifest.format = 'something else')],
      [/update op-dbus/, manifest => (manifest.format = 'op-dbus snapshot 2'), 'version'],
      [/another space/, manifest => (manifest.space = '0'.repeat(32))],
      [/wrong name/, manifest => (manifest.name = '../../etc')],
      [/length/, manifest => (manifest.dims = 2 ** 40)],
      [/length/, manifest => (manifest.dims = DIMS + 1)],
      [/length/, manifest => (manifest.valueBytes = -1)],
      [/when/, manifest => (manifest.made = '<b>')],
      [/description/, manifest => (manifest.description = { a: { b: 1 } })],
      [/description/, manifest => (manifest.description = { a: 'x'.repeat(20_000) })],
      [/no segments/, manifest => (manifest.segments = {})],
      [/no segments/, manifest => (manifest.segments = Array(100_001).fill(null))],
      [/twice/, (_, segments) => segments.push(segments[0]!)],
      [/cannot be/, (_, segments) => (segments[0]!.sha256 = `../../${'a'.repeat(58)}`)],
      [/cannot be/, (_, segments) => (segments[0]!.id = '../etc/passwd/..')],
      [/cannot be/, (_, segments) => (segments[0]!.bytes = Number.MAX_SAFE_INTEGER)],
      [/cannot be/, (_, segments) => (segments[0]!.records = 2 ** 28)],
      [/cannot be/, (_, segments) => (segments[0]!.records = 1e300)],
      [/cannot be/, (_, segments) => (segments[0]!.seq = -1)],
      [/cannot be/, (_, segments) => segments.push(null as never)],
    ]
    for (const [message, change, why = 'damaged'] of cases) {
      writeFileSync(file!, good)
      edit(change)
      await reject('STORE', message, { why })
    }
    // A manifest of 100 MB that holds nothing is given up, not read.
    truncateSync(file!, 100 * 2 ** 20)
    await reject('STORE', /over 33554432 bytes/, { why: 'damaged' })
    // A damaged manifest costs an export no more than a look.
    expect(await exportEmbeddings(target, one.options)).toMatchObject({
      spaces: [{ snapshot: 2, sent: { segments: 0 } }],
    })
    expect(await importEmbeddings(target, two.options)).toMatchObject({ spaces: [{ snapshot: 2, records: 30 }] })
  })

  it('refuses a segment that is not byte for byte what was exported, whatever its manifest says; others come in', async () => {
    await one.ask(0, 30)
    await exportEmbeddings(target, one.options)
    const [file] = objects().segments
    const good = readFileSync(file!)
    const record = 40 + 8 + 4 * DIMS
    const flips = [
      0,
      9,
      25,
      30,
      50,
      62,
      64,
      64 + 4,
      64 + 20,
      64 + 60,
      64 + 5 * record + record - 1,
      good.length - 1,
      good.length - 30,
      good.length - 40,
    ]
    for (const at of flips) {
      const bad = Buffer.from(good)
      bad[at]! ^= 4
      writeFileSync(file!, bad)
      await reject('PARTIAL_FAILURE', /another SHA-256/)
    }
    for (const bytes of [good.subarray(0, -1), Buffer.concat([good, Buffer.of(0)]), Buffer.alloc(0)]) {
      writeFileSync(file!, bytes)
      await reject('PARTIAL_FAILURE', /ends after|is longer/)
    }
    // A manifest that agrees with what was changed: the segment itself is looked at.
    const [manifest] = objects().manifests
    const told = readFileSync(manifest!)
    for (const at of flips) {
      const bad = Buffer.from(good)
      bad[at]! ^= 4
      const sha256 = createHash('sha256').update(bad).digest('hex')
      writeFileSync(join(target, named('one'), 'segments', `${sha256}.vec`), bad)
      edit((_, segments) => (segments[0]!.sha256 = sha256))
      await reject('PARTIAL_FAILURE', /segment [0-9a-f]{16} of the snapshot is refused: /)
      writeFileSync(manifest!, told)
    }
    unlinkSync(file!)
    await reject('PARTIAL_FAILURE', /is not there/)
    symlinkSync('/etc/passwd', file!)
    await reject('PARTIAL_FAILURE', /is not there/)
    unlinkSync(file!)
    writeFileSync(file!, good)
    expect(await importEmbeddings(target, two.options)).toMatchObject({ spaces: [{ records: 30 }] })
    expect(await two.ask(0, 30)).toBe(0)

    // Of two segments the good one comes in.
    await one.ask(30, 40)
    await exportEmbeddings(target, one.options)
    const fresh = objects().segments.find(other => other !== file && readFileSync(other).length < good.length)!
    const [third, bytes] = [new Machine(), readFileSync(fresh)]
    writeFileSync(fresh, bytes.fill(0, 100, 200))
    await expect(importEmbeddings(target, third.options)).rejects.toMatchObject({ code: 'PARTIAL_FAILURE' })
    expect([await third.ask(0, 30), await third.ask(30, 40)]).toEqual([0, 10])
  })

  it('refuses vectors that no embedder makes', async () => {
    const embed = async (texts: readonly string[]) => Float32Array.from({ length: texts.length * DIMS }, () => 1)
    const caches = await openCaches({ ...one.options, embedder: { space: 'one', dims: DIMS, embed } })
    await caches.embeddings.getOrEmbed('a')
    await caches.close()
    // A record with its checks in order that holds no number.
    const { crc32 } = await import('node:zlib')
    const [file] = one.segments()
    const bytes = readFileSync(file!)
    bytes.writeFloatLE(Number.NaN, 64 + 40 + 8 + 12)
    const record = bytes.subarray(64, 64 + 40 + 8 + 4 * DIMS)
    const seed = crc32(Buffer.from(named('one'), 'hex'))
    bytes.writeUInt32LE(crc32(record.subarray(8), seed), 64)
    writeFileSync(file!, bytes)
    await exportEmbeddings(target, one.options)
    await reject('PARTIAL_FAILURE', /1 of its 1 records are damaged/)
  })

  it('goes on where one was killed, and trusts nothing that it left', async () => {
    await one.ask(0, 2000)
    await exportEmbeddings(target, one.options)
    const [file] = objects().segments
    const good = readFileSync(file!)
    const place = join(two.dir, 'embeddings', 'importing')
    const part = join(place, `${createHash('sha256').update(good).digest('hex')}.part`)
    const elsewhere = join(two.dir, 'elsewhere')
    writeFileSync(elsewhere, 'mine')
    const lefts: (() => void)[] = [
      () => writeFileSync(part, good.subarray(0, 500_000)),
      () => writeFileSync(part, good),
      () => writeFileSync(part, Buffer.concat([good, good])),
      () => writeFileSync(part, Buffer.alloc(500_000)),
      () => symlinkSync(elsewhere, part),
      () => linkSync(elsewhere, part),
    ]
    for (const leave of lefts) {
      rmSync(join(two.dir, 'embeddings'), { recursive: true, force: true })
      mkdirSync(place, { recursive: true })
      leave()
      writeFileSync(join(place, `${'0'.repeat(64)}.part`), 'of another snapshot')
      // Whose process is gone.
      writeFileSync(join(place, 'lock'), '{"pid":1,"place":"elsewhere"}')
      utimesSync(join(place, 'lock'), 0, 0)
      rmSync(join(place, 'lock'))
      expect(await importEmbeddings(target, two.options)).toMatchObject({ spaces: [{ records: 2000 }] })
      expect(readFileSync(elsewhere, 'utf8')).toBe('mine')
      expect(existsSync(place)).toBe(false)
      expect((await verifyCaches({ dir: two.dir })).caches.embeddings).toMatchObject({ entries: 2000, damaged: 0 })
    }
  })

  it('writes through no link, and takes no target or space that cannot be', async () => {
    await one.ask(0, 3)
    await exportEmbeddings(target, one.options)
    const elsewhere = temporaryFolder()
    mkdirSync(join(two.dir, 'embeddings'))
    symlinkSync(elsewhere, join(two.dir, 'embeddings', 'importing'))
    await reject('STORE', /no folder of its own/)
    unlinkSync(join(two.dir, 'embeddings', 'importing'))
    symlinkSync(elsewhere, join(two.dir, 'embeddings', named('one').slice(0, 16)))
    await expect(importEmbeddings(target, two.options)).rejects.toMatchObject({ code: 'STORE' })
    expect(readdirSync(elsewhere)).toEqual([])

    for (const bad of [
      '',
      'gs://bucket/x',
      'https://bucket/x',
      's3://',
      's3://B/x',
      's3://bucket/../x',
      's3://bucket/a//b',
      'a\0b',
    ]) {
      await expect(importEmbeddings(bad, one.options), bad).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      await expect(exportEmbeddings(bad, one.options), bad).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    for (const space of ['', 'ff', 'zzzz', named('two'), '../..']) {
      await expect(importEmbeddings(target, one.options, { space }), space).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
      await expect(exportEmbeddings(target, one.options, { space }), space).rejects.toMatchObject({
        code: 'INVALID_INPUT',
      })
    }
    await expect(importEmbeddings(temporaryFolder(), one.options)).rejects.toThrow(/no snapshot is in/)
  })
})

describe('a snapshot in S3', () => {
  let server: S3Server
  beforeAll(async () => {
    server = await S3Server.start()
  })
  afterAll(() => server.stop())
  const stub = (env: Record<string, string>) => {
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
  }

  async function goesAround(): Promise<void> {
    const bucket = `s3://${BUCKET}/caches/one`
    await one.ask(0, 3000)
    expect(await exportEmbeddings(bucket, one.options)).toMatchObject({
      at: bucket,
      spaces: [{ snapshot: 1, sent: { segments: 1 } }],
    })
    expect(await exportEmbeddings(bucket, one.options)).toMatchObject({
      spaces: [{ changed: false, sent: { segments: 0 } }],
    })
    await one.ask(3000, 3010)
    expect(await exportEmbeddings(bucket, one.options)).toMatchObject({
      spaces: [{ snapshot: 2, sent: { segments: 1 } }],
    })
    expect(await importEmbeddings(bucket, two.options)).toMatchObject({ spaces: [{ records: 3010, segments: 2 }] })
    expect(await two.ask(0, 3010)).toBe(0)
  }

  it('goes around, with faults on every way; two exports at once take two numbers', async () => {
    stub(server.env)
    const faulty = new Set<string>()
    server.fault = ({ method, key, headers }) => {
      const once = `${method} ${key}`
      if (faulty.has(once)) return undefined
      faulty.add(once)
      if (method === 'PUT') return key.endsWith('.json') ? 'reset' : { status: 500 }
      return headers.range === undefined && key.endsWith('.vec')
        ? { cutAfter: 100_000 }
        : { status: 503, headers: { 'retry-after': '0' } }
    }
    await goesAround()
    expect(faulty.size).toBeGreaterThan(6)
    server.fault = () => undefined

    await one.ask(4000, 4010)
    await two.ask(5000, 5010)
    const bucket = `s3://${BUCKET}/caches/one`
    const both = await Promise.all([exportEmbeddings(bucket, one.options), exportEmbeddings(bucket, two.options)])
    expect(both.map(({ spaces }) => spaces[0]!.snapshot).sort()).toEqual([3, 4])
  })

  it('is told about on the command line, and what is refused is too, without a secret', async () => {
    server.objects.clear()
    const env = { ...server.env, HOME: one.dir }
    await one.ask(0, 30)
    const bucket = `s3://${BUCKET}/cli`
    const run = (machine: Machine, ...args: string[]) =>
      runCli(machine.dir, ['cache', ...args], { env: { ...env, HOME: machine.dir } })
    const sent = await run(one, 'export', bucket)
    expect(sent).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/ one +30 .*\nin s3:\/\/vectors\/cli\n$/s),
    })
    const came = await run(two, 'import', bucket, '--json')
    expect(JSON.parse(came.stdout)).toMatchObject({ at: bucket, spaces: [{ records: 30 }] })
    expect(await two.ask(0, 30)).toBe(0)

    const [name, bytes] = [...server.objects].find(([key]) => key.endsWith('.vec'))!
    server.objects.set(name, Buffer.from(bytes).fill(1, 100, 110))
    const refused = await run(new Machine(), 'import', bucket)
    expect(refused).toMatchObject({
      code: 7,
      stderr: expect.stringMatching(/is refused: its bytes have another SHA-256.*\n.*was not put in the cache/),
    })
    const denied = await runCli(one.dir, ['cache', 'export', bucket], {
      env: { ...env, AWS_SECRET_ACCESS_KEY: 'no-such-secret' },
    })
    expect(denied).toMatchObject({ code: 6, stderr: expect.stringContaining('AWS_SECRET_ACCESS_KEY') })
    for (const { stderr, stdout } of [sent, came, refused, denied]) {
      for (const secret of [CREDENTIALS.secretAccessKey, 'no-such-secret'])
        expect(stderr + stdout).not.toContain(secret)
    }
    const none = await runCli(one.dir, ['cache', 'export', bucket])
    expect(none).toMatchObject({ code: 2, stderr: expect.stringContaining('set AWS_ACCESS_KEY_ID') })
  })

  it('goes on in another process where one was killed half-way', async () => {
    server.objects.clear()
    stub(server.env)
    await one.ask(0, 2000)
    const bucket = `s3://${BUCKET}/killed`
    await exportEmbeddings(bucket, one.options)
    server.fault = ({ key }) => (key.endsWith('.vec') ? { stallAfter: 300_000 } : undefined)
    const env = { PATH: process.env.PATH, HOME: two.dir, OPDBUS_CACHE_DIR: two.dir, ...server.env }
    const child = spawn(process.execPath, [cli, 'cache', 'import', bucket], { env, stdio: 'ignore' })
    children.push(child)
    const place = join(two.dir, 'embeddings', 'importing')
    const sizes = () => (existsSync(place) ? readdirSync(place) : []).map(name => statSync(join(place, name)).size)
    await expect.poll(() => Math.max(0, ...sizes()), { timeout: 20_000 }).toBe(300_000)
    child.kill('SIGKILL')
    await new Promise(resolve => child.once('exit', resolve))

    server.fault = () => undefined
    server.asked.length = 0
    expect(await importEmbeddings(bucket, two.options)).toMatchObject({ spaces: [{ records: 2000 }] })
    expect(server.asked.find(({ key }) => key.endsWith('.vec'))!.headers.range).toBe('bytes=300000-')
    expect(await two.ask(0, 2000)).toBe(0)
  })

  const moto = findMoto()
  it.skipIf('missing' in moto)(`goes around in moto${'missing' in moto ? ` (${moto.missing})` : ''}`, async () => {
    const { endpoint, stop } = await startMoto('path' in moto ? moto.path : '')
    try {
      stub(environment(endpoint))
      await fetch(`${endpoint}/${BUCKET}`, { method: 'PUT' })
      await goesAround()
    } finally {
      await stop()
    }
  })
})
