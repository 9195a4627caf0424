// Small models of other architectures than BERT, in the layout of the hub, with the same arithmetic in plain JavaScript.
import { GraphBuilder } from '../../../build/builtin-model/onnx.mjs'

export interface Architecture {
  /** For `writeModel`. */
  readonly files: Record<string, unknown>
  readonly dims: number
  /** Tokens that a text may have, special ones included. */
  readonly limit: number
  /** Texts, and the tokens that the tokenizer of the model's authors makes of them, special ones left out. */
  readonly cases: readonly (readonly [string, readonly string[]])[]
  readonly id: (token: string) => number
  /** The vector of these ids, special ones included, without any padding. */
  readonly vector: (ids: readonly number[]) => Float64Array
}

const PAD = 1
const INT64 = 7

/** Weights that anybody can compute: large enough that attention prefers some tokens, small enough not to saturate. */
const word = (id: number, d: number) => Math.sin(1 + id * 7.3 + d * 1.7) * 0.4
const place = (position: number, d: number) => Math.cos(2 + position * 3.1 + d * 0.9) * 0.3

/**
 * One layer of attention over word and position vectors. Positions are counted from the pad id over what is not padding,
 * as RoBERTa and MPNet do. Padding is told by the mask, or (`maskByPad`, a graph without that input) by the pad id: so
 * whoever pads with another id, or masks wrongly, gets other vectors.
 */
function encoder(words: number, positions: number, dims: number, maskByPad: boolean): Uint8Array {
  const graph = new GraphBuilder()
  const table = (name: string, rows: number, weight: (row: number, d: number) => number) =>
    graph.constant(
      name,
      Float32Array.from({ length: rows * dims }, (_, i) => weight(Math.floor(i / dims), i % dims)),
      [rows, dims],
    )
  const pad = graph.constant('pad', BigInt64Array.of(BigInt(PAD)), [])
  const isPad = graph.node('is_pad', 'Equal', ['input_ids', pad])
  const real = graph.node('real', 'Cast', [graph.node('is_real', 'Not', [isPad])], { to: INT64 })
  const counted = graph.node('counted', 'CumSum', [real, graph.constant('one', BigInt64Array.of(1n), [])])
  const position = graph.node('position', 'Add', [graph.node('masked', 'Mul', [counted, real]), pad])
  const hidden = graph.node('hidden', 'Add', [
    graph.node('word', 'Gather', [table('words', words, word), 'input_ids']),
    graph.node('place', 'Gather', [table('places', positions, place), position]),
  ])
  const turned = graph.node('turned', 'Transpose', [hidden], { perm: [0, 2, 1] })
  const products = graph.node('products', 'MatMul', [hidden, turned])
  const scores = graph.node('scores', 'Mul', [products, graph.float(1 / Math.sqrt(dims))])
  const seen = graph.toFloat32('seen', maskByPad ? real : 'attention_mask')
  const unseen = graph.node('unseen', 'Sub', [graph.float(1), seen])
  const away = graph.node('away', 'Unsqueeze', [graph.node('far', 'Mul', [unseen, graph.float(-1e9)]), graph.ints(1)])
  const shares = graph.node('shares', 'Softmax', [graph.node('kept', 'Add', [scores, away])], { axis: -1 })
  graph.node('last_hidden_state', 'Add', [graph.node('mixed', 'MatMul', [shares, hidden]), hidden])
  const port = (name: string) => ({ name, type: 'int64' as const, shape: ['batch', 'sequence'] })
  return graph.encode({
    name: 'tiny encoder',
    description: 'made by a test',
    inputs: maskByPad ? [port('input_ids')] : [port('input_ids'), port('attention_mask')],
    outputs: [{ name: 'last_hidden_state', type: 'float32', shape: ['batch', 'sequence', dims] }],
  })
}

