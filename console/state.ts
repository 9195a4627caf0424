// What the page knows of the daemon and what it was told by it: signals and actions. Draws nothing.
import { batch, computed, effect, signal } from '@preact/signals'
import type { DaemonInfo, DaemonStats, LiveEvents } from '../src/server/api.js'
import type { Client } from './client.js'
import { asCallFailure, type CallFailure } from './failures.js'
import { History } from './history.js'
import { kept } from './kept.js'
import { delay, Live } from './live.js'
import { type News, wordsOf } from './news.js'

export type Connection =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'ok' }
  /** No server answers. Unix ms since when. */
  | { readonly kind: 'unreachable'; readonly since: number }
  /** It answers, and reading takes a token: `wrong` where the one that we have is not it. */
  | { readonly kind: 'token'; readonly wrong: boolean }
  /** It does not speak to this page at all: its own words. */
  | { readonly kind: 'refused'; readonly message: string }

/** How often screens ask again: as the daemon tells (every 5 s, and stats each second), every so many seconds, or by hand. */
export const REFRESHES = ['live', '5', '30', 'off'] as const
export type Refresh = (typeof REFRESHES)[number]

const LIVE_TICK_MS = 5_000
const FIRST_RETRY_MS = 1_000
const LONGEST_RETRY_MS = 5_000
const NEWS_KEPT = 50

export class Session {
  readonly connection = signal<Connection>({ kind: 'connecting' })
  readonly info = signal<DaemonInfo | undefined>(undefined)
  /** The last that was told; kept while the server is unreachable. */
  readonly stats = signal<DaemonStats | undefined>(undefined)
  readonly history = new History()
  /** Newest first. */
  readonly news = signal<readonly News[]>([])
  /** Grows with everything that `history` was given. */
  readonly drawn = signal(0)
  /** Events come as they happen. */
  readonly listening = signal(false)
  readonly refresh = kept<Refresh>('refresh', REFRESHES)
  readonly density = kept('density', ['normal', 'compact'])
  /** Grows when screens should ask again. */
  readonly tick = signal(0)
  /** Grows with each block that was appended, and each apply, so that their screens need not wait for a tick. */
  readonly appended = signal(0)
  /** Grows with each change of the tuner's, and each warming. */
  readonly tuned = signal(0)
  /** What a plugin did last. */
  readonly applied = signal<LiveEvents['applied'] | undefined>(undefined)
  readonly mayWrite = computed(() => this.info.value?.may.write ?? false)
  /** Why the token is asked for; undefined while it is not. */
  readonly askingToken = signal<'read' | 'write' | undefined>(undefined)
  /** For screen readers. */
  readonly spoken = signal('')
  readonly client: Client
  readonly #live: Live
  #answerToken: ((given: boolean) => void) | undefined
  #retryMs = FIRST_RETRY_MS
  #retry: AbortController | undefined
  #checking = false
  #newsId = 0
  /** When `stats` came, on our clock. */
  #statsAt = 0

