// What `serve` takes, checked, and taken apart for the caches, the state and the chain. Opens nothing and reads no file.
import { OpDbusError } from '../errors.js'
import type { OpenOptions } from '../node/options.js'
import { OPTIONS, type Option, takes } from '../options.js'
import type { ChainSettings, StateSettings } from '../settings.js'
import type { StatePlugin } from '../state.js'
import { checkOrigin } from './hosts.js'
import { asLogLevel, type LogLevel } from './log.js'

/** Bounds of what one daemon takes. */
export interface ServeLimits {
  /** Bytes of a request's body; larger is answered 413. Default: 16,777,216. */
  readonly bodyBytes?: number | undefined
  /** Texts in one request of an embedding API; more is answered 400. Default: 2,048. */
  readonly maxBatch?: number | undefined
  /** Requests in hand; more are answered 429 with Retry-After. Default: 512. */
  readonly queue?: number | undefined
  /** How long one request may take to be answered, ms; longer is answered 504. Default: 120,000. */
  readonly requestTimeoutMs?: number | undefined
  /** How long a request may take to arrive, ms: then 408. Default: 5,000. */
  readonly receiveTimeoutMs?: number | undefined
  /** How long a stop waits for what is in hand, ms. Default: 10,000. */
  readonly stopTimeoutMs?: number | undefined
}

/** What `serve` takes beside the options of `openCaches`, `openState` and `openChain`. All optional. */
export interface ServerOptions {
  /** Address to listen on over TCP. Another than loopback demands `tokenFile`. Default: 127.0.0.1. */
  readonly host?: string | undefined
  /** Port; 0 takes a free one. Default: 8787. */
  readonly port?: number | undefined
  /** Path of the unix socket, which its owner alone may open and which needs no token; false: none. Default: `<cache folder>/daemon.sock`. */
  readonly socket?: string | false | undefined
  /** File with the token that may change and read. Default: one is made in `<data folder>/daemon/write-token`, for changing alone. */
  readonly tokenFile?: string | undefined
  /** File with a token that may only read. With either file named, reading over TCP takes a token. */
  readonly readTokenFile?: string | undefined
  /** Further names that a Host header may have, such as that of a proxy. Default: those of loopback. */
  readonly allowHosts?: readonly string[] | undefined
  /** Origins whose pages may ask, such as `https://app.example`. Default: none. */
  readonly cors?: readonly string[] | undefined
  /** Models to serve, each with caches of its own; requests choose by these names, the first is for those that name none. */
  readonly models?: readonly string[] | undefined
  /** More names, each for one of `models`: what a client cannot be told otherwise (`text-embedding-3-small`). */
  readonly aliases?: Readonly<Record<string, string>> | undefined
  /** How arrays of token numbers in `/v1/embeddings` are read; without it they are refused. */
  readonly tokenArrays?: 'cl100k_base' | undefined
  /** Answers of `/v1/embeddings` say in a header and a field `opdbus` where each row came from. Default: where the request asks for it. */
  readonly openaiExtras?: boolean | undefined
  readonly limits?: ServeLimits | undefined
  /** Take the sockets that systemd hands over instead of `host` and `port`, and tell it readiness. Default: false. */
  readonly systemd?: boolean | undefined
  /** Least of what is logged; `debug` has a line for every request. Default: info. */
  readonly logLevel?: LogLevel | undefined
  /** Told each line of the log, JSON with its line end. Default: standard error. */
  readonly onLog?: ((line: string) => void) | undefined
}

/** Everything that `serve` takes. What is for the caches goes to those of every model. */
export interface ServeOptions extends ServerOptions, Omit<OpenOptions, 'model'>, StateSettings, ChainSettings {
  /** Plugins of your own, as `openState` takes them. */
  readonly plugins?: readonly StatePlugin[] | undefined
}

/** {@link ServerOptions} with defaults. */
export interface ServerSettings {
  readonly host: string
  readonly port: number
  /** Undefined: beside the cache. */
  readonly socket: string | false | undefined
  readonly tokenFile: string | undefined
  readonly readTokenFile: string | undefined
  readonly allowHosts: readonly string[]
  readonly cors: readonly string[]
  readonly models: readonly string[]
  readonly aliases: Readonly<Record<string, string>>
  readonly tokenArrays: 'cl100k_base' | undefined
  readonly openaiExtras: boolean
  readonly limits: { readonly [K in keyof ServeLimits]-?: NonNullable<ServeLimits[K]> }
  readonly systemd: boolean
  readonly logLevel: LogLevel
}

export interface SplitOptions {
  readonly settings: ServerSettings
  readonly onLog: ((line: string) => void) | undefined
  readonly ofCaches: OpenOptions
  readonly ofState: StateSettings & { readonly plugins?: readonly StatePlugin[] | undefined }
  readonly ofChain: ChainSettings
}

const DEFAULT_LIMITS: ServerSettings['limits'] = {
  bodyBytes: 2 ** 24,
  maxBatch: 2048,
  queue: 512,
  requestTimeoutMs: 120_000,
  receiveTimeoutMs: 5_000,
  stopTimeoutMs: 10_000,
}

