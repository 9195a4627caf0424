// Between the cache and the embedder: ids become jobs, as large as there is room for, and finished rows become values. Looks nothing
// up and stores nothing.
import type { Loader, LoadSink } from '../cache/loader.js'
import type { Loading } from '../cache/look-up.js'
import { OpDbusError } from '../errors.js'
import type { Clock, EmbeddedRows, Embedder, Embedding, EmbedJob } from '../ports.js'
import { Arrivals } from './arrivals.js'

export class EmbeddingLoader {
  readonly #embedder: Embedder
  readonly #arrivals: Arrivals
  /** Texts of batches that are not handed over whole, the oldest first. */
  readonly #waiting: Texts[] = []
  /** Rows of batches that the embedder has in hand. */
  #inHand = 0
  #sending = false

  constructor(embedder: Embedder, clock: Pick<Clock, 'monotonic'>) {
    this.#embedder = embedder
    this.#arrivals = new Arrivals(clock)
  }

  /** Tells at once what the embedder has finished. */
  tellAll(): void {
    this.#arrivals.tellAll()
  }

  /** For one text: throws OVERLOADED where the embedder has no room. */
  readonly atOnce: Loader<Embedding> = (ids, sink) => {
    const texts = new Texts(this.#embedder, this.#arrivals, ids, sink)
    texts.submit(ids.length)
    return texts
  }

  /** For batches, with back-pressure: texts wait for room as long as rows of batches will make some. */
  readonly inTurn: Loader<Embedding> = (ids, sink) => {
    const texts = new Texts(this.#embedder, this.#arrivals, ids, sink, rows => {
      this.#inHand -= rows
      this.#sendSoon()
    })
    this.#waiting.push(texts)
    this.#send()
    return texts
  }

  /**
   * As `inTurn`, for one batch that is refused as a whole, with OVERLOADED, where the embedder has no room when its first text is to be
   * computed. Once let in it waits like any other, however large it is.
   */
  bounded(): Bounded {
    let letIn = false
    const batch: { load: Loader<Embedding>; refused?: OpDbusError } = {
      load: (ids, sink) => {
        letIn ||= batch.refused === undefined && this.#waiting.length === 0 && this.#embedder.room > 0
        if (letIn) return this.inTurn(ids, sink)
        batch.refused ??= new OpDbusError('OVERLOADED', 'as many texts are waiting as may: try again')
        throw batch.refused
      },
    }
    return batch
  }

  /** Once the embedder has done with what it tells now. */
  #sendSoon(): void {
    if (this.#sending || this.#waiting.length === 0) return
    this.#sending = true
    queueMicrotask(() => {
      this.#sending = false
      this.#send()
    })
  }

  #send(): void {
    for (let texts = this.#waiting[0]; texts !== undefined; texts = this.#waiting[0]) {
      // With nothing of ours in hand nobody would call us again: then the embedder itself says that it is overloaded.
      const room = Math.max(this.#embedder.room, this.#inHand > 0 ? 0 : 1)
      if (room === 0) return
      this.#inHand += texts.offer(room)
      if (texts.submitted) this.#waiting.shift()
    }
  }
}

export interface Bounded {
  readonly load: Loader<Embedding>
  /** Why nothing of it is computed. */
  readonly refused?: OpDbusError
}

/** The texts of one flight. */
class Texts implements Loading {
  readonly #embedder: Embedder
  readonly #arrivals: Arrivals
  readonly #ids: readonly string[]
  readonly #sink: LoadSink<Embedding>
  /** The embedder has so many rows less in hand. */
  readonly #gone: (rows: number) => void
  /** Which row each text of a job is. */
  readonly #jobs = new Map<EmbedJob, readonly number[]>()
  /** Rows that nobody waited for any more before they were handed over. */
  readonly #dropped = new Set<number>()
  /** 1 for each row that the embedder has finished, told or not yet. */
  readonly #finished: Uint8Array
  #next = 0

  constructor(
    embedder: Embedder,
    arrivals: Arrivals,
    ids: readonly string[],
    sink: LoadSink<Embedding>,
    gone: (rows: number) => void = () => {},
  ) {
    this.#embedder = embedder
    this.#arrivals = arrivals
    this.#ids = ids
    this.#sink = sink
    this.#gone = gone
    this.#finished = new Uint8Array(ids.length)
  }

  /** Everything was handed over. */
  get submitted(): boolean {
    return this.#next === this.#ids.length
  }

  /** Hands the next texts over, at most `room`, and returns how many. Throws what the embedder does. */
  submit(room: number): number {
    const rows: number[] = []
    const texts: string[] = []
    for (; this.#next < this.#ids.length && rows.length < room; this.#next++) {
      if (this.#dropped.has(this.#next)) continue
      const id = this.#ids[this.#next]!
      const text = id.toWellFormed()
      // Two ids may be one text when they are well-formed, and those of a job are distinct: such a text is a job of its own.
      if (text !== id && rows.length > 0) break
      rows.push(this.#next)
      texts.push(text)
      if (text !== id) room = 1
    }
    if (rows.length === 0) return 0
    const job: EmbedJob = {
      texts,
      done: part => this.#done(rows, part),
      failed: (places, error) => {
        this.#leave(rows, places)
        this.#sink.failed(
          places.map(place => rows[place]!),
          error,
        )
      },
    }
    this.#embedder.submit(job)
    this.#jobs.set(job, rows)
    return rows.length
  }

  /** The same, and what the embedder does not take fails. */
  offer(room: number): number {
    const first = this.#next
    try {
      return this.submit(room)
    } catch (error) {
      const refused: number[] = []
      for (let row = first; row < this.#next; row++) refused.push(row)
      this.#sink.failed(refused, error)
      return 0
    }
  }

  drop(dropped: readonly number[]): void {
    const gone = new Set(dropped)
    for (const [job, rows] of this.#jobs) {
      const places = [...rows.keys()].filter(place => gone.has(rows[place]!) && !this.#finished[rows[place]!])
      if (places.length === 0) continue
      this.#embedder.drop(job, places)
      this.#gone(places.length)
    }
    for (const row of dropped) if (row >= this.#next) this.#dropped.add(row)
  }

  #done(rows: readonly number[], part: EmbeddedRows): void {
    this.#leave(rows, part.rows)
    this.#arrivals.add(part.rows.length, (from, to) => this.#tell(rows, part, from, to))
  }

  /** The embedder has no more to do with these. */
  #leave(rows: readonly number[], places: ArrayLike<number>): void {
    for (let i = 0; i < places.length; i++) this.#finished[rows[places[i]!]!] = 1
    this.#gone(places.length)
  }

  /** Tells what is finished of a part, from `from` up to `to`, without it. */
  #tell(rows: readonly number[], part: EmbeddedRows, from: number, to: number): void {
    const { rows: places, matrix, tokens, truncated, device } = part
    const dims = matrix.length / places.length
    const done: number[] = []
    const embeddings: Embedding[] = []
    for (let i = from; i < to; i++) {
      done.push(rows[places[i]!]!)
      // Views: memory, disk and callers each copy what they keep.
      const vector = matrix.subarray(i * dims, (i + 1) * dims)
      embeddings.push({ vector, tokens: tokens[i]!, truncated: truncated[i] === 1, device })
    }
    try {
      this.#sink.loaded(done, embeddings)
    } catch (error) {
      this.#sink.failed(done, error)
    }
  }
}
