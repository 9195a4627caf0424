// Requests to a hub: its own origin gets the token and no other, redirects are followed by hand, what broke off is tried again.
// Writes no file.

import { readFile } from 'node:fs/promises'
import { BlockList, isIP } from 'node:net'
import { join } from 'node:path'
import { abortError, isError, isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import { errnoOf } from '../fs/errno.js'
import { unlessAbsent } from '../fs/files.js'
import { type Retry, refusal } from './error-messages.js'
import type { HubIo } from './io.js'
import { atHome, type HubOptions, hubHome } from './places.js'

export interface HubSite {
  /** Without a slash at its end; a mirror may have a path. */
  readonly endpoint: string
  readonly token: string | undefined
}

export interface Answer {
  readonly response: Response
  /** Of the hub itself, before any redirect: `x-linked-etag` and its like. */
  readonly hubHeaders: Headers
  /** Must be called when the body was read or is no longer wanted. */
  done(): void
  /** Call at each chunk: a connection without one for `timeoutMs` is given up. */
  alive(): void
}

export interface GetOptions {
  readonly signal: AbortSignal | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Silence after which the connection is given up. */
  readonly timeoutMs: number
}

const MAX_REDIRECTS = 5
const DEFAULT_ENDPOINT = 'https://huggingface.co'

/** Where the hub is, and who we are there: HF_ENDPOINT, HF_TOKEN, else the file that `hf auth login` writes. */
export async function hubSite({ env, home, cwd }: HubOptions): Promise<HubSite> {
  const endpoint = (env.HF_ENDPOINT || DEFAULT_ENDPOINT).replace(/\/+$/, '')
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new OpDbusError(
      'INVALID_INPUT',
      `HF_ENDPOINT=${JSON.stringify(endpoint)} is not the http(s) address of a hub`,
    )
  }
  return { endpoint, token: await readToken({ env, home, cwd }) }
}

async function readToken({ env, home, cwd }: Pick<HubOptions, 'env' | 'home' | 'cwd'>): Promise<string | undefined> {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined
  const base = hubHome({ env, home, cwd })
  const path = env.HF_TOKEN_PATH ? atHome(env.HF_TOKEN_PATH, { home, cwd }) : base && join(base, 'token')
  const text =
    env.HF_TOKEN ||
    env.HUGGING_FACE_HUB_TOKEN ||
    (path && (await unlessAbsent(path, full => readFile(full, 'utf8')))) ||
    ''
  const token = text.trim()
  if (/[^\x21-\x7e]/.test(token))
    throw new OpDbusError('INVALID_INPUT', 'the hub token holds characters that no token has')
  return token || undefined
}

export function isTrue(value: string | undefined): boolean {
  return /^(1|on|yes|true)$/i.test(value?.trim() ?? '')
}

/**
 * The answer to a GET of `url` after at most five redirects, whatever its status. The token goes to the endpoint's origin
 * only, and after a redirect to any other is sent no more. A redirect from https to http is refused, and so is one from a
 * hub of the wide world to an address of this machine or its network.
 * Rejects with DOWNLOAD (why: 'unreachable' or 'refused') or ABORTED.
 */
export async function get(site: HubSite, url: string, options: GetOptions): Promise<Answer> {
  const { origin } = new URL(site.endpoint)
  const watch = startWatch(options)
  let at = new URL(url)
  let trusted = at.origin === origin
  let hubHeaders: Headers | undefined
  try {
    for (let hops = 0; ; hops++) {
      const response = await fetch(at, {
        headers: {
          // What was asked for is what is measured and hashed.
          'accept-encoding': 'identity',
          'user-agent': 'op-dbus',
          ...options.headers,
          ...(trusted && site.token !== undefined && { authorization: `Bearer ${site.token}` }),
        },
        redirect: 'manual',
        signal: watch.signal,
      })
      hubHeaders ??= response.headers
      const location = [301, 302, 303, 307, 308].includes(response.status) ? response.headers.get('location') : null
      if (location === null) return { response, hubHeaders, done: watch.done, alive: watch.alive }
      await response.body?.cancel().catch(() => {})
      if (hops === MAX_REDIRECTS) throw refusal(`${at.host} redirects more than ${MAX_REDIRECTS} times`)
      at = redirected(at, location, new URL(site.endpoint))
      trusted &&= at.origin === origin
    }
  } catch (error) {
    watch.done()
    throw asDownloadError(error, at, options.signal)
  }
}

