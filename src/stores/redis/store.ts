// The store itself: bytes under keys in a Redis, asked for in batches, a server at a time; what one server of several does not answer is
// missing, and the others' is there. Decides nothing about values.
import { abortError, OpDbusError } from '../../errors.js'
import type { CallOptions, ChangeNews, Key, Store, StoreStatus, Warn } from '../../ports.js'
import { type SharedAddress, shownAddress } from '../../shared-url.js'
import { clearEverywhere } from './clear-everywhere.js'
import { MARK_BYTES, markBytes, marked, unmarked } from './clears.js'
import { later, within } from './deadline.js'
import { Generations } from './generations.js'
import { Locks } from './locks.js'
import { isKey, valueName } from './names.js'
import { inOneLine } from './node-link.js'
import { clearValues, listValues, type Size, sizeOfValues } from './scan.js'
import { Spread } from './spread.js'
import { Tell } from './tell.js'
import { Topology } from './topology.js'

export interface RedisStorePartsOptions {
  readonly address: SharedAddress
  readonly ttlMs: number
  readonly readMs: number
  readonly writeMs: number
  readonly ca: string | Buffer | undefined
  readonly random: () => number
  readonly warn: Warn
  readonly lastClear: () => string | undefined
  readonly cleared: (clear: string, where: 'first' | 'here' | 'elsewhere') => void
}

interface Opened {
  readonly topology: Topology
  readonly generations: Generations
  readonly locks: Locks
  readonly spread: Spread
  /** Resolves when the servers were reached, or were not, for the first time. */
  readonly reached: Promise<void>
}

const CONNECT_MS = 1000
/** A program that asks a plugin once is over by then, ms: it need not load what connects. */
const LISTEN_MS = 100
/** A server that said that it is full takes no writes for so long, ms. */
const FULL_MS = 5000
/** How long a size stays true enough, where it takes a while to find out, ms. */
const SIZE_MS = 10_000
/** Until it is known what they are to bear. */
const UNKNOWN = Buffer.alloc(MARK_BYTES)
/** A clear that takes longer is given up, ms. */
const CLEAR_MS = 60_000

export class RedisStoreParts implements Store {
  readonly name = 'redis'
  readonly #options: RedisStorePartsOptions
  readonly #at: string
  readonly #tell: Tell
  #opened: Opened | undefined
  #reached = false
  #closing = false
  #closed = false
  #status: StoreStatus
  /** Writes, removals and clears go one after another, so that the last one wins. */
  #writes: Promise<unknown> = Promise.resolve()
  #fullUntil = 0
  /** What a server that answers does not allow, since the last change of its state. */
  #refused: string | undefined
  /** What values bear that are set after a clear of ours which is still under way. */
  #nextMark: Buffer | undefined
  #size: { value: Size; until: number } | undefined
  readonly #clearListeners: (() => void)[] = []
  readonly #scopes = new Map<string, ChangeNews>()

  constructor(options: RedisStorePartsOptions) {
    this.#options = options
    this.#at = shownAddress(options.address)
    this.#tell = new Tell(this.#at, options.warn)
    this.#status = { at: this.#at, state: 'connecting' }
  }

  get status(): StoreStatus {
    // What it refuses of a server that answers is all that there is to say of it.
    return this.#refused === undefined ? this.#status : { problem: this.#refused, ...this.#status }
  }

