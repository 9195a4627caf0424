// `op-dbus cache tune`: advice from traces, as text with a chart, as JSON, and as a picture. What is advised is worked out in src/tuning.
import { dirname } from 'node:path'
import { invalid, OpDbusError } from '../../errors.js'
import { oneLine } from '../../format.js'
import { guarded } from '../../fs/errno.js'
import { readOptions } from '../../node/options.js'
import { adviseTraces } from '../../node/tuning/advice.js'
import { readSwitch, traceFiles, traceFolder } from '../../node/tuning/trace-folder.js'
import type { CommandCall } from '../command.js'
import type { FlagValues } from '../flags.js'
import { writeOutput } from '../output.js'
import { settingsOf } from '../settings.js'
import type { Terminal } from '../terminal.js'
import { jsonText } from './telling.js'
import { curvesSvg } from './tune/svg.js'
import { adviceText } from './tune/text.js'

interface Values {
  readonly trace?: readonly string[]
  readonly svg?: string
  readonly full?: boolean
  readonly auto?: boolean
  readonly json?: boolean
  readonly quiet?: boolean
}

/** Of the cache folder `dir`. */
function nothingYet(dir: string): string {
  const on = readSwitch(dir, Date.now()) !== undefined
  const what = on
    ? 'recording is on, and nothing was recorded yet'
    : 'nothing is recorded: `op-dbus cache trace on` begins it'
  return `${what}; come back when the caches were used for a while`
}

export async function tune({ values, args, terminal }: CommandCall<Values>): Promise<number> {
  if (args.length > 0)
    throw invalid(`cache tune takes no argument; name a trace with --trace: ${oneLine(args[0]!, 60)}`)
  if (values.json && values.svg === '-') throw invalid('--json and --svg - would both go to standard output')
  if (values.auto && (values.svg !== undefined || values.full))
    throw invalid('--auto draws no curves: leave out --svg and --full')
  const paths = values.trace ?? [recorded(values, terminal)]
  if (values.auto) {
    const { json = false, quiet = false } = values
    await (await import('./tune/auto.js')).tuneAuto({ paths, json, quiet, terminal })
    return 0
  }
  const onProgress = (done: number, all: number) =>
    terminal.status(`simulating: ${done} of about ${Math.max(done, all)}`)
  try {
    const rate = values.full ? 1 : undefined
    const quiet = values.quiet ? {} : { onProgress }
    const { report, notes } = await adviseTraces(paths, { rate, signal: terminal.signal, ...quiet })
    terminal.status('')
    for (const note of notes) terminal.say(`op-dbus: ${oneLine(note, 300)}`)
    if (report === undefined)
      throw invalid(values.trace ? 'there is no request in what was named' : nothingYet(dirname(paths[0]!)))
    if (values.svg !== undefined) await writeOutput(values.svg, curvesSvg(report), terminal)
    if (values.json) await terminal.out(jsonText(report))
    else if (values.svg !== '-') await terminal.out(adviceText(report, lookOf(terminal)))
    return 0
  } finally {
    terminal.status('')
  }
}

function recorded(values: Values, terminal: Terminal): string {
  const { dir } = readOptions(settingsOf(values as FlagValues, terminal))
  if (dir === undefined) throw new OpDbusError('STORE', 'there is no cache folder; set OPDBUS_CACHE_DIR')
  const folder = traceFolder(dir)
  if (guarded(folder, () => traceFiles(folder)).length === 0) throw invalid(nothingYet(dir))
  return folder
}

function lookOf({ columns }: Terminal) {
  const { LC_ALL, LC_CTYPE, LANG, TERM } = process.env
  const locale = LC_ALL || LC_CTYPE || LANG
  // Where nothing says otherwise, what shows UTF-8 is the rule.
  const blocks = TERM !== 'dumb' && (!locale || /utf-?8/i.test(locale))
  return { columns: Math.min(columns, 120), blocks }
}
