// One random token per plugin lies beside its answer on disk, and says to every process whether what it has is from before the last
// change. Knows no answers.
import type { CacheEvents } from '../cache/cache-events.js'
import { timer } from '../cache/within.js'
import { messageOf } from '../errors.js'
import type { HeldEntry } from '../held-entry.js'
import type { Hash, Key, Store, Timer, Warn } from '../ports.js'
import { tokenKey } from './query-file.js'
import type { QueryHolds } from './query-holds.js'
import { inWords, subjectOf } from './query-names.js'
import { fromJson, toJson } from './values.js'

/** Where tokens lie. */
export interface TokenStore extends Store {
  getSync(key: Key): Uint8Array | undefined
  holdSync(key: Key): HeldEntry | undefined
  setSync(key: Key, value: Uint8Array): void
  keysSync(): readonly Key[]
  pathOf(key: Key): string
}

export interface QueryTokensOptions {
  readonly store: TokenStore
  readonly hash: Hash
  readonly holds: QueryHolds
  readonly warn: Warn
  readonly events: CacheEvents<never> | undefined
  /** Nobody may serve what is kept in memory for this plugin any more, and what is under way is not to be kept. */
  readonly dropped: (plugin: string) => void
  /** The same, but what is under way may be shared by those who ask meanwhile: it began under what is held. */
  readonly unkept: (plugin: string) => void
  readonly timer?: Timer | undefined
}

interface Current {
  /** Absent: what begins now is good in this process alone, until others tell of a change. */
  readonly token?: string
  readonly entry: Pick<HeldEntry, 'stands' | 'release'>
}

/** Invalidations that come within this time, in ms, are one for the other processes, after the first. */
const TOGETHER_MS = 10
/** At most this many token files are open; the one opened first is closed for a new one, and its answer dropped. */
const MOST_HELD = 256

/*
   A query remembers the token that was current when it began; its answer is good only while that token still is, in memory as on
   disk. Whoever invalidates puts a new one, so it needs no lock and no counter. No token matches nothing: removing one is safe.

   For each plugin of which memory holds something, or a query is under way, the token's file is held: everything of that plugin
   began under it. Each look-up asks first whether it stands; if not, all of it is forgotten.

   Where no token can be put (a read-only folder) an answer is kept in this process alone, which knows its own changes. What lies in
   the token's place, or that nothing does, is held then: if it becomes something else, another process told of a change.
*/
export class QueryTokens {
  readonly #options: QueryTokensOptions
  readonly #held = new Map<string, Current>()
  /** Plugins whose token could not be renewed: nothing on disk is good for them, and what is there is no token. */
  readonly #distrusted = new Set<string>()
  /** Renewed a moment ago, and what settles once it is again, where somebody wants that. */
  readonly #recent = new Map<string, { again: PromiseWithResolvers | undefined }>()
  /** Asked while somebody held them. */
  readonly #unkept = new Set<string>()
  #closed = false

  constructor(options: QueryTokensOptions) {
    this.#options = options
  }

  /** Whether what began under what is held is still good. One question to the system. */
  stands(plugin: string): boolean {
    return this.#held.get(plugin)?.entry.stands() ?? false
  }

  /** The token that is held. */
  tokenOf(plugin: string): string | undefined {
    return this.#held.get(plugin)?.token
  }

