// The options that every command shares, and how they become settings of the library.
import {
  type DeviceChoice,
  type DtypeChoice,
  OpDbusError,
  type OpenOptions,
  type PatternMode,
  type PoolingChoice,
} from '../node.js'
import { downloadBar } from './download-bar.js'
import type { Terminal } from './terminal.js'

/** Every option of every command, for `parseArgs`. A command takes those it names. */
export const OPTIONS = {
  model: { type: 'string', short: 'm' },
  device: { type: 'string' },
  dtype: { type: 'string' },
  dimensions: { type: 'string' },
  pooling: { type: 'string' },
  fallback: { type: 'boolean' },
  offline: { type: 'boolean' },
  patterns: { type: 'string' },
  update: { type: 'boolean' },
  dir: { type: 'string' },
  file: { type: 'string', short: 'f' },
  output: { type: 'string', short: 'o' },
  format: { type: 'string' },
  json: { type: 'boolean' },
  'no-vector': { type: 'boolean' },
  embedding: { type: 'boolean' },
  embeddings: { type: 'boolean' },
  blocks: { type: 'boolean' },
  queries: { type: 'boolean' },
  diffs: { type: 'boolean' },
  force: { type: 'boolean' },
  quiet: { type: 'boolean', short: 'q' },
  debug: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'V' },
} as const

export type OptionName = keyof typeof OPTIONS

/** What `parseArgs` makes of them. */
export type Values = {
  readonly [K in OptionName]?: (typeof OPTIONS)[K]['type'] extends 'string' ? string : boolean
}

/** Library settings of a command line. Each warning is printed once. */
export function settingsOf(values: Values, terminal: Terminal): OpenOptions {
  const told = new Set<string>()
  const draw = values.quiet ? undefined : downloadBar(terminal, true)
  return {
    ...(values.dir !== undefined && { dir: values.dir }),
    ...(values.model !== undefined && { model: values.model }),
    // The library checks it, and says which devices there are.
    ...(values.device !== undefined && { device: values.device as DeviceChoice }),
    ...(values.dtype !== undefined && { dtype: values.dtype as DtypeChoice }),
    ...(values.dimensions !== undefined && { dimensions: wholeNumber('dimensions', values.dimensions) }),
    ...(values.pooling !== undefined && { pooling: values.pooling as PoolingChoice }),
    ...(values.fallback !== undefined && { fallback: values.fallback }),
    ...(values.offline !== undefined && { offline: values.offline }),
    // `true` as the environment has it; the library checks the rest.
    ...(values.patterns !== undefined && {
      patterns: values.patterns === 'true' ? 'template' : (values.patterns as PatternMode),
    }),
    ...(draw && { onDownload: draw }),
    onWarning(message) {
      if (!told.has(message)) terminal.say(`op-dbus: ${message}`)
      told.add(message)
    },
  }
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new OpDbusError('INVALID_INPUT', `--${option} ${JSON.stringify(text)} is not a whole number`)
}
