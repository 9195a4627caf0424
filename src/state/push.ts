// Systems that tell their changes: a watch of each plugin that has one, and the cached answer dropped the moment that something changes.
// Keeps no process alive. Polls nothing: that is for whoever listens (watching.ts).

import type { Diagnostics } from '../diagnostics.js'
import { messageOf } from '../errors.js'
import type { Timer } from '../ports.js'
import type { Watch } from './plugin.js'
import type { PluginCalls } from './plugin-calls.js'
import type { Registered } from './registry.js'
import type { PluginInfo, WatchEvent } from './reports.js'

const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 60_000

export interface PushParts {
  readonly diagnostics: Pick<Diagnostics, 'pushed'>
  readonly calls: PluginCalls
  /** Does not keep the process alive. */
  readonly quietTimer: Timer
  /** Whether plugins are listened to also while nobody watches: for the cache. */
  readonly always: boolean
  /** Drops what is cached, here and for every process. */
  readonly invalidate: (one: Registered) => Promise<void>
  /** Why a plugin cannot serve here; undefined where it can. */
  readonly reasonAgainst: (one: Registered) => Promise<string | undefined>
}

export class Push {
  readonly #parts: PushParts
  readonly #followers = new Map<string, Follower>()
  #closed = false

  constructor(parts: PushParts) {
    this.#parts = parts
  }

  /** Listens to this plugin's system from now on, if that tells anything. Undefined where it does not. */
  follow(one: Registered): Follower | undefined {
    if (this.#closed || !one.plugin.capabilities.watch) return undefined
    const { name } = one.plugin
    let follower = this.#followers.get(name)
    if (follower === undefined) {
      follower = new Follower(one, this.#parts, () => this.#forget(name))
      this.#followers.set(name, follower)
    }
    void follower.begin()
    return follower
  }

  /** Whether each change of this plugin is told from now on. */
  isSound(name: string): boolean {
    return this.#followers.get(name)?.isSound ?? false
  }

  statusOf(name: string): PluginInfo['push'] {
    return this.#followers.get(name)?.status ?? 'off'
  }

  close(): void {
    this.#closed = true
    for (const follower of this.#followers.values()) follower.close()
  }

  /** Nobody watches this plugin any more. */
  #forget(name: string): void {
    if (this.#parts.always) return
    this.#followers.get(name)?.close()
    this.#followers.delete(name)
  }
}

/** The watch of one plugin, begun again and again as long as it is lost. */
export class Follower {
  readonly #one: Registered
  readonly #parts: PushParts
  readonly #listeners = new Set<(event: WatchEvent) => void>()
  #status: PluginInfo['push'] = 'off'
  #beginning: Promise<void> | undefined
  #watch: Watch | undefined
  /** The watch that has ended is heard no more. */
  #silence: () => void = () => {}
  #cancelRetry: (() => void) | undefined
  #retryMs = FIRST_RETRY_MS
  readonly #idle: () => void
  #closed = false

  /** `idle` is called when the last listener has gone. */
  constructor(one: Registered, parts: PushParts, idle: () => void) {
    this.#one = one
    this.#parts = parts
    this.#idle = idle
  }

  get status(): PluginInfo['push'] {
    return this.#status
  }

  get isSound(): boolean {
    return this.#watch !== undefined
  }

  /** Resolves when the first try is over, well or not. Never rejects. */
  begin(): Promise<void> {
    if (this.#beginning === undefined && this.#watch === undefined && this.#cancelRetry === undefined) {
      this.#beginning = this.#try().finally(() => {
        this.#beginning = undefined
      })
    }
    return this.#beginning ?? Promise.resolve()
  }

  /** Tells each event from now on, `changed` as often as the plugin does, until the function that it returns is called. */
  on(listener: (event: WatchEvent) => void): () => void {
    const own = (event: WatchEvent) => listener(event)
    this.#listeners.add(own)
    return () => {
      if (this.#listeners.delete(own) && this.#listeners.size === 0) this.#idle()
    }
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry?.()
    this.#end()
  }

  async #try(): Promise<void> {
    const { calls, reasonAgainst } = this.#parts
    const { plugin } = this.#one
    // One for each try: what an earlier one tells late is nobody's any more.
    let told = false
    const lost = (why: string) => {
      if (told) return
      told = true
      this.#lost(why)
    }
    try {
      // A plugin that is not there is tried again by who asks it next.
      if ((await reasonAgainst(this.#one)) !== undefined || this.#closed) return
      const watch = await calls.call(plugin, 'watch', async signal => {
        const made = await plugin.watch!({ changed: () => told || this.#changed(), lost }, { signal })
        if (signal.aborted) letGo(made)
        return made
      })
      if (this.#closed || told) return letGo(watch)
      this.#sound(watch, () => {
        told = true
      })
    } catch (error) {
      lost(messageOf(error))
    }
  }

  #sound(watch: Watch, silence: () => void): void {
    const again = this.#status === 'lost'
    this.#watch = watch
    this.#silence = silence
    this.#retryMs = FIRST_RETRY_MS
    this.#status = 'on'
    if (!again) return
    this.#tell({ plugin: this.#one.plugin.name, kind: 'sound' })
    // Whatever happened meanwhile was told by nobody.
    this.#changed()
  }

  #changed(): void {
    if (this.#closed) return
    // At once, and as often as it is told: an answer that was cached between two changes is as old as one from before the first.
    this.#parts.invalidate(this.#one).catch(() => {})
    this.#tell({ plugin: this.#one.plugin.name, kind: 'changed' })
  }

  #lost(why: string): void {
    if (this.#closed) return
    this.#end()
    const first = this.#status !== 'lost'
    this.#status = 'lost'
    this.#parts.invalidate(this.#one).catch(() => {})
    const { quietTimer } = this.#parts
    this.#cancelRetry = quietTimer(this.#retryMs, () => {
      this.#cancelRetry = undefined
      void this.begin()
    })
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS)
    if (first) this.#tell({ plugin: this.#one.plugin.name, kind: 'lost', message: why })
  }

  #end(): void {
    const watch = this.#watch
    this.#watch = undefined
    this.#silence()
    if (watch) letGo(watch)
  }

  #tell(event: WatchEvent): void {
    const { pushed } = this.#parts.diagnostics
    if (pushed.heard) pushed.tell({ plugin: event.plugin, kind: event.kind })
    for (const listener of [...this.#listeners]) listener(event)
  }
}

function letGo(watch: Watch): void {
  try {
    watch.close()
  } catch {
    // It is of no use any more, whatever it says.
  }
}
