// The rows of one embedMany: gathers answers into a matrix, each with its provenance, and the failures. Asks nobody.
import type { BatchSink, Ids } from '../cache/batch.js'
import type { Answer } from '../cache/look-up.js'
import { BatchError, type FailedItem, OpDbusError } from '../errors.js'
import type { Origin, Template, Templates } from '../patterns/templates.js'
import type { Device, Embedding, Source } from '../ports.js'
import { copyInto } from './embedding-pool.js'
import type { ProgressMeter } from './progress.js'

/** Many texts' vectors as one matrix; row i belongs to text i. */
export interface EmbeddingMatrix {
  /** Row-major, `count x dims`. */
  readonly matrix: Float32Array
  readonly dims: number
  readonly count: number
  readonly sources: Source[]
  readonly truncated: boolean[]
  readonly devices: Device[]
  /** As in {@link EmbeddingResult}. */
  readonly tokens: number[]
  /** Where patterns are on: each row's `template`, as in {@link EmbeddingResult}. */
  readonly templates?: string[]
}

export class EmbeddingBatch implements BatchSink<Embedding>, Ids {
  readonly result: EmbeddingMatrix
  /** How many texts there are. */
  readonly length: number
  readonly #texts: readonly string[]
  readonly #dims: number
  readonly #templates: Templates | undefined
  readonly #meter: ProgressMeter
  /** Where patterns are on: what each text is kept under, from the moment it is first asked for. */
  readonly #rows: (Template | undefined)[]
  readonly #failed: FailedItem[] = []

  constructor(texts: readonly string[], dims: number, templates: Templates | undefined, meter: ProgressMeter) {
    this.#texts = texts
    this.#dims = dims
    this.#templates = templates
    this.#meter = meter
    const count = texts.length
    this.length = count
    this.#rows = templates ? new Array(count) : []
    this.result = {
      matrix: allocate(count, dims),
      dims,
      count,
      sources: new Array(count),
      truncated: new Array(count),
      devices: new Array(count),
      tokens: new Array(count),
      ...(templates && { templates: new Array(count) }),
    }
  }

  /** What the text is kept under. Masks it when it is first asked for, so that a long batch is masked on the way. */
  at(index: number): string | undefined {
    return this.#template(index)?.text ?? this.#texts[index]
  }

  answer(index: number, { value, source, joined }: Answer<Embedding>): void {
    const { result } = this
    copyInto(value, result.matrix, index * this.#dims)
    result.truncated[index] = value.truncated
    result.devices[index] = value.device
    result.tokens[index] = value.tokens
    this.#tell(index, this.#template(index)?.origin(source, !joined) ?? { source })
  }

  same(index: number, first: number): void {
    const { result } = this
    const dims = this.#dims
    result.matrix.copyWithin(index * dims, first * dims, (first + 1) * dims)
    result.truncated[index] = result.truncated[first]!
    result.devices[index] = result.devices[first]!
    result.tokens[index] = result.tokens[first]!
    // Nothing was computed for this one: it is a copy of a row that this call has in hand.
    this.#tell(index, this.#template(index)?.origin('memory', false) ?? { source: 'memory' })
  }

  failed(index: number, error: unknown): void {
    this.#failed.push({ index, error })
    this.#meter.count('failed')
  }

  /** The matrix, once every row was told. Throws PARTIAL_FAILURE when one failed. */
  finish(): EmbeddingMatrix {
    if (this.#failed.length === 0) return this.result
    throw new BatchError(
      this.#failed.sort((a, b) => a.index - b.index),
      this.result.count,
    )
  }

  #template(index: number): Template | undefined {
    if (this.#templates === undefined) return undefined
    this.#rows[index] ??= this.#templates.of(this.#texts[index]!)
    return this.#rows[index]
  }

  #tell(index: number, { source, template }: Origin): void {
    this.result.sources[index] = source
    if (template !== undefined) this.result.templates![index] = template
    this.#meter.count(source)
  }
}

function allocate(count: number, dims: number): Float32Array {
  try {
    return new Float32Array(count * dims)
  } catch (error) {
    const message = `${count} x ${dims} floats do not fit into one matrix: embed in smaller batches`
    throw new OpDbusError('INVALID_INPUT', message, { cause: error })
  }
}
