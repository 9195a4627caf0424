// Imports of snapshots that were changed, cut off, cleared or made up: nothing that is not exactly what was exported gets in.
import { createHash } from 'node:crypto'
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { exportEmbeddings, importEmbeddings } from '../../src/node/snapshots.js'
import { clearSpace } from '../../src/node/spaces.js'
import { verifyCaches } from '../../src/node/verify.js'
import { openCaches } from '../../src/node.js'
import { temporaryFolder } from '../support.js'
import { DIMS, Machine, named, objectsIn } from './snapshot-machine.js'

let one: Machine
let two: Machine
let target: string
beforeEach(() => {
  one = new Machine()
  two = new Machine()
  target = join(temporaryFolder(), 'snapshots')
})

describe('an import', () => {
  const reject = async (code: string, message: RegExp, details: object = {}) => {
    const error = await importEmbeddings(target, two.options).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), details })
    expect(two.segments()).toEqual([])
    return error
  }
  const edit = (change: (manifest: Record<string, unknown>, segments: Record<string, unknown>[]) => unknown) => {
    const [file] = objectsIn(target).manifests
    const manifest = JSON.parse(readFileSync(file!, 'utf8'))
    const instead = change(manifest, manifest.segments)
    writeFileSync(file!, instead instanceof Buffer ? instead : JSON.stringify(manifest))
  }

  it('refuses a manifest that is none, before anything is fetched', async () => {
    await one.ask(0, 30)
    await exportEmbeddings(target, one.options)
    const [file] = objectsIn(target).manifests
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
    const [file] = objectsIn(target).segments
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
    const [manifest] = objectsIn(target).manifests
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
    const fresh = objectsIn(target).segments.find(other => other !== file && readFileSync(other).length < good.length)!
    const [third, bytes] = [new Machine(), readFileSync(fresh)]
    writeFileSync(fresh, bytes.fill(0, 100, 200))
    await expect(importEmbeddings(target, third.options)).rejects.toMatchObject({
      code: 'PARTIAL_FAILURE',
      details: { report: { spaces: [{ segments: 1, records: 30 }] } },
    })
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
    const [file] = objectsIn(target).segments
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
      expect(await importEmbeddings(target, two.options)).toMatchObject({ spaces: [{ records: 2000 }] })
      expect(readFileSync(elsewhere, 'utf8')).toBe('mine')
      expect(existsSync(place)).toBe(false)
      expect((await verifyCaches({ dir: two.dir })).caches.embeddings).toMatchObject({ entries: 2000, damaged: 0 })
    }
  })

  it('brings nothing back that is cleared while it comes in', async () => {
    await one.ask(0, 30)
    await exportEmbeddings(target, one.options)
    let cleared: Promise<unknown> | undefined
    const onProgress = () => {
      cleared ??= clearSpace(two.dir, named('one'))
    }
    await two.ask(100, 110)
    await expect(importEmbeddings(target, two.options, { onProgress })).rejects.toMatchObject({
      code: 'STORE',
      details: { why: 'cleared' },
    })
    expect(await cleared).toMatchObject({ entries: 10 })
    expect((await verifyCaches({ dir: two.dir })).caches.embeddings.entries).toBe(0)
    expect(await importEmbeddings(target, two.options)).toMatchObject({ spaces: [{ records: 30 }] })
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
      's3:/bucket/x',
      's3:bucket',
      's3://bucket/../x',
      's3://bucket/a//b',
      'a\0b',
    ]) {
      await expect(importEmbeddings(bad, one.options), bad).rejects.toMatchObject({ code: 'INVALID_INPUT' })
      await expect(exportEmbeddings(bad, one.options), bad).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    for (const inside of [one.dir, join(one.dir, 'snapshots')]) {
      await expect(exportEmbeddings(inside, one.options)).rejects.toThrow(/lies in the cache folder/)
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
