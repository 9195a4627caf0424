// A model of the AI SDK (specification v3, which its versions 6 and 7 take) over the embedding cache: `op-dbus/ai-sdk`. Types of theirs alone.
import type { EmbeddingModelV3, EmbeddingModelV3CallOptions, EmbeddingModelV3Result } from '@ai-sdk/provider'
import type { Caches } from '../public.js'

export interface AiSdkModelOptions {
  /** What the SDK's logs and traces call it. Default: `embeddings`. */
  readonly modelId?: string | undefined
}

/**
 * For `embed` and `embedMany` of the package `ai`. Vectors have `dims` numbers; `usage.tokens` is what the model saw, 0 where unknown.
 * `providerMetadata['op-dbus']` says of each value its `sources` and `devices`; texts that were cut at the model's limit are a warning.
 * Rejects as `embedMany` of the cache does. The caches stay the caller's, to close.
 */
export function embeddingModel(caches: Pick<Caches, 'embeddings'>, options: AiSdkModelOptions = {}): EmbeddingModelV3 {
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
  { values, abortSignal }: EmbeddingModelV3CallOptions,
): Promise<EmbeddingModelV3Result> {
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
