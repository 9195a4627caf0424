// transformers.js as an embedder, set up as its documentation says, on the same ONNX file.
import { hubStyle, type PeerModel } from './model-files.js'

export interface TransformersPeer {
  /** Unit vectors, row-major; texts go through the model in batches of `batch`, in their order. */
  embed(texts: readonly string[], batch: number): Promise<Float32Array>
  close(): Promise<void>
}

export async function openTransformers(model: PeerModel, threads: number): Promise<TransformersPeer> {
  const { AutoModel, AutoTokenizer, env, LogLevel, mean_pooling } = await import('@huggingface/transformers')
  const { root, id } = hubStyle(model)
  env.allowRemoteModels = false
  env.localModelPath = root
  // It warns about any model type that is not in its table.
  env.logLevel = LogLevel.ERROR
  const tokenizer = await AutoTokenizer.from_pretrained(id)
  const session_options = { intraOpNumThreads: threads, interOpNumThreads: 1 }
  const network = await AutoModel.from_pretrained(id, { dtype: model.dtype, device: 'cpu', session_options })

  async function embedBatch(texts: string[]): Promise<Float32Array> {
    const inputs = tokenizer(texts, { padding: true, truncation: true })
    const outputs = await network(inputs)
    // A model that pools by itself says so; the others get what the pipeline `feature-extraction` does.
    if (outputs.sentence_embedding) return outputs.sentence_embedding.data
    return mean_pooling(outputs.last_hidden_state, inputs.attention_mask).normalize(2, -1).data
  }

  return {
    async embed(texts, batch) {
      const parts: Float32Array[] = []
      for (let start = 0; start < texts.length; start += batch)
        parts.push(await embedBatch(texts.slice(start, start + batch)))
      return joined(parts)
    },
    close: async () => {
      await network.dispose()
    },
  }
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
