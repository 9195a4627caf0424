// The switch of the trace: what a process does about it, and what `op-dbus cache trace` does.
import * as fs from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Diagnostics } from '../../../src/diagnostics.js'
import {
  readSwitch,
  switchOff,
  switchOn,
  switchPath,
  traceFiles,
  traceFolder,
} from '../../../src/node/tuning/trace-folder.js'
import { readTraces } from '../../../src/node/tuning/trace-read.js'
import { TraceSwitchWatch } from '../../../src/node/tuning/trace-switch.js'
import { openCaches } from '../../../src/node.js'
import { BLOCK_RECORDS } from '../../../src/tuning/trace-format.js'
import { answered } from '../../cli/in-process.js'
import { hash, TestClock, temporaryFolder } from '../../support.js'
import { until } from '../../waiting.js'

const ON = { rate: 1, maxBytes: 64e6 }
const EMBEDDER = {
  space: 't',
  dims: 4,
  embed: async (texts: readonly string[]) => new Float32Array(4 * texts.length).fill(0.5),
}

/** A process whose looks at the switch are made by `look`. */
function watching(dir: string) {
  const diagnostics = new Diagnostics({ onWarning: message => warnings.push(message) })
  const warnings: string[] = []
  const clock = new TestClock()
  let next = () => {}
  const timer = (_ms: number, run: () => void) => {
    next = run
    return () => {
      next = () => {}
    }
  }
  const watch = new TraceSwitchWatch({ dir, clock, diagnostics, caches: () => ({}), timer })
  const look = async () => {
    next()
    await watch.settled()
  }
  const lookUp = (text: string) =>
    diagnostics.lookup.tell({
      cache: 'embeddings',
      keyHash: hash.sha256(text),
      outcome: 'hit',
      source: 'memory',
      bytes: 1,
      micros: 1,
      tiers: [],
    })
  return { watch, diagnostics, clock, look, lookUp, warnings }
}

it('nobody listens, and no folder is made, until it is on; then until it is off, or its time is over', async () => {
  const dir = join(temporaryFolder(), 'cache')
  const { watch, diagnostics, clock, look, lookUp } = watching(dir)
  await watch.begin()
  await look()
  expect([diagnostics.lookup.heard, watch.state().on, fs.existsSync(dir)]).toEqual([false, false, false])

  switchOn(dir, ON)
  expect(fs.statSync(traceFolder(dir)).mode & 0o777).toBe(0o700)
  await look()
  expect([diagnostics.lookup.heard, watch.state().on]).toEqual([true, true])
  lookUp('a')
  await look()
  expect(watch.state().requests).toBe(1)
  expect(switchOff(dir)).toBe(true)
  expect(switchOff(dir)).toBe(false)
  await look()
  expect([diagnostics.lookup.heard, watch.state().on]).toEqual([false, false])

  switchOn(dir, { ...ON, until: clock.now() + 5000 })
  await look()
  lookUp('b')
  clock.advance(4999)
  await look()
  expect(diagnostics.lookup.heard).toBe(true)
  clock.advance(1)
  await look()
  expect(diagnostics.lookup.heard).toBe(false)
  await look()
  expect(diagnostics.lookup.heard).toBe(false)
  await watch.close()
  const { traces } = await readTraces(traceFolder(dir))
  expect(traces).toHaveLength(1)
  expect(traces[0]!.files).toHaveLength(2)
  expect(traces[0]!.requests.length).toBe(2)
})

it('a clock that is set ahead ends a recording of an hour only as long as it is wrong', async () => {
  const dir = temporaryFolder()
  const { watch, clock, look } = watching(dir)
  switchOn(dir, { ...ON, until: clock.now() + 3_600_000 })
  await watch.begin()
  const on = []
  for (const step of [0, 7_200_000, 0, -7_200_000, 3_600_000]) {
    clock.wall += step
    await look()
    on.push(watch.state().on)
  }
  expect(on).toEqual([true, false, false, true, false])
  await watch.close()
})

it('is tried again a minute after the disk said no', async () => {
  const dir = temporaryFolder()
  const { watch, clock, look, lookUp, warnings } = watching(dir)
  switchOn(dir, ON)
  await watch.begin()
  const aside = `${traceFolder(dir)}.aside`
  fs.renameSync(traceFolder(dir), aside)
  // One more than a block, which is written at once.
  for (let i = 0; i <= BLOCK_RECORDS; i++) lookUp('lost')
  await until(() => warnings.length > 0)
  fs.renameSync(aside, traceFolder(dir))
  expect(watch.state()).toMatchObject({ on: false, requests: 0, dropped: BLOCK_RECORDS + 1 })
  expect(warnings).toHaveLength(1)
  clock.advance(61_000)
  await look()
  lookUp('kept')
  expect(watch.state()).toMatchObject({ on: true, requests: 1 })
  await watch.close()
  expect((await readTraces(traceFolder(dir))).traces[0]!.requests.length).toBe(1)
})

it('what lies on disk is told while it is off, and counted once in some seconds', async () => {
  const dir = temporaryFolder()
  switchOn(dir, ON)
  const first = watching(dir)
  await first.watch.begin()
  first.lookUp('a')
  await first.watch.close()
  switchOff(dir)
  const { watch, clock } = watching(dir)
  await watch.begin()
  expect(watch.state()).toMatchObject({ on: false, files: 1 })
  const { bytes } = watch.state()
  expect(bytes).toBeGreaterThan(100)
  for (const file of traceFiles(traceFolder(dir))) fs.unlinkSync(file.path)
  expect(watch.state()).toMatchObject({ files: 1, bytes })
  clock.advance(5000)
  expect(watch.state()).toMatchObject({ files: 0, bytes: 0 })
  await watch.close()
})

