// Model folders small enough to make in a test: a word-level tokenizer and a graph of a few nodes, in the hub layout.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { GraphBuilder } from '../../build/builtin-model/onnx.mjs'

/** Ids of the tiny tokenizer: one for each letter; special tokens around a text. */
export const IDS = { pad: 0, unknown: 1, start: 2, end: 3, a: 4 } as const

/** Ids at or above this make the graph of {@link graphs.throwing} fail: `z` is one. */
export const ROWS = 29
export const DIMS = 4

/** The vector of token `id` in every tiny graph: `[id, id², 1, -id]`, so that tests can do the sums themselves. */
export const tokenVector = (id: number): number[] => [id, id * id, 1, -id]

interface Output {
  readonly name: string
  readonly type: 'float32' | 'float16' | 'int32' | 'int64'
  readonly shape: (number | string)[]
}

/** The number of that type in ONNX's TensorProto.DataType. */
const FLOAT16 = 10
const BATCH = ['batch', 'sequence']
const port = (name: string): Output => ({ name, type: 'int64', shape: BATCH })

/** Encodes a graph whose nodes `build` adds; unused inputs are legal in ONNX. */
export function encodeGraph(
  build: (graph: GraphBuilder) => void,
  outputs: Output[],
  inputs: (string | Output)[] = ['input_ids', 'attention_mask'],
) {
  const graph = new GraphBuilder()
  build(graph)
  return graph.encode({
    name: 'tiny',
    description: 'made by a test',
    inputs: inputs.map(input => (typeof input === 'string' ? port(input) : input)),
    outputs,
  })
}

/** A table of token vectors with `rows` rows; a look-up past its end is an error inside ONNX Runtime. */
function lookUp(graph: GraphBuilder, name: string, rows = 64): void {
  const table = Float32Array.from({ length: rows * DIMS }, (_, i) => tokenVector(Math.floor(i / DIMS))[i % DIMS]!)
  graph.node(name, 'Gather', [graph.constant('table', table, [rows, DIMS]), 'input_ids'])
}

const hidden: Output = { name: 'last_hidden_state', type: 'float32', shape: [...BATCH, DIMS] }
const pooled = (name: string): Output => ({ name, type: 'float32', shape: ['batch', DIMS] })

/** One graph for every way in which a model may be right or wrong. */
export const graphs = {
  plain: () => encodeGraph(graph => lookUp(graph, hidden.name), [hidden]),
  withTypeIds: () =>
    encodeGraph(graph => lookUp(graph, hidden.name), [hidden], ['input_ids', 'attention_mask', 'token_type_ids']),
  /** As exporters for phones and TensorFlow write them. */
  int32: () =>
    encodeGraph(
      graph => {
        graph.node('wide', 'Unsqueeze', [graph.toFloat32('mask', 'attention_mask'), graph.ints(2)])
        lookUp(graph, 'vectors')
        graph.node(hidden.name, 'Mul', ['vectors', 'wide'])
      },
      [hidden],
      ['input_ids', 'attention_mask', 'token_type_ids'].map(name => ({ name, type: 'int32', shape: BATCH })),
    ),
  floatMask: () =>
    encodeGraph(
      graph => lookUp(graph, hidden.name),
      [hidden],
      ['input_ids', { name: 'attention_mask', type: 'float32', shape: BATCH }],
    ),
  fixedSize: () =>
    encodeGraph(
      graph => lookUp(graph, hidden.name),
      [hidden],
      [{ name: 'input_ids', type: 'int64', shape: ['batch', 128] }, 'attention_mask'],
    ),
  wantsPositions: () =>
    encodeGraph(graph => lookUp(graph, hidden.name), [hidden], ['input_ids', 'attention_mask', 'position_ids']),
  throwing: () => encodeGraph(graph => lookUp(graph, hidden.name, ROWS), [hidden]),
  /** NaN in every row that holds an `a`: the logarithm of a negative number. */
  nan: () =>
    encodeGraph(
      graph => {
        lookUp(graph, 'vectors')
        const shifted = graph.node('shifted', 'Sub', [graph.toFloat32('float_ids', 'input_ids'), graph.float(IDS.a)])
        const odd = graph.node('odd', 'Log', [graph.node('square', 'Mul', [shifted, shifted])])
        const zero = graph.node('zero', 'Mul', [odd, graph.float(0)])
        graph.node(hidden.name, 'Add', ['vectors', graph.node('wide', 'Unsqueeze', [zero, graph.ints(2)])])
      },
      [hidden],
    ),
  /** Already pooled by the graph: the first token's vector, beside a `pooler_output` that must not be taken. */
  pooled: () =>
    encodeGraph(
      graph => {
        lookUp(graph, 'vectors')
        const first = graph.node('first', 'Gather', ['vectors', graph.constant('zero', BigInt64Array.of(0n), [])], {
          axis: 1,
        })
        graph.node('sentence_embedding', 'Identity', [first])
        graph.node('pooler_output', 'Neg', [first])
      },
      [pooled('pooler_output'), pooled('sentence_embedding')],
    ),
  wrongOutputs: () =>
    encodeGraph(
      graph => {
        lookUp(graph, 'pooler_output')
        graph.node('logits', 'Neg', ['pooler_output'])
      },
      [
        { ...hidden, name: 'pooler_output' },
        { ...hidden, name: 'logits' },
      ],
    ),
  /** Nothing but a classification head: right in its shape, and no embedding. */
  headOnly: () => encodeGraph(graph => lookUp(graph, 'pooler_output'), [{ ...hidden, name: 'pooler_output' }]),
  wrongInput: () =>
    encodeGraph(
      graph => {
        lookUp(graph, 'vectors')
        const wide = graph.node('wide', 'Unsqueeze', [graph.toFloat32('pixels', 'pixel_values'), graph.ints(2)])
        graph.node(hidden.name, 'Add', ['vectors', wide])
      },
      [hidden],
      ['input_ids', 'pixel_values'],
    ),
  wrongShape: () =>
    encodeGraph(
      graph => {
        lookUp(graph, 'vectors')
        graph.node(hidden.name, 'Transpose', ['vectors'], { perm: [1, 0, 2] })
      },
      [{ ...hidden, shape: ['sequence', 'batch', DIMS] }],
    ),
  /** Answers in half precision, as the hub's fp16 files do: token 7's row holds what halves can and cannot hold. */
  halves: () =>
    encodeGraph(
      graph => {
        const rows = Float32Array.from({ length: 64 * DIMS }, (_, i) => tokenVector(Math.floor(i / DIMS))[i % DIMS]!)
        rows.set([1e-7, -6.1e-5, 65_504, Number.NEGATIVE_INFINITY], 7 * DIMS)
        graph.node('full', 'Gather', [graph.constant('table', rows, [64, DIMS]), 'input_ids'])
        graph.node(hidden.name, 'Cast', ['full'], { to: FLOAT16 })
      },
      [{ ...hidden, type: 'float16' }],
    ),
  wrongType: () =>
    encodeGraph(
      graph => {
        graph.node(hidden.name, 'Unsqueeze', ['input_ids', graph.ints(2)])
      },
      [{ ...hidden, type: 'int64', shape: [...BATCH, 1] }],
    ),
} as const

