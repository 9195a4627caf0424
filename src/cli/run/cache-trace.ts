// `op-dbus cache trace on|off|status|export|clear`: the switch of the trace, and what was recorded. What records is in the processes themselves.
import { invalid, OpDbusError } from '../../errors.js'
import { bytes, count, duration, plural, visible } from '../../format.js'
import { guarded } from '../../fs/errno.js'
import { unlink } from '../../fs/files.js'
import { isWithin } from '../../fs/folders.js'
import { readOptions } from '../../node/options.js'
import { EXPORT_FORMATS, exportRequests } from '../../node/tuning/trace-export.js'
import {
  DEFAULT_TRACE_BYTES,
  LEAST_TRACE_BYTES,
  lookAtSwitch,
  MOST_TRACE_BYTES,
  readSwitch,
  switchOff,
  switchOn,
  traceFiles,
  traceFolder,
} from '../../node/tuning/trace-folder.js'
import { readTraces } from '../../node/tuning/trace-read.js'
import type { CacheName } from '../../ports.js'
import { mergeTraces } from '../../tuning/merge-traces.js'
import { CACHE_ORDER, LEAST_RATE } from '../../tuning/requests.js'
import type { CommandCall } from '../command.js'
import type { FlagValues } from '../flags.js'
import { openOutput } from '../output.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'
import { durationIn } from '../when.js'
import { jsonText } from './telling.js'

type Values = FlagValues &
  Partial<Record<'json' | 'quiet', boolean>> &
  Partial<Record<'for' | 'sample' | 'size' | 'format' | 'output' | 'cache', string>>

/** Where it lies, and how it was called. */
interface Call {
  readonly dir: string
  readonly values: Values
  readonly terminal: Terminal
}

const ACTIONS: Readonly<Record<string, (call: Call) => void | Promise<void>>> = {
  on,
  off,
  status,
  export: exportTraces,
  clear,
}

/** Which options are good for one action alone. */
const OPTIONS_OF: Readonly<Record<string, readonly (keyof Values)[]>> = {
  on: ['for', 'sample', 'size'],
  export: ['format', 'output', 'cache'],
}

