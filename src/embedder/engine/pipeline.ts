// The station inside the worker: tokenise -> batch -> run -> pool -> normalise -> finished rows, failures per text.

import { asFailure, OpDbusError } from '../../errors.js'
import type { Backend, BackendOutput, Clock, Device, TokenBatch } from '../../ports.js'
import { isGpu } from '../devices/order.js'
import { runBatch, type TokenRow, type VectorSpec } from '../devices/run-batch.js'
import { fromWire, toWire, type WireError } from '../link.js'
import type { ModelSpec } from '../model/spec.js'
import type { BatchResult, BudgetChoice } from '../protocol.js'
import type { Tokenize } from '../tokenizer/load-tokenizer.js'
import type { BatchBudget } from './batch-budget.js'
import { Batcher } from './batcher.js'
import type { Stopwatch } from './stopwatch.js'
import { AWAY, GONE, QUEUED, TEXT, TextRows, type TokenIds } from './text-rows.js'
import type { TokenizeAhead } from './tokenizer-pool.js'
import type { TokenChunk } from './tokenizer-thread.js'

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
  /** Where the time goes, if somebody asked. */
  readonly stopwatch?: Stopwatch
  /** Gets every text's outcome once, batch by batch. */
  emit(result: BatchResult): void
  /** One turn of the event loop, so that new texts and drops are seen between batches. */
  yieldToEventLoop?(): Promise<void>
}

/** A row of a batch. What is said of it afterwards is read here: a row that was dropped meanwhile is gone. */
interface Item extends TokenRow {
  readonly number: number
  readonly truncated: number
}

export class Pipeline {
  readonly #options: PipelineOptions
  readonly #batcher: Batcher
  readonly #rows = new TextRows()
  readonly #sums: Float64Array
  /** What comes back from other threads joins the queue in the order in which it left. */
  #arrivals: Promise<void> = Promise.resolve()
  readonly #seen = { texts: 0, tokens: 0 }
  /** What the batch that runs was cut by, and what it came to. */
  #cut = { budget: 0, queued: 0, padded: 0 }

