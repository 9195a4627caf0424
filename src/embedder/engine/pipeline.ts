// The station inside the worker: tokenise -> batch -> run -> pool -> normalise -> finished rows, failures per text.

import { asFailure, OpDbusError } from '../../errors.js'
import type { Backend, Clock, Device } from '../../ports.js'
import { Batcher } from '../batcher.js'
import { isGpu } from '../devices/order.js'
import { runBatch, type VectorSpec } from '../devices/run-batch.js'
import { toWire } from '../link.js'
import type { ModelSpec } from '../model/spec.js'
import type { BatchResult, BudgetChoice } from '../protocol.js'
import type { Tokenize } from '../tokenizer/load-tokenizer.js'
import type { BatchBudget } from './batch-budget.js'
import type { TokenizeAhead } from './tokenizer-pool.js'
import type { Tokenized } from './tokenizer-thread.js'

/**
 * What is tokenised ahead of the session, in texts, and in batches' worth of tokens. So many `texts` and `batches`: enough
 * to sort by length, and that a session finds its next batches ready. `mostBatches`, whatever the texts: few enough that
 * the first batch of a long queue does not wait for its end to be tokenised.
 */
const AHEAD = { texts: 512, batches: 3, mostBatches: 32 }
/** Texts that must wait on a GPU before threads are started that tokenise for it, and texts handed to one at a time. */
const THREADS = { from: 256, chunk: 64 }
/** Tokens of a text, as long as none was seen. */
const USUAL_TOKENS = 32

export interface PipelineOptions {
  readonly spec: VectorSpec & Pick<ModelSpec, 'rowsAlone'>
  readonly tokenize: Tokenize
  /** Tokenises in other threads while a GPU session blocks this one. On a CPU the session needs the cores itself. */
  readonly elsewhere?: TokenizeAhead
  /** `device` is asked after every run: it may have changed. */
  readonly backend: Pick<Backend, 'run' | 'device'>
  readonly budget: Pick<BatchBudget, 'next' | 'most' | 'ran'>
  readonly clock: Pick<Clock, 'monotonic'>
  /** Gets every text's outcome once, batch by batch. */
  emit(result: BatchResult): void
  /** One turn of the event loop, so that new texts and drops are seen between batches. */
  yieldToEventLoop?(): Promise<void>
}

