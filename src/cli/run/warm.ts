// `op-dbus cache warm`: texts that are embedded now, so that they are there later. Prints no vector.
import { count, duration, plural } from '../../format.js'
import { readOptions } from '../../node/options.js'
import { spaceId } from '../../node/spaces.js'
import { BatchError, type Caches, OpDbusError, openCaches } from '../../node.js'
import type { Source } from '../../ports.js'
import type { WarmCall, WarmReport } from '../../server/api.js'
import type { CommandCall } from '../command.js'
import { type DaemonValues, daemonSocket, openDaemon } from '../daemon.js'
import type { DaemonClient } from '../daemon-client.js'
import { NOT_EMBEDDED } from '../exit-codes.js'
import type { FlagValues } from '../flags.js'
import { openInput } from '../input.js'
import { ANSWER_MS, Portions, TOO_SLOW } from '../portions.js'
import { settingsOf } from '../settings.js'

type Values = FlagValues & DaemonValues & { readonly json?: boolean; readonly quiet?: boolean }
type Rows = Record<Source, number>

/** What goes together, in texts and in UTF-16 units. */
const MOST_TEXTS = 1024
const MOST_UNITS = 2 ** 20

export async function warm({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const [path, ...more] = args
  if (path === undefined || more.length > 0) {
    throw new OpDbusError('INVALID_INPUT', 'give one file of texts, one a line, or - for standard input')
  }
  const { signal } = terminal
  const settings = settingsOf(values, terminal)
  const caches = await openCaches(settings)
  const rows: Rows = { ...NONE }
  const portions = new Portions()
  const began = performance.now()
  let done = 0
  let computedThere = 0
  let failed = 0
  let daemon: DaemonClient | undefined
  const input = await openInput(path, signal)
  try {
    // Who names a device wants that one to compute.
    const { config, dir } = readOptions(settings)
    if (config.device === 'auto') daemon = await openDaemon(daemonSocket(dir, values), terminal)
    for await (const texts of batches(input.lines)) {
      for (let next = 0; next < texts.length; ) {
        const some = daemon ? texts.slice(next, next + portions.of(texts.slice(next))) : texts.slice(next)
        const there = daemon && (await warmedThere(daemon, caches, some, signal, portions))
        if (there === 'again') continue
        if (daemon !== undefined && there === undefined) {
          daemon.close()
          daemon = undefined
          continue
        }
        const { sources, lost } = there ?? (await warmedHere(caches, some, signal))
        for (const source of Object.keys(rows) as Source[]) rows[source] += sources[source]
        if (there) computedThere += sources.computed
        next += some.length
        done += some.length
        failed += lost
        const rate = (1000 * done) / (performance.now() - began)
        if (!values.quiet) terminal.status(`${count(done)} texts, ${count(rate)}/s, ${count(rows.computed)} computed`)
      }
    }
  } finally {
    terminal.status('')
    input.close()
    daemon?.close()
    await caches.close()
  }
  signal.throwIfAborted()
  const ms = performance.now() - began
  const computedBy = { daemon: computedThere, here: rows.computed - computedThere }
  const report = { texts: done, failed, rows, computedBy, ms: Math.round(ms) }
  if (values.json) await terminal.out(`${JSON.stringify(report)}\n`)
  else if (!values.quiet) terminal.say(summary(report, ms))
  if (failed > 0) terminal.say(`op-dbus: ${count(failed)} of ${count(done)} texts could not be embedded`)
  return failed > 0 ? NOT_EMBEDDED : 0
}

interface Warmed {
  readonly sources: Readonly<Rows>
  readonly lost: number
}

/** `again`: fewer at a time. Undefined where the daemon did not do it: another model, or no answer as it should be. */
async function warmedThere(
  daemon: DaemonClient,
  { embeddings }: Caches,
  texts: readonly string[],
  signal: AbortSignal,
  portions: Portions,
): Promise<Warmed | 'again' | undefined> {
  const { space } = await embeddings.computing({ signal })
  const body: WarmCall = { texts, space: spaceId(space) }
  const asked = performance.now()
  const { status, json } = await daemon.ask('/api/cache/warm', { body, ms: ANSWER_MS, inParts: true, signal })
  if (status === 504) {
    if (portions.tooMuch(texts)) return 'again'
    daemon.leave(TOO_SLOW)
  }
  const report = json as Partial<WarmReport> | undefined
  const counts = Object.values(report?.rows ?? {})
  const sound = counts.every(Number.isSafeInteger) && counts.reduce((sum, one) => sum + one, 0) === texts.length
  if (!sound) return undefined
  portions.took(texts, performance.now() - asked)
  return { sources: { ...NONE, ...report!.rows }, lost: 0 }
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

interface Summed {
  readonly texts: number
  readonly rows: Readonly<Rows>
  readonly computedBy: { readonly daemon: number; readonly here: number }
}

function summary({ texts, rows: { computed, ...rest }, computedBy: { daemon, here } }: Summed, ms: number): string {
  const there = Object.values(rest).reduce((sum, one) => sum + one, 0)
  const split = here === 0 ? ' by the daemon' : ` (${count(daemon)} by the daemon, ${count(here)} here)`
  const by = daemon === 0 ? '' : split
  return `warmed ${plural(texts, 'text', 'texts')}: ${count(computed)} computed${by}, ${count(there)} there already, in ${duration(ms)}`
}
