// Warm start: remembers which embeddings memory holds, and has them loaded at the next start, in the background. Names alone are written
// down. Whatever goes wrong here costs a colder start and nothing else.
import { yieldToEventLoop } from '../../cache/yield-to-event-loop.js'
import type { Opened } from '../../caches/embedding-parts.js'
import { messageOf } from '../../errors.js'
import { unlink } from '../../fs/files.js'
import { epochOfSpace } from '../../stores/segments/copies.js'
import type { WarmState } from '../../tuning/report.js'
import { foldersIn } from '../disk.js'
import { spaceId } from '../spaces.js'
import {
  hasHotLists,
  hotListPath,
  lastUsed,
  MOST_NAMES,
  NO_LIST,
  readHotList,
  removeLeftLists,
  writeHotList,
} from './hot-list.js'
import { hotNames, type LoadAhead, loadAhead, usedAhead } from './load-ahead.js'
import type { TuningCall, TuningPart } from './part.js'

/** How long loading may take, ms. */
const BUDGET_MS = 10_000
/** A list is written so often at most, ms. */
const SAVE_EVERY_MS = 60_000
/** And once this part of memory is another: a hundredth. */
const CHANGED = 0.01

/** Begins soon where there is a list, else as soon as it is known what computes. */
export function beginWarm(call: TuningCall & { readonly dir: string }): TuningPart<WarmState> {
  const part = new WarmStart(call)
  call.set.embeddings.onOpened(opened => part.opened(opened))
  void part.open()
  return part
}

class WarmStart implements TuningPart<WarmState> {
  readonly #call: TuningCall & { readonly dir: string }
  readonly #closing = new AbortController()
  #opened: Opened | undefined
  #loading: Promise<void> | undefined
  #loaded: LoadAhead | undefined
  #saving: Promise<void> | undefined
  #saved: { readonly at: number; readonly names: number } | undefined
  /** Look-ups and misses when the list was written last. */
  #then = { lookUps: 0, misses: 0 }
  #timer: NodeJS.Timeout | undefined

  constructor(call: TuningCall & { readonly dir: string }) {
    this.#call = call
  }

  state(): WarmState {
    const loaded = this.#loaded
    const saved = this.#saved
    return {
      loaded: loaded?.entries ?? 0,
      bytes: loaded?.bytes ?? 0,
      ms: Math.round(1000 * (loaded?.ms ?? 0)) / 1000,
      used: this.#opened ? usedAhead(this.#opened) : 0,
      gone: loaded?.gone ?? 0,
      ...(loaded?.stoppedBy && { stoppedBy: loaded.stoppedBy }),
      ...(saved && { savedAt: saved.at, saved: saved.names }),
    }
  }

