// A recorder on a folder, for the tests of traces, and what was recorded. A file that imports it ends its recorders after each test.
import * as fs from 'node:fs'
import { afterEach, expect } from 'vitest'
import { Diagnostics, type LookupEvent } from '../../../src/diagnostics.js'
import { DEFAULT_TRACE_BYTES, traceFolder } from '../../../src/node/tuning/trace-folder.js'
import { readTraces } from '../../../src/node/tuning/trace-read.js'
import { TraceRecorder, type TraceRecorderOptions } from '../../../src/node/tuning/trace-recorder.js'
import { keyOfHash } from '../../../src/tuning/requests.js'
import { hash, TestClock } from '../../support.js'

export const ON = { rate: 1, maxBytes: DEFAULT_TRACE_BYTES }

/** Of a text that is asked for very often. */
const A = hash.sha256('a')

const open = new Set<TraceRecorder>()
afterEach(async () => {
  for (const recorder of open) await recorder.close()
  open.clear()
})

/** A recorder on a folder, and how look-ups are told to it. */
export function record(dir: string, on = ON, more: Partial<TraceRecorderOptions> & { last?: number } = {}) {
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

export async function only(path: string, options = {}) {
  const { traces, notes } = await readTraces(path, options)
  expect(traces).toHaveLength(1)
  return { ...traces[0]!, notes }
}

export const keyOf = (text: string) => keyOfHash(hash.sha256(text))
