// Export and import: blocks of another copy, and those of op-dbus and op-dbus-p1. Nothing of what is damaged is taken in silence.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ChainParts } from '../../src/blockchain/chain-parts.js'
import { exportBlocks } from '../../src/blockchain/exchange/export.js'
import { importBlocks } from '../../src/blockchain/exchange/import.js'
import { markOf } from '../../src/blockchain/exchange/mark.js'
import { draftOf, sha256 } from '../../src/blockchain/footprint.js'
import { MemoryDisk, MemoryStore } from './memory-store.js'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'op-dbus-exchange-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const partsOf = (store: MemoryStore) => ({ store }) as unknown as ChainParts

async function chainOf(count: number): Promise<MemoryStore> {
  const store = new MemoryStore()
  const drafts = Array.from({ length: count }, (_, n) => {
    const [plugin_id, operation] = [n % 2 === 0 ? 'net' : 'lxc', n % 3 === 0 ? 'create' : 'update']
    return draftOf({ plugin_id, operation, timestamp: 1_700_000_000 + n, data: { n }, metadata: { host: 'a' } }, 0)
  })
  for (const [n, draft] of drafts.entries()) {
    store.disk.now = 1_700_000_000_000 + n * 1000
    await store.append([draft])
  }
  return store
}

async function linesOf(store: MemoryStore, call = {}): Promise<string[]> {
  const written: string[] = []
  await exportBlocks(partsOf(store), lines => void written.push(lines), call)
  return written.join('').split('\n').slice(0, -1)
}

function file(lines: readonly string[]): string {
  const path = join(dir, 'blocks.jsonl')
  writeFileSync(path, lines.map(line => `${line}\n`).join(''))
  return path
}

async function* stream(bytes: Buffer, size = 100): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const hashes = (store: MemoryStore) => store.disk.blocks.map(({ hash }) => hash)