  /** Opens what computes, its small files alone, where some list says that there may be something to load. Does not reject. */
  async open(): Promise<void> {
    const { dir, set, isHere } = this.#call
    try {
      // Who opened these caches goes on first.
      await yieldToEventLoop()
      if (this.#opened || this.#closing.signal.aborted || !hasHotLists(dir) || !(await isHere())) return
      if (!this.#closing.signal.aborted) await set.embeddings.computing()
    } catch {
      // Whoever asks hears what is wrong.
    }
  }

  opened(opened: Opened): void {
    if (this.#closing.signal.aborted) return
    this.#opened = opened
    this.#timer = setInterval(() => void this.#saveIfChanged(), SAVE_EVERY_MS)
    this.#timer.unref()
    this.#loading = this.#load(opened)
  }

  /** Stops loading, and writes the list. Does not reject. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearInterval(this.#timer)
    await this.#loading
    await this.#save()
  }

  async #load(opened: Opened): Promise<void> {
    const { dir, clock, diagnostics, vectors } = this.#call
    const store = vectors()
    if (store === undefined) return
    // The look-up that opened it goes first.
    await new Promise(setImmediate)
    try {
      removeLeftLists(dir, clock.now())
      await yieldToEventLoop()
      const path = hotListPath(dir, opened.embedder.space)
      const list = readHotList(path, opened.embedder.space)
      if (typeof list === 'string') {
        // One of another version is not a fault.
        if (list !== 'absent' && list !== 'other version')
          diagnostics.warn(
            `the list of embeddings that were in use ${NO_LIST[list]}: ${path}\nmemory starts empty, and it is written anew`,
          )
        return
      }
      this.#saved = { at: list.savedAt, names: list.ranks.length }
      await yieldToEventLoop()
      const loaded = await loadAhead(
        opened,
        store,
        { ...list, inFileOrder: true },
        {
          clock,
          budgetMs: BUDGET_MS,
          signal: this.#closing.signal,
        },
      )
      this.#loaded = loaded
      if (loaded.error !== undefined) this.#failed('load', loaded.error)
      const { entries, bytes, ms, gone, stoppedBy } = loaded
      if (diagnostics.warmed.heard)
        diagnostics.warmed.tell({
          cache: 'embeddings',
          entries,
          bytes,
          micros: Math.round(1000 * ms),
          gone,
          ...(stoppedBy && { stoppedBy }),
        })
    } catch (error) {
      this.#failed('load', error)
    }
  }

  async #saveIfChanged(): Promise<void> {
    const { cache } = this.#opened!
    const { hits, misses } = cache.memory.counts
    const lookUps = hits + misses - this.#then.lookUps
    // Other entries, or the same in another order.
    const changed =
      misses - this.#then.misses >= Math.max(1, CHANGED * cache.held) || lookUps >= Math.max(1, cache.held)
    if (lookUps > 0 && changed) await this.#save()
  }

  /** One at a time, so that none overtakes another. */
  async #save(): Promise<void> {
    await this.#saving
    this.#saving = this.#write()
    await this.#saving
  }

  async #write(): Promise<void> {
    const opened = this.#opened
    const store = this.#call.vectors()
    if (opened === undefined || store === undefined) return
    const { dir, clock } = this.#call
    const { cache, embedder } = opened
    const { hits, misses } = cache.memory.counts
    // Who asked for nothing knows nothing new.
    if (hits + misses === this.#then.lookUps) return
    try {
      const epoch = epochNow(dir, embedder.space)
      // What another process cleared is in memory until somebody looks.
      cache.lookForClears()
      // As it is now: others write it too, and memory of another size, or of a process that ends early, must not cost them theirs.
      const before = readHotList(hotListPath(dir, embedder.space), embedder.space)
      const [rest, length] =
        typeof before === 'string' ? [new Uint8Array(), 0] : [lastUsed(before), before.ranks.length]
      const most = Math.min(MOST_NAMES, Math.max(cache.memory.capacity, length))
      const hot = await hotNames(opened, store, rest, most)
      const savedAt = clock.now()
      await writeHotList(dir, embedder.space, { ...hot, savedAt })
      // Whoever cleared meanwhile has removed the list that was there before this one.
      if (epochNow(dir, embedder.space) !== epoch) {
        unlink(hotListPath(dir, embedder.space))
        return
      }
      this.#then = { lookUps: hits + misses, misses }
      this.#saved = { at: savedAt, names: hot.ranks.length }
    } catch (error) {
      this.#failed('write', error)
    }
  }

  #failed(what: 'load' | 'write', error: unknown): void {
    const { diagnostics, dir } = this.#call
    const then =
      what === 'load' ? 'the rest is read when it is asked for' : 'the next start begins with an older list, or none'
    // Once, however often it fails: the entries themselves are safe.
    diagnostics.warn(`cannot ${what} what memory held, in ${dir}: ${messageOf(error)}\n${then}`, error, `warm ${what}`)
  }
}

/** Another one after each clear, whoever cleared. Throws STORE. */
function epochNow(dir: string, space: string): string {
  return epochOfSpace(foldersIn(dir).embeddings, spaceId(space))
}
