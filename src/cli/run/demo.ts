// `op-dbus demo`: the strategy's own example on real vectors, in a folder of its own, with what was measured.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { count, duration, table } from '../../format.js'
import { type Caches, OpDbusError, openCaches, type Source } from '../../node.js'
import { logLines } from '../../sample-lines.js'
import type { CommandCall } from '../command.js'
import type { FlagValues } from '../flags.js'
import { linesOf } from '../lines.js'
import { argumentsOf, settingsOf } from '../settings.js'
import { sourceLabel, type Terminal } from '../terminal.js'
import { statsText } from './cache.js'
import { demoPatterns } from './demo-patterns.js'
import { demoTuning, traceDemo } from './demo-tuning.js'

const EVENTS = ['Created container 100', 'Created container 101', 'Created container 102']
const LINES = 1000
const SEED = 20_260_101

/** One measured pass over some texts. */
interface Pass {
  readonly ms: number
  readonly from: Readonly<Partial<Record<Source, number>>>
}

export async function demo({ values, terminal }: CommandCall<FlagValues>): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'op-dbus-demo-'))
  try {
    await run({ ...values, dir }, dir, terminal)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
  return 0
}

async function run(values: FlagValues, dir: string, terminal: Terminal): Promise<void> {
  const out = (text: string) => terminal.out(`${text}\n`)
  const file = join(dir, 'events.log')
  const lines = logLines(LINES, SEED)
  await writeFile(file, `${lines.join('\n')}\n`)
  traceDemo(dir)
  const caches = await openCaches({ ...settingsOf(values, terminal), warmStart: true })
  try {
    await out('Three events, as the caching strategy has them. The first one also loads the model.\n')
    const cold = await events(caches, terminal)
    await out('\nThe same three again, in this process:\n')
    const warm = await events(caches, terminal)
    await out(
      `\n${count(LINES)} log lines from a seeded generator (${count(new Set(lines).size)} different ones), twice:\n`,
    )
    const bulkCold = await bulk(caches, lines, terminal)
    const bulkWarm = await bulk(caches, lines, terminal)
    await caches.close()

    await out('\nA second process on the same folder. It loads no model: everything is on disk.\n')
    const later = await secondProcess(values, EVENTS, terminal)
    const bulkLater = await secondProcess(values, ['--file', file], terminal)
    await out(`  ${count(EVENTS.length)} events: ${origins(later)}\n  ${count(LINES)} lines: ${origins(bulkLater)}`)

    const row = (what: string, before: Pass, memory: Pass, disk: Pass) => [
      what,
      duration(before.ms),
      duration(memory.ms),
      `${count(before.ms / memory.ms)} x`,
      `${duration(disk.ms)} with Node's start`,
    ]
    await out('\nBefore and after, measured just now on this machine:\n')
    await terminal.out(
      table(
        [
          ['', 'computed', 'from memory', 'memory saves', 'a new process, from disk'],
          row('3 events', cold, warm, later),
          row(`${count(LINES)} lines`, bulkCold, bulkWarm, bulkLater),
        ],
        [1, 2, 3],
      ),
    )
    await out('\n`op-dbus cache stats` on that folder now says:\n')
    const after = await openCaches(settingsOf(values, terminal))
    await terminal.out(statsText(await after.stats()))
    await after.close()
    await demoPatterns(values, join(dir, 'patterns-demo'), lines, terminal)
    const { demoChain } = await import('./demo-chain.js')
    await demoChain(values, join(dir, 'data'), lines, terminal)
    await demoTuning(values, dir, lines, terminal)
    await out('\nThe folder is removed now. Next: op-dbus embed "your own text", and op-dbus cache trace on')
  } finally {
    await caches.close()
  }
}

async function events(caches: Caches, terminal: Terminal): Promise<Pass> {
  const from: Partial<Record<Source, number>> = {}
  let total = 0
  for (const text of EVENTS) {
    const start = performance.now()
    const { vector, source, device } = await caches.embeddings.getOrEmbed(text, { signal: terminal.signal })
    const ms = performance.now() - start
    total += ms
    from[source] = (from[source] ?? 0) + 1
    const time = duration(ms).padStart(8)
    await terminal.out(
      `  ${sourceLabel(source, terminal.color)}  ${time}  ${vector.length} dims (${device})  ${text}\n`,
    )
  }
  return { ms: total, from }
}

async function bulk(caches: Caches, lines: readonly string[], terminal: Terminal): Promise<Pass> {
  const start = performance.now()
  const { sources } = await caches.embeddings.embedMany(lines, {
    signal: terminal.signal,
    onProgress: ({ done, total }) => terminal.status(`${count(done)} of ${count(total)} lines`),
  })
  terminal.status('')
  const from: Partial<Record<Source, number>> = {}
  for (const source of sources) from[source] = (from[source] ?? 0) + 1
  const pass = { ms: performance.now() - start, from }
  const rate = count((1000 * lines.length) / pass.ms)
  await terminal.out(`  ${duration(pass.ms).padStart(8)}  ${rate} lines/s  ${origins(pass)}\n`)
  return pass
}

/** Runs the CLI itself and adds up what it says; `ms` is the whole run, the start of Node included. */
async function secondProcess(values: FlagValues, what: readonly string[], terminal: Terminal): Promise<Pass> {
  const args = [process.argv[1]!, 'embed', ...what, '--json', '--no-vector', ...argumentsOf(values)]
  const start = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], signal: terminal.signal })
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  // An abort rejects it while what was printed is still read.
  ended.catch(() => {})
  const from: Partial<Record<Source, number>> = {}
  for await (const line of linesOf(child.stdout)) {
    const { source } = JSON.parse(line) as { source: Source }
    from[source] = (from[source] ?? 0) + 1
  }
  const code = await ended
  if (code !== 0) throw new OpDbusError('EMBEDDER_FAILED', `the second process ended with exit code ${code}`)
  return { ms: performance.now() - start, from }
}

function origins({ from }: Pass): string {
  return Object.entries(from)
    .map(([source, n]) => `${count(n)} ${source}`)
    .join(', ')
}
