// `op-dbus cache warm`: texts that are embedded now, so that they are there later. Prints no vector.
import { count, duration, plural } from '../../format.js'
import { readOptions } from '../../node/options.js'
import { BatchError, type Caches, OpDbusError, openCaches } from '../../node.js'
import type { Source } from '../../ports.js'
import type { WarmCall, WarmReport } from '../../server/api.js'
import type { CommandCall } from '../command.js'
import { type DaemonValues, daemonSocket, openDaemon } from '../daemon.js'
import type { DaemonClient } from '../daemon-client.js'
import type { FlagValues } from '../flags.js'
import { openInput } from '../input.js'
import { settingsOf } from '../settings.js'

type Values = FlagValues & DaemonValues & { readonly json?: boolean; readonly quiet?: boolean }
type Rows = Record<Source, number>

/** What goes together, in texts and in UTF-16 units. */
const MOST_TEXTS = 1024
const MOST_UNITS = 2 ** 20
/** The most that the daemon may take for that, ms. */
const ANSWER_MS = 300_000

export async function warm({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const [path, ...more] = args
  if (path === undefined || more.length > 0) {
    throw new OpDbusError('INVALID_INPUT', 'give one file of texts, one a line, or - for standard input')
  }
  const { signal } = terminal
  const settings = settingsOf(values, terminal)
  const caches = await openCaches(settings)
  const rows: Rows = { memory: 0, disk: 0, shared: 0, pattern: 0, computed: 0 }
  const began = performance.now()
  let done = 0
  let failed = 0
  let daemon: DaemonClient | undefined
  const input = await openInput(path, signal)
  try {
    // Who names a device wants that one to compute.
    const { config, dir } = readOptions(settings)
    if (config.device === 'auto') daemon = await openDaemon(daemonSocket(dir, values), signal)
    for await (const texts of batches(input.lines)) {
      const there = daemon && (await warmedThere(daemon, caches, texts, signal))
      if (there === undefined) {
        daemon?.close()
        daemon = undefined
      }
      const { sources, lost } = there ?? (await warmedHere(caches, texts, signal))
      for (const source of Object.keys(rows) as Source[]) rows[source] += sources[source]
      done += texts.length
      failed += lost
      const rate = (1000 * done) / (performance.now() - began)
      if (!values.quiet) terminal.status(`${count(done)} texts, ${count(rate)}/s, ${count(rows.computed)} computed`)
    }
  } finally {
    terminal.status('')
    input.close()
    daemon?.close()
    await caches.close()
  }
  signal.throwIfAborted()
  const ms = performance.now() - began
  if (values.json) await terminal.out(`${JSON.stringify({ texts: done, failed, rows, ms: Math.round(ms) })}\n`)
  else if (!values.quiet) terminal.say(summary(done, rows, ms))
  if (failed > 0) terminal.say(`op-dbus: ${count(failed)} of ${count(done)} texts could not be embedded`)
  return failed > 0 ? 5 : 0
}

interface Warmed {
  readonly sources: Readonly<Rows>
  readonly lost: number
}

/** Undefined where the daemon did not do it: another model, or no answer as it should be. */
async function warmedThere(
  daemon: DaemonClient,
  { embeddings }: Caches,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<Warmed | undefined> {
  const { space } = await embeddings.computing({ signal })
  const body: WarmCall = { texts, space }
  const report = (await daemon.ask('/api/cache/warm', { body, ms: ANSWER_MS, signal })) as
    | Partial<WarmReport>
    | undefined
  const counts = Object.values(report?.rows ?? {})
  const sound = counts.every(Number.isSafeInteger) && counts.reduce((sum, one) => sum + one, 0) === texts.length
  return sound ? { sources: { ...NONE, ...report!.rows }, lost: 0 } : undefined
}

async function warmedHere({ embeddings }: Caches, texts: readonly string[], signal: AbortSignal): Promise<Warmed> {
  const sources = { ...NONE }
  try {
    const matrix = await embeddings.embedMany(texts, { signal })
    for (const source of matrix.sources) sources[source]++
    return { sources, lost: 0 }
  } catch (error) {
    if (!(error instanceof BatchError) || error.failed.length === texts.length) throw error
    // What finished is kept, and counts as it is found now.
    const lost = new Set(error.failed.map(({ index }) => index))
    const { sources: found } = await embeddings.embedMany(
      texts.filter((_, index) => !lost.has(index)),
      { signal },
    )
    for (const source of found) sources[source]++
    return { sources, lost: lost.size }
  }
}

const NONE: Readonly<Rows> = { memory: 0, disk: 0, shared: 0, pattern: 0, computed: 0 }

/** Lines that are not empty, some at a time. */
async function* batches(lines: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let texts: string[] = []
  let units = 0
  for await (const line of lines) {
    if (line === '') continue
    texts.push(line)
    units += line.length
    if (texts.length < MOST_TEXTS && units < MOST_UNITS) continue
    yield texts
    texts = []
    units = 0
  }
  if (texts.length > 0) yield texts
}

function summary(done: number, { computed, ...rest }: Rows, ms: number): string {
  const there = Object.values(rest).reduce((sum, one) => sum + one, 0)
  return `warmed ${plural(done, 'text', 'texts')}: ${count(computed)} computed, ${count(there)} there already, in ${duration(ms)}`
}
