// A chain of a thousand blocks, damaged in every way that there is: each is found and named by its number, whatever lies in memory, in the
// index and in the tree.
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChainParts } from '../../src/blockchain/chain-parts.js'
import type { RawLine } from '../../src/blockchain/ports.js'
import type { VerifyCall, VerifyReport } from '../../src/blockchain/reports.js'
import { drawIndexFile, readIndexFile } from '../../src/blockchain/store/index-format.js'
import { openTree } from '../../src/blockchain/tree.js'
import { Faults } from '../../src/blockchain/verify/faults.js'
import { verifyChain } from '../../src/blockchain/verify.js'
import { crc32 } from '../support.js'
import {
  BLOCKS,
  buildChain,
  type ChainFolder,
  chainFolder,
  copyOf,
  draft,
  edited,
  namesOf,
  readSegments,
  rewritten,
  type Segments,
  writeSegments,
} from './chain-files.js'
import { testStore } from './store-parts.js'

let sound: ChainFolder & { readonly head: string }
let segments: Segments
let lines: readonly string[]
beforeAll(async () => {
  sound = await buildChain()
  segments = readSegments(sound)
  lines = segments.flat()
})
afterAll(() => rmSync(sound.dir, { recursive: true, force: true }))

async function verified({ open }: ChainFolder, call: VerifyCall = {}): Promise<VerifyReport> {
  await using chain = await open()
  // Waited for here: the chain is closed when this returns.
  return await chain.verify({ full: true, ...call })
}

/** Of some tens of blocks, in one segment. */
async function smallChain() {
  const built = await buildChain(60)
  const chain = await built.open()
  const folder = join(built.dir, 'data/blockchain')
  return {
    chain,
    folder,
    path: join(folder, 'timing/000000000000.jsonl'),
    head: built.head,
    async [Symbol.asyncDispose]() {
      await chain.close()
      rmSync(built.dir, { recursive: true, force: true })
    },
  }
}

/** The lines in segments of the lengths that they had; what is more or less is in the last. */
function split(all: readonly string[]): Segments {
  const starts = segments.map((_, at) => segments.slice(0, at).flat().length)
  return starts.map((start, at) => all.slice(start, starts[at + 1]))
}

const K = 500
const LAST = BLOCKS - 1

/** What becomes of the lines, and which blocks have to be named: one of them. */
interface Damage {
  readonly damage: (lines: string[]) => string[]
  readonly named: readonly number[]
}

function oneLine(change: (line: string) => string, number = K, named = [number]): Damage {
  return { damage: all => all.map((line, n) => (n === number ? change(line) : line)), named }
}

const bare = (line: string) => line.replace(/,"body":.*$/, '}')

const otherHash = 'e'.repeat(64)
const header = (name: string, value: unknown, number = K): Damage =>
  oneLine(line => edited(line, block => Object.assign(block.header, { [name]: value })), number)
const body = (edit: (body: { footprint: object }) => void, number = K): Damage =>
  oneLine(line => edited(line, block => edit(block.body)), number)

