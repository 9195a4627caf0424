// Options over environment over defaults, checked once, into one frozen Config. Which there are says the table in options.ts.
// Reads no file and no clock.
import { OpDbusError } from './errors.js'
import { type DeviceChoice, OPTIONS, type Option, type OptionName, type OptionTaker, takes } from './options.js'
import type { CacheSettings, ChainSettings, StateSettings } from './settings.js'

/** Every option of the caches with its value; undefined only where it has no default. */
export type Config = ConfigOf<keyof CacheSettings>
/** The same of what plugins and their manager take. */
export type StateConfig = ConfigOf<keyof StateSettings>
/** The same of what the chain takes. */
export type ChainConfig = ConfigOf<keyof ChainSettings>
type ConfigOf<N extends OptionName> = { readonly [K in N]: Filled<(typeof OPTIONS)[K]> }
type Filled<E> = E extends Option<infer T, infer D> ? (undefined extends D ? T | undefined : T) : never

/** In what the options of one runtime differ from the table. */
export interface RuntimeOptions {
  readonly runtime: NonNullable<Option<unknown>['only']>
  /** For people. */
  readonly name: string
  /** Options that only the runtime's root reads, for messages. */
  readonly beside: readonly string[]
  readonly devices: readonly DeviceChoice[]
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * `settings` over `env` over defaults, of what caches take. A bad option throws INVALID_INPUT, since a programmer wrote it; a bad
 * variable warns, since it may be anybody's, and the default holds. An empty variable counts as unset.
 */
export function readConfig(
  settings: CacheSettings,
  env: Environment,
  warn: (message: string) => void,
  runtime: RuntimeOptions,
): Config {
  return read(settings, env, warn, { runtime, taker: 'caches' }) as Config
}

/** As {@link readConfig}, of what plugins and their manager take. */
export function readStateConfig(
  settings: StateSettings,
  env: Environment,
  warn: (message: string) => void,
): StateConfig {
  return read(settings, env, warn, { runtime: NODE_ALONE, taker: 'state' }) as StateConfig
}

/** As {@link readConfig}, of what the chain takes. */
export function readChainConfig(
  settings: ChainSettings,
  env: Environment,
  warn: (message: string) => void,
): ChainConfig {
  return read(settings, env, warn, { runtime: NODE_ALONE, taker: 'chain' }) as ChainConfig
}

const NODE_ALONE: RuntimeOptions = { runtime: 'node', name: 'Node', beside: [], devices: [] }

interface Reading {
  readonly runtime: RuntimeOptions
  readonly taker: OptionTaker
}

function read(
  settings: CacheSettings & StateSettings & ChainSettings,
  env: Environment,
  warn: (message: string) => void,
  reading: Reading,
): Readonly<Partial<Record<OptionName, unknown>>> {
  refuseStrange(settings, reading)
  const config: Partial<Record<OptionName, unknown>> = {}
  for (const [name, option] of Object.entries(OPTIONS) as [OptionName, Option<unknown>][]) {
    if (!takes(reading.taker, option)) continue
    const given = settings[name]
    if (given !== undefined) refuseBad(name, given, option, reading.runtime)
    config[name] = given ?? fromEnvironment(option, env, warn) ?? option.default
  }
  return Object.freeze(config)
}

function refuseStrange(settings: object, { taker, runtime: { runtime, name, beside } }: Reading): void {
  const known = (Object.entries(OPTIONS) as [OptionName, Option<unknown>][])
    .filter(([, option]) => takes(taker, option) && (option.only === undefined || option.only === runtime))
    .map(([option]) => option as string)
  const strange = Object.entries(settings).find(([option, value]) => value !== undefined && !known.includes(option))
  if (!strange) return
  const [option] = strange
  const elsewhere = Object.hasOwn(OPTIONS, option) && takes(taker, OPTIONS[option as OptionName])
  const what = elsewhere ? `${name} has no option "${option}"` : `unknown option "${option}"`
  throw invalid(option, `${what}; there are: ${[...known, ...beside].sort().join(', ')}`)
}

function refuseBad(name: OptionName, given: unknown, option: Option<unknown>, { devices }: RuntimeOptions): void {
  const { allows, expects } = name === 'device' ? oneOfDevices(devices) : option
  if (allows(given)) return
  throw invalid(name, `${name}: ${option.faultOf?.(given) ?? `${show(given)} is not ${expects}`}`)
}

function oneOfDevices(devices: readonly unknown[]): Pick<Option<unknown>, 'allows' | 'expects'> {
  return { allows: value => devices.includes(value), expects: `one of ${devices.join(', ')}` }
}

function fromEnvironment<T>(option: Option<T>, env: Environment, warn: (message: string) => void): T | undefined {
  const { variable, otherVariable } = option
  const text = textOf(env, variable)
  const word = text === undefined ? textOf(env, otherVariable?.name) : undefined
  if (text !== undefined) {
    const value = option.parse(text)
    if (value !== undefined) return value
    const fault = option.faultOf?.(text)
    const why = fault === undefined ? `=${show(text)} is not ${option.expects}` : `: ${fault}`
    warn(`${variable}${why}; ${instead(option)}`)
    return option.mistaken
  }
  if (otherVariable === undefined || word === undefined) return undefined
  const { name, words } = otherVariable
  if (Object.hasOwn(words, word.toLowerCase())) return words[word.toLowerCase()]
  warn(`${name}=${show(word)} is not one of ${Object.keys(words).join(', ')}; ${instead(option)}`)
  return undefined
}

function textOf(env: Environment, variable: string | undefined): string | undefined {
  return (variable !== undefined && env[variable]?.trim()) || undefined
}

function instead({ default: usual, mistaken: value = usual, unsaid }: Option<unknown>): string {
  if (value !== undefined) return `using ${show(value)}`
  return unsaid === undefined ? 'it is ignored' : `using the default: ${unsaid}`
}

function invalid(option: string, message: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', message, { details: { option } })
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
