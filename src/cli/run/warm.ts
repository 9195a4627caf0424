// `op-dbus cache warm`: texts that are looked up or embedded now, so that they are there later. Prints no vector.
import { count, duration, plural } from '../../format.js'
import { readOptions } from '../../node/options.js'
import { spaceId } from '../../node/spaces.js'
import { BatchError, type Caches, OpDbusError, openCaches } from '../../node.js'
import type { Source } from '../../ports.js'
import type { WarmCall, WarmReport } from '../../server/api.js'
import type { CommandCall } from '../command.js'
import { daemonSocket, openDaemon } from '../daemon.js'
import type { DaemonClient } from '../daemon-client.js'
import { NOT_EMBEDDED } from '../exit-codes.js'
import { openInput } from '../input.js'
import { ANSWER_MS, Portions, TOO_SLOW } from '../portions.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'
import { batches, interrupted, TimeLeft, type WarmValues } from './warm-parts.js'

type Rows = Record<Source, number>

export async function warm({ values, args, terminal }: CommandCall<WarmValues>): Promise<number> {
  const { from, trace, hot, embed } = values
  const [file, ...more] = args
  const sources = [file, from, trace, hot].filter(source => source !== undefined)
  if (sources.length !== 1 || more.length > 0) {
    throw new OpDbusError(
      'INVALID_INPUT',
      'give one of FILE, --from FILE, --trace FILE and --hot N; - is standard input',
    )
  }
  const path = file ?? from
  if (path !== undefined) return warmTexts(path, embed || file !== undefined, values, terminal)
  if (embed) {
    const what = trace === undefined ? 'the list of what memory held' : 'a trace'
    throw new OpDbusError(
      'INVALID_INPUT',
      `--embed needs texts, and ${what} has none: it names entries by hashes alone\nuse --from FILE --embed`,
    )
  }
  const { warmKeys } = await import('./warm-keys.js')
  return warmKeys(trace === undefined ? { hot: wholeNumber(hot!) } : { trace }, values, terminal)
}

function wholeNumber(text: string): number {
  const most = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(most) && most >= 1) return most
  throw new OpDbusError('INVALID_INPUT', `--hot ${JSON.stringify(text)} is not a whole number from 1 on`)
}