interface Item {
  readonly id: number
  readonly ids: ArrayLike<number>
  readonly truncated: boolean
}

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #batcher: Batcher<Item>
  readonly #sums: Float64Array
  /** Not yet tokenised, in order of arrival. */
  readonly #texts = new Map<number, string>()
  /** In the hands of other threads. */
  readonly #away = new Set<number>()
  /** What comes back from them joins the queue in the order in which it left. */
  #arrivals: Promise<void> = Promise.resolve()
  readonly #items = new Map<number, Item>()
  readonly #seen = { texts: 0, tokens: 0 }
  /** What the batch that runs was cut by. */
  #cut = { budget: 0, queued: 0 }

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#sums = new Float64Array(options.spec.dims)
    this.#batcher = new Batcher<Item>({
      budget: queued => {
        this.#cut = { budget: options.budget.next(options.backend.device, queued), queued }
        return this.#cut.budget
      },
      ...(options.spec.rowsAlone && { maxRows: 1 }),
      halve: true,
      cost: item => Math.max(item.ids.length, 1),
      run: items => this.#run(items),
      fail: (item, error) => this.#fail(item.id, error),
      yieldToEventLoop: options.yieldToEventLoop,
    })
  }

  /** Queues `texts[i]` under `ids[i]`; an id is in use until its outcome was emitted or it was dropped. */
  submit(ids: readonly number[], texts: readonly string[]): void {
    for (const [index, id] of ids.entries()) this.#texts.set(id, texts[index]!)
    this.#tokenize()
  }

  /** Nothing is emitted for these, unless their batch is already running. */
  drop(ids: readonly number[]): void {
    for (const id of ids) {
      this.#texts.delete(id)
      this.#away.delete(id)
      const item = this.#items.get(id)
      if (item) this.#batcher.drop(item)
      this.#items.delete(id)
    }
  }

  #tokenize(): void {
    const { elsewhere, backend, tokenize } = this.#options
    if (elsewhere && isGpu(backend.device)) {
      if (this.#texts.size >= THREADS.from) elsewhere.start()
      if (elsewhere.ready) this.#sendAway(elsewhere)
    }
    for (const [id, text] of this.#texts) {
      if (this.#enough()) return
      this.#texts.delete(id)
      this.#enter(id, result(text, tokenize))
    }
  }

  #sendAway(elsewhere: TokenizeAhead): void {
    while (this.#texts.size > 0 && !this.#enough()) {
      const chunk = [...take(this.#texts, THREADS.chunk)]
      for (const [id] of chunk) {
        this.#texts.delete(id)
        this.#away.add(id)
      }
      const results = elsewhere.tokenize(chunk.map(([, text]) => text))
      // Else its error would go unheard while those before it are awaited.
      results.catch(() => undefined)
      this.#arrivals = this.#arrivals.then(() => this.#takeBack(chunk, results))
    }
  }

  async #takeBack(chunk: readonly [number, string][], results: Promise<readonly Tokenized[]>): Promise<void> {
    // The thread is lost: what it had is done here.
    const found = await results.catch(() => undefined)
    for (const [index, [id, text]] of chunk.entries()) {
      // Otherwise nobody waits for it any more.
      if (this.#away.delete(id)) this.#enter(id, found?.[index] ?? result(text, this.#options.tokenize))
    }
    this.#tokenize()
  }

  #enter(id: number, tokens: Tokenized): void {
    if ('error' in tokens) {
      this.#fail(id, tokens.error)
      return
    }
    const item = { id, ...tokens }
    this.#seen.texts++
    this.#seen.tokens += tokens.ids.length
    this.#items.set(id, item)
    this.#batcher.add(item)
  }

  /** Whether enough is tokenised, or about to be. */
  #enough(): boolean {
    const { budget, backend } = this.#options
    const { queued, queuedCost } = this.#batcher
    const usual = this.#seen.texts === 0 ? USUAL_TOKENS : this.#seen.tokens / this.#seen.texts
    const tokens = queuedCost + this.#away.size * usual
    const batch = budget.most(backend.device)
    if (tokens >= AHEAD.mostBatches * batch) return true
    return queued + this.#away.size >= AHEAD.texts && tokens >= AHEAD.batches * batch
  }

  #fail(id: number, error: OpDbusError): void {
    this.#items.delete(id)
    const failed = [{ id, error: toWire(error) }]
    const { device } = this.#options.backend
    this.#options.emit({ ids: [], matrix: new Float32Array(0), tokens: [], truncated: [], failed, device })
  }

  async #run(items: readonly Item[]): Promise<void> {
    const { spec, backend, clock } = this.#options
    const start = clock.monotonic()
    const { device } = backend
    try {
      const { kept, matrix, notFinite } = await runBatch(backend, spec, items, this.#sums)
      const chosen = this.#measured(items, device, clock.monotonic() - start)
      this.#options.emit({
        ids: kept.map(item => item.id),
        matrix,
        tokens: kept.map(item => item.ids.length),
        truncated: kept.map(item => item.truncated),
        failed: notFinite.map(item => ({ id: item.id, error: toWire(notANumber()) })),
        device: backend.device,
        ...(chosen && { chosen }),
      })
      for (const item of items) this.#items.delete(item.id)
    } finally {
      this.#tokenize()
    }
  }

  #measured(items: readonly Item[], device: Device, ms: number): BudgetChoice | undefined {
    // A batch that lost its device took the time of two; one text a run fills no budget.
    if (device !== this.#options.backend.device || this.#options.spec.rowsAlone) return undefined
    const width = items.reduce((most, item) => Math.max(most, item.ids.length), 1)
    return this.#options.budget.ran({ device, ...this.#cut, padded: items.length * width, ms })
  }
}

function result(text: string, tokenize: Tokenize): Tokenized {
  try {
    return tokenize(text)
  } catch (error) {
    return { error: asFailure(error) }
  }
}

function* take<T>(items: Iterable<T>, count: number): Generator<T> {
  for (const item of items) {
    if (count-- <= 0) return
    yield item
  }
}

function notANumber(): OpDbusError {
  return new OpDbusError('EMBEDDER_FAILED', 'the model answered with NaN or Infinity')
}
