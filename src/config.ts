// Options over environment over defaults, checked once, into one frozen Config. Reads no file and no clock.

import { OpDbusError } from './errors.js'
import {
  isPatternSetting,
  PATTERN_EXPECTS,
  type PatternSetting,
  parsePatterns,
  patternFault,
} from './patterns/setting.js'

export { PATTERN_MODES, type PatternMode, type PatternOptions, type PatternSetting } from './patterns/setting.js'

/** Devices that can be asked for; `auto` takes the first that works. */
export const DEVICE_CHOICES = ['auto', 'cuda', 'webgpu', 'cpu', 'wasm'] as const
export type DeviceChoice = (typeof DEVICE_CHOICES)[number]

/** How a model's weights are stored. Another dtype is another space. */
export const DTYPE_CHOICES = ['fp32', 'fp16', 'int8'] as const
export type DtypeChoice = (typeof DTYPE_CHOICES)[number]

/** How token vectors become one: the mean of all, or the first token's. */
export const POOLING_CHOICES = ['mean', 'cls'] as const
export type PoolingChoice = (typeof POOLING_CHOICES)[number]

/** Everything that can be set, by whoever opens the caches. All optional; an option wins over its variable. */
export interface Settings {
  /**
   * Folder of the disk tiers. `OPDBUS_CACHE_DIR`. Default: `$XDG_CACHE_HOME/op-dbus`, else `/var/lib/op-dbus/cache` for
   * root and `~/.cache/op-dbus` for others. Browsers have a database.
   */
  readonly dir?: string | undefined
  /** Embeddings kept in memory, entries; 0 switches that tier off. `OPDBUS_EMBEDDING_CACHE_SIZE`. Default 10,000. */
  readonly embeddingCacheSize?: number | undefined
  /** Embeddings kept in memory, bytes of texts and vectors. Default: size x (4 x dims + 512). */
  readonly embeddingCacheBytes?: number | undefined
  /** Keep embeddings on disk too. `OPDBUS_EMBEDDING_DISK_CACHE`. Default true. */
  readonly embeddingDiskCache?: boolean | undefined
  /** Bytes of all embeddings on disk together, of every model. `OPDBUS_EMBEDDING_DISK_BYTES`. Default 2 GiB. */
  readonly embeddingDiskBytes?: number | undefined
  /** Blocks kept in memory, entries; ten times as many on disk; 0 = off. `OPDBUS_BLOCK_CACHE_SIZE`. Default 1,000. */
  readonly blockCacheSize?: number | undefined
  /** How long a plugin's answer is good, seconds; 0 = off. `OPDBUS_QUERY_CACHE_TTL`. Default 5. */
  readonly queryCacheTtl?: number | undefined
  /** Diffs kept in memory, entries; 0 = off. `OPDBUS_DIFF_CACHE_SIZE`. Default 100. */
  readonly diffCacheSize?: number | undefined
  /** How long a diff is good, seconds; 0 = off. `OPDBUS_DIFF_CACHE_TTL`. Default 60. */
  readonly diffCacheTtl?: number | undefined
  /**
   * `builtin`, a level (`low`, `medium`, `high`), a model folder, or a hub id (`org/name`); a level or id that is not on
   * this machine is fetched with the first text. `OP_DBUS_MODEL`, else the level in `OP_DBUS_VECTOR_LEVEL`. Default
   * `builtin`. `none` switches embedding off.
   */
  readonly model?: string | undefined
  /** Which weights of the model: `fp32`, `fp16` or `int8`. `OP_DBUS_MODEL_DTYPE`. Default fp32; int8 for the built-in model. */
  readonly dtype?: DtypeChoice | undefined
  /**
   * Keep only this many leading dims of every vector, scaled to length 1 again: for models trained so (Matryoshka). A
   * space of its own. `OP_DBUS_MODEL_DIMENSIONS`. Default: all.
   */
  readonly dimensions?: number | undefined
  /**
   * How token vectors become one, for a model whose files do not say it (no `modules.json`): `mean` or `cls`; its vectors
   * are scaled to length 1. `OP_DBUS_MODEL_POOLING`. Default: such a model is refused.
   */
  readonly pooling?: PoolingChoice | undefined
  /** A level that cannot load gives way to the next lower one, said aloud. `OP_DBUS_MODEL_FALLBACK`. Default false. */
  readonly fallback?: boolean | undefined
  /** Nothing is fetched: a model that is not on this machine is an error. `HF_HUB_OFFLINE`. Default false. */
  readonly offline?: boolean | undefined
  /**
   * Whether texts that differ only in variable parts share a vector: `off`, `template` (also `true`), or an object with more
   * to say. `OPDBUS_EMBEDDING_PATTERNS`. Default off.
   */
  readonly patterns?: PatternSetting | undefined
  /** Folder to look for models in, before the Hugging Face cache. `OP_DBUS_MODEL_DIR`. */
  readonly modelDir?: string | undefined
  /** What computes: `auto`, `cuda`, `webgpu`, `cpu` or `wasm`. `OP_DBUS_EXECUTION_PROVIDER`. Default `auto`. */
  readonly device?: DeviceChoice | undefined
  /** Which GPU, counted from 0. `OP_DBUS_GPU_DEVICE`. Default 0. */
  readonly gpuDevice?: number | undefined
  /** Threads that compute on the CPU, of all workers together. Default: as many as the machine runs at once. */
  readonly threads?: number | undefined
  /**
   * Workers that share the threads, each with a model of its own, on a CPU: one at first, more while many texts wait. A
   * GPU has one. Default: one for every four threads, at least one and at most eight.
   */
  readonly workers?: number | undefined
  /** Texts that may wait for the embedder before it says OVERLOADED. Default 16,384. */
  readonly maxQueue?: number | undefined
  /** The model is unloaded after this long without a text to embed, ms; 0 = never. Default 300,000 (5 minutes). */
  readonly idleUnloadMs?: number | undefined
}

