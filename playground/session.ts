// What the page knows and what its buttons do: signals and actions. Draws nothing.
import { batch, computed, type ReadonlySignal, signal } from '@preact/signals'
import { isOpDbusError, messageOf } from '../src/errors.js'
import type { Caches, Device, PatternMode, Source, Stats } from '../src/public.js'
import { assetBytes, type DeviceWish, type EngineSettings, type Fetched, openEngine } from './engine.js'
import { EXAMPLES } from './examples.js'
import { largest } from './heat.js'
import { History, median } from './history.js'
import { type Lines, parseLines } from './lines.js'
import { type Answer, lookUp, nextChunk, type Outcome } from './look-up.js'
import { changed, type MemoryView, NOTHING_HELD } from './memory-view.js'
import { SOURCES, summary } from './sources.js'

export interface Row {
  readonly text: string
  readonly answer?: Answer
  /** Why there is no answer. */
  readonly error?: string
  /** The model was loaded for it: its time says nothing of the next one. */
  readonly cold?: boolean
}

export type Phase =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly done: number; readonly total: number; readonly fetched?: Fetched }
  | { readonly kind: 'stopped'; readonly done: number; readonly total: number }
  | { readonly kind: 'failed'; readonly message: string }

/** One finished press of Embed. */
export interface Run {
  readonly sources: Readonly<Partial<Record<Source, number>>>
  readonly lines: number
  /** Spent on look-ups. */
  readonly ms: number
  /** Of that, for the line that loaded the model. */
  readonly loadMs: number
  /** What the same lines took when they were last computed, loading aside, less `ms`; undefined where not known. */
  readonly savedMs: number | undefined
}

/** Times of one source: enough for a median, bounded. */
const TIMES_KEPT = 200

export class Session {
  readonly text = signal(EXAMPLES[0]!.lines.join('\n'))
  readonly lines: ReadonlySignal<Lines> = computed(() => parseLines(this.text.value))
  readonly rows = signal<readonly Row[]>([])
  readonly selected = signal(0)
  /** The largest magnitude in any vector shown: what a heat strip's full colour means. */
  readonly scale = signal(0)
  readonly phase = signal<Phase>({ kind: 'idle' })
  readonly lastRun = signal<Run | undefined>(undefined)
  /** For screen readers. */
  readonly spoken = signal('')
  /** Grows when something was answered: charts look at `history` then. */
  readonly answered = signal(0)
  readonly history = new History()
  readonly counts = signal<Readonly<Partial<Record<Source, number>>>>({})
  readonly stats = signal<Stats | undefined>(undefined)
  readonly memory = signal<MemoryView>(NOTHING_HELD)
  /** Said by the library: what did not work as asked. Latest last, each once. */
  readonly warnings = signal<readonly string[]>([])
  readonly device = signal<DeviceWish>('auto')
  readonly runs = signal<Device | undefined>(undefined)
  readonly mode = signal<PatternMode>('off')
  readonly bound = signal(0.14)
  readonly capacity = signal(10_000)
  /** The model and a runtime were there at least once in this page. */
  readonly ready = signal(false)
  readonly busy = computed(() => this.phase.value.kind === 'working')
  readonly times: Partial<Record<Source, number[]>> = {}
  /** How many times caches were opened: vectors of others may differ. */
  opened = 0
  #caches: Promise<Caches> | undefined
  #stop: AbortController | undefined
  #evictions = 0
  /** How long each line took when it was last computed. */
  readonly #computedMs = new Map<string, number>()
  /** Lines that a model was loaded for. */
  readonly #cold = new Set<string>()