async function warmTexts(path: string, embed: boolean, values: WarmValues, terminal: Terminal): Promise<number> {
  if (values['dry-run']) return (await import('./warm-dry.js')).dryRun(path, embed, values, terminal)
  const { signal } = terminal
  const settings = settingsOf(values, terminal)
  const caches = await openCaches(settings)
  const rows: Rows = { ...NONE }
  const portions = new Portions()
  const began = performance.now()
  let done = 0
  let computedThere = 0
  let failed = 0
  let absent = 0
  const left = new TimeLeft(path, began)
  let daemon: DaemonClient | undefined
  const input = await openInput(path, signal)
  try {
    // Who names a device wants that one to compute.
    const { config, dir } = readOptions(settings)
    if (config.device === 'auto') daemon = await openDaemon(daemonSocket(dir, values), terminal)
    for await (const texts of batches(input.lines)) {
      for (let next = 0; next < texts.length; ) {
        const some = daemon ? texts.slice(next, next + portions.of(texts.slice(next))) : texts.slice(next)
        const there = daemon && (await warmedThere(daemon, caches, some, embed, signal, portions))
        if (there === 'again') continue
        if (daemon !== undefined && there === undefined) {
          daemon.close()
          daemon = undefined
          continue
        }
        const { sources, lost, missing } = there ?? (await (embed ? warmedHere : foundHere)(caches, some, signal))
        for (const source of Object.keys(rows) as Source[]) rows[source] += sources[source]
        if (there) computedThere += sources.computed
        next += some.length
        done += some.length
        failed += lost
        absent += missing
        left.took(some)
        const rate = (1000 * done) / (performance.now() - began)
        const what = embed ? `${count(rows.computed)} computed` : `${count(absent)} not there`
        if (!values.quiet) terminal.status(`${count(done)} texts, ${count(rate)}/s, ${what}${left.text}`)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    terminal.status('')
    input.close()
    daemon?.close()
    await caches.close()
  }
  if (signal.aborted)
    terminal.say(interrupted(`${plural(done, 'text', 'texts')} done, ${count(rows.computed)} of them computed`))
  signal.throwIfAborted()
  const ms = performance.now() - began
  const computedBy = { daemon: computedThere, here: rows.computed - computedThere }
  const report = { texts: done, failed, ...(!embed && { absent }), rows, computedBy, ms: Math.round(ms) }
  if (values.json) await terminal.out(`${JSON.stringify(report)}\n`)
  else if (!values.quiet) terminal.say(summary(report, absent, ms))
  if (failed > 0) terminal.say(`op-dbus: ${count(failed)} of ${count(done)} texts could not be embedded`)
  return failed > 0 ? NOT_EMBEDDED : 0
}

interface Warmed {
  readonly sources: Readonly<Rows>
  readonly lost: number
  /** What no tier has, and was not to be embedded. */
  readonly missing: number
}

/** `again`: fewer at a time. Undefined where the daemon did not do it: another model, or no answer as it should be. */
async function warmedThere(
  daemon: DaemonClient,
  { embeddings }: Caches,
  texts: readonly string[],
  embed: boolean,
  signal: AbortSignal,
  portions: Portions,
): Promise<Warmed | 'again' | undefined> {
  const { space } = await embeddings.computing({ signal })
  const body: WarmCall = { texts, space: spaceId(space), ...(!embed && { embed }) }
  const asked = performance.now()
  const { status, json } = await daemon.ask('/api/cache/warm', { body, ms: ANSWER_MS, inParts: true, signal })
  if (status === 504) {
    if (portions.tooMuch(texts)) return 'again'
    daemon.leave(TOO_SLOW)
  }
  const report = json as Partial<WarmReport> | undefined
  const counts = Object.values(report?.rows ?? {})
  const missing = report?.absent ?? 0
  const all = counts.reduce((sum, one) => sum + one, missing)
  const sound = [...counts, missing].every(Number.isSafeInteger) && all === texts.length
  if (!sound) return undefined
  portions.took(texts, performance.now() - asked)
  return { sources: { ...NONE, ...report!.rows }, lost: 0, missing }
}

async function warmedHere(caches: Caches, texts: readonly string[], signal: AbortSignal): Promise<Warmed> {
  const { sources, rest } = await lookedFor(caches, texts, signal)
  try {
    const matrix = rest.length > 0 ? await caches.embeddings.embedMany(rest, { signal }) : undefined
    for (const source of matrix?.sources ?? []) sources[source]++
    return { sources, lost: 0, missing: 0 }
  } catch (error) {
    if (!(error instanceof BatchError) || error.failed.length === texts.length) throw error
    // What finished is kept: it is there by now.
    const lost = new Set(error.failed.map(({ index }) => index))
    const kept = rest.filter((_, index) => !lost.has(index))
    const found = await lookedFor(caches, kept, signal)
    for (const source of Object.keys(sources) as Source[]) sources[source] += found.sources[source]
    return { sources, lost: lost.size, missing: found.rest.length }
  }
}

async function foundHere(caches: Caches, texts: readonly string[], signal: AbortSignal): Promise<Warmed> {
  const { sources, rest } = await lookedFor(caches, texts, signal)
  return { sources, lost: 0, missing: rest.length }
}

/** Where each is, and the rest, which nobody has. Nobody asks for them here, so nothing is counted. */
async function lookedFor({ embeddings }: Caches, texts: readonly string[], signal: AbortSignal) {
  await embeddings.computing({ signal })
  const sources = { ...NONE }
  const rest: string[] = []
  for (const text of texts) {
    signal.throwIfAborted()
    let source = await embeddings.ahead.where(text)
    // What others share is fetched once, and is here from then on.
    if (source === 'shared') source = (await embeddings.get(text))?.source
    if (source) sources[source]++
    else rest.push(text)
  }
  return { sources, rest }
}

const NONE: Readonly<Rows> = { memory: 0, disk: 0, shared: 0, pattern: 0, computed: 0 }

interface Summed {
  readonly texts: number
  readonly rows: Readonly<Rows>
  readonly computedBy: { readonly daemon: number; readonly here: number }
}

function summary({ texts, rows: { computed, ...rest }, computedBy }: Summed, absent: number, ms: number): string {
  const { daemon, here } = computedBy
  const there = Object.values(rest).reduce((sum, one) => sum + one, 0)
  const split = here === 0 ? ' by the daemon' : ` (${count(daemon)} by the daemon, ${count(here)} here)`
  const by = daemon === 0 ? '' : split
  if (there + computed === 0 && absent > 0)
    return `nothing to warm: none of ${plural(texts, 'text', 'texts')} is on disk (--embed computes them), in ${duration(ms)}`
  return `warmed ${plural(texts - absent, 'text', 'texts')}: ${count(computed)} computed${by}, ${count(there)} there already${absent > 0 ? `, ${count(absent)} on no disk and not computed (--embed does)` : ''}, in ${duration(ms)}`
}
