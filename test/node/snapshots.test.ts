// Snapshots as operators use them: a cache goes to a folder and warms another machine, and what changed goes alone.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { exportEmbeddings, importEmbeddings } from '../../src/node/snapshots.js'
import { verifyCaches } from '../../src/node/verify.js'
import { openCaches } from '../../src/node.js'
import { library } from '../processes.js'
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

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

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

  it('is made whole again where an object was cut, and goes on after any number', async () => {
    await one.ask(0, 300)
    await one.ask(300, 330)
    await exportEmbeddings(target, one.options)
    const [cut, other] = objectsIn(target).segments
    truncateSync(cut!, 1000)
    expect(await exportEmbeddings(target, one.options)).toMatchObject({
      spaces: [{ snapshot: 1, changed: false, sent: { segments: 1, mended: 1 } }],
    })
    unlinkSync(other!)
    execFileSync('mkfifo', [other!])
    const snapshots = join(target, named('one'), 'snapshots')
    symlinkSync('/etc/passwd', join(snapshots, '99999999.json'))
    expect(await exportEmbeddings(target, one.options)).toMatchObject({
      spaces: [{ snapshot: 100_000_000, sent: { segments: 1, mended: 1 } }],
    })
    expect(await importEmbeddings(target, two.options)).toMatchObject({
      spaces: [{ snapshot: 100_000_000, records: 330 }],
    })
    writeFileSync(join(snapshots, `${'9'.repeat(15)}.json`), '')
    await expect(exportEmbeddings(target, one.options)).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringContaining('the last number'),
    })
    // Not the snapshot before it, without a word.
    await expect(importEmbeddings(target, two.options)).rejects.toMatchObject({ code: 'STORE' })
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