/** What {@link encoder} does to one text, then pooled and scaled to length 1. */
function encode(ids: readonly number[], dims: number, pooling: 'mean' | 'cls'): Float64Array {
  const hidden = ids.map((id, i) => Float64Array.from({ length: dims }, (_, d) => word(id, d) + place(PAD + 1 + i, d)))
  const pooled = new Float64Array(dims)
  for (const query of pooling === 'cls' ? hidden.slice(0, 1) : hidden) {
    const scores = hidden.map(key => key.reduce((sum, x, d) => sum + x * query[d]!, 0) / Math.sqrt(dims))
    const most = Math.max(...scores)
    const weights = scores.map(score => Math.exp(score - most))
    const total = weights.reduce((sum, weight) => sum + weight, 0)
    for (let d = 0; d < dims; d++) {
      const mixed = hidden.reduce((sum, key, i) => sum + (weights[i]! / total) * key[d]!, 0)
      pooled[d] = pooled[d]! + mixed + query[d]!
    }
  }
  const length = Math.hypot(...pooled)
  return pooled.map(x => x / length)
}

const special = (tokens: readonly string[]) =>
  tokens.map((content, id) => ({ id, content, special: true, normalized: false }))

/** `<s> text </s>`, in the general form. */
const framed = {
  type: 'TemplateProcessing',
  single: ['<s>', 'A', '</s>'].map(id =>
    id === 'A' ? { Sequence: { id, type_id: 0 } } : { SpecialToken: { id, type_id: 0 } },
  ),
  pair: [],
  special_tokens: {
    '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] },
    '</s>': { id: '</s>', ids: [2], tokens: ['</s>'] },
  },
}

interface Parts {
  readonly kind: string
  readonly dims: number
  readonly limit: number
  readonly pooling: 'mean' | 'cls'
  readonly vocabulary: readonly string[]
  readonly maskByPad: boolean
  readonly tokenizer: object
  readonly more: Record<string, unknown>
  readonly cases: Architecture['cases']
}

function architecture(parts: Parts): Architecture {
  const { kind, dims, limit, pooling, vocabulary, maskByPad, tokenizer, more, cases } = parts
  // Two places more than tokens: those of the ids up to the pad id are never used.
  const positions = limit + PAD + 1
  return {
    dims,
    limit,
    cases,
    id: token => vocabulary.indexOf(token),
    vector: ids => encode(ids, dims, pooling),
    files: {
      'config.json': { model_type: kind, hidden_size: dims, max_position_embeddings: positions, pad_token_id: PAD },
      'tokenizer.json': { version: '1.0', truncation: null, padding: null, decoder: null, ...tokenizer },
      'modules.json': ['Transformer', 'Pooling', 'Normalize'].map((type, idx) => ({
        idx,
        path: ['', '1_Pooling', '2_Normalize'][idx],
        type: `sentence_transformers.models.${type}`,
      })),
      '1_Pooling/config.json': {
        word_embedding_dimension: dims,
        pooling_mode_cls_token: pooling === 'cls',
        pooling_mode_mean_tokens: pooling === 'mean',
      },
      'onnx/model.onnx': encoder(vocabulary.length, positions, dims, maskByPad),
      ...more,
    },
  }
}

const SPECIALS = ['<s>', '<pad>', '</s>', '<unk>'] as const

/** As all-mpnet-base-v2: BERT's words between RoBERTa's special tokens, no token types, an unknown token of its own. */
export function mpnet(): Architecture {
  const vocabulary = [...SPECIALS, 'created', 'container', '10', '##1', '##0', 'stopped', ',', '[UNK]', '<mask>']
  return architecture({
    kind: 'mpnet',
    dims: 768,
    limit: 12,
    pooling: 'mean',
    vocabulary,
    maskByPad: false,
    tokenizer: {
      added_tokens: special(SPECIALS),
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: null,
        lowercase: true,
      },
      pre_tokenizer: { type: 'BertPreTokenizer' },
      post_processor: framed,
      model: {
        type: 'WordPiece',
        unk_token: '[UNK]',
        continuing_subword_prefix: '##',
        max_input_chars_per_word: 100,
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      },
    },
    more: {
      'sentence_bert_config.json': { max_seq_length: 12, do_lower_case: false },
      'tokenizer_config.json': { model_max_length: 512, pad_token: '<pad>', tokenizer_class: 'MPNetTokenizer' },
    },
    cases: [
      ['Created container 100', ['created', 'container', '10', '##0']],
      ['created CONTAINER 101, stopped', ['created', 'container', '10', '##1', ',', 'stopped']],
      ['stopped', ['stopped']],
      ['nothing known', ['[UNK]', '[UNK]']],
      ['', []],
    ],
  })
}