/**
 * Names are not looked up: what a name leads to may differ between our look and the connection's, so only a check in the
 * socket itself would hold, and `fetch` has none. What could be had that way is little: the answer of a GET without a
 * token, of which nothing is kept or shown that does not hash to what the model's list states.
 */
function redirected(from: URL, location: string, endpoint: URL): URL {
  const to = URL.canParse(location, from) ? new URL(location, from) : undefined
  if (!to || !/^https?:$/.test(to.protocol) || to.username || to.password) {
    throw refusal(`${from.host} redirects to ${JSON.stringify(location.slice(0, 80))}, which is no address to fetch`)
  }
  const at = reach(endpoint.hostname)
  if (from.protocol === 'https:' && to.protocol === 'http:' && at !== 'machine') {
    throw refusal(`${from.host} redirects from https to plain http at ${to.host}`)
  }
  if (at === 'world' && reach(to.hostname) !== 'world') {
    throw refusal(
      `${from.host} redirects to ${to.host}, an address of this machine or its network\nif the hub is yours: set HF_ENDPOINT to its address there`,
    )
  }
  return to
}

/** How far a host of a URL is: this machine, its network (private and link-local addresses), or beyond. */
function reach(hostname: string): 'machine' | 'network' | 'world' {
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  const family = isIP(host)
  if (family === 0) return /(^|\.)localhost$/.test(host) ? 'machine' : 'world'
  const within = (ranges: readonly (readonly [string, number])[]) => {
    const list = new BlockList()
    for (const [network, bits] of ranges) list.addSubnet(network, bits, isIP(network) === 6 ? 'ipv6' : 'ipv4')
    return list.check(host, family === 6 ? 'ipv6' : 'ipv4')
  }
  return within(LOOPBACK) ? 'machine' : within(INNER) ? 'network' : 'world'
}

const LOOPBACK = [
  ['127.0.0.0', 8],
  ['0.0.0.0', 8],
  ['::1', 128],
  ['::', 128],
] as const
/** RFC 1918, 6598, 3927 and 4193, link-local and the deprecated site-local addresses. */
const INNER = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['169.254.0.0', 16],
  ['fc00::', 7],
  ['fe80::', 9],
] as const

/** The caller's signal and a timer against silence as one signal. */
function startWatch({ signal, timeoutMs }: GetOptions) {
  const controller = new AbortController()
  const abort = () => controller.abort(signal?.reason)
  const timer = setTimeout(() => {
    controller.abort(Object.assign(new Error(`no byte in ${timeoutMs / 1000} s`), { code: 'ETIMEDOUT' }))
  }, timeoutMs)
  if (signal?.aborted) abort()
  signal?.addEventListener('abort', abort, { once: true })
  return {
    signal: controller.signal,
    alive: () => void timer.refresh(),
    done() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    },
  }
}

/** Network failures after which another try may succeed; a name that is unknown or a port that is closed is not among them. */
const PASSING =
  /^(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|UND_ERR_(SOCKET|HEADERS_TIMEOUT|BODY_TIMEOUT|CONNECT_TIMEOUT))$/

/** What a request or the reading of its body threw, as an OpDbusError. */
export function asDownloadError(error: unknown, url: URL, signal: AbortSignal | undefined): OpDbusError {
  if (signal?.aborted) return abortError(signal)
  if (error instanceof OpDbusError) return error
  const cause = isError(error) && error.cause !== undefined ? error.cause : error
  const message = `cannot fetch from ${url.origin}: ${reasonOf(cause)}`
  if (PASSING.test(errnoOf(cause) ?? '')) return broken(message, error)
  return new OpDbusError('DOWNLOAD', message, { cause: error, details: { why: 'unreachable', host: url.host } })
}