const tokenizer = {
  version: '1.0',
  // What a saved tokenizer may carry and what must not be believed.
  truncation: { max_length: 3, strategy: 'LongestFirst', stride: 0 },
  padding: { strategy: { Fixed: 3 }, direction: 'Right', pad_id: 0, pad_type_id: 0, pad_token: '[PAD]' },
  added_tokens: ['[PAD]', '[UNK]', '[CLS]', '[SEP]'].map((content, id) => ({
    id,
    content,
    special: true,
    normalized: false,
  })),
  normalizer: null,
  pre_tokenizer: { type: 'WhitespaceSplit' },
  post_processor: {
    type: 'TemplateProcessing',
    single: [
      { SpecialToken: { id: '[CLS]', type_id: 0 } },
      { Sequence: { id: 'A', type_id: 0 } },
      { SpecialToken: { id: '[SEP]', type_id: 0 } },
    ],
    pair: [],
    special_tokens: {
      '[CLS]': { id: '[CLS]', ids: [IDS.start], tokens: ['[CLS]'] },
      '[SEP]': { id: '[SEP]', ids: [IDS.end], tokens: ['[SEP]'] },
    },
  },
  decoder: null,
  model: {
    type: 'WordPiece',
    unk_token: '[UNK]',
    continuing_subword_prefix: '##',
    max_input_chars_per_word: 100,
    vocab: Object.fromEntries(
      ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...'abcdefghijklmnopqrstuvwxyz'].map((word, id) => [word, id]),
    ),
  },
}

/** The files of a tiny model by path; a test replaces what it is about. */
export function tinyFiles(graph: Uint8Array = graphs.plain()): Record<string, unknown> {
  return {
    'config.json': { hidden_size: DIMS, max_position_embeddings: 64, pad_token_id: IDS.pad },
    'tokenizer.json': tokenizer,
    'tokenizer_config.json': { model_max_length: 64 },
    'sentence_bert_config.json': { max_seq_length: 16, do_lower_case: false },
    'modules.json': ['Transformer', 'Pooling'].map((kind, idx) => ({
      idx,
      name: String(idx),
      path: kind === 'Pooling' ? '1_Pooling' : '',
      type: `sentence_transformers.models.${kind}`,
    })),
    '1_Pooling/config.json': {
      word_embedding_dimension: DIMS,
      pooling_mode_mean_tokens: true,
      pooling_mode_cls_token: false,
    },
    'onnx/model.onnx': graph,
  }
}

/** Writes such files under `dir`; a value that is neither text nor bytes is written as JSON, `undefined` leaves it out. */
export function writeModel(dir: string, files: Record<string, unknown>): string {
  for (const [path, content] of Object.entries(files)) {
    if (content === undefined) continue
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    const raw = typeof content === 'string' || content instanceof Uint8Array
    writeFileSync(join(dir, path), raw ? content : JSON.stringify(content))
  }
  return dir
}

/** Token ids of words of single letters, as the tiny tokenizer gives them. */
export const tinyIds = (text: string): number[] => [
  IDS.start,
  ...text
    .split(/\s+/)
    .filter(Boolean)
    .map(letter => IDS.a + letter.charCodeAt(0) - 97),
  IDS.end,
]

/** The mean of the token vectors of such a text: what a tiny model must answer. */
export function tinyMean(text: string): number[] {
  const vectors = tinyIds(text).map(tokenVector)
  return tokenVector(0).map((_, d) => vectors.reduce((sum, vector) => sum + vector[d]!, 0) / vectors.length)
}