  /** Opened at the first use, and again after `#reopen`. */
  caches(): Promise<Caches> {
    if (this.#caches === undefined) this.opened++
    this.#caches ??= openEngine(this.settings(), {
      onFetch: fetched => {
        const phase = this.phase.peek()
        if (phase.kind === 'working') this.phase.value = { ...phase, fetched }
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
    const mode = this.mode.peek()
    return {
      device: this.device.peek(),
      patterns: mode === 'verified' ? { mode, epsilon: this.bound.peek() } : mode,
      capacity: this.capacity.peek(),
    }
  }

  /** Bytes that the next Embed fetches; 0 once the model has run in this page. */
  toFetch(): number {
    return this.ready.value ? 0 : assetBytes(this.device.value)
  }

  async embed(): Promise<void> {
    const { lines } = this.lines.peek()
    if (this.busy.peek() || lines.length === 0) return
    const stop = new AbortController()
    this.#stop = stop
    batch(() => {
      this.rows.value = lines.map(text => ({ text }))
      this.selected.value = Math.min(this.selected.peek(), lines.length - 1)
      this.phase.value = { kind: 'working', done: 0, total: lines.length }
    })
    try {
      await this.#run(lines, stop.signal)
    } catch (error) {
      const { done, total } = this.#progress()
      if (stop.signal.aborted) this.phase.value = { kind: 'stopped', done, total }
      else this.phase.value = { kind: 'failed', message: messageOf(error) }
    }
    this.spoken.value = this.#say()
    await this.refresh()
  }

  stop(): void {
    this.#stop?.abort(new Error('stopped'))
  }

  /** Rows go on showing what they showed; the next look-ups are answered from IndexedDB. */
  async forgetMemory(): Promise<void> {
    const caches = await this.caches()
    caches.embeddings.forgetMemory()
    this.memory.value = NOTHING_HELD
    await this.refresh()
    const onDisk = this.stats.value?.storage?.problem === undefined
    this.spoken.value = onDisk ? 'Memory is empty. IndexedDB still has the vectors.' : 'Memory is empty.'
  }

  /** Empties every tier, and the page. */
  async forgetAll(): Promise<void> {
    const caches = await this.caches()
    // A browser that denies its storage keeps what lies there; the page is emptied all the same, and says so.
    const kept = await caches.clear().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    this.history.clear()
    this.#computedMs.clear()
    this.#cold.clear()
    for (const source of SOURCES) delete this.times[source]
    batch(() => {
      this.rows.value = []
      this.counts.value = {}
      this.memory.value = NOTHING_HELD
      this.lastRun.value = undefined
      this.phase.value = { kind: 'idle' }
      this.answered.value++
      this.spoken.value =
        kept === undefined
          ? 'Everything is forgotten.'
          : `This page has forgotten everything; the browser's storage could not be emptied: ${kept}`
    })
    await this.refresh()
  }

  async resize(capacity: number): Promise<void> {
    this.capacity.value = capacity
    if (this.#caches === undefined) return
    const caches = await this.#caches
    caches.embeddings.resize(capacity)
    await this.refresh()
    const { left, held } = this.memory.peek()
    this.spoken.value = left > 0 ? `${left} evicted from memory, ${held.length} left` : `memory holds ${held.length}`
  }

  async setPatterns(mode: PatternMode, bound = this.bound.peek()): Promise<void> {
    this.mode.value = mode
    this.bound.value = bound
    await this.#reopen()
  }

  async setDevice(device: DeviceWish): Promise<void> {
    this.device.value = device
    this.ready.value = false
    await this.#reopen()
  }

  /** What the caches say of themselves, for the panels. */
  async refresh(asked: readonly string[] = []): Promise<void> {
    if (this.#caches === undefined) return
    const caches = await this.#caches
    const stats = await caches.stats()
    const evicted = stats.embeddings.memory.evictions - this.#evictions
    this.#evictions = stats.embeddings.memory.evictions
    const held = Array.from(caches.embeddings.entries(), ([text]) => text)
    batch(() => {
      this.stats.value = stats
      this.runs.value = stats.embeddings.running?.device
      this.memory.value = changed(this.memory.peek(), held, evicted, asked)
    })
  }

  async #run(lines: readonly string[], signal: AbortSignal): Promise<void> {
    const caches = await this.caches()
    const views = this.mode.peek() !== 'template'
    const now = () => performance.now()
    const from: Partial<Record<Source, number>> = {}
    // One line alone first, while no model is loaded: its time is the loading's.
    let size = this.ready.peek() ? 16 : 1
    let [spent, loadMs, before, known] = [0, 0, 0, true]
    let lastRefresh = 0
    for (let at = 0; at < lines.length; ) {
      const chunk = lines.slice(at, at + size)
      const start = now()
      const outcomes = await lookUp(caches.embeddings, chunk, { signal, now, views })
      const ms = now() - start
      signal.throwIfAborted()
      const cold = !this.ready.peek() && outcomes.some(isComputed)
      this.#take(at, chunk, outcomes, cold)
      if (cold) {
        await this.refresh()
        this.ready.value = true
      }
      for (const [i, outcome] of outcomes.entries()) {
        if ('error' in outcome) continue
        const { source, ms: took } = outcome.answer
        from[source] = (from[source] ?? 0) + 1
        spent += took
        if (cold) loadMs += took
        const line = chunk[i]!
        if (source === 'computed' && !cold) this.#computedMs.set(line, took)
        // Of a line that loaded the model what another one took: loading is no computing.
        const alone =
          this.#computedMs.get(line) ?? (this.#cold.has(line) ? median(this.times.computed ?? []) : undefined)
        before += alone ?? 0
        known &&= alone !== undefined
      }
      at += chunk.length
      this.phase.value = { kind: 'working', done: at, total: lines.length }
      if (now() - lastRefresh > 300) {
        await this.refresh(chunk)
        lastRefresh = now()
      }
      size = cold ? 16 : nextChunk(size, ms)
      await turn()
    }
    await this.refresh(lines)
    batch(() => {
      this.lastRun.value = {
        sources: from,
        lines: lines.length,
        ms: spent,
        loadMs,
        savedMs: known ? before - spent : undefined,
      }
      this.phase.value = { kind: 'idle' }
    })
  }

  /** Outcomes of a chunk into rows, history and counts. */
  #take(at: number, chunk: readonly string[], outcomes: readonly Outcome[], cold: boolean): void {
    const rows = [...this.rows.peek()]
    const counts = { ...this.counts.peek() }
    const wall = performance.now()
    const groups = new Map<Source, { count: number; ms: number }>()
    let scale = this.scale.peek()
    for (const [i, outcome] of outcomes.entries()) {
      const text = chunk[i]!
      if ('error' in outcome) {
        // What holds for every line ends the run; what holds for one is said in its row.
        if (!isOpDbusError(outcome.error, 'EMBEDDER_FAILED')) throw outcome.error
        rows[at + i] = { text, error: messageOf(outcome.error) }
        continue
      }
      const { answer } = outcome
      rows[at + i] = { text, answer, cold }
      if (cold) this.#cold.add(text)
      scale = Math.max(scale, largest(answer.vector))
      counts[answer.source] = (counts[answer.source] ?? 0) + 1
      const group = groups.get(answer.source) ?? { count: 0, ms: 0 }
      groups.set(answer.source, { count: group.count + 1, ms: group.ms + answer.ms })
      if (!cold) this.times[answer.source] = [...(this.times[answer.source] ?? []).slice(-TIMES_KEPT), answer.ms]
    }
    for (const [source, { count, ms }] of groups) this.history.add({ at: wall, source, ms: ms / count, count })
    batch(() => {
      this.rows.value = rows
      this.counts.value = counts
      this.scale.value = scale
      this.answered.value++
    })
  }

  async #reopen(): Promise<void> {
    this.stop()
    const caches = this.#caches
    this.#caches = undefined
    this.#evictions = 0
    batch(() => {
      this.memory.value = NOTHING_HELD
      this.warnings.value = []
      this.runs.value = undefined
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
    if (phase.kind === 'failed') return `Failed: ${phase.message}`
    return phase.kind === 'stopped' ? `Stopped. ${text}` : text
  }
}

function isComputed(outcome: Outcome): boolean {
  return 'answer' in outcome && outcome.answer.source === 'computed'
}

/** Lets the page draw and hear presses. A message port: a timer of 0 waits 4 ms when nested. */
function turn(): Promise<void> {
  return new Promise(resolve => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(0)
  })
}
