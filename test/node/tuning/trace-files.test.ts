// Traces as they are written and read: cut, turned, killed, rotated, on a full disk, by several processes, and by a clock that steps.
import { execFileSync, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { Diagnostics, type LookupEvent } from '../../../src/diagnostics.js'
import {
  DEFAULT_TRACE_BYTES,
  switchOn,
  TraceFolder,
  traceFiles,
  traceFolder,
} from '../../../src/node/tuning/trace-folder.js'
import { readTraces } from '../../../src/node/tuning/trace-read.js'
import { TraceRecorder, type TraceRecorderOptions } from '../../../src/node/tuning/trace-recorder.js'
import { CACHE_ORDER, KEY_SPAN, keyOfHash, OUTCOMES } from '../../../src/tuning/requests.js'
import {
  BLOCK_BYTES,
  BLOCK_RECORDS,
  encodeHeader,
  RECORD_BYTES,
  type TracedCache,
} from '../../../src/tuning/trace-format.js'
import { library, runScript } from '../../processes.js'
import { crc32, hash, TestClock, temporaryFolder } from '../../support.js'
import { until } from '../../waiting.js'

const BLOCK = BLOCK_BYTES + BLOCK_RECORDS * RECORD_BYTES
const ON = { rate: 1, maxBytes: DEFAULT_TRACE_BYTES }

/** Of a text that is asked for very often. */
const A = hash.sha256('a')

const open = new Set<TraceRecorder>()
afterEach(async () => {
  for (const recorder of open) await recorder.close()
  open.clear()
})

/** A recorder on a folder, and how look-ups are told to it. */
function record(dir: string, on = ON, more: Partial<TraceRecorderOptions> & { last?: number } = {}) {
  const warnings: string[] = []
  const diagnostics = new Diagnostics({ onWarning: message => warnings.push(message) })
  const clock = new TestClock()
  const folder = traceFolder(dir)
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  const options = { diagnostics, clock, folder, process: hash.random(16), part: 1, caches: () => ({}), ...more }
  const recorder = new TraceRecorder(on, options, more.last)
  open.add(recorder)
  const lookUp = (text: string, facts: Partial<LookupEvent> = {}) =>
    diagnostics.lookup.tell({
      cache: 'embeddings',
      keyHash: text === 'a' ? A : hash.sha256(text),
      outcome: 'hit',
      source: 'memory',
      micros: 2,
      bytes: 100,
      tiers: [],
      ...facts,
    })
  return { recorder, diagnostics, clock, folder, warnings, lookUp }
}

async function only(path: string, options = {}) {
  const { traces, notes } = await readTraces(path, options)
  expect(traces).toHaveLength(1)
  return { ...traces[0]!, notes }
}

const keyOf = (text: string) => keyOfHash(hash.sha256(text))

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

describe('a file', () => {
  /** One with three blocks and an end, and its keys. */
  async function written() {
    const { recorder, lookUp, folder } = record(temporaryFolder())
    const texts = Array.from({ length: 3 * BLOCK_RECORDS - 1000 }, (_, i) => `text ${i}`)
    for (const text of texts) lookUp(text)
    await recorder.close()
    const path = join(folder, fs.readdirSync(folder)[0]!)
    return { path, bytes: fs.readFileSync(path), keys: texts.map(keyOf) }
  }

  it('that is cut or turned anywhere gives what is before that, says so, and never a wrong record', async () => {
    const { path, bytes, keys } = await written()
    const read = async () => {
      try {
        const { traces, notes } = await readTraces(path)
        return { keys: [...(traces[0]?.requests.key ?? [])], ended: traces[0]?.ended ?? false, notes }
      } catch (error) {
        expect(error).toMatchObject({ name: 'OpDbusError', code: 'INVALID_INPUT' })
        return { keys: [], ended: false, notes: ['refused'] }
      }
    }
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.boolean(), fc.nat(7), async (at, cut, bit) => {
        const other = Buffer.from(bytes)
        other[at]! ^= 1 << bit
        fs.writeFileSync(path, cut ? bytes.subarray(0, at) : other)
        const found = await read()
        expect(found.ended).toBe(false)
        expect(found.keys).toEqual(keys.slice(0, found.keys.length))
        expect(found.keys.length % BLOCK_RECORDS === 0 || found.keys.length === keys.length).toBe(true)
        const whole = (bytes.length - at - 1) % BLOCK
        if (!cut) expect(found.notes).toHaveLength(1)
        else if (whole !== 0 && found.keys.length === 0) expect(found.notes.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 60 },
    )
    fs.writeFileSync(path, bytes)
    expect(await read()).toEqual({ keys, ended: true, notes: [] })
  })

  it('of a gigabyte, hostile: refused, or read up to where it is sound, at once', async () => {
    const dir = temporaryFolder()
    const path = join(dir, 'x.trace')
    const header = encodeHeader({ process: hash.random(16), part: 1, began: 0, caches: {} }, crc32).bytes
    const lengths = [Buffer.alloc(0), Buffer.from('opdtrace'), header]
    const longHeader = Buffer.from(header)
    longHeader.writeUInt32LE(0xffff_ffff, 12)
    const longBlock = Buffer.concat([header, Buffer.alloc(BLOCK_BYTES)])
    longBlock.write('blok', header.length)
    longBlock.writeUInt32LE(0xffff_ffff, header.length + 8)
    const before = process.memoryUsage().rss
    for (const start of [...lengths, longHeader, longBlock]) {
      fs.writeFileSync(path, start)
      fs.truncateSync(path, 2 ** 30)
      const outcome = await readTraces(path).then(
        ({ traces, notes }) => ({ traces, notes }),
        error => error,
      )
      if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'INVALID_INPUT' })
      else expect(outcome).toEqual({ traces: [], notes: [expect.stringMatching(/up to 0 requests/)] })
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(300e6)
  })

  it('with more requests than may be held gives part of the keys, whole, and says which', async () => {
    const { path, keys } = await written()
    const { requests, rate, notes } = await only(path, { maxRecords: 1000 })
    expect(requests.length).toBeLessThanOrEqual(1000)
    expect([...requests.key]).toEqual(keys.filter(key => key < rate * KEY_SPAN))
    expect(notes).toEqual([`there are more than 1,000 requests: one key in ${1 / rate} was read`])
    const signal = AbortSignal.abort()
    await expect(readTraces(path, { signal })).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('of one key alone, asked for too often, is read up to what may be held', async () => {
    const { recorder, lookUp, folder } = record(temporaryFolder())
    // Below every part that is read.
    for (let i = 0; i < 5000; i++) lookUp('', { keyHash: '0'.repeat(64) })
    await recorder.close()
    const { requests, notes } = await only(folder, { maxRecords: 1000 })
    expect(requests.length).toBe(1000)
    expect(notes.at(-1)).toMatch(/4.000 requests more to the keys that were read were left out/)
  })

  it('that is a copy of another is not read twice', async () => {
    const { path, keys } = await written()
    fs.copyFileSync(path, path.replace('-001', '-007'))
    const { requests, notes, files } = await only(join(path, '..'))
    expect(requests.length).toBe(keys.length)
    expect([files.length, notes]).toEqual([1, [expect.stringMatching(/-007\.trace was not read: it is a copy/)]])
  })

  it('of another version is told from one that is damaged; a folder is read all the same', async () => {
    const { path, bytes } = await written()
    const other = Buffer.from(bytes)
    other.writeUInt32LE(2, 8)
    fs.writeFileSync(path.replace('-001', '-000'), other)
    await expect(readTraces(path.replace('-001', '-000'))).rejects.toThrow(/another version/)
    const { requests, notes } = await only(join(path, '..'))
    expect(requests.length).toBe(3 * BLOCK_RECORDS - 1000)
    expect(notes).toEqual([expect.stringMatching(/-000\.trace was not read: .*another version/)])
    await expect(readTraces(join(path, '../none'))).rejects.toMatchObject({ code: 'STORE' })
    await expect(readTraces('/dev/null')).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })
})

describe('processes', () => {
  const ASKS = `
    const embedder = { space: 't', dims: 4, embed: async texts => new Float32Array(4 * texts.length).fill(0.5) }
    const caches = await lib.openCaches({ dir, embedder })
    const ask = async (count, word) => { for (let i = 0; i < count; i++) await caches.embeddings.getOrEmbed(word + i % 100) }
  `

  it('one that is killed loses what was not written yet, and nothing else', async () => {
    const dir = temporaryFolder()
    switchOn(dir, ON)
    const body = `import * as lib from ${JSON.stringify(library)}; const dir = process.env.OPDBUS_CACHE_DIR; ${ASKS}
      await ask(2 * ${BLOCK_RECORDS} + 100, 'a'); setInterval(() => {}, 1000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', body], {
      env: { PATH: process.env.PATH, OPDBUS_CACHE_DIR: dir, HOME: dir },
      stdio: 'ignore',
    })
    const ended = new Promise(resolve => child.once('exit', resolve))
    try {
      await until(() => traceFiles(traceFolder(dir)).some(({ bytes }) => bytes > 2 * BLOCK))
    } finally {
      child.kill('SIGKILL')
      await ended
    }
    const { requests, ended: whole, notes } = await only(traceFolder(dir))
    expect(requests.length).toBeGreaterThanOrEqual(2 * BLOCK_RECORDS)
    expect(new Set(requests.key).size).toBe(100)
    expect({ whole, notes: notes.length }).toEqual({ whole: false, notes: 0 })
  })

  it('two at once have files of their own; one that ends without closing loses nothing', async () => {
    const dir = temporaryFolder()
    switchOn(dir, ON)
    const [closes, ends] = await Promise.all([
      runScript(dir, `${ASKS} await ask(3000, 'a'); await caches.close()`),
      runScript(dir, `${ASKS} await ask(2500, 'b'); process.exit(0)`),
    ])
    expect([closes, ends]).toMatchObject([{ code: 0 }, { code: 0 }])
    const { traces, notes } = await readTraces(traceFolder(dir))
    expect(traces.map(({ requests, ended }) => [requests.length, ended]).sort()).toEqual([
      [2500, true],
      [3000, true],
    ])
    expect(notes).toEqual([])
  })
})
