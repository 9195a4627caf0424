// What the page knows and what its buttons do: signals and actions. Draws nothing.
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals'
import { messageOf } from '../src/errors.js'
import type { Caches, Device, PatternMode, Source, Stats } from '../src/public.js'
import { Board } from './board.js'
import { type DeviceWish, type EngineSettings, type Fetched, openEngine } from './engine.js'
import { EXAMPLES } from './examples.js'
import { type Failure, failureOf, NOT_EMPTIED } from './failures.js'
import type { Fetches } from './fetches.js'
import { type Lines, parseLines } from './lines.js'
import { lookUp, nextChunk, type Outcome } from './look-up.js'
import { changed, type MemoryView, NOTHING_HELD } from './memory-view.js'
import { nextTask } from './next-task.js'
import { countsSince } from './pattern-counts.js'
import { type Run, RunSum } from './run-sum.js'
import { summary, wayOf } from './sources.js'
import { storageTrouble } from './storage.js'

export type { Row } from './rows.js'
export type { Run } from './run-sum.js'

export type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly done: number; readonly total: number }
  | { readonly kind: 'stopped'; readonly done: number; readonly total: number }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** How long the page does not ask again what memory holds while lines are answered, in ms. */
const REFRESH_MS = 300

export class Session {
  readonly text = signal(EXAMPLES[0]!.lines.join('\n'))
  readonly lines: ReadonlySignal<Lines> = computed(() => parseLines(this.text.value))
  readonly board = new Board()
  readonly rows = this.board.rows
  readonly counts = this.board.counts
  readonly times = this.board.times
  readonly history = this.board.history
  readonly scale = this.board.scale
  readonly answered = this.board.answered
  readonly selected = signal(0)
  readonly phase = signal<Phase>({ kind: 'idle' })
  readonly lastRun = signal<Run | undefined>(undefined)
  /** The answers that are shown are of other lines than those that stand there now. */
  readonly outdated = computed(() => this.#asked.value !== undefined && this.#asked.value !== this.text.value)
  /** For screen readers. */
  readonly spoken = signal('')
  readonly stats = signal<Stats | undefined>(undefined)
  /** What patterns did since everything was forgotten; undefined where they are off. */
  readonly patterns = computed(() => {
    const counts = this.stats.value?.embeddings.patterns
    return counts && countsSince(counts, this.#patternsBefore.value)
  })
  readonly memory = signal<MemoryView>(NOTHING_HELD)
  /** Said by the library: what did not work as asked. Latest last, each once. */
  readonly warnings = signal<readonly string[]>([])
  readonly device = signal<DeviceWish>('auto')
  readonly runs = signal<Device | undefined>(undefined)
  readonly mode = signal<PatternMode>('off')
  readonly capacity = signal(10_000)
  /** The model and a runtime have run in these caches. */
  readonly ready = signal(false)
  readonly busy = computed(() => this.phase.value.kind === 'working')
  /** What the browser does not keep yet and a new page would fetch; undefined as long as nobody knows. */
  readonly fetches = signal<Fetches | undefined>(undefined)
  /** Bytes that the next Embed fetches: none once the model runs. */
  readonly toFetch = computed(() => (this.ready.value ? 0 : (this.fetches.value?.embed ?? 0)))
  /** How far the files are that are being fetched; undefined while none is. */
  readonly fetched = signal<Fetched | undefined>(undefined)
  /** Tiers that a look-up passes by. */
  readonly off: ReadonlySignal<ReadonlySet<Source>> = computed(() => {
    const off = new Set<Source>(['shared'])
    if (this.mode.value === 'off') off.add('pattern')
    if (this.capacity.value === 0) off.add('memory')
    if (storageTrouble(this.stats.value)?.off) off.add('disk')
    return off
  })
  /** Grows when what memory held is gone: by a button, here or in another tab, or with caches that were closed. */
  readonly forgotten = signal(0)
  /** How many times caches were opened: vectors of others may differ. */
  opened = 0
  /** The text whose lines were asked for last. */
  readonly #asked = signal<string | undefined>(undefined)
  /** What patterns had done when everything was forgotten. */
  readonly #patternsBefore = signal<Stats['embeddings']['patterns']>(undefined)
  #caches: Promise<Caches> | undefined
  #stop: AbortController | undefined
  #running: Promise<void> | undefined
  #evictions = 0
  readonly #tellForgotten: () => void

  /** `tellForgotten`: everything was forgotten here, and other tabs of this page must hear of it. */
  constructor(tellForgotten: () => void = () => {}) {
    this.#tellForgotten = tellForgotten
  }

  /** Opened at the first use, and again after `#reopen`. */
  caches(): Promise<Caches> {
    if (this.#caches === undefined) this.opened++
    this.#caches ??= openEngine(this.settings(), {
      onFetch: ({ file, done, total }) => {
        // Files are found one after the other; what the button has announced is the better total.
        this.fetched.value = { file, done, total: Math.max(total, this.fetches.peek()?.embed ?? 0) }
      },
      onWarning: message => {
        if (!this.warnings.peek().includes(message)) this.warnings.value = [...this.warnings.peek().slice(-4), message]
      },
    })
    this.#caches.catch(() => {
      this.#caches = undefined
    })
    return this.#caches
  }

  settings(): EngineSettings {
    return {
      device: this.device.peek(),
      patterns: this.mode.peek(),
      capacity: this.capacity.peek(),
    }
  }

  /** Looks up what an embedding would fetch. Fetches none of it. */
  async askFetches(): Promise<void> {
    const device = this.device.peek()
    const fetches = await import('./fetches.js').then(({ askFetches }) => askFetches(device)).catch(() => undefined)
    if (device === this.device.peek()) this.fetches.value = fetches
  }

  embed(): Promise<void> {
    const { lines } = this.lines.peek()
    if (this.busy.peek() || lines.length === 0) return Promise.resolve()
    batch(() => {
      this.rows.begin(lines)
      this.#asked.value = this.text.peek()
      this.selected.value = Math.min(this.selected.peek(), lines.length - 1)
      this.fetched.value = undefined
      // Else the same words twice would be spoken once.
      this.spoken.value = ''
      this.phase.value = { kind: 'working', done: 0, total: lines.length }
    })
    this.#running = this.#embed(lines)
    return this.#running
  }

  stop(): void {
    this.#stop?.abort(new Error('stopped'))
  }

  /** Rows go on showing what they showed; the next look-ups are answered from IndexedDB. */
  async forgetMemory(): Promise<void> {
    const caches = await this.#open()
    if (!caches) return
    caches.embeddings.forgetMemory()
    batch(() => {
      this.memory.value = NOTHING_HELD
      this.forgotten.value++
    })
    await this.refresh()
    const kept = storageTrouble(this.stats.peek()) === undefined
    this.spoken.value = kept ? 'Memory is empty. IndexedDB still has the vectors.' : 'Memory is empty.'
  }

  /** Empties every tier, and the page. */
  async forgetAll(): Promise<void> {
    const caches = await this.#open()
    if (!caches) return
    // A browser that denies its storage keeps what lies there; the page is emptied all the same, and says so.
    const kept = await caches.clear().then(
      () => undefined,
      (error: unknown) => ({ said: NOT_EMPTIED, detail: messageOf(error) }),
    )
    this.#empty()
    if (kept) this.phase.value = { kind: 'failed', failure: kept }
    this.spoken.value = kept ? kept.said : 'Everything is forgotten.'
    this.#tellForgotten()
    await this.refresh()
  }

  /** Another tab has emptied the database that both share. */
  async forgottenElsewhere(): Promise<void> {
    this.stop()
    await this.#running
    const caches = await this.#caches?.catch(() => undefined)
    caches?.embeddings.forgetMemory()
    this.#empty()
    this.spoken.value = 'Everything was forgotten in another tab.'
    await this.refresh()
  }

  async resize(capacity: number): Promise<void> {
    this.capacity.value = capacity
    const caches = await this.#caches?.catch(() => undefined)
    if (!caches) return
    caches.embeddings.resize(capacity)
    await this.refresh()
    const { left, held } = this.memory.peek()
    this.spoken.value = left > 0 ? `${left} evicted from memory, ${held.length} left` : `memory holds ${held.length}`
  }

  async setPatterns(mode: PatternMode): Promise<void> {
    this.mode.value = mode
    await this.#reopen()
  }

  async setDevice(device: DeviceWish): Promise<void> {
    this.device.value = device
    await Promise.all([this.#reopen(), this.askFetches()])
  }

  /** What the caches say of themselves, for the panels. */
  async refresh(asked: readonly string[] = []): Promise<void> {
    const opened = this.#caches
    const caches = await opened?.catch(() => undefined)
    const stats = await caches?.stats().catch(() => undefined)
    // Others may have been opened meanwhile.
    if (!caches || !stats || opened !== this.#caches) return
    const evicted = stats.embeddings.memory.evictions - this.#evictions
    this.#evictions = stats.embeddings.memory.evictions
    const held = Array.from(caches.embeddings.entries(), ([text]) => text)
    batch(() => {
      this.stats.value = stats
      this.runs.value = stats.embeddings.running?.device
      this.memory.value = changed(this.memory.peek(), held, evicted, asked)
    })
  }

  async #embed(lines: readonly string[]): Promise<void> {
    const stop = new AbortController()
    this.#stop = stop
    try {
      await this.#run(lines, stop.signal)
    } catch (error) {
      const { done, total } = this.#progress()
      // Files that are still being fetched come for whoever asks next: nobody does, so the caches are closed.
      if (stop.signal.aborted && this.fetched.peek() && !this.ready.peek()) await this.#reopen()
      if (stop.signal.aborted) this.phase.value = { kind: 'stopped', done, total }
      else this.#fail(error)
    }
    this.spoken.value = this.#say()
    await Promise.all([this.refresh(), this.askFetches()])
  }

  async #run(lines: readonly string[], signal: AbortSignal): Promise<void> {
    const caches = await this.caches()
    const mode = this.mode.peek()
    const views = mode !== 'template'
    const way = (source: Source) => wayOf(source, this.off.peek())
    const now = () => performance.now()
    const sum = new RunSum(this.board)
    // One line alone first, while no model is loaded: its time is the loading's.
    let size = this.ready.peek() ? 16 : 1
    let refreshed = 0
    for (let at = 0; at < lines.length; ) {
      const chunk = lines.slice(at, at + size)
      const start = now()
      const outcomes = await lookUp(caches.embeddings, chunk, { signal, now, views })
      const ms = now() - start
      signal.throwIfAborted()
      const cold = !this.ready.peek() && outcomes.some(isComputed)
      this.board.take(at, chunk, outcomes, { cold, way, wall: now() })
      sum.add(chunk, outcomes, cold)
      at += chunk.length
      this.phase.value = { kind: 'working', done: at, total: lines.length }
      if (cold || now() - refreshed > REFRESH_MS) {
        await this.refresh(chunk)
        refreshed = now()
      }
      if (cold) this.ready.value = true
      size = cold ? 16 : nextChunk(size, ms)
      // The page draws, and hears presses.
      await nextTask()
    }
    await this.refresh(lines)
    batch(() => {
      this.lastRun.value = sum.run
      this.phase.value = { kind: 'idle' }
    })
  }

  /** The caches, or undefined and the failure said. */
  #open(): Promise<Caches | undefined> {
    return this.caches().catch((error: unknown) => {
      this.#fail(error)
      this.spoken.value = this.#say()
      return undefined
    })
  }

  #fail(error: unknown): void {
    this.phase.value = { kind: 'failed', failure: failureOf(error, navigator.onLine) }
  }

  #empty(): void {
    this.board.clear()
    batch(() => {
      this.#asked.value = undefined
      this.selected.value = 0
      this.memory.value = NOTHING_HELD
      this.lastRun.value = undefined
      this.phase.value = { kind: 'idle' }
      this.#patternsBefore.value = this.stats.peek()?.embeddings.patterns
      this.forgotten.value++
    })
  }

  async #reopen(): Promise<void> {
    this.stop()
    const caches = this.#caches
    this.#caches = undefined
    this.#evictions = 0
    batch(() => {
      this.board.restart()
      this.phase.value = { kind: 'idle' }
      this.lastRun.value = undefined
      this.memory.value = NOTHING_HELD
      this.stats.value = undefined
      this.warnings.value = []
      this.runs.value = undefined
      this.#patternsBefore.value = undefined
      this.ready.value = false
      this.forgotten.value++
    })
    await (await caches?.catch(() => undefined))?.close()
  }

  #progress(): { done: number; total: number } {
    const phase = this.phase.peek()
    return phase.kind === 'working' ? phase : { done: 0, total: 0 }
  }

  #say(): string {
    const rows = this.rows.peek()
    const sources = rows.flatMap(row => (row.answer ? [row.answer.source] : []))
    const phase = this.phase.peek()
    const text = summary(sources, rows.filter(row => row.error !== undefined).length)
    if (phase.kind === 'failed') return `Failed: ${phase.failure.said}`
    return phase.kind === 'stopped' ? `Stopped. ${text}` : text
  }
}

function isComputed(outcome: Outcome): boolean {
  return 'answer' in outcome && outcome.answer.source === 'computed'
}