  /** A look-up begins: what is from before the last change is dropped. */
  enter(plugin: string): void {
    if (this.#closed) return
    if (this.stands(plugin)) {
      this.#forgetTheDead(plugin)
      return
    }
    if (this.#held.has(plugin)) {
      this.#options.events?.invalidated(plugin, true)
      // What is there now was put after our own renewal failed.
      this.#distrusted.delete(plugin)
    }
    this.drop(plugin)
    // Whoever asks now must not be overtaken by what was put off.
    if (this.#recent.get(plugin)?.again) this.renew(plugin)
    if (!this.#distrusted.has(plugin)) this.#hold(plugin)
  }

  /** A query begins; its answer carries this token, and goes to no other process where there is none. */
  begin(plugin: string): string | undefined {
    const token = this.#begin(plugin)
    // Only now: who holds it after this look renews the token after this one was taken.
    if (!this.#options.holds.isHeld(plugin)) return token
    this.#unkept.add(plugin)
    this.#options.unkept(plugin)
    return undefined
  }

  /** Everything from before is good for no process any more, once this returns. */
  renew(plugin: string): void {
    if (this.#closed) return
    this.drop(plugin)
    this.#distrusted.add(plugin)
    const recent = this.#recent.get(plugin)
    try {
      this.#put(plugin)
      this.#distrusted.delete(plugin)
    } catch (error) {
      this.#remove(plugin, error)
    }
    const again = recent?.again
    if (recent) recent.again = undefined
    again?.resolve()
  }

  /**
   * The same for changes that come in bursts: the first is told to other processes at once, and what follows within a moment
   * together. Resolves when they know.
   */
  renewSoon(plugin: string): Promise<void> {
    if (this.#closed) return Promise.resolve()
    this.drop(plugin)
    const recent = this.#recent.get(plugin)
    if (recent !== undefined) {
      recent.again ??= withResolvers()
      return recent.again.promise
    }
    this.renew(plugin)
    this.#waitForMore(plugin)
    return Promise.resolve()
  }

  /** Whether some process is changing it, so that no answer may be kept. Looks through the folder. */
  isHeld(plugin: string): boolean {
    return this.#options.holds.isHeld(plugin)
  }

  /** Nothing that is asked from now on is kept, by any process, until `letGo` or the end of this process. */
  hold(plugin: string): void {
    if (this.#closed) return
    try {
      this.#options.holds.begin(plugin)
    } catch (error) {
      this.#failed(error)
    }
  }

  /** To be followed by a renewal. */
  async letGo(plugin: string): Promise<void> {
    await this.#options.holds.end(plugin).catch((error: unknown) => this.#failed(error))
  }

  /** What began under what is held is not good any more. */
  drop(plugin: string): void {
    const current = this.#held.get(plugin)
    this.#held.delete(plugin)
    current?.entry.release()
    this.#unkept.delete(plugin)
    this.#options.dropped(plugin)
  }

  /** What was put off is done now. */
  flush(): void {
    for (const [plugin, { again }] of this.#recent) if (again) this.renew(plugin)
  }

  /** The same, and no file is held any more. */
  close(): void {
    this.flush()
    this.#closed = true
    for (const { entry } of this.#held.values()) entry.release()
    this.#held.clear()
  }

  /** Who ends a hold renews the token. Who died did not, and what was asked before that is not for those who ask now. */
  #forgetTheDead(plugin: string): void {
    if (!this.#unkept.has(plugin) || this.#options.holds.isHeld(plugin)) return
    this.#unkept.delete(plugin)
    this.#options.dropped(plugin)
  }

  #begin(plugin: string): string | undefined {
    const before = this.#held.get(plugin)
    if (before?.token !== undefined) return before.token
    try {
      this.#put(plugin)
      // What is kept for this process alone began under something else.
      if (before) this.drop(plugin)
      this.#distrusted.delete(plugin)
      const token = this.#hold(plugin)
      if (token !== undefined) return token
    } catch (error) {
      this.#goOnAlone(plugin, error)
      return undefined
    }
    const { store, hash } = this.#options
    const path = store.pathOf(tokenKey(hash, plugin))
    this.#goOnAlone(plugin, new Error(`${path} is not a file of op-dbus; remove it`), path)
    return undefined
  }

  #waitForMore(plugin: string): void {
    const recent: { again: PromiseWithResolvers | undefined } = { again: undefined }
    this.#recent.set(plugin, recent)
    const after = this.#options.timer ?? timer
    after(TOGETHER_MS, () => {
      this.#recent.delete(plugin)
      if (recent.again === undefined || this.#closed) return
      const { resolve } = recent.again
      this.renew(plugin)
      resolve()
      this.#waitForMore(plugin)
    })
  }

  #hold(plugin: string): string | undefined {
    const entry = this.#place(plugin)
    const file = entry && fromJson(entry.value)
    if (entry === undefined) return undefined
    const { token } = file ?? {}
    if (typeof token !== 'string' || file?.plugin !== subjectOf(plugin)) {
      entry.release()
      return undefined
    }
    this.#keep(plugin, { token, entry })
    return token
  }

  #goOnAlone(plugin: string, error: unknown, about = 'tokens'): void {
    this.#failed(error)
    const sentence =
      'what plugins answer is kept in this process alone, which does not hear of all that others change, until its time is up'
    this.#options.warn(`${sentence}: ${messageOf(error)}`, undefined, about)
    // What is held already tells of every change since, also of one that came between.
    if (this.#held.has(plugin)) return
    const entry = this.#place(plugin) ?? { stands: () => this.#isEmpty(plugin), release: () => {} }
    this.#keep(plugin, { entry })
  }

  #keep(plugin: string, current: Current): void {
    if (this.#held.size >= MOST_HELD) this.drop(this.#held.keys().next().value!)
    this.#held.set(plugin, current)
  }

  /** What lies where the token goes; undefined where nothing of ours does, or it cannot be read. */
  #place(plugin: string): HeldEntry | undefined {
    try {
      return this.#options.store.holdSync(tokenKey(this.#options.hash, plugin))
    } catch (error) {
      this.#failed(error, 'read')
      return undefined
    }
  }

  #isEmpty(plugin: string): boolean {
    const { store, hash } = this.#options
    try {
      return store.getSync(tokenKey(hash, plugin)) === undefined
    } catch {
      return true
    }
  }

  #put(plugin: string): void {
    const { store, hash } = this.#options
    store.setSync(tokenKey(hash, plugin), toJson({ plugin: subjectOf(plugin), token: hash.random(16) })!)
  }

  /** A full disk takes no new token, but gives the old one up. */
  #remove(plugin: string, error: unknown): void {
    const { store, hash, warn } = this.#options
    this.#failed(error)
    store.deleteMany([tokenKey(hash, plugin)]).catch(() => {
      const sentence = `other processes cannot be told that what ${inWords(plugin)} answered is out of date, and may serve theirs for the rest of its time`
      warn(`${sentence}: ${messageOf(error)}`, undefined, `token of ${plugin}`)
    })
  }

  #failed(error: unknown, what: 'read' | 'write' = 'write'): void {
    this.#options.events?.fault({ tier: 'disk', what, why: 'error', message: messageOf(error) })
  }
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

function withResolvers(): PromiseWithResolvers {
  let resolve!: () => void
  const promise = new Promise<void>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}
