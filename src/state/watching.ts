// Who listens to changes of plugins: told once a burst, and also of plugins that tell nothing by themselves, which are asked again and
// again.
import { messageOf } from '../errors.js'
import type { Timer, Warn } from '../ports.js'
import type { Watch } from './plugin.js'
import type { Follower, Push } from './push.js'
import type { Registered } from './registry.js'
import type { WatchEvent } from './reports.js'
import type { States } from './states.js'

/** Of changes that come closer together, one in so long is told. */
const BURST_MS = 20
const HOUR_MS = 3_600_000

export interface WatchingParts {
  readonly states: States
  readonly push: Push
  /** Keeps the process alive. */
  readonly timer: Timer
  /** How often a plugin is asked that tells nothing, ms. */
  readonly pollMs: number
  readonly warn: Warn
}

/** Resolves once nothing can be missed any more. */
export async function watchPlugins(
  which: readonly Registered[],
  listener: (event: WatchEvent) => void,
  parts: WatchingParts,
): Promise<Watch> {
  const tell = (event: WatchEvent) => {
    try {
      listener(event)
    } catch (error) {
      parts.warn(`a listener of changes threw: ${messageOf(error)}`, error)
    }
  }
  const all = which.map(one => new Watching(one, tell, parts))
  const keepAlive = new Repeat(parts.timer, HOUR_MS, () => {})
  await Promise.all(all.map(one => one.begin()))
  return {
    close() {
      keepAlive.end()
      for (const one of all) one.close()
    },
  }
}

/** One plugin, for one listener. */
class Watching {
  readonly #one: Registered
  readonly #parts: WatchingParts
  readonly #tell: (event: WatchEvent) => void
  #follower: Follower | undefined
  #leave: () => void = () => {}
  #poll: Repeat | undefined
  /** What the last look showed, as text. */
  #seen: string | undefined
  #cancelBurst: (() => void) | undefined
  #more = false
  #closed = false

  constructor(one: Registered, tell: (event: WatchEvent) => void, parts: WatchingParts) {
    this.#one = one
    this.#tell = tell
    this.#parts = parts
  }

  async begin(): Promise<void> {
    this.#follower = this.#parts.push.follow(this.#one)
    this.#leave = this.#follower?.on(event => this.#hear(event)) ?? (() => {})
    await this.#follower?.begin()
    if (!this.#follower?.isSound) await this.#beginPolling()
  }

  close(): void {
    this.#closed = true
    this.#leave()
    this.#endPolling()
    this.#cancelBurst?.()
  }

  #hear(event: WatchEvent): void {
    if (this.#closed) return
    if (event.kind !== 'changed') this.#tell(event)
    // What changed just before a loss is not told any more.
    if (event.kind !== 'sound') this.#changed()
    if (event.kind === 'lost') void this.#beginPolling()
    if (event.kind === 'sound') this.#endPolling()
  }

  #endPolling(): void {
    this.#poll?.end()
    this.#poll = undefined
  }

  async #beginPolling(): Promise<void> {
    if (this.#poll !== undefined || this.#closed) return
    this.#poll = new Repeat(this.#parts.timer, this.#parts.pollMs, () => this.#look())
    this.#seen = await this.#read()
  }

  async #look(): Promise<void> {
    // One that was not there may be by now, and tell.
    const follower = this.#parts.push.follow(this.#one)
    if (follower?.isSound) {
      this.#endPolling()
      this.#changed()
      return
    }
    const now = await this.#read()
    if (this.#seen !== undefined && now !== this.#seen) this.#changed()
    this.#seen = now
  }

  /** The state as text, or what is said in its place. */
  async #read(): Promise<string> {
    return this.#parts.states.answer(this.#one, { fresh: true }).then(
      ({ value }) => JSON.stringify(value),
      (error: unknown) => `! ${messageOf(error)}`,
    )
  }

  /** The first at once, then one a burst. */
  #changed(): void {
    if (this.#closed) return
    if (this.#cancelBurst !== undefined) {
      this.#more = true
      return
    }
    this.#more = false
    this.#cancelBurst = this.#parts.timer(BURST_MS, () => {
      this.#cancelBurst = undefined
      if (this.#more) this.#changed()
    })
    this.#tell({ plugin: this.#one.plugin.name, kind: 'changed' })
  }
}

/** Does something every `ms`, the next time counted from the end of the last. */
class Repeat {
  readonly #timer: Timer
  readonly #ms: number
  readonly #work: () => void | Promise<void>
  #cancel: (() => void) | undefined
  #ended = false

  constructor(timer: Timer, ms: number, work: () => void | Promise<void>) {
    this.#timer = timer
    this.#ms = ms
    this.#work = work
    this.#arm()
  }

  end(): void {
    this.#ended = true
    this.#cancel?.()
  }

  #arm(): void {
    if (this.#ended) return
    this.#cancel = this.#timer(this.#ms, async () => {
      await this.#work()
      this.#arm()
    })
  }
}