const DAMAGES: Readonly<Record<string, Damage>> = {
  // A header that says something else.
  'header.number, higher': header('number', 700),
  'header.number, the next': header('number', K + 1),
  'header.number, lower': header('number', 300),
  'header.previous': header('previous', otherHash),
  'header.timestamp': header('timestamp', 1),
  'header.plugin': header('plugin', 'other'),
  'header.operation': header('operation', 'delete'),
  'header.content': header('content', otherHash),
  'header.data': header('data', otherHash),
  'header.metadata': header('metadata', otherHash),
  'header.text': header('text', otherHash),
  'header.version': header('version', 2),
  'a member more in the header': header('extra', 1),
  'the last header.previous': header('previous', otherHash, LAST),
  'the last header.text': header('text', otherHash, LAST),
  'the last header.plugin': header('plugin', 'other', LAST),
  'the first header.previous': header('previous', otherHash, 0),
  'the first header.timestamp': header('timestamp', 1, 0),
  // A body.
  'body.text': body(one => void Object.assign(one, { text: 'other' })),
  'body.data': body(one => void Object.assign(one, { data: { up: 1 } })),
  'data taken out of a body': body(one => void Reflect.deleteProperty(one, 'data')),
  'header.bytes': header('bytes', 1),
  'body.metadata': body(one => void Object.assign(one, { metadata: {} })),
  'body.footprint.plugin_id': body(one => void Object.assign(one.footprint, { plugin_id: 'x' })),
  'body.footprint.operation': body(one => void Object.assign(one.footprint, { operation: 'x' })),
  'body.footprint.timestamp': body(one => void Object.assign(one.footprint, { timestamp: 7 })),
  'body.footprint.data_hash': body(one => void Object.assign(one.footprint, { data_hash: otherHash })),
  'body.footprint.content_hash': body(one => void Object.assign(one.footprint, { content_hash: otherHash })),
  'a body taken away': oneLine(bare),
  "the last block's body taken away": oneLine(bare, LAST),
  'all bodies before it taken away': {
    damage: all => all.map((line, n) => (n < K ? bare(line) : line)),
    named: [K - 1],
  },
  'a member more in the body': body(one => void Object.assign(one, { note: 'x' })),
  'a member more in the footprint': body(one => void Object.assign(one.footprint, { note: 'x' })),
  "the last block's body": body(one => void Object.assign(one, { text: 'other' }), LAST),
  'the body of another block': {
    damage: all =>
      all.map((line, n) =>
        n === K ? edited(line, one => Object.assign(one, { body: JSON.parse(all[K + 2]!).body })) : line,
      ),
    named: [K],
  },
  // A line that says the same, and is not as it was written.
  'a name twice in the header': oneLine(line => line.replace('{"header":{', '{"header":{"plugin":"evil",')),
  'a name twice in the body': oneLine(line => line.replace('"body":{', '"body":{"text":"evil",')),
  'white space': oneLine(line => line.replace(',"body"', ', "body"')),
  'white space at the end': oneLine(line => `${line}\r`),
  'an escape': oneLine(line => line.replace('"plugin":"net"', '"plugin":"\\u006eet"')),
  'names in another order': oneLine(line => line.replace(/"header":({.*?}),"body":(.*)}$/, '"body":$2,"header":$1}')),
  'a member more': oneLine(line => line.replace(/}$/, ',"extra":1}')),
  'more lines of its append': oneLine(line => line.replace(/(,"more":\d+)?}$/, ',"more":7}')),
  // No block at all.
  'no JSON': oneLine(line => line.slice(0, -2)),
  'an empty line in its place': oneLine(() => ''),
  'an object': oneLine(() => '{}'),
  depth: oneLine(line => line.replace('"data":{', `"data":{"a":${'['.repeat(9000)}${']'.repeat(9000)},`)),
  'the first line': oneLine(line => line.slice(9), 0),
  'the last line': oneLine(line => line.slice(9), LAST),
  // Lines that are not where they belong.
  'a line deleted': { damage: all => all.toSpliced(K, 1), named: [K] },
  'the first line deleted': { damage: all => all.slice(1), named: [0] },
  'three lines deleted': { damage: all => all.toSpliced(K, 3), named: [K] },
  'two lines swapped': { damage: all => all.toSpliced(K, 2, all[K + 1]!, all[K]!), named: [K, K + 1] },
  'distant lines swapped': { damage: all => all.with(K, all[700]!).with(700, all[K]!), named: [K] },
  'a line twice': { damage: all => all.toSpliced(K, 0, all[K]!), named: [K] },
  'an old line again at the end': { damage: all => [...all, all[3]!], named: [3] },
  'an empty line between': { damage: all => all.toSpliced(K, 0, ''), named: [K] },
  'a line of another chain': { damage: all => all.toSpliced(K, 0, rewritten(all, K)[K]!), named: [K] },
  'a block from far ahead': { damage: all => all.toSpliced(K, 0, rewritten(all, 900)[900]!), named: [900] },
  'a block in place of another': { damage: all => all.with(K, rewritten(all, K)[K]!), named: [K] },
}

function expectNamed({ ok, faults, faultCount }: VerifyReport, named: readonly number[]): void {
  expect(ok).toBe(false)
  expect(faultCount).toBeGreaterThan(0)
  expect(faults.map(({ block }) => block)).toEqual(expect.arrayContaining([expect.toBeOneOf([...named])]))
  for (const { message } of faults) expect(message).toMatch(/^[\x20-\x7e…·]+$/)
}

