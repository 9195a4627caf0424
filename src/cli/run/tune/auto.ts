// `op-dbus cache tune --auto`: replays traces through the tuner of `OPDBUS_AUTOTUNE`, and says what it would have changed. Changes nothing.
import { invalid, throwIfAborted } from '../../../errors.js'
import { bytes, duration, oneLine, plural } from '../../../format.js'
import { readTracesOf } from '../../../node/tuning/trace-paths.js'
import { type AutoReplay, replayTrace, type TracedProcess } from '../../../tuning/auto/replay-trace.js'
import { LEAST_REQUESTS } from '../../../tuning/auto/tuner.js'
import type { TuningChange } from '../../../tuning/report.js'
import type { Terminal } from '../../terminal.js'
import { jsonText } from '../telling.js'

/** Requests are replayed twice, at a few microseconds each. */
const MOST_RECORDS = 4_000_000
/** Changes that are shown of each process; the JSON has all that the tuner remembers. */
const MOST_SHOWN = 20

export interface AutoCall {
  readonly paths: readonly string[]
  readonly json: boolean
  readonly quiet: boolean
  readonly terminal: Terminal
}

export async function tuneAuto({ paths, json, quiet, terminal }: AutoCall): Promise<void> {
  const { signal } = terminal
  const replays: AutoReplay[] = []
  let foreign = 0
  const { traces, notes } = await readTracesOf(paths, { signal, maxRecords: MOST_RECORDS })
  for (const note of notes) terminal.say(`op-dbus: ${oneLine(note, 300)}`)
  for (const trace of traces) {
    const replayed = await inTurns(trace, terminal, quiet)
    if (replayed) replays.push(replayed)
    else foreign++
  }
  terminal.status('')
  if (replays.length === 0) {
    throw invalid(
      foreign > 0
        ? 'the trace does not say how large the caches were, so there is nothing to begin from; trace with `op-dbus cache trace on`'
        : 'there is no request in what was named',
    )
  }
  await terminal.out(json ? jsonText(replays) : autoText(replays))
}

/** With turns of the event loop between, so that it can be interrupted. */
async function inTurns(trace: TracedProcess, terminal: Terminal, quiet: boolean): Promise<AutoReplay | undefined> {
  const steps = replayTrace(trace)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
    if (!quiet) terminal.status(`replaying: ${Math.round(100 * step.value)} %`)
    await new Promise(resolve => setImmediate(resolve))
    throwIfAborted(terminal.signal)
  }
}

function autoText(replays: readonly AutoReplay[]): string {
  const shown = replays.filter(({ requests }) => requests >= LEAST_REQUESTS)
  const short = replays.length - shown.length
  return [
    ...(shown.length > 1 ? [totalText(shown)] : []),
    ...shown.map(processText),
    ...(short > 0
      ? [
          `${plural(short, 'process', 'processes')} of fewer than ${LEAST_REQUESTS} requests: too few for the tuner to change anything\n`,
        ]
      : []),
  ].join('\n')
}

/** Of all processes, each of which has a memory of its own. */
function totalText(replays: readonly AutoReplay[]): string {
  const sum = (of: (one: AutoReplay) => number) => replays.reduce((all, one) => all + of(one), 0)
  const total = sum(({ totalSeconds }) => totalSeconds)
  const part = (saved: number) => percent(total > 0 ? saved / total : 0)
  const tuned = part(sum(({ totalSeconds, savedTuned }) => totalSeconds * savedTuned))
  const before = part(sum(({ totalSeconds, savedBefore }) => totalSeconds * savedBefore))
  const words = `${replays.length} processes, ${plural(
    sum(({ requests }) => requests),
    'request',
    'requests',
  )}`
  return `With OPDBUS_AUTOTUNE=on, ${words}:\n  memory would have saved ${tuned} of the time, and saved ${before} as it was set\n`
}

function processText(replay: AutoReplay): string {
  const { requests, began, spanSeconds, savedBefore, savedTuned, leftOut, auto } = replay
  const changes = [...auto.changes].reverse()
  const shares = Object.entries(auto.shares).map(([name, share]) => `${name} ${bytes(share.bytes)} (${share.policy})`)
  return [
    `With OPDBUS_AUTOTUNE=on, the process of ${timeText(began)}, ${plural(requests, 'request', 'requests')} in ${duration(1000 * spanSeconds)}:`,
    `  memory would have saved ${percent(savedTuned)} of the time, and saved ${percent(savedBefore)} as it was set`,
    `  of ${bytes(auto.budgetBytes)} at the end: ${shares.join(', ')}`,
    ...(leftOut.length > 0 ? [`  without ${leftOut.join(', ')}: the trace does not say how that was set`] : []),
    ...(changes.length === 0 ? ['  it would have changed nothing'] : []),
    ...changes.slice(0, MOST_SHOWN).map(changeLine),
    ...(changes.length > MOST_SHOWN ? [`  and ${changes.length - MOST_SHOWN} more; --json has them`] : []),
    '',
  ].join('\n')
}

function changeLine({ at, cache, what, from, to, why, undone }: TuningChange): string {
  const size = (value: string) => (what === 'capacity' ? bytes(Number(value)) : value)
  return `  ${timeText(at)}  ${cache}: ${size(from)} -> ${size(to)}${undone ? ', taken back' : ''}: ${why}`
}

const timeText = (at: number): string => new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
const percent = (part: number): string => `${(100 * part).toFixed(1)} %`