/** An answer that is no file, as an error; busy servers are asked again. `what` was asked for. */
export function statusError({ endpoint }: HubSite, response: Response, what: string): OpDbusError {
  const { status, headers, url } = response
  const { host, origin } = new URL(url)
  // Header text of a stranger's: one line of printable characters.
  const said = (headers.get('x-error-message') ?? '').replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200)
  const message = `${host} answers ${status} for ${what}${said && `: ${said}`}`
  if (status === 408 || status === 429 || status >= 500) {
    const after = Number(headers.get('retry-after') ?? Number.NaN)
    return broken(message, undefined, after >= 0 ? 1000 * after : undefined)
  }
  // A host that the hub redirects to never sees the token: another one would not help there.
  const next =
    (status === 401 || status === 403) && origin === new URL(endpoint).origin
      ? '\nit needs a token that may read it, or does not exist: set HF_TOKEN, and accept its terms on the hub'
      : ''
  return refusal(message + next, 'refused', { status })
}

/** Undici hides what the network said in `cause`, and several attempts at one name in `errors`. */
function reasonOf(cause: unknown): string {
  const all: unknown = isError(cause) ? (cause as { errors?: unknown }).errors : undefined
  const first: unknown = Array.isArray(all) ? (all[0] ?? cause) : cause
  const code = (first as { code?: unknown } | null)?.code
  const message = messageOf(first)
  return typeof code === 'string' && !message.includes(code) ? `${message || 'failed'} (${code})` : message
}

/** Tries in a row that bring nothing new. */
const TRIES = 6
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
/** A connection that brings so much before it breaks has cost no try. */
const PROGRESS_BYTES = 1 << 20

/** What broke off and may go on: a reset, silence, a server that is busy. `afterMs`: when the server asks to be asked again. */
export function broken(message: string, cause?: unknown, afterMs?: number): OpDbusError {
  return new OpDbusError('DOWNLOAD', message, { cause, details: { why: 'unreachable', retry: true, afterMs } })
}

export interface Retrying {
  readonly io: HubIo
  readonly signal: AbortSignal | undefined
  /** Must not throw. */
  readonly onRetry?: (retry: Retry) => void
}

/**
 * Runs `run` until it succeeds, fails for good, or broke off six times with less than 1 MiB gained (`progress`, bytes).
 * Waits 0.5 s, doubling, up to half of it random; or as long as the server said, up to 30 s. A hub that never answers is
 * given up after six silences of `io.timeoutMs` and 12 s of waiting: about a minute.
 */
export async function retrying<T>(
  { io, signal, onRetry }: Retrying,
  run: () => Promise<T>,
  progress: () => number = () => 0,
): Promise<T> {
  let failures = 0
  let mark = progress()
  for (;;) {
    try {
      return await run()
    } catch (error) {
      const reached = progress()
      if (reached - mark >= PROGRESS_BYTES) failures = 0
      mark = reached
      if (!isOpDbusError(error, 'DOWNLOAD') || error.details.retry !== true || ++failures === TRIES) throw error
      const { afterMs } = error.details
      const backOff = FIRST_WAIT_MS * 2 ** (failures - 1) * (0.5 + io.random() / 2)
      const inMs = Math.min(typeof afterMs === 'number' ? afterMs : backOff, LONGEST_WAIT_MS)
      if (!signal?.aborted) {
        onRetry?.({ attempt: failures + 1, of: TRIES, inMs, reason: error.message.split('\n')[0]! })
      }
      await io.sleep(inMs, signal).catch(thrown => {
        throw signal?.aborted ? abortError(signal) : thrown
      })
    }
  }
}