describe('a sound chain', () => {
  it('has no fault, and the root that its tree has', async () => {
    await using chain = await sound.open()
    const head = await chain.head()
    const seen: number[] = []
    const report = await chain.verify({
      full: true,
      head: sound.head,
      onProgress: (done, total) => seen.push(done, total),
    })
    expect(report).toEqual({
      ok: true,
      faults: [],
      faultCount: 0,
      full: true,
      pruned: 0,
      unverified: 0,
      head: { size: BLOCKS },
      ...head,
    })
    expect(seen.slice(-2)).toEqual([BLOCKS, BLOCKS])
    expect(await chain.verify()).toMatchObject({ ok: true, ...head })
  })

  it('has none where nothing is derived, nor where there is no chain', async () => {
    expect(await verified(copyOf(sound, false))).toMatchObject({ ok: true, size: BLOCKS })
    expect(await verified(copyOf(sound, false), { full: false })).toMatchObject({ ok: true })
    const none = chainFolder(join(copyOf(sound, false).dir, 'none'))
    // A disk that is not there.
    await expect(verified(none)).rejects.toMatchObject({ code: 'STORE', message: expect.stringContaining('no chain') })
  })

  it('counts what was pruned, and names bodies that no prune has spoken of', async () => {
    const copy = copyOf(sound, true)
    await using chain = await copy.open()
    expect(await chain.prune({ last: 800 })).toMatchObject({ pruned: 300, block: BLOCKS })
    expect(await chain.verify({ full: true, head: sound.head })).toMatchObject({
      ok: true,
      pruned: 300,
      size: BLOCKS + 1,
    })
    const pruned = readSegments(copy)
    const some = [400, 401, 700]
    const taken = pruned.flat().map((line, n) => (some.includes(n) ? bare(line) : line))
    writeSegments(copy, split(taken))
    const { faults } = await chain.verify()
    expect(faults.map(({ kind, block }) => [kind, block])).toEqual(some.map(n => ['body', n]))
    // A prune does not make it right, nor is it believed without its block.
    expect(await chain.prune({ last: 500 })).toMatchObject({ pruned: 297, before: 303, block: BLOCKS + 1 })
    expect((await chain.verify()).faults.map(({ block }) => block)).toEqual(some)
    await chain.close()
    writeSegments(copy, split(taken.with(BLOCKS, bare(taken[BLOCKS]!))))
    // The block of the second prune was cut off, and its head says so.
    await using again = await copy.open()
    expect(await again.verify()).toMatchObject({ ok: false, faultCount: 300 + some.length + 2 })
  })

  it('ends when it is told to', async () => {
    await using chain = await sound.open()
    const signal = AbortSignal.abort()
    await expect(chain.verify({ signal })).rejects.toMatchObject({ code: 'ABORTED' })
    const end = new AbortController()
    const aborted = chain.verify({ signal: end.signal, onProgress: () => end.abort() })
    await expect(aborted).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(chain.verify({ head: 'none' })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

/** What verify finds in lines that lie in memory, where key, checkpoint, tree and what the last writer said are of the sound chain. */
async function inMemory(all: readonly string[]): Promise<VerifyReport> {
  const { store } = testStore(join(sound.dir, 'data'))
  const tree = openTree(store, { dir: join(store.dir, 'tree'), warn: () => {} })
  let offset = 0
  const raw = all.map((line, number): RawLine => {
    const bytes = Buffer.from(line)
    offset += bytes.length + 1
    return { number, segment: 0, offset: offset - bytes.length - 1, bytes, length: bytes.length }
  })
  const parts = {
    store: {
      dir: store.dir,
      size: () => all.length,
      rewrites: () => '',
      acknowledged: () => store.acknowledged!(),
      lines: async function* () {
        yield raw
      },
    },
    tree,
    vectors: { faults: async function* () {} },
  }
  return verifyChain(parts as unknown as ChainParts, { full: true, head: sound.head })
}

describe('damage', () => {
  it.each(Object.entries(DAMAGES))('is named: %s', async (_, { damage, named }) => {
    expectNamed(await inMemory(damage([...lines])), named)
  })

  it('is counted once, also beyond what is told', () => {
    const faults = new Faults()
    for (const message of ['by the walk', 'by the tree']) {
      for (let n = 0; n < 2000; n++) faults.add('hash', n, message)
      faults.add('head', undefined, message)
    }
    expect(faults.count).toBe(2002)
    expect(faults.told()).toHaveLength(1000)
  })

  it('is none where nothing was changed', async () => {
    expect(await inMemory(lines)).toMatchObject({ ok: true, size: BLOCKS })
  })

  const onDisk = ['header.text', 'body.data', 'a line deleted', 'the last line']
  it.each(onDisk)('is named where blocks of the sound chain lie in memory and in the index: %s', async name => {
    const { damage, named } = DAMAGES[name]!
    const copy = copyOf(sound, true)
    await using chain = await copy.open()
    await chain.head()
    await chain.range(K - 5, K + 5)
    writeSegments(copy, split(damage([...lines])))
    expectNamed(await chain.verify({ full: true, head: sound.head }), named)
  })

  const some = ['header.timestamp', 'two lines swapped']
  it.each(some)('is named where nothing is derived, or all of what is damaged: %s', async name => {
    const { damage, named } = DAMAGES[name]!
    const copy = copyOf(sound, false)
    writeSegments(copy, split(damage([...lines])))
    await using chain = await copy.open()
    expectNamed(await chain.verify({ full: true }), named)
    await chain.range(0, BLOCKS).catch(() => undefined)
    await chain.head().catch(() => undefined)
    expectNamed(await chain.verify({ full: true }), named)
  })

  it('is found wherever a byte is another', async () => {
    await using small = await smallChain()
    const bytes = readFileSync(small.path)
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const damaged = Buffer.from(bytes)
        damaged[at]! ^= change
        writeFileSync(small.path, damaged)
        const number = bytes.subarray(0, at).toString('latin1').split('\n').length - 1
        // A line end that is gone takes two blocks; of an append, the line before says how many follow.
        expectNamed(await small.chain.verify({ full: true, head: small.head }), [number - 1, number, number + 1])
      }),
      { numRuns: 100 },
    )
  })

  it('is found wherever the chain ends in the middle of an append', async () => {
    await using small = await smallChain()
    const bytes = readFileSync(small.path)
    for (const file of ['key', 'checkpoint', 'head']) rmSync(join(small.folder, file))
    const all = bytes.toString('utf8').split('\n').slice(0, -1)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length - 1 }), async length => {
        writeFileSync(small.path, bytes.subarray(0, length))
        const { ok, size, faults } = await small.chain.verify({ full: true })
        const whole = bytes.subarray(0, length).toString('latin1').split('\n').length - 1
        const ends = bytes[length - 1] === 10 && !all[whole - 1]!.includes('"more"')
        expect(ok).toBe(ends)
        expect(faults.map(({ kind, block }) => ({ kind, block }))).toEqual(ends ? [] : [{ kind: 'tail', block: size }])
        expect(size).toBeLessThanOrEqual(whole)
        expect(whole - size).toBeLessThan(3)
      }),
      { numRuns: 50 },
    )
  })

  it('is found where a segment is cut in the middle of the chain', async () => {
    const copy = copyOf(sound, false)
    const path = join(copy.dir, 'data/blockchain/timing', namesOf(copy.dir)[1]!)
    truncateSync(path, 100_000)
    const report = await verified(copy)
    const first = segments[0]!.length
    const cut = segments[1]!.join('\n').slice(0, 100_000).split('\n').length - 1
    expectNamed(report, [first + cut])
  })
})

