// Advice on a cache folder, as programs ask for it: read in a thread.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { adviseFrom, adviseTraces } from '../../../src/node/tuning/advice.js'
import { workload } from '../../../src/tuning/workloads.js'
import { temporaryFolder } from '../../support.js'
import { writeTrace } from '../../tuning/write-trace.js'

const requests = workload('zipf', { requests: 1000, keys: 200, seed: 1 })
const caches = { embeddings: { disk: false, policy: 'sieve', capacity: 50 } } as const

function trace(dir: string, process: string, list = requests): string {
  mkdirSync(join(dir, 'trace'), { recursive: true })
  const path = join(dir, 'trace', `${process.repeat(16)}-001.trace`)
  writeTrace(path, list, { process: process.repeat(32), caches })
  return path
}

describe('adviseFrom', () => {
  it('says how to begin where nothing was traced', async () => {
    const dir = temporaryFolder()
    expect(await adviseFrom(dir)).toMatchObject({ available: false, reason: expect.stringContaining('cache trace on') })
    // Folders and files that are none of ours count for nothing.
    mkdirSync(join(dir, 'trace'))
    writeFileSync(join(dir, 'trace', 'notes.trace'), 'mine')
    expect(await adviseFrom(dir)).toMatchObject({ available: false })
  })

  it('reads what there is, and ends where it is aborted', async () => {
    const dir = temporaryFolder()
    trace(dir, 'a')
    trace(dir, 'b', workload('zipf', { requests: 50, keys: 10, seed: 2 }))
    const ending = new AbortController()
    const ended = adviseFrom(dir, { signal: ending.signal })
    ending.abort()
    await expect(ended).rejects.toMatchObject({ code: 'ABORTED' })
    await expect(adviseFrom(dir, { signal: ending.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await adviseFrom(dir)).toMatchObject({
      available: true,
      traces: 2,
      requests: 1050,
      caches: [{ now: { policy: 'sieve', capacity: 50 } }],
    })
  })
})

describe('adviseTraces', () => {
  it('tells of progress, and of what it could not read', async () => {
    const dir = temporaryFolder()
    const path = trace(dir, 'a')
    let done = 0
    const { report, notes } = await adviseTraces([path], { rate: 1, onProgress: steps => (done = steps) })
    expect(report).toMatchObject({ requests: 1000, sampled: 1 })
    expect(notes).toEqual([])
    expect(done).toBeGreaterThan(10)
  })

  it('rejects what is no trace with the error of who read it', async () => {
    const dir = temporaryFolder()
    writeFileSync(join(dir, 'x.bin'), Buffer.from([0, 1, 2, 3]))
    await expect(adviseTraces([join(dir, 'x.bin')])).rejects.toMatchObject({
      name: 'OpDbusError',
      code: 'INVALID_INPUT',
    })
    await expect(adviseTraces([join(dir, 'missing')])).rejects.toMatchObject({ name: 'OpDbusError' })
  })
})