export interface Config {
  readonly dir: string | undefined
  readonly embeddingCacheSize: number
  readonly embeddingCacheBytes: number | undefined
  readonly embeddingDiskCache: boolean
  readonly embeddingDiskBytes: number
  readonly blockCacheSize: number
  readonly queryCacheTtl: number
  readonly diffCacheSize: number
  readonly diffCacheTtl: number
  readonly model: string
  readonly dtype: DtypeChoice | undefined
  readonly dimensions: number | undefined
  readonly pooling: PoolingChoice | undefined
  readonly fallback: boolean
  readonly offline: boolean
  readonly patterns: PatternSetting
  readonly modelDir: string | undefined
  readonly device: DeviceChoice
  readonly gpuDevice: number
  readonly threads: number | undefined
  readonly workers: number | undefined
  readonly maxQueue: number
  readonly idleUnloadMs: number
}

/** In what the options of one runtime differ from {@link Settings}. */
export interface RuntimeOptions {
  /** For people. */
  readonly name: string
  /** Settings that mean nothing there. */
  readonly lacks: readonly (keyof Settings)[]
  /** Options that only the runtime's root reads, for messages. */
  readonly beside: readonly string[]
  readonly devices: readonly DeviceChoice[]
}

const ON_NODE: RuntimeOptions = {
  name: 'Node',
  lacks: [],
  beside: ['embedder', 'onDownload', 'onWarning'],
  devices: DEVICE_CHOICES,
}

/** Parses a variable's text; undefined when it means nothing. */
type Parse<T> = (text: string) => T | undefined

/** One setting: its default, its variable, and what is allowed. */
interface Rule<T> {
  readonly default: T
  readonly env?: string
  readonly parse?: Parse<T>
  readonly allows: (value: unknown) => boolean
  readonly expects: string
  /** What is wrong inside of an option that is an object; undefined where `expects` says it all. */
  readonly faultOf?: (value: unknown) => string | undefined
}