describe('segments', () => {
  const timing = ({ dir }: ChainFolder) => join(dir, 'data/blockchain/timing')

  it.each([0, 1, 2])('is named where segment %s is missing', async at => {
    const first = segments.slice(0, at).flat().length
    for (const derived of [false, true]) {
      const copy = copyOf(sound, derived)
      rmSync(join(timing(copy), namesOf(copy.dir)[at]!))
      expectNamed(await verified(copy), [first])
    }
  })

  it('is named where two have the name of each other', async () => {
    const copy = copyOf(sound, false)
    const [a, b] = namesOf(copy.dir).map(name => join(timing(copy), name))
    renameSync(a!, `${a}.x`)
    renameSync(b!, a!)
    renameSync(`${a}.x`, b!)
    expectNamed(await verified(copy), [0])
  })

  it('names what lies among them, and what is none', async () => {
    const copy = copyOf(sound, false)
    const [, name] = namesOf(copy.dir)
    const path = join(timing(copy), name!)
    const first = segments[0]!.length
    writeFileSync(join(timing(copy), 'notes\u001b.txt'), '')
    expect((await verified(copy)).faults).toMatchObject([
      { kind: 'sequence', message: expect.stringContaining('notes') },
    ])
    rmSync(path)
    for (const make of [
      () => mkdirSync(path),
      () => symlinkSync(join(sound.dir, 'data/blockchain/timing', name!), path),
      () => void execFileSync('mkfifo', [path]),
    ]) {
      make()
      expectNamed(await verified(copy), [first])
      rmSync(path, { recursive: true })
    }
  })
})