/** As all-distilroberta-v1: byte-level BPE. Its graph takes no mask; the limit stands nowhere but in the positions. */
export function roberta(): Architecture {
  const merges = ['o n', 'Ġ c', 'Ġc on', 'e r']
  const characters = [...'abcdefghijklmnopqrstuvwxyz01ĠÃ©']
  const vocabulary = [...SPECIALS, ...characters, ...merges.map(merge => merge.replace(' ', '')), '<mask>']
  return architecture({
    kind: 'roberta',
    dims: 32,
    limit: 14,
    pooling: 'mean',
    vocabulary,
    maskByPad: true,
    tokenizer: {
      added_tokens: special(SPECIALS),
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      post_processor: {
        type: 'RobertaProcessing',
        sep: ['</s>', 2],
        cls: ['<s>', 0],
        trim_offsets: true,
        add_prefix_space: false,
      },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: '',
        end_of_word_suffix: '',
        fuse_unk: false,
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
        merges,
      },
    },
    more: {
      // The network leaves its pad id to the default; the tokenizer states it.
      'config.json': { model_type: 'roberta', hidden_size: 32, max_position_embeddings: 16 },
      'tokenizer_config.json': {
        pad_token: '<pad>',
        added_tokens_decoder: Object.fromEntries(SPECIALS.map((content, id) => [id, { content, special: true }])),
      },
    },
    cases: [
      ['on cone her', ['on', 'Ġcon', 'e', 'Ġ', 'h', 'er']],
      ['a 10é', ['a', 'Ġ', '1', '0', 'Ã', '©']],
      ['on', ['on']],
      // A byte that the vocabulary lacks has no token, and there is none for unknown ones.
      ['onZon', ['on', 'on']],
      ['', []],
    ],
  })
}

/** As multilingual models on XLM-R: SentencePiece Unigram, the first token's vector, and no tokenizer_config.json. */
export function xlmRoberta(): Architecture {
  const pieces: [string, number][] = [
    ...SPECIALS.map((token): [string, number] => [token, 0]),
    ['▁', -3],
    ['▁created', -4],
    ['▁cont', -5],
    ['ainer', -5],
    ['▁container', -11],
    ['é', -6],
    ['s', -6],
  ]
  const vocabulary = [...pieces.map(([token]) => token), '<mask>']
  return architecture({
    kind: 'xlm-roberta',
    dims: 24,
    limit: 9,
    pooling: 'cls',
    vocabulary,
    maskByPad: false,
    tokenizer: {
      added_tokens: special(SPECIALS),
      normalizer: { type: 'NFKC' },
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'WhitespaceSplit' },
          { type: 'Metaspace', replacement: '▁', add_prefix_space: true, prepend_scheme: 'always' },
        ],
      },
      post_processor: framed,
      model: { type: 'Unigram', unk_id: 3, vocab: pieces },
    },
    more: { 'sentence_bert_config.json': { max_seq_length: 9, do_lower_case: false } },
    cases: [
      // The better of two ways to cut: -10 against -11.
      ['created container', ['▁created', '▁cont', 'ainer']],
      // Composed by the normaliser.
      ['created e\u0301s', ['▁created', '▁', 'é', 's']],
      ['字', ['▁', '<unk>']],
      ['', []],
    ],
  })
}