export async function trace({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  const [name = 'status', ...more] = args
  const act = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (act === undefined || more.length > 0) {
    throw invalid(`cache trace takes one word: ${Object.keys(ACTIONS).join(', ')}`)
  }
  for (const [action, options] of Object.entries(OPTIONS_OF)) {
    const given = action === name ? undefined : options.find(option => values[option] !== undefined)
    if (given !== undefined) throw invalid(`--${given} is for: op-dbus cache trace ${action}`)
  }
  const { dir } = readOptions(settingsOf(values, terminal))
  if (dir === undefined) throw new OpDbusError('STORE', 'there is no cache folder; set OPDBUS_CACHE_DIR')
  await act({ dir, values, terminal })
  return 0
}

async function on({ dir, values, terminal }: Call): Promise<void> {
  const rate = values.sample === undefined ? 1 : Number(values.sample)
  if (!(rate >= LEAST_RATE && rate <= 1)) {
    throw invalid(`--sample ${values.sample} is no part: write a number from 0.000001 to 1`)
  }
  const maxBytes = values.size === undefined ? DEFAULT_TRACE_BYTES : Number(values.size) * 1e6
  if (!(maxBytes >= LEAST_TRACE_BYTES && maxBytes <= MOST_TRACE_BYTES)) {
    throw invalid(`--size ${values.size} is no size: write megabytes, from 1 to 1000000`)
  }
  const ms = values.for === undefined ? undefined : durationIn(values.for, 'for')
  if (ms === 0) throw invalid(`--for ${values.for} is no time at all: write 90s, 15m, 1h, 7d or 2w`)
  const until = ms === undefined ? undefined : Date.now() + ms
  const was = guarded(traceFolder(dir), () => readSwitch(dir, Date.now())) !== undefined
  guarded(traceFolder(dir), () => switchOn(dir, { rate, maxBytes, ...(until !== undefined && { until }) }))
  await said({ dir, values, terminal }, () => {
    const long = values.for === undefined ? 'until `op-dbus cache trace off`' : `for ${values.for}`
    const part = rate < 1 ? `, of ${100 * rate} % of the keys` : ''
    const before = was ? 'it was on; now ' : ''
    return `${before}requests are recorded from now on, ${long}${part}: hashes, sizes and times, at most ${bytes(maxBytes)}; never texts`
  })
}

async function off({ dir, values, terminal }: Call): Promise<void> {
  const was = guarded(traceFolder(dir), () => switchOff(dir))
  await said({ dir, values, terminal }, () => (was ? 'recording ends; what was recorded stays' : 'it was off'))
}

async function clear({ dir, values, terminal }: Call): Promise<void> {
  const files = guarded(traceFolder(dir), () => traceFiles(traceFolder(dir)))
  for (const { path } of files) guarded(path, () => unlink(path))
  const size = files.reduce((sum, file) => sum + file.bytes, 0)
  await said({ dir, values, terminal }, () => `removed ${plural(files.length, 'file', 'files')}, ${bytes(size)}`)
}

/** What was done, for people; what there is now, for programs. */
async function said(call: Call, text: () => string): Promise<void> {
  if (call.values.json) await call.terminal.out(jsonText(await statusOf(call)))
  else if (!call.values.quiet) call.terminal.say(text())
}

async function status(call: Call): Promise<void> {
  const all = await statusOf(call)
  await call.terminal.out(call.values.json ? jsonText(all) : statusText(all))
}

interface Status {
  readonly on: boolean
  /** Milliseconds since 1970. */
  readonly until?: number
  /** Part of the keys that is recorded to begin with. */
  readonly sample?: number
  readonly maxBytes?: number
  readonly folder: string
  readonly files: number
  readonly bytes: number
  readonly processes: number
  readonly requests: number
  /** The lowest part of the keys in any of them. */
  readonly rate: number
  readonly caches: Readonly<Partial<Record<CacheName, number>>>
  /** Milliseconds since 1970, of the first and the last request. */
  readonly from?: number
  readonly to?: number
  readonly notes: readonly string[]
}

async function statusOf({ dir, terminal }: Call): Promise<Status> {
  const folder = traceFolder(dir)
  const found = guarded(folder, () => lookAtSwitch(dir))
  const now = typeof found === 'string' || (found?.until ?? Number.POSITIVE_INFINITY) <= Date.now() ? undefined : found
  const files = guarded(folder, () => traceFiles(folder))
  const { traces, notes } =
    files.length === 0 ? { traces: [], notes: [] } : await readTraces(folder, { signal: terminal.signal })
  const caches: Partial<Record<CacheName, number>> = {}
  for (const { requests } of traces) {
    for (const place of requests.cache) caches[CACHE_ORDER[place]!] = (caches[CACHE_ORDER[place]!] ?? 0) + 1
  }
  const ends = traces.map(({ requests }) => requests.at[requests.length - 1]!)
  return {
    on: now !== undefined,
    ...(now?.until !== undefined && { until: now.until }),
    ...(now && { sample: now.rate, maxBytes: now.maxBytes }),
    folder,
    files: files.length,
    bytes: files.reduce((sum, file) => sum + file.bytes, 0),
    processes: traces.length,
    requests: traces.reduce((sum, { requests }) => sum + requests.length, 0),
    rate: Math.min(1, ...traces.map(({ rate }) => rate)),
    caches,
    ...(traces.length > 0 && { from: traces[0]!.requests.at[0]!, to: Math.max(...ends) }),
    notes: typeof found === 'string' ? [found, ...notes] : notes,
  }
}

function statusText(all: Status): string {
  const left = all.until === undefined ? '' : `, for ${duration(all.until - Date.now())} more`
  const sample = all.sample === undefined || all.sample === 1 ? '' : `, ${100 * all.sample} % of the keys`
  const lines = [all.on ? `recording is on${left}${sample}` : 'recording is off; op-dbus cache trace on begins it']
  if (all.requests > 0) {
    const span = duration(all.to! - all.from!)
    const of = all.rate < 1 ? `, ${(100 * all.rate).toPrecision(2)} % of the keys` : ''
    lines.push(
      `recorded: ${plural(all.requests, 'request', 'requests')} of ${plural(all.processes, 'process', 'processes')} in ${span}${of}`,
      `  ${Object.entries(all.caches)
        .map(([name, requests]) => `${name} ${count(requests)}`)
        .join(', ')}`,
    )
  } else lines.push('nothing is recorded')
  const most = all.maxBytes === undefined ? '' : ` of at most ${bytes(all.maxBytes)}`
  lines.push(`${plural(all.files, 'file', 'files')}, ${bytes(all.bytes)}${most}, in ${visible(all.folder)}`)
  return `${[...lines, ...all.notes.map(visible)].join('\n')}\n`
}

async function exportTraces({ dir, values, terminal }: Call): Promise<void> {
  const format = EXPORT_FORMATS.find(known => known === (values.format ?? 'csv'))
  if (format === undefined) throw invalid(`--format ${values.format}: there are ${EXPORT_FORMATS.join(' and ')}`)
  const cache = values.cache === undefined ? undefined : CACHE_ORDER.indexOf(values.cache as CacheName)
  if (cache === -1) throw invalid(`--cache ${values.cache}: there are ${CACHE_ORDER.join(', ')}`)
  if (format === 'oracleGeneral' && values.output === undefined && terminal.outTty) {
    throw invalid('oracleGeneral is no text: write it to a file with -o')
  }
  const folder = traceFolder(dir)
  if (values.output !== undefined && isWithin(values.output, folder)) {
    throw invalid(`-o ${values.output} lies in the folder of what is recorded: write it elsewhere`)
  }
  if (guarded(folder, () => traceFiles(folder)).length === 0) {
    throw invalid('nothing is recorded; `op-dbus cache trace on` begins it')
  }
  const { traces, notes } = await readTraces(folder, { signal: terminal.signal })
  let unsized = 0
  const { requests, rate } = mergeTraces(traces, cache, one => {
    // Nothing was found nor computed. Simulators take a size of 0 for a mistake.
    if (format === 'csv' || one.bytes > 0) return true
    unsized++
    return false
  })
  const told = [
    ...(unsized > 0 ? [`${plural(unsized, 'request', 'requests')} that nothing came of were left out`] : []),
    ...(rate < 1 ? [`it is ${100 * rate} % of the keys, by their hash`] : []),
    ...notes,
  ]
  const output =
    values.output === undefined ? undefined : await openOutput(values.output, terminal, { rewritten: false })
  try {
    const write = (piece: string | Uint8Array) => (output ?? { append: terminal.out }).append(piece)
    await exportRequests(requests, format, write, terminal.signal)
    await output?.finish()
  } catch (error) {
    await output?.abandon()
    throw error
  }
  if (values.json && output) {
    await terminal.out(jsonText({ format, requests: requests.length, rate, output: values.output, notes: told }))
  } else if (!values.quiet) {
    terminal.say(visible([`exported ${plural(requests.length, 'request', 'requests')}`, ...told].join('; ')))
  }
}