describe('what only others can tell', () => {
  const forged = () => split(rewritten(lines, K))

  it('is that everything from a block on was written anew', async () => {
    const bare = copyOf(sound, false)
    writeSegments(bare, forged())
    expect(await verified(bare)).toMatchObject({ ok: true })
    // A saved head is checked with the key that signed it.
    for (const file of ['key', 'checkpoint']) {
      writeFileSync(join(bare.dir, 'data/blockchain', file), readFileSync(join(sound.dir, 'data/blockchain', file)), {
        mode: 0o600,
      })
    }
    const report = await verified(bare, { head: sound.head, full: false })
    expect(report.faults).toMatchObject([
      { kind: 'head', message: expect.stringContaining('rewritten, or it is of a copy') },
      { kind: 'head', message: expect.stringContaining('signed last') },
    ])
    expect(report.head).toEqual({ size: BLOCKS })
    rmSync(join(bare.dir, 'data/blockchain/checkpoint'))
    expect((await verified(bare, { head: sound.head })).faults.map(({ kind }) => kind)).toContain('head')
  })

  it('is named by the tree, and the checkpoint whose key is gone, where they are of the sound chain', async () => {
    const copy = copyOf(sound, true)
    for (const name of ['key', 'head']) rmSync(join(copy.dir, 'data/blockchain', name))
    writeSegments(copy, forged())
    const { faults } = await verified(copy)
    expect(faults).toContainEqual(expect.objectContaining({ kind: 'hash', block: K }))
    expect(faults).toContainEqual({ kind: 'head', message: expect.stringContaining('whose key is gone') })
  })

  it('is compared with every head that was saved, by the key that was given away', async () => {
    await using owner = await sound.open()
    const { verifierKey } = await owner.key()
    const copy = copyOf(sound, false)
    await using chain = await copy.open()
    const heads = `${sound.head}${sound.head}`
    expect(await chain.verify({ head: heads, keys: [verifierKey] })).toMatchObject({ ok: true, head: { size: BLOCKS } })
    // Without it nobody can tell, which is no sound chain.
    expect((await chain.verify({ head: heads })).faults).toMatchObject([
      { kind: 'head', message: expect.stringContaining('saved head 1 of 2') },
      { kind: 'head', message: expect.stringContaining('this chain has no key') },
    ])
    const wrong = sound.head.replace(`${BLOCKS}`, `${BLOCKS + 1}`)
    for (const head of [`${sound.head}nonsense\n`, wrong, '']) {
      const verified = chain.verify({ head, keys: [verifierKey] })
      await expect(verified).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    }
    await chain.key()
    expect((await chain.verify({ head: sound.head })).faults).toMatchObject([
      { kind: 'head', message: expect.stringContaining("none of this chain's keys") },
    ])
    writeSegments(copy, forged())
    const report = await chain.verify({ head: heads, keys: [verifierKey] })
    expect(report).toMatchObject({ ok: false, faultCount: 2 })
  })

  it('is that the end is missing, cut where an append ends', async () => {
    const kept = BLOCKS - 5 - (lines[BLOCKS - 6]!.includes('"more"') ? 1 : 0)
    const bare = copyOf(sound, false)
    writeSegments(bare, split(lines.slice(0, kept)))
    expect(await verified(bare)).toMatchObject({ ok: true, size: kept })
    const copy = copyOf(sound, true)
    writeSegments(copy, split(lines.slice(0, kept)))
    expectNamed(await verified(copy, { full: false }), [kept])
    for (const name of ['checkpoint', 'head', 'tree'])
      rmSync(join(copy.dir, 'data/blockchain', name), { recursive: true })
    const saved = await verified(copy, { full: false, head: sound.head }).catch(error => error)
    expect(saved).toMatchObject({
      faults: expect.arrayContaining([expect.objectContaining({ kind: 'head', block: kept })]),
    })
  })
})

