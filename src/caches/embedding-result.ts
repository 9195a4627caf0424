// What is answered for one text: its vector, where it came from and, for who asks, how its look-up went. Asks nobody.
import type { LookUpFacts } from '../cache/cache-events.js'
import type { Origin } from '../patterns/templates.js'
import type { CallOptions, Device, Embedding, Source, StoreStatus } from '../ports.js'
import { vectorOf } from './embedding-pool.js'
import type { EmbedProgress } from './progress.js'

/** One text's vector, and where it came from. */
export interface EmbeddingResult {
  /** `dims` floats in an ArrayBuffer of their own: the caller's to keep and to change. */
  readonly vector: Float32Array
  readonly source: Source
  /** Where patterns are on: what was embedded, equal to the text where it holds nothing variable. Else absent. */
  readonly template?: string | undefined
  /** True when the text was longer than the model's limit and its end was not seen. */
  readonly truncated: boolean
  /** What computed the vector, whenever that was. */
  readonly device: Device
  /** Tokens embedded; 0 where unknown (an embedder of the user's own). */
  readonly tokens: number
}

/** @internal */
export interface TraceCall extends CallOptions {
  /** False: it is looked for, and not computed. Default true. */
  readonly compute?: boolean | undefined
}

/** One look-up's way. @internal */
export interface EmbeddingTrace extends Pick<LookUpFacts, 'tiers' | 'micros'> {
  /** What it is kept under: the text or, where patterns are on, its template. */
  readonly id: string
  readonly dims: number
  /** Absent where no tier has it and it was not to be computed. */
  readonly result?: EmbeddingResult
}

export function toResult(embedding: Embedding, origin: Origin): EmbeddingResult {
  const { truncated, device, tokens } = embedding
  return { vector: vectorOf(embedding), ...origin, truncated, device, tokens }
}

export interface EmbedManyCall extends CallOptions {
  /** Called now and then while rows arrive, at most about 20 times a second, and once at the end. */
  readonly onProgress?: ((progress: EmbedProgress) => void) | undefined
}

/** What is done with a store that nothing has been looked up in. */
export interface UnopenedStore {
  /** Where it knows by itself whether it can be asked. */
  readonly status: StoreStatus | undefined
  clear(): Promise<void>
  close(): Promise<void>
}

/** All of a result but its vector; memory's, where nothing else is said. */
export function provenanceOf(
  { truncated, device, tokens }: Embedding,
  origin: Origin | undefined,
): Omit<EmbeddingResult, 'vector'> {
  // A spread costs more than all the rest of such a look-up.
  if (origin === undefined) return { source: 'memory', truncated, device, tokens }
  return { ...origin, truncated, device, tokens }
}