  constructor(client: Client) {
    this.client = client
    client.onOutcome = failure => this.#heard(failure)
    this.#live = new Live(
      client,
      (name, data) => this.#told(name, data),
      listening => {
        this.listening.value = listening
      },
    )
  }

  /** Asks who is there, and goes on asking. */
  async start(): Promise<void> {
    effect(() => {
      document.documentElement.dataset.density = this.density.value
    })
    effect(() => this.#keepFresh())
    await this.check()
  }

  /** Who is there, and what our token may do. Never rejects. */
  async check(): Promise<void> {
    this.#retry?.abort()
    this.#checking = true
    try {
      const info = await this.client.get('api/daemon', { ms: 10_000 })
      this.#retryMs = FIRST_RETRY_MS
      batch(() => {
        this.info.value = info
        if (!info.may.read) this.#wantsToken()
        // What listens goes on where nothing changed.
        else if (this.connection.peek().kind !== 'ok') this.connection.value = { kind: 'ok' }
      })
    } catch (error) {
      const { kind, message } = asCallFailure(error)
      if (kind === 'slow') this.#lost()
      // Somebody in front of the daemon may ask for a token of its own.
      else if (kind === 'token') this.#wantsToken()
      else if (kind === 'refused') this.connection.value = { kind: 'refused', message }
    } finally {
      this.#checking = false
    }
  }

  /** Takes a token, for this tab. What is wrong with it, or nothing. */
  async useToken(token: string): Promise<string> {
    if (!/^[\x21-\x7e]*$/.test(token)) return 'A token has no blanks and none but ASCII letters, digits and signs.'
    const before = this.client.token.peek()
    this.client.setToken(token)
    await this.check()
    if (this.connection.peek().kind === 'unreachable') return 'No server answers: the token could not be checked.'
    const info = this.info.peek()
    if (info === undefined) return 'Whatever stands in front of the server does not let this token through.'
    const { may, tokens } = info
    const wanted = this.askingToken.peek() ?? 'read'
    if (may[wanted]) {
      this.#closeToken(true)
      return ''
    }
    if (wanted === 'write') {
      this.client.setToken(before)
      await this.check()
      // Where reading takes none, that one may read says nothing of the token.
      return may.read && tokens.read && token !== before
        ? 'With this token one may read, and change nothing.'
        : 'The server does not know this token as its write token.'
    }
    return 'The server does not know this token.'
  }

  forgetToken(): Promise<void> {
    this.client.setToken('')
    return this.check()
  }

  /** True once the page may change things: asks for the write token where it has none. */
  async withWrite(): Promise<boolean> {
    if (this.mayWrite.peek()) return true
    this.#answerToken?.(false)
    return new Promise(resolve => {
      this.#answerToken = resolve
      this.askingToken.value = 'write'
    })
  }

  cancelToken(): void {
    this.#closeToken(false)
  }

  /** Everything is asked for again now. */
  reload(): void {
    if (this.connection.peek().kind !== 'ok') void this.check()
    else this.tick.value++
  }

  /** The daemon's clock, as far as its last stats tell: Unix ms. */
  now(): number {
    const now = this.stats.peek()?.now
    return now === undefined ? Date.now() : now + (Date.now() - this.#statsAt)
  }

  /** Said to screen readers; the same words twice are heard twice. */
  say(words: string): void {
    this.spoken.value = ''
    queueMicrotask(() => {
      this.spoken.value = words
    })
  }

  #wantsToken(): void {
    this.connection.value = { kind: 'token', wrong: this.client.token.peek() !== '' }
  }

  #closeToken(given: boolean): void {
    this.askingToken.value = undefined
    this.#answerToken?.(given)
    this.#answerToken = undefined
  }

  /** Runs anew when the connection or the refresh changes; ends what it began before. */
  #keepFresh(): (() => void) | undefined {
    const refresh = this.refresh.value
    if (this.connection.value.kind !== 'ok') return undefined
    const look = () => {
      void this.client.get('api/stats').then(
        stats => this.#told('stats', stats),
        () => {},
      )
    }
    if (refresh === 'live') this.#live.start()
    // Calls it at once, too.
    const forget = refresh === 'live' ? undefined : this.tick.subscribe(look)
    const ms = refresh === 'live' ? LIVE_TICK_MS : 1000 * Number(refresh)
    const onTimer = () => {
      if (!document.hidden) this.tick.value++
    }
    const timer = Number.isFinite(ms) ? setInterval(onTimer, ms) : undefined
    return () => {
      clearInterval(timer)
      forget?.()
      this.#live.stop()
      this.listening.value = false
    }
  }

  #heard(failure: CallFailure | undefined): void {
    const { kind } = this.connection.peek()
    if (failure === undefined) {
      if (kind === 'unreachable' && !this.#checking) void this.check()
    } else if (failure.kind === 'unreachable') this.#lost()
    else if (failure.kind === 'token' && kind === 'ok') void this.check()
  }

  #lost(): void {
    if (this.connection.peek().kind !== 'unreachable')
      this.connection.value = { kind: 'unreachable', since: Date.now() }
    this.#retry?.abort()
    const retry = new AbortController()
    this.#retry = retry
    const wait = this.#retryMs
    this.#retryMs = Math.min(LONGEST_RETRY_MS, 2 * wait)
    void delay(wait * (0.75 + Math.random() / 2), retry.signal).then(() =>
      retry.signal.aborted ? undefined : this.check(),
    )
  }

  #told<N extends keyof LiveEvents>(name: N, data: LiveEvents[N]): void {
    batch(() => {
      if (name === 'stats') {
        const stats = data as LiveEvents['stats']
        this.history.takeStats(stats)
        this.stats.value = stats
        this.#statsAt = Date.now()
        this.drawn.value++
      } else if (name === 'lookups') {
        const { lookups } = data as LiveEvents['lookups']
        this.history.takeLookups(lookups, this.now())
        this.drawn.value++
      }
      if (name === 'appended' || name === 'applied') this.appended.value++
      if (name === 'tuned' || name === 'warmed') this.tuned.value++
      if (name === 'applied') this.applied.value = data as LiveEvents['applied']
      const words = wordsOf(name, data)
      if (words === undefined) return
      const one: News = { id: this.#newsId++, at: Date.now(), kind: name === 'warning' ? 'warning' : 'event', words }
      this.news.value = [one, ...this.news.peek()].slice(0, NEWS_KEPT)
    })
  }
}
