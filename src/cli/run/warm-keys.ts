// `op-dbus cache warm --hot` and `--trace`: embeddings by their names on disk, into the memory of a daemon, or read once. Computes nothing.
import { count, duration, plural, visible } from '../../format.js'
import { readOptions } from '../../node/options.js'
import { spaceId } from '../../node/spaces.js'
import { hotListPath, lastUsed, NO_LIST, readHotList } from '../../node/tuning/hot-list.js'
import { countOf, nameAt } from '../../node/tuning/names.js'
import { openSpace, readThrough, recordBytes, tracedNames } from '../../node/tuning/names-on-disk.js'
import { readTraces } from '../../node/tuning/trace-read.js'
import { OpDbusError, openCaches } from '../../node.js'
import type { WarmCall, WarmReport } from '../../server/api.js'
import { daemonSocket, openDaemon } from '../daemon.js'
import type { DaemonClient } from '../daemon-client.js'
import { ANSWER_MS } from '../portions.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'
import { interrupted, type WarmValues } from './warm-parts.js'

/** Names of one request. */
const PORTION = 2048
/** What is read to find out how long all would take. */
const SAMPLE = 512

export type KeySource = { readonly hot: number } | { readonly trace: string }

interface Report {
  readonly asked: number
  /** In the memory of a daemon by now, or read once. */
  readonly loaded: number
  readonly there: number
  /** Not on disk, or of another space. */
  readonly gone: number
  readonly noRoom: number
  readonly by: 'daemon' | 'here'
  readonly ms: number
}

export async function warmKeys(source: KeySource, values: WarmValues, terminal: Terminal): Promise<number> {
  const { signal } = terminal
  const settings = settingsOf(values, terminal)
  const { dir } = readOptions(settings)
  if (dir === undefined) throw new OpDbusError('INVALID_INPUT', 'nothing is kept on disk here: set OPDBUS_CACHE_DIR')
  const caches = await openCaches({ ...settings, warmStart: false })
  const computing = await caches.embeddings.computing({ signal }).finally(() => caches.close())
  const store = openSpace(dir, computing, message => terminal.say(`op-dbus: ${visible(message)}`))
  let reached = ''
  try {
    const wanted = await namesOf(source)
    if (wanted === undefined && !values.json) return 0
    const { names, gone } = wanted ?? { names: new Uint8Array(), gone: 0 }
    if (values['dry-run']) return await dryRun(names, gone)
    const began = performance.now()
    const daemon = await openDaemon(daemonSocket(dir, values), terminal)
    const done = (daemon && (await there(daemon, names))) ?? (await here(names))
    daemon?.close()
    signal.throwIfAborted()
    const report: Report = {
      ...done,
      asked: countOf(names) + gone,
      gone: done.gone + gone,
      ms: Math.round(performance.now() - began),
    }
    if (values.json) await terminal.out(`${JSON.stringify(report)}\n`)
    else if (!values.quiet) terminal.say(summary(report))
    return 0
  } catch (error) {
    if (signal.aborted && reached) terminal.say(interrupted(`${reached} done`))
    throw error
  } finally {
    terminal.status('')
    await store.close()
  }

  /** Undefined where there is nothing, which was said. */
  async function namesOf(wanted: KeySource): Promise<{ names: Uint8Array; gone: number } | undefined> {
    if ('trace' in wanted) {
      const { traces, notes } = await readTraces(wanted.trace, { signal })
      for (const note of notes) terminal.say(`op-dbus: ${visible(note)}`)
      return tracedNames(
        traces.map(({ requests }) => requests),
        store,
        signal,
      )
    }
    const path = hotListPath(dir!, computing.space)
    const list = readHotList(path, computing.space)
    if (typeof list !== 'string') {
      const has = list.ranks.length
      if (has < wanted.hot && !values.quiet && !values.json)
        terminal.say(`the list has ${plural(has, 'embedding', 'embeddings')}, which is fewer than ${count(wanted.hot)}`)
      return { names: lastUsed(list, wanted.hot), gone: 0 }
    }
    const why =
      list === 'absent'
        ? `there is no list of what memory held for this model (${visible(path)})`
        : `the list of what memory held ${NO_LIST[list]}, and so of no use: ${visible(path)}\nremove it, or leave it: it is written anew`
    terminal.say(`op-dbus: ${why}\nit is written by op-dbus serve, and by programs that open the caches with warmStart`)
    return undefined
  }

  async function dryRun(names: Uint8Array, gone: number): Promise<number> {
    const began = performance.now()
    const sample = await readThrough(store, names, { signal, most: SAMPLE })
    const perRead = (performance.now() - began) / Math.max(1, sample.read)
    const report = {
      dryRun: true,
      asked: countOf(names) + gone,
      there: sample.there,
      gone: sample.gone + gone,
      bytes: sample.there * recordBytes(computing.dims),
      seconds: (sample.there * perRead) / 1000,
    }
    if (values.json) await terminal.out(`${JSON.stringify(report)}\n`)
    else if (!values.quiet) {
      terminal.say(
        `would load ${plural(report.there, 'embedding', 'embeddings')}, less what a daemon has in memory already, in about ${duration(1000 * report.seconds)}${goneText(report.gone)}`,
      )
    }
    return 0
  }

  /** Undefined where the daemon does not do it. */
  async function there(daemon: DaemonClient, names: Uint8Array): Promise<Omit<Report, 'asked' | 'ms'> | undefined> {
    const sum = { loaded: 0, there: 0, gone: 0, noRoom: 0 }
    const total = countOf(names)
    for (let from = 0; from < total; from += PORTION) {
      const keys = Array.from({ length: Math.min(PORTION, total - from) }, (_, i) => nameAt(names, from + i))
      const body: WarmCall = { keys, space: spaceId(computing.space) }
      const { json } = await daemon.ask('/api/cache/warm', { body, ms: ANSWER_MS, signal })
      const { rows, absent, noRoom } = (json ?? {}) as Partial<WarmReport>
      if (![rows?.disk, rows?.memory, absent, noRoom].every(Number.isSafeInteger)) return undefined
      sum.loaded += rows!.disk
      sum.there += rows!.memory
      sum.gone += absent!
      sum.noRoom += noRoom!
      progress(from + keys.length, total)
      // What is colder has no room either.
      if (noRoom! > 0) {
        sum.noRoom += total - from - keys.length
        break
      }
    }
    return { ...sum, by: 'daemon' }
  }

  async function here(names: Uint8Array): Promise<Omit<Report, 'asked' | 'ms'>> {
    const { read, gone } = await readThrough(store, names, { signal, onRead: done => progress(done, countOf(names)) })
    return { loaded: read, there: 0, gone, noRoom: 0, by: 'here' }
  }

  function progress(done: number, total: number): void {
    reached = `${count(done)} of ${plural(total, 'embedding', 'embeddings')}`
    if (!values.quiet) terminal.status(reached)
  }
}

function summary({ loaded, there, gone, noRoom, by, ms }: Report): string {
  const what =
    by === 'daemon'
      ? `${plural(loaded, 'embedding', 'embeddings')} loaded into the daemon's memory, ${count(there)} there already`
      : `read ${plural(loaded, 'embedding', 'embeddings')} once (no daemon runs here, whose memory could hold them)`
  return `${what}, in ${duration(ms)}${goneText(gone)}${noRoom > 0 ? `; no room for ${count(noRoom)}` : ''}`
}

function goneText(gone: number): string {
  return gone === 0 ? '' : `; ${count(gone)} are not on disk any more, or of another model`
}