describe('what is derived', () => {
  const flip = (path: string, at: number) => {
    const bytes = readFileSync(path)
    bytes[at]! ^= 1
    writeFileSync(path, bytes)
  }

  it('is named apart from the chain: a leaf and a node of the tree, and its record', async () => {
    const leaf = copyOf(sound, true)
    flip(join(leaf.dir, 'data/blockchain/tree/00'), 32 * K + 3)
    expect((await verified(leaf)).faults).toMatchObject([{ kind: 'tree', block: K }])
    const node = copyOf(sound, true)
    flip(join(node.dir, 'data/blockchain/tree/08'), 32)
    expect((await verified(node)).faults).toMatchObject([{ kind: 'tree', block: 256 }])
  })

  it('is told of an index that was made anew after a prune: a digit that is another one, and times', async () => {
    const copy = copyOf(sound, true)
    await using chain = await copy.open()
    const pruned = await chain.prune({ last: 800 })
    expect(pruned.pruned).toBe(300)
    // Of before: no fault.
    expect(await chain.verify({ full: true })).toMatchObject({ ok: true })
    for (const clear of [true, false]) {
      if (clear) rmSync(join(copy.dir, 'cache/blocks'), { recursive: true })
      await using again = await copy.open()
      await again.range(0, BLOCKS)
    }
    const [name] = readdirSync(join(copy.dir, 'cache/blocks'))
    const path = join(copy.dir, 'cache/blocks', name!)
    const good = readFileSync(path, 'latin1')
    const place = good.indexOf('"number":         500')
    expect(place).toBeGreaterThan(0)
    for (const member of ['"hash":"', '"offset":', '"timestamp":']) {
      const bytes = Buffer.from(good, 'latin1')
      const from = good.indexOf(member, place) + member.length
      const at = from + good.slice(from).search(/[\da-f](?=[",}])/)
      bytes[at] = bytes[at] === 0x31 ? 0x32 : 0x31
      writeFileSync(path, bytes)
      expect(await chain.verify({ full: true }), member).toMatchObject({ faults: [{ kind: 'index', block: 500 }] })
    }
    // With a good checksum: what list relies on.
    const { chain: of, first, entries, timed } = readIndexFile(Buffer.from(good, 'latin1'), crc32)!
    const others = entries.with(500, { ...entries[500]!, timestamp: 1 })
    writeFileSync(path, drawIndexFile(of, { first, entries: others, timed }, crc32))
    const { faults } = await chain.verify({ full: true })
    expect(faults).toMatchObject([
      { kind: 'index', block: 0 },
      { kind: 'index', block: 500 },
    ])
    writeFileSync(path, good, 'latin1')
    expect(await chain.verify({ full: true })).toMatchObject({ ok: true })
  })

  it('is mended by whoever needs it', async () => {
    const copy = copyOf(sound, true)
    flip(join(copy.dir, 'data/blockchain/tree/00'), 32 * K + 3)
    await using chain = await copy.open({ onWarning: () => {} })
    const { root } = await chain.verify()
    expect((await chain.head()).root).toBe(root)
  })
})

describe('what is no damage', () => {
  it('is a restore, a prune, and what was appended since', async () => {
    const copy = copyOf(sound, true)
    await using chain = await copy.open()
    await chain.snapshot('before')
    const { store } = testStore(join(copy.dir, 'data'))
    await store.append(Array.from({ length: 1000 }, (_, n) => draft(5000 + n)))
    for (let n = 0; n < 2100; n += 500) await chain.getBlock(n)
    await chain.head()
    await chain.restore('before')
    expect(await chain.verify({ full: true, head: sound.head })).toMatchObject({ faults: [], size: BLOCKS })
    await store.append([draft(7000)])
    await store.close()
    const { pruned } = await chain.prune()
    expect(pruned).toBeGreaterThan(1000)
    expect(await chain.verify({ full: true, head: sound.head })).toMatchObject({ faults: [], pruned, size: BLOCKS + 2 })
  })

  it('is that others append meanwhile', async () => {
    const built = await buildChain(60)
    await using chain = await built.open()
    const { store } = testStore(join(built.dir, 'data'))
    let appending = true
    const appends = (async () => {
      for (let n = 0; n < 60; n++) await store.append([draft(n), draft(n + 1), draft(n + 2)])
      appending = false
    })()
    while (appending) expect(await chain.verify({ full: true })).toMatchObject({ faults: [] })
    await appends
    await store.close()
    expect(await chain.verify({ full: true })).toMatchObject({ ok: true, size: 240 })
    rmSync(built.dir, { recursive: true, force: true })
  })
})
