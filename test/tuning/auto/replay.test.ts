// `op-dbus cache tune --auto`: the tuner of a running process, over what was traced.
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { CacheName } from '../../../src/ports.js'
import { replayTrace, type TracedProcess } from '../../../src/tuning/auto/replay-trace.js'
import { CACHE_ORDER, newRequests, OUTCOMES, type Requests } from '../../../src/tuning/requests.js'
import type { TracedCache } from '../../../src/tuning/trace-format.js'
import { answered } from '../../cli/in-process.js'
import { temporaryFolder } from '../../support.js'
import { writeTrace } from '../write-trace.js'
import { START, Traffic } from './traffic.js'

const CACHES = Object.fromEntries(
  CACHE_ORDER.map((name): [CacheName, TracedCache] => {
    const { bytes, entries, policy } = START[name]
    return [name, { disk: false, policy, bytes, ...(Number.isFinite(entries) && { capacity: entries }) }]
  }),
)

/** Nearly all of it to embeddings, whose memory is too small. */
function traffic(length: number): Requests {
  const requests = newRequests(length)
  const from = new Traffic(3)
  for (let i = 0; i < length; i++) {
    const { cache, key, bytes, cost } = from.next({ embeddings: 0.9, queries: 0.05, blocks: 0.05 })
    requests.at[i] = Date.UTC(2026, 0, 1) + 2 * i
    requests.cache[i] = CACHE_ORDER.indexOf(cache)
    requests.key[i] = key
    requests.bytes[i] = bytes
    requests.cost[i] = cost
    requests.outcome[i] = OUTCOMES.indexOf('computed')
  }
  return requests
}

function replayed(trace: Partial<TracedProcess>) {
  const steps = replayTrace({ requests: newRequests(0), rate: 1, disk: {}, caches: CACHES, ...trace })
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

describe('a replay of the tuner', () => {
  const requests = traffic(20_000)

  it('moves memory to the cache that is asked, and says what that would have saved', () => {
    const { auto, savedBefore, savedTuned, totalSeconds, ...rest } = replayed({ requests })!
    expect(rest).toEqual({ requests: 20_000, began: Date.UTC(2026, 0, 1), spanSeconds: 39.998, leftOut: [] })
    expect(totalSeconds).toBeCloseTo(requests.cost.reduce((sum, micros) => sum + micros, 0) / 1e6, 3)
    expect(savedTuned).toBeGreaterThan(savedBefore + 0.01)
    expect(auto.shares.embeddings!.bytes).toBeGreaterThan(START.embeddings.bytes)
    expect(auto.changes.length).toBeGreaterThan(0)
    expect(auto.changes.at(-1)!.at).toBeGreaterThan(Date.UTC(2026, 0, 1))
  })

  it('counts a request that a disk answers as a read, and one without an answer not at all', () => {
    const disk = replayed({ requests, disk: { embeddings: true, queries: true, blocks: true } })!
    // All cost the same then, so that the policies that look at costs gain nothing.
    expect(disk.savedTuned).not.toBe(replayed({ requests })!.savedTuned)
    const failed = { ...requests, outcome: requests.outcome.map(() => OUTCOMES.indexOf('failed')) }
    expect(replayed({ requests: failed })).toMatchObject({ savedBefore: 0, savedTuned: 0, auto: { changes: [] } })
  })

  it('weighs a read as the tuner does that measures it: a row of a batch is a part of it', () => {
    // Batches of 50, which took 5 ms each.
    const at = requests.at.map((_, i) => Date.UTC(2026, 0, 1) + 100 * Math.floor(i / 50))
    const micros = new Float32Array(requests.length).fill(5000)
    // Of embeddings alone.
    const outcome = requests.cache.map(cache => OUTCOMES.indexOf(cache === 0 ? 'disk' : 'failed'))
    const { auto } = replayed({
      requests: { ...requests, at, micros, outcome },
      disk: { embeddings: true, queries: true },
    })!
    const { why } = auto.changes.filter(({ cache }) => cache === 'embeddings').at(-1)!
    const [, rate] = /saves? (\S+) ms a second more/.exec(why)!
    // 500 requests a second of 0.1 ms each, and not of 5 ms.
    expect(Number(rate), why).toBeLessThan(10)
  })

  it('says nothing of a trace that does not say how large memory was', () => {
    expect(replayed({ requests, caches: {} })).toBeUndefined()
    expect(replayed({ requests, caches: { embeddings: { disk: false, policy: 'lru' } } })).toBeUndefined()
    expect(replayed({})).toBeUndefined()
  })

  it('takes so many entries for as many bytes as they have, and leaves out a policy that it does not know', () => {
    const { auto, leftOut } = replayed({
      requests,
      caches: {
        embeddings: { disk: false, policy: 'lru', capacity: 800 },
        // Of a later version, or of somebody who means ill.
        queries: { disk: false, policy: 'constructor' as 'lru', bytes: 1e6 },
        diffs: { disk: false, policy: 'lru', bytes: 1e6 },
      },
    })!
    expect(auto.budgetBytes).toBe(800 * 2048 + 1e6)
    expect(leftOut).toEqual(['queries', 'blocks'])
  })

  it('is shown by op-dbus cache tune --auto', async () => {
    const file = join(temporaryFolder(), 'one.trace')
    writeTrace(file, requests, { process: 'a'.repeat(32), caches: CACHES })
    const { code, stdout, stderr } = await answered(['cache', 'tune', '--auto', '--trace', file])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(
      /^With OPDBUS_AUTOTUNE=on, the process of 2026-01-01T00:00:00Z, 20\u2009000 requests in 40 s:\n {2}memory would have saved/,
    )
    expect(stdout).toMatch(/\n {2}2026-01-01T00:00:\d\dZ {2}embeddings: 1\.6 MB -> \d\.\d MB: /)
    const json = await answered(['cache', 'tune', '--auto', '--json', '--trace', file])
    expect(JSON.parse(json.stdout)).toMatchObject([{ requests: 20_000, auto: { on: true, budgetBytes: 4_000_000 } }])
  })

  it('names processes by their time, adds them up, and leaves out what is too short', async () => {
    const folder = temporaryFolder()
    const write = (process: string, some: Requests) =>
      writeTrace(join(folder, `${process}.trace`), some, { process: process.repeat(32), caches: CACHES })
    write('a', requests)
    write('b', { ...traffic(2000), at: requests.at.slice(0, 2000).map(at => at + 86_400_000) })
    write('c', traffic(1))
    const { stdout } = await answered(['cache', 'tune', '--auto', '--trace', folder])
    expect(stdout).toMatch(/^With OPDBUS_AUTOTUNE=on, 2 processes, 22\u2009000 requests:\n {2}memory would have saved/)
    expect(stdout).toContain('the process of 2026-01-01T00:00:00Z, 20')
    expect(stdout).toContain('the process of 2026-01-02T00:00:00Z, 2')
    expect(stdout).toMatch(/\n1 process of fewer than 200 requests: too few for the tuner to change anything\n$/)
  })

  it('says why where it cannot be', async () => {
    const file = join(temporaryFolder(), 'one.trace')
    writeTrace(file, requests, { process: 'a'.repeat(32), caches: {} })
    const foreign = await answered(['cache', 'tune', '--auto', '--trace', file])
    expect(foreign).toMatchObject({ code: 2, stdout: '' })
    expect(foreign.stderr).toContain('does not say how large')
    const svg = await answered(['cache', 'tune', '--auto', '--svg', '-', '--trace', file])
    expect(svg).toMatchObject({ code: 2, stdout: '' })
    expect(svg.stderr).toContain('--auto')
  })
})
