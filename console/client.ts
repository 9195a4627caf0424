// Asks the daemon's API. The token lies in this tab's session storage and travels as a header, never in an address. Draws nothing.
import { signal } from '@preact/signals'
import type { SearchReport } from '../src/blockchain.js'
import type {
  ApiError,
  ApplyCallBody,
  ApplyReport,
  Block,
  BlocksReport,
  ChainHead,
  CheckpointInfo,
  ClearCall,
  ClearReport,
  DaemonInfo,
  DaemonStats,
  DesiredCall,
  DiffReport,
  LookupCall,
  LookupReport,
  ModelInfo,
  PlanReport,
  QueryCallBody,
  QueryInfo,
  QueryReport,
  RollbackCall,
  SearchCallBody,
  SpaceInfo,
  TraceCall,
  TraceState,
  TuningReport,
  VerifyReport,
  WarmCall,
  WarmReport,
} from '../src/server/api.js'
import { CallFailure } from './failures.js'

/** What is asked with GET, and what it answers. Parameters go beside it. */
export interface Gets {
  'api/daemon': DaemonInfo
  'api/stats': DaemonStats
  'api/models': readonly ModelInfo[]
  'api/spaces': readonly SpaceInfo[]
  'api/queries': readonly QueryInfo[]
  'api/checkpoints': readonly CheckpointInfo[]
  'api/blocks': BlocksReport
  'api/head': ChainHead
  'api/tuning': TuningReport
}

/** What is asked with POST: what it takes, and what it answers. */
export interface Posts {
  'api/lookup': [LookupCall, LookupReport]
  'api/cache/clear': [ClearCall, ClearReport]
  'api/cache/warm': [WarmCall, WarmReport]
  'api/query': [QueryCallBody, QueryReport]
  'api/diff': [DesiredCall, DiffReport]
  'api/plan': [DesiredCall, PlanReport]
  'api/rollback': [RollbackCall, PlanReport]
  'api/apply': [ApplyCallBody, ApplyReport]
  'api/verify': [{ readonly full?: boolean }, VerifyReport]
  'api/search': [SearchCallBody, SearchReply]
  'api/tuning/trace': [TraceCall, TraceState]
}

export type SearchReply = SearchReport

export interface CallSettings {
  readonly signal?: AbortSignal | undefined
  /** How long it may take, in ms; Infinity: for ever. Default 30,000. */
  readonly ms?: number
  /** What may be shown as a query: numbers, names. No text of a user's, and no token. */
  readonly params?: Readonly<Record<string, string | number | undefined>>
}

const TOKEN = 'op-dbus-token'
const CALL_MS = 30_000

export class Client {
  readonly token = signal(readToken())
  /** Hears of every answer, and of every failure that says something of the connection. */
  onOutcome: (failure: CallFailure | undefined) => void = () => {}

  /** @throws CallFailure */
  get<P extends keyof Gets>(path: P, settings: CallSettings = {}): Promise<Gets[P]> {
    return this.#json(path, { method: 'GET' }, settings)
  }

  /** @throws CallFailure */
  post<P extends keyof Posts>(path: P, body: Posts[P][0], settings: CallSettings = {}): Promise<Posts[P][1]> {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    return this.#json(path, init, settings)
  }

  /** A block by number, beginning of a hash, or `latest`. @throws CallFailure */
  block(id: string, settings: CallSettings = {}): Promise<Block> {
    return this.#json(`api/blocks/${encodeURIComponent(id)}`, { method: 'GET' }, settings)
  }

  /** Text as it comes, for what is a file: a proof. @throws CallFailure */
  async text(path: string, settings: CallSettings = {}): Promise<string> {
    const response = await this.open(path, { method: 'GET' }, settings)
    return this.#heard(response.text(), settings)
  }

  /** The answer while its body is still coming. Told apart: nobody there, a token wanted, refused. @throws CallFailure */
  async open(path: string, init: RequestInit, { signal, ms = CALL_MS, params = {} }: CallSettings): Promise<Response> {
    const url = new URL(path, document.baseURI)
    for (const [name, value] of Object.entries(params))
      if (value !== undefined) url.searchParams.set(name, String(value))
    const headers = new Headers(init.headers)
    const token = this.token.peek()
    if (token !== '') headers.set('authorization', `Bearer ${token}`)
    const late = ms === Number.POSITIVE_INFINITY ? undefined : AbortSignal.timeout(ms)
    const either = AbortSignal.any([signal, late].filter(one => one !== undefined))
    let response: Response
    try {
      response = await fetch(url, { ...init, headers, signal: either, cache: 'no-store', redirect: 'error' })
    } catch {
      throw this.#told(whyNot(signal, late, ms))
    }
    if (!response.ok) throw this.#told(await failureOf(response))
    this.onOutcome(undefined)
    return response
  }

  setToken(token: string): void {
    this.token.value = token
    try {
      if (token === '') sessionStorage.removeItem(TOKEN)
      else sessionStorage.setItem(TOKEN, token)
    } catch {
      // Storage may be forbidden; then it lasts as long as the page.
    }
  }

  async #json<T>(path: string, init: RequestInit, settings: CallSettings): Promise<T> {
    const response = await this.open(path, init, settings)
    return this.#heard(response.json() as Promise<T>, settings)
  }

  /** A body that breaks off: we gave it up, or the server went away in the middle. */
  async #heard<T>(body: Promise<T>, { signal }: CallSettings): Promise<T> {
    try {
      return await body
    } catch (error) {
      if (error instanceof SyntaxError) throw new CallFailure('refused', 'the answer is no JSON: is this op-dbus?')
      const stopped = signal?.aborted ?? false
      throw this.#told(
        stopped ? new CallFailure('stopped', 'stopped') : new CallFailure('unreachable', 'the answer broke off'),
      )
    }
  }

  #told(failure: CallFailure): CallFailure {
    if (failure.kind !== 'stopped') this.onOutcome(failure)
    return failure
  }
}

function whyNot(signal: AbortSignal | undefined, late: AbortSignal | undefined, ms: number): CallFailure {
  if (signal?.aborted) return new CallFailure('stopped', 'stopped')
  if (late?.aborted) return new CallFailure('slow', `no answer within ${ms / 1000} s`)
  return new CallFailure('unreachable', 'no server answers')
}

/** 401: a token is wanted, or another one. 403 for want of the write token says so by its code. */
async function failureOf(response: Response): Promise<CallFailure> {
  const { status } = response
  const said = ((await response.json().catch(() => undefined)) as Partial<ApiError> | undefined)?.error
  const message = typeof said?.message === 'string' ? said.message : `the server answered ${status}`
  const code = typeof said?.code === 'string' ? said.code : ''
  // A proxy in front of a daemon that is gone.
  if (said === undefined && status >= 502 && status <= 504) return new CallFailure('unreachable', message)
  return new CallFailure(status === 401 ? 'token' : 'refused', message, code, said?.details ?? {})
}

function readToken(): string {
  try {
    return sessionStorage.getItem(TOKEN) ?? ''
  } catch {
    return ''
  }
}