  async connect(): Promise<void> {
    if (!this.#closed)
      await within(Math.max(CONNECT_MS, this.#options.readMs), this.#open().reached).catch(() => undefined)
  }

  async getMany(keys: readonly Key[], call?: CallOptions): Promise<(Uint8Array | undefined)[]> {
    const { spread, generations, reached } = this.#enter(keys, call)
    if (keys.length === 0) return []
    const { readMs } = this.#options
    if (!this.#reached) await within(readMs, reached).catch(() => undefined)
    const answers = await spread.together(keys, readMs, names => ['MGET', ...names])
    // As it is now: while this was answered somebody may have cleared, and what that was is being asked for.
    if (generations.mark === undefined && generations.looking)
      await within(readMs, generations.looking).catch(() => undefined)
    const { mark } = generations
    const found = answers.map(answer => (mark && Buffer.isBuffer(answer) ? unmarked(mark, answer) : undefined))
    if (found.every((value, i) => value === undefined && answers[i] instanceof Error)) throw this.#failed(answers)
    if (mark === undefined) throw this.#error(generations.trouble!.problem)
    return found
  }

  setMany(items: readonly (readonly [Key, Uint8Array])[], call?: CallOptions): Promise<void> {
    return this.#inTurn(async () => {
      const keys = items.map(([key]) => key)
      const { spread, generations, reached } = this.#enter(keys, call)
      // That of now: what others clear until it is stored was cleared with it.
      const known = this.#nextMark ?? generations.mark
      // The last one of each key; copied, since the caller may go on with his memory.
      const values = new Map(items.map(([key, bytes]) => [key, marked(known ?? UNKNOWN, bytes)] as const))
      // Before the first connection there is none.
      if (known === undefined && !this.#reached) await within(this.#options.writeMs, reached).catch(() => undefined)
      const mark = known ?? generations.mark
      return async () => {
        if (mark === undefined) throw this.#error(generations.trouble?.problem ?? 'it was cleared just now')
        if (performance.now() < this.#fullUntil) throw this.#error('it is full')
        if (known === undefined) for (const bytes of values.values()) bytes.set(mark)
        const command = (key: Key) => ['SET', valueName(key), values.get(key)!, ...this.#life()]
        const answers = await spread.each('values', [...values.keys()], { ms: this.#options.writeMs, command })
        const stored = answers.filter(answer => !(answer instanceof Error)).length
        if (stored < answers.length) throw this.#failed(answers, { stored })
      }
    })
  }

  deleteMany(keys: readonly Key[]): Promise<number> {
    return this.#inTurn(async () => {
      const { spread } = this.#enter(keys)
      const all = [...new Set(keys)]
      return async () => {
        const command = (key: Key) => ['UNLINK', valueName(key)]
        const answers = await spread.each('values', all, { ms: this.#options.writeMs, command })
        const failed = answers.filter(answer => answer instanceof Error)
        if (failed.length > 0) throw this.#failed(failed)
        return answers.filter(answer => answer === 1).length
      }
    })
  }

  async *list(): AsyncIterable<{ key: Key; bytes: number }> {
    const { topology, reached, generations } = this.#enter([])
    await reached
    yield* listValues(
      topology,
      this.#options.writeMs,
      () => generations.mark,
      name => this.#error(name),
    )
  }

  async size(): Promise<Size> {
    const { topology, reached, generations } = this.#enter([])
    if (this.#size && performance.now() < this.#size.until) return this.#size.value
    await reached
    const { estimated, ...value } = await sizeOfValues(
      topology,
      this.#options.writeMs,
      () => generations.mark,
      name => this.#error(name),
    )
    this.#size = estimated ? { value, until: performance.now() + SIZE_MS } : undefined
    return value
  }

  clear(): Promise<void> {
    return this.#inTurn(async () => {
      const { topology, generations, reached } = this.#enter([])
      const mark = newToken()
      const next = markBytes(mark)
      this.#nextMark = next
      return async () => {
        await reached
        try {
          await clearEverywhere({
            tell: () => generations.clear(mark),
            remove: () => clearValues(topology, this.#options.writeMs, CLEAR_MS, name => this.#error(name)),
            warn: (sentence, cause) =>
              this.#options.warn(`the shared cache at ${this.#at} ${sentence}`, cause, `${this.#at} rest`),
            asError: (why, cause) => this.#error(why, cause),
          })
        } finally {
          if (this.#nextMark === next) this.#nextMark = undefined
          this.#size = undefined
        }
      }
    })
  }

  onClearedElsewhere(listener: () => void): void {
    this.#clearListeners.push(listener)
  }

  async claimMany(keys: readonly Key[], call?: CallOptions): Promise<boolean[]> {
    return this.#enter(keys, call).locks.claim(keys, call?.signal)
  }

  async releaseMany(keys: readonly Key[]): Promise<void> {
    await this.#opened?.locks.release(keys)
  }

  news(scope: string): ChangeNews {
    const known = this.#scopes.get(scope)
    if (known) return known
    let news: ChangeNews | undefined
    const opened = () => {
      news ??= this.#open().generations.news(scope)
      return news
    }
    const late: ChangeNews = {
      tell: name => {
        if (!this.#closed) opened().tell(name)
      },
      onTold: listener => {
        later(LISTEN_MS, () => {
          if (!this.#closed) opened().onTold(listener)
        })
      },
      flush: async () => news?.flush(),
    }
    this.#scopes.set(scope, late)
    return late
  }

  async settle(): Promise<void> {
    await this.#opened?.reached
    await this.#opened?.generations.settle()
  }

  async close(): Promise<void> {
    if (this.#closed) return
    const opened = this.#opened
    // What happens to the server from here on is nothing that anybody need be told.
    this.#closing = true
    this.#tell.close()
    await Promise.all([this.#writes, ...[...this.#scopes.values()].map(news => news.flush())])
    await opened?.locks.close()
    this.#closed = true
    opened?.generations.close()
    opened?.topology.close()
  }

  #enter(keys: readonly Key[], call?: CallOptions): Opened {
    if (this.#closed) throw new OpDbusError('CLOSED', 'the shared store is closed')
    if (call?.signal?.aborted) throw abortError(call.signal)
    for (const key of keys) if (!isKey(key)) throw new OpDbusError('INVALID_INPUT', `not a key: ${JSON.stringify(key)}`)
    return this.#open()
  }

  #open(): Opened {
    if (this.#opened) return this.#opened
    const { address, ca, random, readMs } = this.#options
    const promptMs = readMs / 2
    const topology = new Topology({ address, ca, random, promptMs, changed: () => this.#changed() })
    const generations = new Generations({
      address,
      ca,
      random,
      promptMs,
      moved: () => void topology.refresh(),
      newToken,
      lastClear: this.#options.lastClear,
      cleared: (clear, where) => {
        this.#options.cleared(clear, where)
        if (where === 'elsewhere') for (const listener of this.#clearListeners) listener()
      },
      changed: () => this.#changed(),
      refused: error => this.#lookAtFaults([error]),
      warn: (message, about) => this.#options.warn(message, undefined, about),
    })
    const listens = topology.isCluster
      ? topology.opened.then(() => generations.connect(topology.generationsAt))
      : generations.connect(topology.generationsAt)
    const reached = Promise.all([topology.opened, listens]).then(() => {
      this.#reached = true
      this.#changed()
    })
    const spread = new Spread(topology, reached)
    const locks = new Locks({
      token: crypto.randomUUID(),
      send: (keys, commands) => spread.each('locks', keys, { ms: readMs, ...commands }),
    })
    this.#opened = { topology, generations, locks, spread, reached }
    return this.#opened
  }

  #changed(): void {
    // Until then calls wait, within their time.
    if (!this.#reached || this.#closed) return
    const { topology, generations } = this.#opened!
    void generations.connect(topology.generationsAt)
    this.#refused = undefined
    const { trouble } = generations
    const whole = topology.status
    // What is there and may have been cleared is not asked for.
    if (trouble === undefined || whole.state !== 'serving') this.#status = { at: this.#at, ...whole }
    else if (trouble.connecting) this.#status = { at: this.#at, state: 'connecting' }
    else this.#status = { at: this.#at, state: 'left-alone', problem: trouble.problem }
    if (!this.#closing) this.#tell.status(this.#status)
  }

  #life(): string[] {
    const { ttlMs, random } = this.#options
    // What was stored together does not end together.
    return ttlMs > 0 ? ['PX', String(Math.max(1, Math.round(ttlMs * (0.9 + 0.2 * random()))))] : []
  }

  /** What `prepare` returns is run after what was begun before; `prepare` itself at once. */
  #inTurn<T>(prepare: () => Promise<() => Promise<T>>): Promise<T> {
    const work = prepare()
    const before = this.#writes
    const done = work.then(run => before.then(run))
    this.#writes = done.then(
      () => undefined,
      () => undefined,
    )
    return done
  }

  #lookAtFaults(answers: readonly unknown[]): void {
    for (const answer of answers) {
      if (!(answer instanceof Error)) continue
      const fault = this.#tell.fault(answer)
      if (fault === 'full') this.#fullUntil = performance.now() + FULL_MS
      if (fault === 'forbidden') this.#refused = inOneLine(answer)
    }
  }

  #failed(answers: readonly unknown[], details?: { readonly stored: number }): OpDbusError {
    this.#lookAtFaults(answers)
    const first = answers.find(answer => answer instanceof Error)
    return this.#error(first instanceof Error ? first.message : 'it did not answer', first, details)
  }

  #error(why: string, cause?: unknown, details?: { readonly stored: number }): OpDbusError {
    return new OpDbusError('STORE', `${this.#at}: ${why}`, {
      ...(cause !== undefined && { cause }),
      ...(details && { details }),
    })
  }
}

/** 16 hex digits, no two alike. */
function newToken(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(-16)
}
