// One random token per plugin lies beside its answer on disk, and says to every process whether what it has is from before the last
// change. Knows no answers.
import { timer } from '../cache/within.js'
import { messageOf } from '../errors.js'
import type { Hash, Key, Store, Timer, Warn } from '../ports.js'
import { tokenKey } from './query-file.js'
import { fromJson, toJson } from './values.js'

/** An entry of the store as it was read. */
interface HeldEntry {
  readonly value: Uint8Array
  /** False once the entry was set anew, deleted or cleared, by whichever process; one question to the system, and exact. */
  stands(): boolean
  release(): void
}

/** Where tokens lie. */
export interface TokenStore extends Store {
  holdSync(key: Key): HeldEntry | undefined
  setSync(key: Key, value: Uint8Array): void
}

export interface QueryTokensOptions {
  readonly store: TokenStore
  readonly hash: Hash
  readonly warn: Warn
  /** Nobody may serve what is kept in memory for this plugin any more. */
  readonly dropped: (plugin: string) => void
  readonly timer?: Timer
}

interface Current {
  readonly token: string
  readonly entry: HeldEntry
}

/** Invalidations that come within this time, in ms, are one for the other processes, after the first. */
const TOGETHER_MS = 10
/** Files that are held at most; what is asked for beyond is not kept in memory the longest unasked. */
const MOST_HELD = 256

/*
   A query remembers the token that was current when it began; its answer is good only while that token still is, in memory as on
   disk. Whoever invalidates puts a new one, so it needs no lock and no counter. No token matches nothing: removing one is safe, and
   where none can be put (a read-only disk) nothing is kept, for nobody could be told that it changed.

   For each plugin of which memory holds something, or a query is under way, the token's file is held: everything of that plugin
   began under it. Each look-up asks first whether it stands; if not, all of it is forgotten.
*/
export class QueryTokens {
  readonly #options: QueryTokensOptions
  readonly #held = new Map<string, Current>()
  /** Plugins whose token could not be renewed: nothing on disk is good for them, and what is there is no token. */
  readonly #distrusted = new Set<string>()
  /** Renewed a moment ago, and what settles once it is again, where somebody wants that. */
  readonly #recent = new Map<string, { again: PromiseWithResolvers | undefined }>()
  #closed = false

  constructor(options: QueryTokensOptions) {
    this.#options = options
  }

  /** Whether what began under the token that is held is still good. One question to the system. */
  stands(plugin: string): boolean {
    return this.#held.get(plugin)?.entry.stands() ?? false
  }

  /** The token that is held. */
  tokenOf(plugin: string): string | undefined {
    return this.#held.get(plugin)?.token
  }

  /** A look-up begins: what is from before the last change is dropped. */
  enter(plugin: string): void {
    if (this.stands(plugin)) return
    this.drop(plugin)
    // Whoever asks now must not be overtaken by what was put off.
    if (this.#recent.get(plugin)?.again) this.renew(plugin)
    if (!this.#distrusted.has(plugin)) this.#hold(plugin)
  }

  /** A query begins; its answer carries this token. Throws where none can be put. */
  begin(plugin: string): string | undefined {
    const current = this.#held.get(plugin)
    if (current !== undefined) return current.token
    this.#put(plugin)
    this.#distrusted.delete(plugin)
    const token = this.#hold(plugin)
    if (token === undefined) {
      const about = `token of ${plugin}`
      this.#options.warn(
        `answers of "${plugin}" are not kept: a file of somebody else lies where its token goes`,
        undefined,
        about,
      )
    }
    return token
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

  /** What began under the token that is held is not good any more. */
  drop(plugin: string): void {
    const current = this.#held.get(plugin)
    this.#held.delete(plugin)
    current?.entry.release()
    this.#options.dropped(plugin)
  }

  /** What was put off is done now, and no file is held any more. */
  close(): void {
    for (const [plugin, { again }] of this.#recent) if (again) this.renew(plugin)
    this.#closed = true
    for (const { entry } of this.#held.values()) entry.release()
    this.#held.clear()
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
    const entry = this.#options.store.holdSync(tokenKey(this.#options.hash, plugin))
    const file = entry && fromJson(entry.value)
    if (entry === undefined) return undefined
    if (typeof file?.token !== 'string' || file.plugin !== plugin) {
      entry.release()
      return undefined
    }
    if (this.#held.size >= MOST_HELD) this.drop(this.#held.keys().next().value!)
    this.#held.set(plugin, { token: file.token, entry })
    return file.token
  }

  #put(plugin: string): void {
    const { store, hash } = this.#options
    store.setSync(tokenKey(hash, plugin), toJson({ plugin, token: hash.random(16) })!)
  }

  /** A full disk takes no new token, but gives the old one up. */
  #remove(plugin: string, error: unknown): void {
    const { store, hash, warn } = this.#options
    store.deleteMany([tokenKey(hash, plugin)]).catch(() => {
      const sentence = `other processes cannot be told that what "${plugin}" answered is out of date, and may serve theirs for the rest of its time`
      warn(`${sentence}: ${messageOf(error)}`, error, `token of ${plugin}`)
    })
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
