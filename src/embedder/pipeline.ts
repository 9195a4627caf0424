// The station inside the worker: tokenise -> batch -> run -> pool -> normalise -> finished rows, failures per text.

import { OpDbusError } from '../errors.js'
import type { Backend, TokenBatch } from '../ports.js'
import { asFailure, Batcher } from './batcher.js'
import type { ModelSpec } from './model-spec.js'
import { finishRow, poolRow } from './pooling.js'
import { type Part, toWire } from './protocol.js'
import type { Tokenize } from './tokenizer.js'

/**
 * Texts, and batches' worth of tokens, that are tokenised ahead of the session: enough to sort by length, few enough that
 * the first batch of a long queue does not wait for its end to be tokenised.
 */
const AHEAD = { texts: 512, batches: 32 }

export interface PipelineOptions {
  readonly spec: Pick<ModelSpec, 'dims' | 'pooling' | 'normalize' | 'padId' | 'rowsAlone'>
  readonly tokenize: Tokenize
  readonly backend: Pick<Backend, 'run'>
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
    this.#options.emit({ ids: [], matrix: new Float32Array(0), tokens: [], truncated: [], failed })
  }

  async #run(items: readonly Item[]): Promise<void> {
    const { spec, backend } = this.#options
    try {
      const batch = toBatch(items, spec.padId)
      const output = await backend.run(batch)
      this.#options.emit(this.#toPart(items, batch, output))
      for (const item of items) this.#items.delete(item.id)
    } finally {
      this.#tokenize()
    }
  }

  #toPart(items: readonly Item[], { rows, width }: TokenBatch, output: Float32Array): Part {
    const { dims, pooling, normalize } = this.#options.spec
    const pooled = output.length === rows * dims
    if (!pooled && output.length !== rows * width * dims)
      throw new OpDbusError(
        'UNSUPPORTED_MODEL',
        `the model answered ${output.length} numbers for ${rows} texts of ${width} tokens; its files say ${dims} dims`,
      )
    const matrix = new Float32Array(rows * dims)
    const kept: Item[] = []
    const failed: Part['failed'][number][] = []
    for (const [row, item] of items.entries()) {
      const vector = matrix.subarray(kept.length * dims, (kept.length + 1) * dims)
      if (pooled) vector.set(output.subarray(row * dims, (row + 1) * dims))
      else poolRow(output, row * width * dims, item.ids.length, pooling, this.#sums, vector)
      if (finishRow(vector, normalize)) kept.push(item)
      else failed.push({ id: item.id, error: toWire(notFinite()) })
    }
    return {
      ids: kept.map(item => item.id),
      matrix: kept.length === rows ? matrix : matrix.slice(0, kept.length * dims),
      tokens: kept.map(item => item.ids.length),
      truncated: kept.map(item => item.truncated),
      failed,
    }
  }
}

/** Pads on the right to the longest item, and to two at least: at one, pooled and unpooled output have the same length. */
function toBatch(items: readonly Item[], padId: number): TokenBatch {
  const rows = items.length
  const width = items.reduce((most, item) => Math.max(most, item.ids.length), 2)
  const inputIds = new BigInt64Array(rows * width)
  const attentionMask = new BigInt64Array(rows * width)
  // The low halves of the 64-bit numbers: ids are small, and a BigInt per token costs more than tokenising.
  const ids = new Int32Array(inputIds.buffer)
  const mask = new Int32Array(attentionMask.buffer)
  for (let row = 0; row < rows; row++) {
    const tokens = items[row]!.ids
    for (let i = 0, at = row * width * 2; i < width; i++, at += 2) {
      const real = i < tokens.length
      ids[at] = real ? tokens[i]! : padId
      mask[at] = real ? 1 : 0
    }
  }
  return { rows, width, inputIds, attentionMask }
}

function notFinite(): OpDbusError {
  return new OpDbusError('EMBEDDER_FAILED', 'the model answered with NaN or Infinity')
}
