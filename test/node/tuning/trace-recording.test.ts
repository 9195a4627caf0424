// Requests as they are recorded: on a full disk, within bounds, by a clock that steps, with more than there is time for.
import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TraceFolder, traceFiles, traceFolder } from '../../../src/node/tuning/trace-folder.js'
import { readTraces } from '../../../src/node/tuning/trace-read.js'
import { CACHE_ORDER, KEY_SPAN, OUTCOMES } from '../../../src/tuning/requests.js'
import { BLOCK_RECORDS, encodeHeader, type TracedCache } from '../../../src/tuning/trace-format.js'
import { crc32, hash, TestClock, temporaryFolder } from '../../support.js'
import { keyOf, ON, only, record } from './recording.js'

describe('a recording', () => {
  it('says what was asked for, how it was answered and what computing it took; texts are nowhere in it', async () => {
    const dir = temporaryFolder()
    const { diagnostics, clock, recorder, lookUp, folder } = record(dir, ON, {
      caches: () => ({ embeddings: { disk: true, policy: 's3-fifo', capacity: 7, bytes: 700 } }),
    })
    const told = { cache: 'embeddings', keyHash: hash.sha256('a secret'), device: 'cpu', bytes: 100 } as const
    diagnostics.computed.tell({ ...told, tokens: 5, micros: 900, cost: 450 })
    lookUp('a secret', { outcome: 'computed', source: 'computed', micros: 1000 })
    clock.advance(10)
    lookUp('a secret', { source: 'disk', micros: 30 })
    lookUp('a secret', { source: 'pattern' })
    lookUp('net', { cache: 'queries', outcome: 'joined', source: 'computed' })
    lookUp('gone', { cache: 'blocks', outcome: 'absent', source: undefined, bytes: undefined })
    expect(recorder.state()).toMatchObject({ on: true, requests: 5, rate: 1, dropped: 0 })
    await recorder.close()

    const { requests, caches, disk, ended, rate, notes } = await only(folder)
    expect(requests.length).toBe(5)
    expect([...requests.at]).toEqual([0, 10, 10, 10, 10].map(ms => 1_700_000_000_000 + ms))
    expect([...requests.key]).toEqual(['a secret', 'a secret', 'a secret', 'net', 'gone'].map(keyOf))
    expect([...requests.cache].map(place => CACHE_ORDER[place])).toEqual([
      'embeddings',
      'embeddings',
      'embeddings',
      'queries',
      'blocks',
    ])
    expect([...requests.outcome].map(place => OUTCOMES[place])).toEqual([
      'computed',
      'disk',
      'memory',
      'joined',
      'absent',
    ])
    expect([[...requests.bytes], [...requests.tokens], [...requests.cost], [...requests.micros]]).toEqual([
      [100, 100, 100, 100, 0],
      [5, 0, 0, 0, 0],
      [450, 0, 0, 0, 0],
      [1000, 30, 2, 2, 2],
    ])
    expect({ caches, disk, ended, rate, notes }).toEqual({
      caches: { embeddings: { disk: true, policy: 's3-fifo', capacity: 7, bytes: 700 } },
      disk: { embeddings: true },
      ended: true,
      rate: 1,
      notes: [],
    })
    expect(diagnostics.lookup.heard || diagnostics.computed.heard).toBe(false)
    const [file] = fs.readdirSync(folder)
    expect(fs.statSync(join(folder, file!)).mode & 0o777).toBe(0o600)
    expect(fs.readFileSync(join(folder, file!), 'latin1')).not.toContain('secret')
  })

  it('neither jumps nor steps back in time where the clock is set, nor does the next one of the process step back', async () => {
    const dir = temporaryFolder()
    const process = hash.random(16)
    const one = record(dir, ON, { process })
    one.lookUp('a')
    one.clock.wall += 3_600_000
    one.lookUp('b')
    one.clock.wall -= 7_200_000
    one.lookUp('b')
    await one.recorder.close()
    const { part, last } = one.recorder.next
    const behind = new TestClock()
    behind.wall -= 7_200_000
    const other = record(dir, ON, { process, part, last, clock: behind })
    other.lookUp('c')
    await other.recorder.close()
    const { requests, files } = await only(traceFolder(dir))
    expect([...requests.at]).toEqual([0, 0, 0, 0].map(() => 1_700_000_000_000))
    expect(files).toHaveLength(2)
  })

  it('leaves out half of the keys when too many requests come, never single requests, and says which part it is of', async () => {
    const dir = temporaryFolder()
    const { recorder, clock, lookUp, folder } = record(dir, ON, { mostASecond: 100 })
    const keys = Array.from({ length: 50 }, (_, i) => `text ${i}`)
    for (let round = 0; round < 20; round++) {
      for (const key of keys) lookUp(key)
      clock.advance(100)
    }
    const { rate, requests: recorded, dropped } = recorder.state()
    expect(rate).toBeLessThan(1)
    expect(rate).toBeGreaterThan(0.05)
    expect(recorded + dropped).toBe(1000)
    await recorder.close()
    const { requests, rate: read } = await only(folder)
    expect(read).toBe(rate)
    // All requests to the keys below, none to the others.
    const kept = keys.map(keyOf).filter(key => key < rate * KEY_SPAN)
    expect(kept.length).toBeGreaterThan(0)
    for (const key of kept) expect(requests.key.filter(one => one === key)).toHaveLength(20)
    expect(requests.length).toBe(20 * kept.length)
  })

  it('says how large memory was as soon as that is known, in another file, and that is what is read', async () => {
    const queries = { disk: true, policy: 'lru', capacity: 5, bytes: 500 } as const
    let embeddings: TracedCache = { disk: true, policy: 'lru', capacity: 7 }
    const { recorder, lookUp, folder } = record(temporaryFolder(), ON, { caches: () => ({ embeddings, queries }) })
    lookUp('a')
    await recorder.flushed()
    embeddings = { ...embeddings, bytes: 700 }
    for (const text of ['b', 'c']) {
      lookUp(text)
      await recorder.flushed()
    }
    embeddings = { ...embeddings, capacity: 14, bytes: 1400 }
    lookUp('d')
    await recorder.close()
    const { caches, files, requests, ended } = await only(folder)
    expect(caches).toEqual({ embeddings: { disk: true, policy: 'lru', capacity: 7, bytes: 700 }, queries })
    expect([files.length, requests.length, ended]).toEqual([2, 4, true])
  })

  it('loses nothing of what it took where it is closed with as many blocks waiting as may', async () => {
    const { recorder, lookUp, folder } = record(temporaryFolder())
    for (let i = 0; i < 20_000; i++) lookUp('a')
    const { requests, dropped } = recorder.state()
    expect([requests > 8 * BLOCK_RECORDS, requests + dropped]).toEqual([true, 20_000])
    await recorder.close()
    expect((await only(folder)).requests.length).toBe(requests)
  })

  it('of part of the keys counts as left out only what was to be recorded', async () => {
    const { recorder, lookUp } = record(temporaryFolder(), { ...ON, rate: 0.5 })
    const keys = Array.from({ length: 100 }, (_, i) => `text ${i}`)
    for (const key of keys) lookUp(key)
    const requests = keys.filter(key => keyOf(key) < KEY_SPAN / 2).length
    expect(recorder.state()).toMatchObject({ rate: 0.5, requests, dropped: 0 })
  })

  it('stays within its bytes whatever sizes come, by giving up its oldest files; what is not of ours stays', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30_000 }), { minLength: 2, maxLength: 5 }), async bursts => {
        const dir = temporaryFolder()
        const on = { rate: 1, maxBytes: 1e6 }
        const [one, other] = [record(dir, on), record(dir, on)]
        fs.writeFileSync(join(one.folder, 'notes.txt'), 'x'.repeat(2e6))
        fs.writeFileSync(join(one.folder, `${'0'.repeat(16)}-001.trace`), 'y'.repeat(2e6))
        const elsewhere = join(dir, 'elsewhere')
        fs.writeFileSync(
          elsewhere,
          encodeHeader({ process: hash.random(16), part: 1, began: 0, caches: {} }, crc32).bytes,
        )
        fs.symlinkSync(elsewhere, join(one.folder, `${'1'.repeat(16)}-001.trace`))
        for (const [i, burst] of bursts.entries()) {
          const { lookUp, recorder } = i % 2 === 0 ? one : other
          for (let n = 0; n < burst; n++) lookUp('a')
          // As much as the disk takes in between.
          await recorder.flushed()
          const bytes = traceFiles(one.folder).reduce((sum, file) => sum + file.bytes, 0)
          expect(bytes).toBeLessThanOrEqual(1e6)
        }
        await one.recorder.close()
        await other.recorder.close()
        const left = fs.readdirSync(one.folder)
        expect(left).toContain('notes.txt')
        expect(left).toContain(`${'0'.repeat(16)}-001.trace`)
        expect(left).toContain(`${'1'.repeat(16)}-001.trace`)
        expect(fs.existsSync(elsewhere)).toBe(true)
        // The newest are there, whole.
        const { traces, notes } = await readTraces(one.folder)
        expect(traces.reduce((sum, { requests }) => sum + requests.length, 0)).toBeGreaterThan(0)
        expect(notes.filter(note => !note.includes('0'.repeat(16)) && !note.includes('1'.repeat(16)))).toEqual([])
      }),
      { numRuns: 6 },
    )
  })

  it('goes on in a new file where somebody took its file away', async () => {
    const dir = temporaryFolder()
    const { recorder, lookUp, folder } = record(dir)
    for (let i = 0; i <= BLOCK_RECORDS; i++) lookUp('a')
    await recorder.flushed()
    new TraceFolder(folder).trim(0)
    expect(fs.readdirSync(folder)).toEqual([])
    for (let i = 0; i <= BLOCK_RECORDS; i++) lookUp('b')
    await recorder.close()
    const { requests, files } = await only(folder)
    expect(files[0]).toMatch(/-002\.trace$/)
    expect(new Set(requests.key)).toEqual(new Set([keyOf('b')]))
  })

  it('ends with one warning where the disk is full; what was recorded is read, and look-ups go on unheard', async context => {
    const dir = temporaryFolder()
    const folder = traceFolder(dir)
    fs.mkdirSync(folder)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', folder], { stdio: 'ignore' })
    } catch {
      return context.skip('mounting a small file system needs root')
    }
    try {
      const { recorder, lookUp, diagnostics, warnings } = record(dir)
      for (let i = 0; i < 5 * BLOCK_RECORDS; i++) lookUp(`text ${i}`)
      await recorder.flushed()
      expect(warnings).toEqual([expect.stringMatching(/not traced for now: the disk is full/)])
      expect(diagnostics.lookup.heard).toBe(false)
      const { on, requests: taken, dropped } = recorder.state()
      expect({ on, taken, dropped }).toEqual({ on: false, taken: 2 * BLOCK_RECORDS, dropped: 3 * BLOCK_RECORDS })
      await recorder.close()
      const { requests, notes, ended } = await only(folder)
      expect(requests.length).toBe(2 * BLOCK_RECORDS)
      expect([...requests.key.slice(0, 3)]).toEqual([0, 1, 2].map(i => keyOf(`text ${i}`)))
      expect(notes).toEqual([expect.stringMatching(/was read up to 4.096 requests: its last block is not whole/)])
      expect(ended).toBe(false)
    } finally {
      execFileSync('umount', [folder])
    }
  })

  it('ends with one warning where its folder went', async () => {
    const dir = temporaryFolder()
    const { recorder, lookUp, folder, warnings } = record(dir)
    fs.rmdirSync(folder)
    lookUp('a')
    await recorder.flushed()
    expect(warnings).toHaveLength(1)
    await recorder.close()
  })
})