describe('export', () => {
  it('writes blocks as they are, and tells the last hash', async () => {
    const store = await chainOf(30)
    const written: string[] = []
    const report = await exportBlocks(partsOf(store), lines => void written.push(lines), { from: 3, to: 20 })
    expect(report).toMatchObject({ blocks: 17, first: { number: 3 }, last: { number: 19, hash: hashes(store)[19] } })
    const lines = written.join('').split('\n').slice(0, -1)
    expect(lines).toHaveLength(17)
    expect(JSON.parse(lines[0]!)).toEqual({ header: store.disk.blocks[3]!.header, body: store.disk.blocks[3]!.body })
  })

  it('filters, and ends where the chain ends', async () => {
    const store = await chainOf(30)
    const lines = await linesOf(store, { plugin: 'lxc', operation: 'create', since: 1_700_000_005_000, to: 1000 })
    expect(lines.map(line => JSON.parse(line).header.number)).toEqual([9, 15, 21, 27])
    expect(await linesOf(store, { from: 30 })).toEqual([])
    await expect(linesOf(store, { from: -1 })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  it('waits for whoever writes, and hands on what that throws', async () => {
    const store = await chainOf(3)
    const full = new Error('the disk is full')
    await expect(exportBlocks(partsOf(store), () => Promise.reject(full), {})).rejects.toBe(full)
  })

  it('writes no block whose body is another', async () => {
    const store = await chainOf(5)
    const block = store.disk.blocks[3]!
    store.disk.blocks[3] = { ...block, body: { ...block.body!, text: 'another' } }
    const written: string[] = []
    const failed = exportBlocks(partsOf(store), lines => void written.push(lines), {})
    await expect(failed).rejects.toMatchObject({ code: 'CHAIN_DAMAGED', details: { block: 3 } })
    expect(written.join('').split('\n')).toHaveLength(4)
  })
})

describe('import of blocks', () => {
  it('takes them over as they are, and the same again is no change', async () => {
    const source = await chainOf(2500)
    const path = file(await linesOf(source))
    const store = new MemoryStore()
    const report = await importBlocks(partsOf(store), path, {})
    expect(report).toEqual({ format: 'blocks', imported: 2500, present: 0, pruned: 0, unconfirmed: 2499, size: 2500 })
    expect(store.disk.blocks).toEqual(source.disk.blocks)
    expect(await importBlocks(partsOf(store), path, {})).toMatchObject({ imported: 0, present: 2500, size: 2500 })
    const more = await chainOf(2600)
    expect(hashes(more).slice(0, 2500)).toEqual(hashes(store))
    const rest = stream(Buffer.from((await linesOf(more, { from: 2000 })).join('\n')))
    expect(await importBlocks(partsOf(store), rest, {})).toMatchObject({ imported: 100, present: 500, size: 2600 })
    expect(hashes(store)).toEqual(hashes(more))
  })

  it('counts pruned blocks, and takes lines of a segment', async () => {
    const source = await chainOf(4)
    const lines = await linesOf(source)
    const { header } = JSON.parse(lines[1]!)
    lines[1] = lines[1]!.slice(0, lines[1]!.indexOf(',"body"')).concat('}')
    lines[2] = lines[2]!.replace(/}$/, ',"more":1}')
    const store = new MemoryStore()
    expect(await importBlocks(partsOf(store), file(lines), {})).toMatchObject({
      imported: 4,
      pruned: 1,
      unannounced: 1,
    })
    expect(store.disk.blocks[1]).toMatchObject({ header })
    expect(hashes(store)).toEqual(hashes(source))
  })

  it('refuses those of another chain, and those behind a gap', async () => {
    const source = await chainOf(20)
    const store = new MemoryStore()
    await store.fill(3)
    const conflict = { code: 'CONFLICT', details: { block: 0, line: 1, imported: 0 } }
    await expect(importBlocks(partsOf(store), file(await linesOf(source)), {})).rejects.toMatchObject(conflict)
    const gap = { code: 'CONFLICT', details: { block: 5 } }
    await expect(importBlocks(partsOf(store), file(await linesOf(source, { from: 5 })), {})).rejects.toMatchObject(gap)
    const other = { code: 'CONFLICT', message: expect.stringContaining('names another block before it') }
    await expect(importBlocks(partsOf(store), file(await linesOf(source, { from: 3 })), {})).rejects.toMatchObject(
      other,
    )
    const filtered = importBlocks(partsOf(new MemoryStore()), file(await linesOf(source, { plugin: 'net' })), {})
    await expect(filtered).rejects.toMatchObject({ code: 'INVALID_INPUT', message: expect.stringContaining('filter') })
    expect(store.disk.blocks).toHaveLength(3)
  })

  const wrong: Readonly<Record<string, (line: string) => string>> = {
    'a text edited': line => line.replace('"text":"plugin', '"text":"Plugin'),
    'data edited': line => line.replace('"data":{"n":1200}', '"data":{"n":1201}'),
    'a timestamp edited': line => line.replace(/"timestamp":17\d{11}/, '"timestamp":1'),
    'a member that nobody knows': line => line.replace('"body":{', '"body":{"a":1,'),
    'white space': line => line.replace(',"body"', ', "body"'),
    'a name twice': line => line.replace('{"header":{', '{"header":{"number":1,'),
    __proto__: line => line.replace('"metadata":{"host"', '"metadata":{"__proto__":{"a":1},"host"'),
    depth: line => line.replace('"n":1200', `"n":${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    'no JSON': line => line.slice(0, 40),
    'an empty line': () => '',
    'another block': line => line.replaceAll('1200', '1199'),
  }
  it.each(Object.entries(wrong))(
    'leaves nothing of a file with %s half-way, and of a stream all before it',
    async (_, damage) => {
      const source = await chainOf(1300)
      const lines = await linesOf(source)
      lines[1200] = damage(lines[1200]!)
      const store = new MemoryStore()
      const told = { code: 'INVALID_INPUT', message: expect.stringMatching(/^line 120[12] .*; nothing was imported$/) }
      await expect(importBlocks(partsOf(store), file(lines), {})).rejects.toMatchObject(told)
      expect(store.size()).toBe(0)
      const broken = importBlocks(partsOf(store), stream(Buffer.from(lines.join('\n')), 4096), {})
      const before = {
        details: { imported: expect.any(Number) },
        message: expect.stringContaining('blocks before that'),
      }
      await expect(broken).rejects.toMatchObject(before)
      expect(store.disk.blocks.length).toBeGreaterThanOrEqual(1199)
      expect(hashes(store)).toEqual(hashes(source).slice(0, store.disk.blocks.length))
      expect({}).not.toHaveProperty('a')
    },
  )

  it('bounds a line, and takes what came before a stream broke off', async () => {
    const lines = await linesOf(await chainOf(10))
    async function* endless() {
      yield Buffer.from(`${lines.join('\n')}\n`)
      for (;;) yield Buffer.alloc(1 << 20, 0x20)
    }
    const store = new MemoryStore()
    const long = { details: { line: 11, imported: 10 }, message: expect.stringContaining('longer than 16 MiB') }
    await expect(importBlocks(partsOf(store), endless(), {})).rejects.toMatchObject(long)
    async function* brokenOff() {
      yield Buffer.from(`${lines.slice(0, 5).join('\n')}\n${lines[5]!.slice(0, 9)}`)
      throw new Error('connection reset')
    }
    const second = new MemoryStore()
    await expect(importBlocks(partsOf(second), brokenOff(), {})).rejects.toMatchObject({ details: { imported: 5 } })
    expect(second.disk.blocks).toHaveLength(5)
  })

  it('takes nothing wrong, wherever a byte is another', async () => {
    const source = await chainOf(12)
    const bytes = Buffer.from((await linesOf(source)).map(line => `${line}\n`).join(''))
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(bytes)
        damaged[at]! ^= change
        const store = new MemoryStore()
        const outcome = await importBlocks(partsOf(store), stream(damaged), {}).catch(error => error)
        const taken = store.disk.blocks.length
        if (taken < 12) expect(outcome).toMatchObject({ code: 'INVALID_INPUT', details: { imported: taken } })
        expect(hashes(store).slice(0, 11)).toEqual(hashes(source).slice(0, Math.min(11, taken)))
        // Of the last block nothing but its own hash covers the time.
        if (taken === 12) expect(store.disk.blocks[11]).toMatchObject({ body: source.disk.blocks[11]!.body })
      }),
      { numRuns: 100 },
    )
  })
})

const GOLDEN = {
  data_hash: 'fb24df6b31b954002a2aff3edbe27d8aa781b9be1c9b777b0c2de28517bcdb0b',
  three: '37969b437f0c901ccc35b61113af761d92efc86c50b7e3e270d28ab3b4eb8739',
  four: 'b5dd479749467d860ec0e901cdd527981a2b2df88ca7f910b97366a15d90597d',
}

function event({
  hash = GOLDEN.four,
  timestamp = 1_700_000_000,
  plugin = 'net',
  metadata = {} as object,
  ...more
} = {}) {
  const data = { data_hash: GOLDEN.data_hash, metadata, operation: 'create', plugin_id: plugin }
  return { action: 'create', category: plugin, data, hash, plugin_footprint: true, timestamp, ...more }
}

function put(name: string, value: unknown, folder = dir): void {
  writeFileSync(join(folder, name), typeof value === 'string' ? value : JSON.stringify(value, null, 2))
}

describe('import from op-dbus', () => {
  it('marks what could be verified, in the order of time', async () => {
    const timing = join(dir, 'timing')
    mkdirSync(timing)
    put(`${GOLDEN.three}.json`, event({ hash: GOLDEN.three, metadata: { user: 'root' } }), timing)
    put(`${GOLDEN.four}.json`, event(), timing)
    put(`${'a'.repeat(64)}.json`, event({ hash: 'a'.repeat(64), timestamp: 1_600_000_000, extra: 1 } as object), timing)
    put('notes.txt', 'not ours', timing)
    const store = await chainOf(2)
    const report = await importBlocks(partsOf(store), dir, {})
    const verified = { 'four-part': 1, 'three-part': 1, event: 0, none: 1 }
    expect(report).toEqual({ format: 'op-dbus', imported: 3, present: 0, pruned: 0, ignored: 1, size: 5, verified })
    const blocks = store.disk.blocks.slice(2)
    expect(blocks.map(block => markOf(block)?.verified)).toEqual(['none', 'three-part', 'four-part'])
    expect(blocks[0]!.body!.metadata).toEqual({
      'op-dbus:import': {
        format: 'op-dbus',
        file: `${'a'.repeat(64)}.json`,
        hash: 'a'.repeat(64),
        timestamp: 1_600_000_000,
        verified: 'none',
        others: { extra: 1 },
      },
    })
    expect(blocks[2]!.body).toMatchObject({ footprint: { content_hash: GOLDEN.four, data_hash: GOLDEN.data_hash } })
    expect(blocks[1]!.body!.text).toBe('plugin: net\noperation: create\nmeta.user: root')
    expect(await importBlocks(partsOf(store), timing, {})).toMatchObject({ imported: 0, present: 3, size: 5 })
  })

  it('does not trust a file that was renamed, or that says two things', async () => {
    put(`${'b'.repeat(64)}.json`, event())
    put(`${GOLDEN.four}.json`, { ...event(), category: 'lxc' })
    const store = new MemoryStore()
    expect(await importBlocks(partsOf(store), dir, {})).toMatchObject({ verified: { none: 2 } })
  })

  it('imports events and footprints of op-dbus-p1, in milliseconds', async () => {
    const timestamp = 1_700_000_000_123
    put('block-000000000001.json', { ...event({ hash: GOLDEN.data_hash, timestamp }), vector: [] })
    const data = { b: [1, 'x'], a: null }
    const hash = sha256(`${timestamp + 1}:agent:spawned:{"a":null,"b":[1,"x"]}`)
    put('block-000000000002.json', {
      timestamp: timestamp + 1,
      category: 'agent',
      action: 'spawned',
      data,
      hash,
      vector: [],
    })
    const store = new MemoryStore()
    const report = await importBlocks(partsOf(store), dir, {})
    expect(report).toMatchObject({ format: 'op-dbus-p1', imported: 2, verified: { none: 1, event: 1 } })
    const [one, other] = store.disk.blocks
    expect(one!.body!.footprint).toMatchObject({ plugin_id: 'net', timestamp: 1_700_000_000 })
    expect(other!.body).toMatchObject({ data, footprint: { plugin_id: 'agent', operation: 'spawned' } })
    expect(markOf(one!)).toMatchObject({ timestamp, file: 'block-000000000001.json', hash: GOLDEN.data_hash })
  })

  const name = `${'c'.repeat(64)}.json`
  const hostile: Readonly<Record<string, [() => void, RegExp]>> = {
    'what is no JSON': [() => put(name, '{"timestamp": 17'), /is not JSON/],
    'a list': [() => put(name, []), /no object/],
    'a time that is none': [() => put(name, { ...event(), timestamp: -1 }), /"timestamp"/],
    'no hash': [() => put(name, { ...event(), hash: 7 }), /"hash"/],
    'a data hash that is none': [
      () => put(name, { ...event(), data: { ...event().data, data_hash: 'x' } }),
      /data_hash/,
    ],
    __proto__: [
      () => put(name, JSON.stringify(event()).replace('"metadata":{', '"metadata":{"__proto__":{"a":1}')),
      /__proto__/,
    ],
    'a mark of its own making': [
      () => put(name, event({ metadata: { 'op-dbus:import': { verified: 'four-part' } } })),
      /are ours/,
    ],
    'a name twice': [() => put(name, JSON.stringify(event()).replace('{', '{"hash":"x",')), /twice/],
    depth: [() => put(name, `{"data":${'['.repeat(200_000)}`), /nested deeper/],
    'half a pair': [() => put(name, event({ plugin: 'n\ud800' })), /surrogate/],
    'a long name': [() => put(name, event({ plugin: 'n'.repeat(300) })), /longer than 256/],
    'a large file': [() => put(name, ' '.repeat((4 << 20) + 1)), /no regular file of at most 4 MiB/],
    'a link': [() => symlinkSync('/etc/passwd', join(dir, name)), /no regular file/],
    'a folder': [() => mkdirSync(join(dir, name)), /no regular file/],
    'a FIFO': [() => void execFileSync('mkfifo', [join(dir, name)]), /no regular file/],
  }
  it.each(Object.entries(hostile))('imports nothing where one file is, or has, %s', async (_, [make, why]) => {
    put(`${GOLDEN.four}.json`, event())
    make()
    const store = new MemoryStore()
    const told = { code: 'INVALID_INPUT', message: expect.stringMatching(why) }
    await expect(importBlocks(partsOf(store), dir, {})).rejects.toMatchObject(told)
    await expect(importBlocks(partsOf(store), dir, {})).rejects.toThrow(name)
    expect(store.size()).toBe(0)
    expect({}).not.toHaveProperty('a')
  })

  it('says what it needs where there is nothing of it', async () => {
    const store = partsOf(new MemoryStore())
    await expect(importBlocks(store, join(dir, 'none'), {})).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    await expect(importBlocks(store, dir, {})).rejects.toThrow('has no blocks of op-dbus')
    await expect(importBlocks(store, '/dev/null', {})).rejects.toThrow('neither a file nor a folder')
    put(`${GOLDEN.four}.json`, event())
    put('block-000000000001.json', event())
    await expect(importBlocks(store, dir, {})).rejects.toThrow('say which')
    await expect(importBlocks(store, dir, { format: 'blocks' })).rejects.toThrow('is a folder')
    expect(await importBlocks(store, dir, { format: 'op-dbus' })).toMatchObject({ imported: 1, ignored: 1 })
  })

  it('ends where it is aborted: whole batches stay, and the next import goes on', async () => {
    for (let n = 0; n < 450; n++)
      put(`block-${String(n).padStart(12, '0')}.json`, event({ timestamp: 1_700_000_000_000 + n }))
    const store = new MemoryStore(new MemoryDisk())
    const end = new AbortController()
    const onProgress = (done: number) => void (done > 0 && end.abort())
    const aborted = importBlocks(partsOf(store), dir, { signal: end.signal, onProgress })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    expect(store.disk.blocks).toHaveLength(200)
    expect(await importBlocks(partsOf(store), dir, {})).toMatchObject({ imported: 250, present: 200, size: 450 })
  })
})
