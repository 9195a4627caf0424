// The station inside the worker: tokenise -> batch -> run -> pool -> normalise -> finished rows, failures per text.

import { OpDbusError } from '../errors.js'
import type { Backend } from '../ports.js'
import { runBatch, type VectorSpec } from './batch-run.js'
import { asFailure, Batcher } from './batcher.js'
import type { ModelSpec } from './model-spec.js'
import { type Part, toWire } from './protocol.js'
import type { Tokenize } from './tokenizer.js'

/**
 * Texts, and batches' worth of tokens, that are tokenised ahead of the session: enough to sort by length, few enough that
 * the first batch of a long queue does not wait for its end to be tokenised.
 */
const AHEAD = { texts: 512, batches: 32 }

export interface PipelineOptions {
  readonly spec: VectorSpec & Pick<ModelSpec, 'rowsAlone'>
  readonly tokenize: Tokenize
  /** `device` is asked after every run: it may have changed. */
  readonly backend: Pick<Backend, 'run' | 'device'>
  /** Padded tokens in a batch. */
  readonly maxBatchTokens: number
  /** Gets every text's outcome once, batch by batch. */
  emit(part: Part): void
  /** One turn of the event loop, so that new texts and drops are seen between batches. */
  turn?(): Promise<void>
}

interface Item {
  readonly id: number
  readonly ids: readonly number[]
  readonly truncated: boolean
}

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #batcher: Batcher<Item>
  readonly #sums: Float64Array
  /** Not yet tokenised, in order of arrival. */
  readonly #texts = new Map<number, string>()
  readonly #items = new Map<number, Item>()

  constructor(options: PipelineOptions) {
    this.#options = options
    this.#sums = new Float64Array(options.spec.dims)
    this.#batcher = new Batcher<Item>({
      budget: options.maxBatchTokens,
      ...(options.spec.rowsAlone && { maxRows: 1 }),
      halve: true,
      cost: item => Math.max(item.ids.length, 1),
      run: items => this.#run(items),
      fail: (item, error) => this.#fail(item.id, error),
      ...(options.turn && { turn: options.turn }),
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
      const item = this.#items.get(id)
      if (item) this.#batcher.drop(item)
      this.#items.delete(id)
    }
  }

  #tokenize(): void {
    const mostTokens = AHEAD.batches * this.#options.maxBatchTokens
    for (const [id, text] of this.#texts) {
      if (this.#batcher.queued >= AHEAD.texts || this.#batcher.queuedCost >= mostTokens) return
      this.#texts.delete(id)
      try {
        const item = { id, ...this.#options.tokenize(text) }
        this.#items.set(id, item)
        this.#batcher.add(item)
      } catch (error) {
        this.#fail(id, asFailure(error))
      }
    }
  }

  #fail(id: number, error: OpDbusError): void {
    this.#items.delete(id)
    const failed = [{ id, error: toWire(error) }]
    const { device } = this.#options.backend
    this.#options.emit({ ids: [], matrix: new Float32Array(0), tokens: [], truncated: [], failed, device })
  }

  async #run(items: readonly Item[]): Promise<void> {
    const { spec, backend } = this.#options
    try {
      const { kept, matrix, notFinite } = await runBatch(backend, spec, items, this.#sums)
      this.#options.emit({
        ids: kept.map(item => item.id),
        matrix,
        tokens: kept.map(item => item.ids.length),
        truncated: kept.map(item => item.truncated),
        failed: notFinite.map(item => ({ id: item.id, error: toWire(notANumber()) })),
        device: backend.device,
      })
      for (const item of items) this.#items.delete(item.id)
    } finally {
      this.#tokenize()
    }
  }
}

function notANumber(): OpDbusError {
  return new OpDbusError('EMBEDDER_FAILED', 'the model answered with NaN or Infinity')
}
