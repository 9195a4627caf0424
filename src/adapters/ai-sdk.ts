// A model of the AI SDK (specification v3, which its versions 6 and 7 take) over the embedding cache: `op-dbus/ai-sdk`.
// Needs no package of theirs, not for its types either: a test holds these against `@ai-sdk/provider`.
import type { Device, Source } from '../ports.js'
import type { Caches } from '../public.js'

export interface AiSdkModelOptions {
  /** What the SDK's logs and traces call it. Default: `embeddings`. */
  readonly modelId?: string | undefined
}

/** What the SDK calls an `EmbeddingModelV3`. */
export interface AiSdkEmbeddingModel {
  readonly specificationVersion: 'v3'
  readonly provider: string
  readonly modelId: string
  readonly maxEmbeddingsPerCall: number
  readonly supportsParallelCalls: boolean
  doEmbed(call: AiSdkCall): Promise<AiSdkEmbeddings>
}

export interface AiSdkCall {
  readonly values: readonly string[]
  readonly abortSignal?: AbortSignal | undefined
}

export interface AiSdkEmbeddings {
  /** A vector for each value, of `dims` numbers. */
  embeddings: number[][]
  /** What the model saw; 0 where unknown. */
  usage: { tokens: number }
  /** Where each vector came from, and what computed it. */
  providerMetadata: { 'op-dbus': { sources: Source[]; devices: Device[] } }
  warnings: { type: 'other'; message: string }[]
}

/**
 * For `embed` and `embedMany` of the package `ai`. Vectors have `dims` numbers; `usage.tokens` is what the model saw, 0 where unknown.
 * `providerMetadata['op-dbus']` says of each value its `sources` and `devices`; texts that were cut at the model's limit are a warning.
 * Rejects as `embedMany` of the cache does. The caches stay the caller's, to close.
 *
 * @example
 * const caches = await openCaches()
 * const { embedding } = await embed({ model: embeddingModel(caches), value: 'eth0: link is up' })
 */
export function embeddingModel(
  caches: Pick<Caches, 'embeddings'>,
  options: AiSdkModelOptions = {},
): AiSdkEmbeddingModel {
  return {
    specificationVersion: 'v3',
    provider: 'op-dbus',
    modelId: options.modelId ?? 'embeddings',
    // The cache makes batches by itself.
    maxEmbeddingsPerCall: Number.POSITIVE_INFINITY,
    supportsParallelCalls: true,
    doEmbed: call => embed(caches, call),
  }
}

async function embed(
  { embeddings }: Pick<Caches, 'embeddings'>,
  { values, abortSignal }: AiSdkCall,
): Promise<AiSdkEmbeddings> {
  const { matrix, dims, tokens, sources, devices, truncated } = await embeddings.embedMany(values, {
    signal: abortSignal,
  })
  const cut = truncated.filter(Boolean).length
  return {
    embeddings: values.map((_, row) => Array.from(matrix.subarray(row * dims, (row + 1) * dims))),
    usage: { tokens: tokens.reduce((sum, count) => sum + count, 0) },
    providerMetadata: { 'op-dbus': { sources, devices } },
    warnings:
      cut === 0 ? [] : [{ type: 'other', message: `${cut} of ${values.length} texts are longer than the model sees` }],
  }
}
