// Puts a daemon together: caches, state and chain, the app over them, and where it listens; and takes it apart again. Serves no route itself.
import { join } from 'node:path'
import { type Chain, openChain } from '../blockchain.js'
import { isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import { isLoopback } from '../loopback.js'
import { readOptions } from '../node/options.js'
import { nodeClock } from '../node/runtime.js'
import { dataDirOf } from '../node/state-options.js'
import type { OpenOptions } from '../node.js'
import { openState, type State } from '../state.js'
import { VERSION } from '../version.js'
import { createApp } from './app.js'
import { Auth, type AuthRules } from './auth.js'
import type { Routes, ServerContext } from './context.js'
import type { Daemon } from './daemon.js'
import { Hosts } from './hosts.js'
import { Limits } from './limits.js'
import { Listeners } from './listeners.js'
import { type Log, openLog, standardError } from './log.js'
import { createMeters } from './meters.js'
import { type Models, openModels } from './models.js'
import { readServeOptions, type ServeOptions, type ServerSettings, type SplitOptions } from './options.js'
import { inheritedSockets, notify } from './systemd.js'
import { ownWriteToken, readTokenFile } from './tokens.js'
import { isTraced } from './tracing.js'

/** Closes one part. */
type Undo = () => Promise<void> | void

/** For tests, which look at what a daemon has open. */
export interface OpenDaemon extends Daemon {
  readonly context: ServerContext
}

/** @throws OpDbusError INVALID_INPUT, CONFLICT, STORE: nothing is left open then */
export async function start(options: ServeOptions, routes: readonly Routes[]): Promise<OpenDaemon> {
  const split = readServeOptions(options)
  const { settings } = split
  const clock = nodeClock()
  const log = openLog(settings.logLevel, split.onLog ?? standardError(), () => clock.now())
  const inherited = settings.systemd ? inheritedSockets(process.env, process.pid) : []
  // Said before anything is opened; of sockets that were handed over it is known only then.
  if (inherited.length === 0) mustHaveToken(settings, isLoopback(settings.host) ? undefined : settings.host)
  const undo: Undo[] = []
  try {
    // First of all: who cannot listen has nothing to open. Nobody is answered before `serve`.
    const listeners = new Listeners({ receiveTimeoutMs: settings.limits.receiveTimeoutMs })
    undo.push(() => listeners.close())
    for (const fd of inherited) await listeners.inherited(fd)
    if (inherited.length === 0) await listeners.tcp(settings.host, settings.port)
    const { reachable } = listeners
    mustHaveToken(settings, reachable)
    const tokens = tokensFor(split, reachable !== undefined, log)
    const meters = createMeters({ clock })
    const opened = await openAll(split, { log, meters }, undo)
    await openSocket(listeners, settings, opened.models, log)

    const { allowHosts, cors, limits: bounds } = settings
    const auth = new Auth(tokens)
    const hosts = new Hosts({ loopback: reachable === undefined, allowHosts, cors })
    const onChange = (change: 1 | -1) => meters.waiting(change)
    const limits = new Limits({ ...bounds, monotonic: () => clock.monotonic(), onChange })
    const context: ServerContext = {
      ...opened,
      version: VERSION,
      started: clock.now(),
      settings,
      caches: opened.models.of(undefined).caches,
      meters,
      log,
      signalOf: ({ raw: { passing } }) => (passing?.work ? limits.signalOf(passing.work) : limits.stopping),
      answers: ({ raw: { passing } }, bytes) => {
        if (passing?.work) limits.answers(passing.work, bytes)
      },
      carryThrough: ({ raw: { passing } }) => {
        if (passing?.work) passing.work.carriedThrough = true
      },
      permissionOf: request => auth.permissionOf(request.raw.headers, listeners.trusted.has(request.raw.socket)),
      tokens: auth.takesToken,
      stopping: limits.stopping,
      clock,
    }
    const { fastify } = await import('./http.js')
    const { trusted } = listeners
    const parts = { fastify, auth, hosts, limits, trusted, routes, direct: !isTraced() }
    const { app, listener } = await createApp(parts, context)
    undo.push(() => app.close())
    listeners.serve(listener)
    void openWarm(opened.models, split.ofCaches, log)
    log.info('listening', { url: listeners.url ?? '', socket: listeners.socket ?? '', version: VERSION })
    if (settings.systemd && !(await notify(process.env, 'READY=1'))) {
      log.warn('notify', { message: 'systemd-notify did not run: systemd does not know that this service is ready' })
    }
    let closed: Promise<void> | undefined
    const close = async () => {
      log.info('stopping')
      if (settings.systemd) void notify(process.env, 'STOPPING=1')
      listeners.stop()
      await limits.stop(settings.limits.stopTimeoutMs)
      await undoAll(undo)
      log.info('stopped')
    }
    return {
      url: listeners.url ?? '',
      socket: listeners.socket,
      writeTokenFile: tokens.file,
      close: () => (closed ??= close()),
      context,
    }
  } catch (error) {
    await undoAll(undo).catch(() => {})
    throw error
  }
}

/** What there is behind the routes; what was opened is closed in the other order. */
async function openAll(split: SplitOptions, { log, meters }: Pick<ServerContext, 'log' | 'meters'>, undo: Undo[]) {
  const { settings, ofCaches, ofState, ofChain } = split
  const told = ofCaches.onWarning
  const onWarning = (message: string) => {
    log.warn('warning', { message })
    told?.(message)
  }
  const models = await openModels({
    models: settings.models,
    aliases: settings.aliases,
    open: { ...ofCaches, onWarning },
  })
  undo.push(() => models.close())
  // At once: warming begins with the opening.
  for (const one of models.all) {
    undo.push(
      meters.listenTo(one.caches),
      one.caches.on('tuned', event => log.info('tuned', { ...event })),
      one.caches.on('warmed', event => log.info('warmed', { ...event })),
    )
  }
  const { caches } = models.of(undefined)
  const chain = await openChainUnlessNowhere({ ...ofChain, caches })
  if (chain) undo.push(() => chain.close())
  const state: State = await openState({ ...ofState, caches })
  undo.push(() => state.close())
  return { models, state, chain } satisfies { models: Models; state: State; chain: Chain | undefined }
}

async function openChainUnlessNowhere(options: Parameters<typeof openChain>[0] & {}): Promise<Chain | undefined> {
  if (dataDirOf({ dataDir: options.dataDir ?? process.env.OPDBUS_DATA_DIR }) === undefined) return undefined
  return openChain(options)
}

/** Models that were in use by an earlier process are opened at once, so that their memory is loaded before anybody asks. Fetches nothing. */
async function openWarm({ all }: Models, options: OpenOptions, log: Log): Promise<void> {
  try {
    const { config, dir } = readOptions(options)
    if (!config.warmStart || dir === undefined) return
    const { hasHotLists } = await import('../node/tuning/hot-list.js')
    if (!hasHotLists(dir)) return
    for (const model of all) if (await model.isHere()) await model.open()
  } catch (error) {
    // Whoever asks for it is told as well.
    log.debug('not-opened', { message: messageOf(error) })
  }
}

interface Tokens extends AuthRules {
  /** Of the write token. */
  readonly file: string | undefined
}

/** @throws OpDbusError INVALID_INPUT where others could ask and no token is named */
function mustHaveToken({ tokenFile }: ServerSettings, reachable: string | undefined): void {
  if (reachable === undefined || tokenFile !== undefined) return
  throw new OpDbusError(
    'INVALID_INPUT',
    `other machines could ask (at ${reachable}), and so a token is needed\nmake one and name it: (umask 077; openssl rand -hex 32 > token), then --token-file token`,
    { details: { option: 'tokenFile' } },
  )
}

function tokensFor({ settings, ofState }: SplitOptions, reachable: boolean, log: Log): Tokens {
  const { tokenFile, readTokenFile: readFile } = settings
  const read = readFile === undefined ? undefined : readTokenFile(readFile, 'read-token-file')
  const readTakesToken = reachable || tokenFile !== undefined || readFile !== undefined
  if (tokenFile !== undefined) {
    const write = readTokenFile(tokenFile, 'token-file')
    if (read?.equals(write)) {
      throw new OpDbusError('INVALID_INPUT', 'the token for reading is the one for writing\ngive each its own', {
        details: { option: 'readTokenFile' },
      })
    }
    return { write, read, readTakesToken, file: tokenFile }
  }
  const dataDir = dataDirOf({ dataDir: ofState.dataDir ?? process.env.OPDBUS_DATA_DIR })
  if (dataDir === undefined) return { write: undefined, read, readTakesToken, file: undefined }
  try {
    const { file, digest } = ownWriteToken(dataDir)
    return { write: digest, read, readTakesToken, file }
  } catch (error) {
    // Reading goes on, and so does everything over the unix socket.
    log.warn('no-write-token', { message: messageOf(error) })
    return { write: undefined, read, readTakesToken, file: undefined }
  }
}

/** Beside the cache, unless another one is named or none is wanted. */
async function openSocket(listeners: Listeners, { socket }: ServerSettings, models: Models, log: Log): Promise<void> {
  if (socket === false || process.platform === 'win32') return
  const { dir } = models.of(undefined).caches
  const path = socket ?? (dir === undefined ? undefined : join(dir, 'daemon.sock'))
  // Perhaps systemd has handed over this very one.
  if (path === undefined || path === listeners.socket) return
  if (socket !== undefined) return listeners.unix(socket)
  try {
    await listeners.unix(path)
  } catch (error) {
    if (isOpDbusError(error, 'CONFLICT')) throw error
    // Nobody asked for this one: a folder that cannot be written, or whose path is too long, is no reason not to serve.
    log.warn('no-socket', { message: messageOf(error) })
  }
}

/** What was opened last is closed first, whatever fails on the way. */
async function undoAll(undo: Undo[]): Promise<void> {
  let failed: { error: unknown } | undefined
  for (const run of undo.splice(0).reverse()) {
    try {
      await run()
    } catch (error) {
      failed ??= { error }
    }
  }
  if (failed) throw failed.error
}