const wholeNumber = (least: number): Pick<Rule<number>, 'parse' | 'allows' | 'expects'> => ({
  parse: text => (/^\d+$/.test(text) && Number(text) >= least ? safe(Number(text)) : undefined),
  allows: value => Number.isSafeInteger(value) && (value as number) >= least,
  expects: `a whole number from ${least}`,
})
const seconds: Pick<Rule<number>, 'parse' | 'allows' | 'expects'> = {
  parse: text => (/^\d+(\.\d+)?$/.test(text) ? safe(Number(text)) : undefined),
  allows: value => typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER,
  expects: 'seconds, 0 or more',
}
const flag: Pick<Rule<boolean>, 'parse' | 'allows' | 'expects'> = {
  parse: text => BOOLEANS[text.toLowerCase()],
  allows: value => typeof value === 'boolean',
  expects: 'true or false',
}
const word: Pick<Rule<string | undefined>, 'parse' | 'allows' | 'expects'> = {
  parse: text => (text.includes('\0') ? undefined : text),
  allows: value => typeof value === 'string' && value !== '' && !value.includes('\0'),
  expects: 'a text that is not empty',
}

function oneOf(choices: readonly string[]): Pick<Rule<string>, 'allows' | 'expects'> {
  return {
    allows: value => (choices as readonly unknown[]).includes(value),
    expects: `one of ${choices.join(', ')}`,
  }
}

const RULES: { readonly [K in keyof Config]: Rule<Config[K]> } = {
  dir: { default: undefined, env: 'OPDBUS_CACHE_DIR', ...word },
  embeddingCacheSize: { default: 10_000, env: 'OPDBUS_EMBEDDING_CACHE_SIZE', ...wholeNumber(0) },
  embeddingCacheBytes: { default: undefined, ...wholeNumber(0) },
  embeddingDiskCache: { default: true, env: 'OPDBUS_EMBEDDING_DISK_CACHE', ...flag },
  embeddingDiskBytes: { default: 2 * 2 ** 30, env: 'OPDBUS_EMBEDDING_DISK_BYTES', ...wholeNumber(1 << 20) },
  blockCacheSize: { default: 1_000, env: 'OPDBUS_BLOCK_CACHE_SIZE', ...wholeNumber(0) },
  queryCacheTtl: { default: 5, env: 'OPDBUS_QUERY_CACHE_TTL', ...seconds },
  diffCacheSize: { default: 100, env: 'OPDBUS_DIFF_CACHE_SIZE', ...wholeNumber(0) },
  diffCacheTtl: { default: 60, env: 'OPDBUS_DIFF_CACHE_TTL', ...seconds },
  model: { default: 'builtin', env: 'OP_DBUS_MODEL', ...(word as Omit<Rule<string>, 'default'>) },
  dtype: {
    default: undefined,
    env: 'OP_DBUS_MODEL_DTYPE',
    parse: text => DTYPE_CHOICES.find(known => known === text.toLowerCase()),
    ...oneOf(DTYPE_CHOICES),
  },
  dimensions: { default: undefined, env: 'OP_DBUS_MODEL_DIMENSIONS', ...wholeNumber(1) },
  pooling: {
    default: undefined,
    env: 'OP_DBUS_MODEL_POOLING',
    parse: text => POOLING_CHOICES.find(known => known === text.toLowerCase()),
    ...oneOf(POOLING_CHOICES),
  },
  fallback: { default: false, env: 'OP_DBUS_MODEL_FALLBACK', ...flag },
  offline: { default: false, env: 'HF_HUB_OFFLINE', ...flag },
  patterns: {
    default: 'off',
    env: 'OPDBUS_EMBEDDING_PATTERNS',
    parse: parsePatterns,
    allows: isPatternSetting,
    faultOf: patternFault,
    expects: PATTERN_EXPECTS,
  },
  modelDir: { default: undefined, env: 'OP_DBUS_MODEL_DIR', ...word },
  device: {
    default: 'auto',
    env: 'OP_DBUS_EXECUTION_PROVIDER',
    parse: text => PROVIDERS[text.toLowerCase()],
    ...oneOf(DEVICE_CHOICES),
  },
  gpuDevice: { default: 0, env: 'OP_DBUS_GPU_DEVICE', ...wholeNumber(0) },
  threads: { default: undefined, ...wholeNumber(1) },
  workers: { default: undefined, ...wholeNumber(1) },
  maxQueue: { default: 16_384, ...wholeNumber(1) },
  idleUnloadMs: { default: 300_000, ...wholeNumber(0) },
}