/** No limit is above this: timers of Node end there. */
const MOST = 2 ** 31 - 1

type Check = (value: unknown, name: string) => void

const OWN: Readonly<Record<keyof ServerOptions, Check>> = {
  host: text,
  port: (value, name) => whole(value, name, 0, 65_535),
  socket: (value, name) => value !== false && text(value, name),
  tokenFile: text,
  readTokenFile: text,
  allowHosts: texts,
  cors: (value, name) => {
    texts(value, name)
    for (const origin of value as string[]) checkOrigin(origin)
  },
  models: texts,
  aliases: (value, name) => {
    if (typeof value !== 'object' || value === null) throw invalid(name, 'must be an object of names')
    texts(Object.values(value), name)
  },
  tokenArrays: (value, name) => {
    if (value !== 'cl100k_base') throw invalid(name, 'must be cl100k_base, the one vocabulary that comes with op-dbus')
  },
  openaiExtras: truth,
  limits: checkLimits,
  systemd: truth,
  logLevel: asLogLevel,
  onLog: (value, name) => {
    if (typeof value !== 'function') throw invalid(name, 'must be a function')
  },
}

/** Options of {@link ServeOptions} that no table has. */
const BESIDE = { caches: ['embedder', 'shared', 'onDownload', 'onWarning'], state: ['plugins'] }

/** @throws OpDbusError INVALID_INPUT for an option that there is not, or that is not what its type says */
export function readServeOptions(options: ServeOptions): SplitOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const parts = { own: {}, caches: {}, state: {}, chain: {} } as Record<'own' | Taker, Record<string, unknown>>
  for (const [name, value] of given) {
    const takers = takersOf(name)
    if (takers.length === 0) throw unknown(name)
    if (Object.hasOwn(OWN, name)) OWN[name as keyof ServerOptions](value, name)
    for (const taker of takers) parts[taker][name] = value
  }
  const own = parts.own as ServerOptions
  return {
    settings: {
      host: own.host ?? '127.0.0.1',
      port: own.port ?? 8787,
      socket: own.socket,
      tokenFile: own.tokenFile,
      readTokenFile: own.readTokenFile,
      allowHosts: own.allowHosts ?? [],
      cors: own.cors ?? [],
      models: [...new Set(own.models)],
      aliases: own.aliases ?? {},
      tokenArrays: own.tokenArrays,
      openaiExtras: own.openaiExtras ?? false,
      limits: { ...DEFAULT_LIMITS, ...withoutUndefined(own.limits) },
      systemd: own.systemd ?? false,
      logLevel: own.logLevel ?? 'info',
    },
    onLog: own.onLog,
    ofCaches: parts.caches,
    ofState: parts.state,
    ofChain: parts.chain,
  }
}

type Taker = 'caches' | 'state' | 'chain'

function takersOf(name: string): ('own' | Taker)[] {
  if (Object.hasOwn(OWN, name)) return ['own']
  if (BESIDE.caches.includes(name)) return ['caches']
  if (BESIDE.state.includes(name)) return ['state']
  // A daemon may serve several: `models`.
  if (name === 'model' || !Object.hasOwn(OPTIONS, name)) return []
  const option: Option<unknown> = OPTIONS[name as keyof typeof OPTIONS]
  return (['caches', 'state', 'chain'] as const).filter(taker => takes(taker, option))
}

function unknown(name: string): OpDbusError {
  const hint =
    name === 'model'
      ? 'a daemon takes models, a list'
      : `there are: ${Object.keys(OWN).join(', ')}, and those of the caches, the state and the chain`
  return new OpDbusError('INVALID_INPUT', `unknown option "${name}"\n${hint}`, { details: { option: name } })
}

function checkLimits(value: unknown, name: string): void {
  if (typeof value !== 'object' || value === null) throw invalid(name, 'must be an object')
  for (const [limit, most] of Object.entries(value)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, limit)) {
      throw invalid(name, `has no "${limit}"; there are: ${Object.keys(DEFAULT_LIMITS).join(', ')}`)
    }
    if (most !== undefined) whole(most, `limits.${limit}`, 1, MOST)
  }
}

function withoutUndefined<T extends object>(value: T | undefined): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([, one]) => one !== undefined)) as never
}

function text(value: unknown, name: string): void {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) throw invalid(name, 'must be a text')
}

function texts(value: unknown, name: string): void {
  if (!Array.isArray(value)) throw invalid(name, 'must be a list of texts')
  for (const one of value) text(one, name)
}

function truth(value: unknown, name: string): void {
  if (typeof value !== 'boolean') throw invalid(name, 'must be true or false')
}

function whole(value: unknown, name: string, least: number, most: number): void {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) return
  throw invalid(name, `must be a whole number from ${least} to ${most}`)
}

function invalid(option: string, message: string): OpDbusError {
  return new OpDbusError('INVALID_INPUT', `${option} ${message}`, { details: { option } })
}