  constructor(options: PipelineOptions) {
    const { spec, budget, backend, stopwatch, yieldToEventLoop } = options
    this.#options = options
    this.#sums = new Float64Array(spec.dims)
    this.#batcher = new Batcher({
      budget: queued => {
        stopwatch?.begin('packing')
        this.#cut = { budget: budget.next(backend.device, queued), queued, padded: 0 }
        return this.#cut.budget
      },
      ...(spec.rowsAlone && { maxRows: 1 }),
      waits: row => this.#rows.state(row) !== GONE,
      cut: rows => {
        for (const row of rows) this.#rows.cut(row)
      },
      run: rows => this.#run(rows),
      fail: (rows, error) => this.#fail(rows, error),
      yieldToEventLoop,
    })
  }

  /** Queues `texts[i]` under `numbers[i]`: ascending, and higher than all before. */
  submit(numbers: readonly number[], texts: readonly string[]): void {
    const { stopwatch } = this.#options
    if (texts.length > 0 && this.#rows.size === 0) stopwatch?.begin('starved')
    for (const [index, text] of texts.entries()) this.#rows.add(numbers[index]!, text)
    this.#tokenize()
  }

  /** Nothing is emitted for these, unless their batch is already running. */
  drop(numbers: readonly number[]): void {
    for (const number of numbers) {
      const row = this.#rows.find(number)
      if (row < 0) continue
      const state = this.#rows.state(row)
      const cost = this.#costOf(row)
      this.#rows.forget(row)
      if (state === QUEUED) this.#batcher.dropped(cost)
    }
  }

  #costOf(row: number): number {
    return Math.max(this.#rows.length(row), 1)
  }

  #tokenize(): void {
    const { elsewhere, backend, stopwatch } = this.#options
    if (elsewhere && isGpu(backend.device)) {
      if (this.#rows.count(TEXT) >= THREADS.from) elsewhere.start()
      if (elsewhere.ready) {
        this.#sendAway(elsewhere)
        return
      }
    }
    if (this.#enough()) return
    const before = stopwatch?.begin('tokenizing')
    while (!this.#enough()) {
      const next = this.#rows.takeText()
      if (!next) break
      this.#tokenizeHere(next.row, next.text)
    }
    if (before) stopwatch?.begin(before)
  }

  #tokenizeHere(row: number, text: string): void {
    try {
      const { ids, truncated } = this.#options.tokenize(text)
      this.#enter(row, ids, 0, ids.length, Number(truncated))
    } catch (error) {
      this.#fail([row], asFailure(error))
    }
  }

  #sendAway(elsewhere: TokenizeAhead): void {
    while (!this.#enough()) {
      const rows: number[] = []
      const texts: string[] = []
      while (rows.length < THREADS.chunk) {
        const next = this.#rows.takeText()
        if (!next) break
        rows.push(next.row)
        texts.push(next.text)
      }
      if (rows.length === 0) return
      const chunk = elsewhere.tokenize(texts)
      // Else its error would go unheard while those before it are awaited.
      chunk.catch(() => undefined)
      this.#arrivals = this.#arrivals.then(() => this.#takeBack(rows, texts, chunk))
    }
  }

  async #takeBack(rows: readonly number[], texts: readonly string[], coming: Promise<TokenChunk>): Promise<void> {
    const chunk = await coming.catch(() => undefined)
    let from = 0
    let failed = 0
    for (const [index, row] of rows.entries()) {
      const length = chunk?.lengths[index] ?? 0
      // Otherwise nobody waits for it any more.
      const awaited = this.#rows.state(row) === AWAY
      // The thread is lost: what it had is done here.
      if (!chunk) awaited && this.#tokenizeHere(row, texts[index]!)
      else if (length < 0) {
        const error = chunk.errors[failed++]!
        if (awaited) this.#fail([row], fromWire(error))
      } else {
        if (awaited) this.#enter(row, chunk.ids, from, length, chunk.truncated[index]!)
        from += length
      }
    }
    this.#tokenize()
  }

  #enter(row: number, ids: TokenIds, from: number, length: number, truncated: number): void {
    this.#seen.texts++
    this.#seen.tokens += length
    this.#rows.enter(row, ids, from, length, truncated)
    this.#batcher.add(row, this.#costOf(row))
  }

  /** Whether enough is tokenised, or about to be. */
  #enough(): boolean {
    const { budget, backend } = this.#options
    const { queued, queuedCost } = this.#batcher
    const away = this.#rows.count(AWAY)
    const usual = this.#seen.texts === 0 ? USUAL_TOKENS : this.#seen.tokens / this.#seen.texts
    const tokens = queuedCost + away * usual
    const batch = budget.most(backend.device)
    if (tokens >= AHEAD.mostBatches * batch) return true
    return queued + away >= AHEAD.texts && tokens >= AHEAD.batches * batch
  }

  #fail(rows: readonly number[], error: OpDbusError): void {
    const numbers = rows.map(row => this.#rows.number(row))
    for (const row of rows) this.#rows.forget(row)
    this.#options.emit({
      ...noRows(),
      failed: [{ numbers, error: toWire(error) }],
      device: this.#options.backend.device,
    })
  }

  async #run(rows: readonly number[]): Promise<void> {
    const { spec, backend, clock, stopwatch } = this.#options
    const start = clock.monotonic()
    const { device } = backend
    stopwatch?.begin('packing')
    try {
      const items = rows.map(row => this.#item(row))
      const { kept, matrix, notFinite } = await runBatch({ run: batch => this.#answer(batch) }, spec, items, this.#sums)
      const ms = clock.monotonic() - start
      const chosen = this.#measured(device, ms)
      for (const row of rows) this.#rows.forget(row)
      this.#options.emit({
        numbers: kept.map(item => item.number),
        matrix: matrix as Float32Array<ArrayBuffer>,
        tokens: kept.map(item => item.ids.length),
        truncated: kept.map(item => item.truncated),
        failed: notFinite.length === 0 ? [] : [{ numbers: notFinite.map(item => item.number), error: notANumber() }],
        device: backend.device,
        ms,
        ...(chosen && { chosen }),
        ...(stopwatch && { times: stopwatch.times }),
      })
    } finally {
      stopwatch?.begin(this.#rows.size > 0 ? 'starved' : 'idle')
      this.#tokenize()
    }
  }

  #item(row: number): Item {
    const rows = this.#rows
    return { number: rows.number(row), ids: rows.ids(row), truncated: rows.truncated(row) }
  }

  async #answer(batch: TokenBatch): Promise<BackendOutput> {
    const { backend, stopwatch } = this.#options
    const padded = batch.rows * batch.width
    this.#cut.padded = padded
    stopwatch?.begin('running')
    try {
      return await backend.run(batch)
    } finally {
      stopwatch?.begin('pooling')
      stopwatch?.ran(batch.rows, padded)
    }
  }

  #measured(device: Device, ms: number): BudgetChoice | undefined {
    // A batch that lost its device took the time of two; one text a run fills no budget.
    if (device !== this.#options.backend.device || this.#options.spec.rowsAlone) return undefined
    return this.#options.budget.ran({ device, ...this.#cut, ms })
  }
}

function notANumber(): WireError {
  return toWire(new OpDbusError('EMBEDDER_FAILED', 'the model answered with NaN or Infinity'))
}

/** Anew each time: buffers that crossed to another thread are gone here. */
function noRows(): Pick<BatchResult, 'numbers' | 'matrix' | 'tokens' | 'truncated'> {
  return {
    numbers: [],
    matrix: new Float32Array(0),
    tokens: [],
    truncated: [],
  }
}