it('a switch that is no switch, or lies behind a link, is off', async () => {
  const dir = temporaryFolder()
  switchOn(dir, ON)
  expect(readSwitch(dir, 0)).toEqual(ON)
  for (const text of [
    '',
    '{',
    'null',
    '{"rate":0,"maxBytes":64000000}',
    '{"rate":1,"maxBytes":5}',
    '{"rate":1,"maxBytes":1e6,"until":"x"}',
    'x'.repeat(5000),
  ]) {
    fs.writeFileSync(switchPath(dir), text)
    expect(readSwitch(dir, 0), text.slice(0, 40)).toBeUndefined()
  }
  const { watch, diagnostics, warnings } = watching(dir)
  await watch.begin()
  expect(diagnostics.lookup.heard).toBe(false)
  expect(warnings).toEqual([expect.stringMatching(/not traced: .*damaged/)])
  await watch.close()

  const other = temporaryFolder()
  switchOn(other, ON)
  fs.rmSync(traceFolder(dir), { recursive: true })
  fs.symlinkSync(traceFolder(other), traceFolder(dir))
  expect(readSwitch(dir, 0)).toBeUndefined()
  expect(() => switchOn(dir, ON)).toThrow(/is a link, or no folder/)
})

it('caches that are opened while it is on record from their first request; with it off opening hears nothing', async () => {
  const dir = temporaryFolder()
  const off = await openCaches({ dir, embedder: EMBEDDER })
  expect([off.diagnostics.lookup.heard, off.diagnostics.computed.heard]).toEqual([false, false])
  expect(off.tuning()?.trace).toMatchObject({ on: false, files: 0 })
  await off.close()
  expect(fs.existsSync(traceFolder(dir))).toBe(false)

  switchOn(dir, ON)
  const on = await openCaches({ dir, embedder: EMBEDDER, embeddingCacheSize: 123 })
  for (const text of ['one', 'two', 'one']) await on.embeddings.getOrEmbed(text)
  expect(on.tuning()?.trace).toMatchObject({ on: true, requests: 3 })
  await on.close()
  const { traces } = await readTraces(traceFolder(dir))
  expect([...traces[0]!.requests.outcome]).toEqual([3, 3, 0])
  expect(traces[0]!.caches.embeddings).toMatchObject({ disk: true, policy: 'lru', capacity: 123 })
  expect(traces[0]!.requests.cost[0]).toBeGreaterThan(0)
})

it('op-dbus cache trace: on, what is recorded, export, off, clear; and what it says to mistakes', async () => {
  const dir = temporaryFolder()
  const trace = (...args: string[]) => answered(['cache', 'trace', '--dir', dir, ...args])
  expect((await trace()).stdout).toMatch(/^recording is off.*\nnothing is recorded\n0 files, 0 B, in /)
  expect(await trace('export')).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing is recorded') })
  const on = JSON.parse((await trace('on', '--for', '1h', '--sample', '0.5', '--size', '2', '--json')).stdout)
  expect(on).toMatchObject({ on: true, sample: 0.5, maxBytes: 2e6, requests: 0 })
  expect(on.until - Date.now()).toBeLessThanOrEqual(3_600_000)

  const again = await trace('on')
  expect(again.stderr).toMatch(
    /^it was on; now requests are recorded .* until `op-dbus cache trace off`.* at most 64.* MB/,
  )
  const caches = await openCaches({ dir, embedder: EMBEDDER })
  for (const text of ['one', 'two', 'one']) await caches.embeddings.getOrEmbed(text)
  await caches.close()
  const status = JSON.parse((await trace('status', '--json')).stdout)
  expect(status).toMatchObject({ requests: 3, processes: 1, rate: 1, caches: { embeddings: 3 }, notes: [] })
  const link = join(dir, 'link')
  fs.symlinkSync(traceFolder(dir), link)
  expect((await readTraces(link)).traces).toHaveLength(1)
  const { stdout } = await trace('export')
  expect(stdout.split('\n')).toHaveLength(5)
  const file = join(dir, 'out.bin')
  expect(await trace('export', '--format', 'oracleGeneral', '-o', file)).toMatchObject({ code: 0 })
  expect(fs.statSync(file).size).toBe(3 * 24)
  expect((await trace('off')).stderr).toContain('recording ends')
  expect((await trace('clear')).stderr).toContain('removed 1 file')
  expect(fs.readdirSync(traceFolder(dir))).toEqual([])

  for (const [args, word] of [
    [['begin'], 'on, off, status, export, clear'],
    [['status', '--for', '1h'], '--for is for'],
    [['on', '--for', 'soon'], 'no duration'],
    [['on', '--for', '0s'], 'no time at all'],
    [['on', '--sample', '2'], 'no part'],
    [['on', '--sample', '1e-300'], 'no part'],
    [['on', '--size', 'x'], 'no size'],
    [['on', '--size', '1e9'], 'no size'],
    [['export', '-o', join(traceFolder(dir), 'x.csv')], 'write it elsewhere'],
    [['export', '--format', 'parquet'], 'csv and oracleGeneral'],
  ] as const) {
    expect(await trace(...args), args.join(' ')).toMatchObject({ code: 2, stderr: expect.stringContaining(word) })
  }
  fs.mkdirSync(switchPath(dir))
  expect((await trace()).stdout).toMatch(/recording is off.*\n.*\n.*\n.*on cannot be read|on is damaged/)
})