const BOOLEANS: Record<string, boolean> = Object.assign(Object.create(null), {
  true: true,
  '1': true,
  yes: true,
  on: true,
  false: false,
  '0': false,
  no: false,
  off: false,
})

/** The names of the strategy for execution providers, and ours. TensorRT, DirectML and CoreML are not served. */
const PROVIDERS: Record<string, DeviceChoice> = Object.assign(Object.create(null), {
  auto: 'auto',
  cpu: 'cpu',
  cuda: 'cuda',
  gpu: 'cuda',
  webgpu: 'webgpu',
  wasm: 'wasm',
})

/** The strategy's names for `OP_DBUS_VECTOR_LEVEL`. */
const LEVELS: Record<string, string> = Object.assign(Object.create(null), {
  none: 'none',
  low: 'low',
  medium: 'medium',
  med: 'medium',
  high: 'high',
  builtin: 'builtin',
})

/**
 * `settings` over `env` over defaults. A bad option throws INVALID_INPUT, since a programmer wrote it; a bad variable
 * warns, since it may be anybody's, and the default holds. An empty variable counts as unset.
 */
export function readConfig(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
  runtime: RuntimeOptions = ON_NODE,
): Config {
  refuseStrange(settings, runtime)
  const rules = { ...RULES, device: { ...RULES.device, ...oneOf(runtime.devices) } }
  const config: Record<string, unknown> = {}
  for (const [name, rule] of Object.entries(rules) as [keyof Config, Rule<unknown>][]) {
    const option = settings[name]
    if (option !== undefined && !rule.allows(option)) {
      const why = rule.faultOf?.(option) ?? `${show(option)} is not ${rule.expects}`
      throw new OpDbusError('INVALID_INPUT', `${name}: ${why}`, {
        details: { option: name },
      })
    }
    config[name] = option ?? fromEnv(rule, env, warn) ?? rule.default
  }
  if (settings.model === undefined && !env.OP_DBUS_MODEL) {
    const level: Rule<string> = {
      ...RULES.model,
      env: 'OP_DBUS_VECTOR_LEVEL',
      parse: text => LEVELS[text.toLowerCase()],
      expects: 'one of none, low, medium, high',
    }
    config.model = fromEnv(level, env, warn) ?? config.model
  }
  return Object.freeze(config) as unknown as Config
}

function refuseStrange(settings: Settings, { name, beside, lacks }: RuntimeOptions): void {
  const known = Object.keys(RULES).filter(option => !(lacks as readonly string[]).includes(option))
  const strange = Object.entries(settings).find(([option, value]) => value !== undefined && !known.includes(option))
  if (!strange) return
  const [option] = strange
  const what = Object.hasOwn(RULES, option) ? `${name} has no option "${option}"` : `unknown option "${option}"`
  throw new OpDbusError('INVALID_INPUT', `${what}; there are: ${[...known, ...beside].sort().join(', ')}`, {
    details: { option },
  })
}

function fromEnv<T>(
  rule: Rule<T>,
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
): T | undefined {
  const text = rule.env === undefined ? undefined : env[rule.env]?.trim()
  if (text === undefined || text === '' || rule.parse === undefined) return undefined
  const value = rule.parse(text)
  if (value === undefined) {
    const fault = rule.faultOf?.(text)
    const why = fault === undefined ? `=${show(text)} is not ${rule.expects}` : `: ${fault}`
    warn(`${rule.env}${why}; using ${show(rule.default)}`)
  }
  return value
}

function safe(value: number): number | undefined {
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined
}

function show(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
