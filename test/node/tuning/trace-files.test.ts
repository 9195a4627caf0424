// Traces as they are read: cut, turned, hostile, copied, of a process that was killed and of two at once.
import { spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { switchOn, traceFiles, traceFolder } from '../../../src/node/tuning/trace-folder.js'
import { readTraces } from '../../../src/node/tuning/trace-read.js'
import { KEY_SPAN } from '../../../src/tuning/requests.js'
import { BLOCK_BYTES, BLOCK_RECORDS, encodeHeader, RECORD_BYTES } from '../../../src/tuning/trace-format.js'
import { library, runScript } from '../../processes.js'
import { crc32, hash, temporaryFolder } from '../../support.js'
import { until } from '../../waiting.js'
import { keyOf, ON, only, record } from './recording.js'

const BLOCK = BLOCK_BYTES + BLOCK_RECORDS * RECORD_BYTES

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
