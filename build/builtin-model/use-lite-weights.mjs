// Where each weight of the Universal Sentence Encoder Lite lies in the TensorFlow.js file. Names only, no arithmetic.
// @ts-check

/** @typedef {import('./tfjs-weights.mjs').Tensor} Tensor */
/** @typedef {{ scale: Tensor, bias: Tensor }} LayerNorm */
/** @typedef {{ kernel: Tensor, bias: Tensor }} Linear kernel is [in, out] */
/**
 * @typedef {object} LayerWeights
 * @property {Linear | undefined} residual projection of the layer's input; absent where widths agree
 * @property {LayerNorm} attentionNorm
 * @property {Linear} queryKeyValue the three side by side, in this order
 * @property {Linear} attentionOutput
 * @property {LayerNorm} feedForwardNorm
 * @property {Linear} feedForwardIn
 * @property {Linear} feedForwardOut
 */
/**
 * @typedef {object} UseLiteWeights
 * @property {Tensor} embeddings [vocabulary, width]
 * @property {Tensor} positionFrequencies [1, width / 2]
 * @property {LayerWeights[]} layers
 * @property {Linear} head
 */

const VARIABLES = 'module/Encoder_en/KonaTransformer/Encode'
const GRAPH = 'module_apply_default/Encoder_en/KonaTransformer/Encode'
/** What TensorFlow appended to the name of a variable when it joined its partitions. */
const JOINED = 'ConcatPartitions/concat'

/**
 * Sorts the weights by what they are for.
 * @param {Map<string, Tensor>} tensors by their TensorFlow names
 * @returns {UseLiteWeights}
 * @throws {Error} naming the weight that is missing
 */
export function findUseLiteWeights(tensors) {
  /** @type {(name: string) => Tensor} */
  const find = name => {
    const tensor = tensors.get(name)
    if (tensor === undefined) throw new Error(`the weight ${name} is missing`)
    return tensor
  }
  return {
    embeddings: find('module/Embeddings_en'),
    positionFrequencies: find(`${GRAPH}/TransformerStack/Layer_0/AddTimingSignal/TimingSignal/ExpandDims_1`),
    layers: [findLayer(find, 0), findLayer(find, 1)],
    head: {
      kernel: find('module/Encoder_en/hidden_layers/tanh_layer_0/weights'),
      bias: find('module/Encoder_en/hidden_layers/tanh_layer_0/bias'),
    },
  }
}

/**
 * @param {(name: string) => Tensor} find
 * @param {0 | 1} index
 * @returns {LayerWeights}
 */
function findLayer(find, index) {
  const variables = `${VARIABLES}/Layer_${index}/TransformerLayer/MultiheadAttention`
  const joined = `${GRAPH}/Layer_${index}/TransformerLayer`
  const stack = `${GRAPH}/TransformerStack/Layer_${index}/TransformerLayer`
  /** @type {(place: string) => LayerNorm} */
  const norm = place => ({
    scale: find(`${place}/layer_prepostprocess/layer_norm/layer_norm_scale/${JOINED}`),
    bias: find(`${place}/layer_prepostprocess/layer_norm/layer_norm_bias/${JOINED}`),
  })
  /** @type {(transform: string) => Linear} */
  const attention = transform => ({
    kernel: withoutUnitDimensions(find(`${variables}/${transform}/kernel/part_0`)),
    bias: find(`${joined}/MultiheadAttention/${transform}/bias/${JOINED}`),
  })
  /** @type {(conv: string) => Linear} */
  const feedForward = conv => ({
    kernel: find(`${stack}/FFN/${conv}/Tensordot/Reshape_1`),
    bias: find(`${joined}/FFN/${conv}/bias/${JOINED}`),
  })
  return {
    residual:
      index === 0
        ? { kernel: find(`${joined}/dense/kernel/${JOINED}`), bias: find(`${joined}/dense/bias/${JOINED}`) }
        : undefined,
    attentionNorm: norm(joined),
    queryKeyValue: attention('qkv_transform_single'),
    attentionOutput: attention('output_transform_single'),
    feedForwardNorm: norm(`${joined}/FFN`),
    feedForwardIn: feedForward('conv1'),
    feedForwardOut: feedForward('conv2'),
  }
}

/**
 * TensorFlow keeps these kernels as 1 x 1 convolutions: [1, 1, in, out] is [in, out].
 * @param {Tensor} tensor
 * @returns {Tensor}
 */
function withoutUnitDimensions({ data, shape }) {
  return { data, shape: shape.filter(n => n !== 1) }
}
