// The table of models that have a name here, and the file names a dtype goes by. Data only: it finds and reads nothing.

/** How the weights are stored in the ONNX file. */
export type Dtype = 'fp32' | 'fp16' | 'int8'

/** What a name means. Limits are explicit because the models' own files contradict each other (MiniLM: 128, 256, 512). */
export interface KnownModel {
  /** Undefined for the model that comes with this package. */
  readonly hubId: string | undefined
  readonly dtype: Dtype
  readonly maxTokens: number
  /** One line for `doctor` and `--help`. */
  readonly about: string
}

/** Names a user may give as `model`; the levels are those of the caching strategy. */
export const KNOWN_MODELS = {
  builtin: {
    hubId: undefined,
    dtype: 'int8',
    maxTokens: 128,
    about: 'Universal Sentence Encoder Lite, 512 dims, in the package: works offline, weak on log semantics',
  },
  low: {
    hubId: 'sentence-transformers/paraphrase-MiniLM-L3-v2',
    dtype: 'fp32',
    maxTokens: 128,
    about: '384 dims, 61 MB',
  },
  medium: {
    hubId: 'sentence-transformers/all-MiniLM-L6-v2',
    dtype: 'fp32',
    maxTokens: 256,
    about: '384 dims, 80 MB',
  },
  high: {
    hubId: 'sentence-transformers/all-mpnet-base-v2',
    dtype: 'fp32',
    maxTokens: 384,
    about: '768 dims, 420 MB',
  },
} as const satisfies Record<string, KnownModel>

/** The entry behind a name or a hub id, so that `medium` and its hub id are one model with one space. */
export function knownModel(name: string): KnownModel | undefined {
  if (Object.hasOwn(KNOWN_MODELS, name)) return KNOWN_MODELS[name as keyof typeof KNOWN_MODELS]
  return Object.values(KNOWN_MODELS).find(model => model.hubId === name)
}

/** Where an ONNX file of that dtype may lie in a model folder, first choice first (names seen on the hub). */
export const ONNX_FILES: Readonly<Record<Dtype, readonly string[]>> = {
  fp32: ['onnx/model.onnx', 'model.onnx'],
  fp16: ['onnx/model_fp16.onnx', 'onnx/model_O4.onnx', 'model_fp16.onnx'],
  int8: ['onnx/model_quantized.onnx', 'onnx/model_int8.onnx', 'model_quantized.onnx'],
}
