// The table of models that have a name here, and the file names a dtype goes by. Data only: it finds and reads nothing.

/** How the weights are stored in the ONNX file. */
export type Dtype = 'fp32' | 'fp16' | 'int8'

/** What a name means. Limits are explicit because the models' own files contradict each other (MiniLM: 128, 256, 512). */
export interface KnownModel {
  /** Undefined for the model that comes with this package. */
  readonly hubId: string | undefined
  readonly dtype: Dtype
  readonly maxTokens: number
}

/** Names a user may give as `model`; the levels are those of the caching strategy. */
export const KNOWN_MODELS = {
  builtin: {
    hubId: undefined,
    dtype: 'int8',
    maxTokens: 128,
  },
  low: {
    hubId: 'sentence-transformers/paraphrase-MiniLM-L3-v2',
    dtype: 'fp32',
    maxTokens: 128,
  },
  medium: {
    hubId: 'sentence-transformers/all-MiniLM-L6-v2',
    dtype: 'fp32',
    maxTokens: 256,
  },
  high: {
    hubId: 'sentence-transformers/all-mpnet-base-v2',
    dtype: 'fp32',
    maxTokens: 384,
  },
} as const satisfies Record<string, KnownModel>

/** The entry behind a name or a hub id, so that `medium` and its hub id are one model with one space. */
export function knownModel(name: string): KnownModel | undefined {
  if (Object.hasOwn(KNOWN_MODELS, name)) return KNOWN_MODELS[name as keyof typeof KNOWN_MODELS]
  return Object.values(KNOWN_MODELS).find(model => model.hubId === name)
}

/**
 * Folders of a model in which an ONNX file may lie, first choice first. `0_Transformer` is where early versions of
 * sentence-transformers kept the network.
 */
export const ONNX_FOLDERS = ['onnx/', '', '0_Transformer/onnx/', '0_Transformer/'] as const

/**
 * Names that exporters give, first choice first (Optimum: O1 to O4, qint8; transformers.js: fp16, quantized, int8).
 * O1 and O2 only fuse nodes; O3 approximates GELU, so it stands for no dtype; O4 is O3 in float16. Among quantised files
 * those made for every processor come first, then the one for AVX2: its sums saturate on no x86, as those for VNNI may.
 * 4-bit files (`q4`, `bnb4`) are none of these.
 */
const ONNX_NAMES: Readonly<Record<Dtype, readonly string[]>> = {
  fp32: ['model', 'model_fp32', 'model_O1', 'model_O2'],
  fp16: ['model_fp16', 'model_O4'],
  int8: [
    'model_quantized',
    'model_int8',
    'model_uint8',
    'model_qint8',
    'model_quint8',
    'model_quint8_avx2',
    'model_qint8_avx2',
    'model_qint8_arm64',
    'model_qint8_avx512',
    'model_qint8_avx512_vnni',
  ],
}

/**
 * The ONNX file of that dtype among `paths` (relative to the model, forward slashes, in any order), or undefined. The
 * name decides before the folder does, and the answer does not depend on the machine: everybody gets the same space.
 */
export function onnxFileFor(dtype: Dtype, paths: Iterable<string>): string | undefined {
  const there = new Set(paths)
  return onnxNames(dtype).find(path => there.has(path))
}

/** Every path at which {@link onnxFileFor} looks for that dtype, in its order. */
export function onnxNames(dtype: Dtype): readonly string[] {
  return ONNX_NAMES[dtype].flatMap(name => ONNX_FOLDERS.map(folder => `${folder}${name}.onnx`))
}

/** The dtypes that `paths` hold an ONNX file of. */
export function dtypesIn(paths: readonly string[]): Dtype[] {
  return (Object.keys(ONNX_NAMES) as Dtype[]).filter(dtype => onnxFileFor(dtype, paths) !== undefined)
}

/** Those of `paths` that hold the weights of `onnx` outside of it: `model.onnx_data`, `model.onnx_data_1`, `model.onnx.data`. */
export function externalDataOf(onnx: string, paths: Iterable<string>): string[] {
  return [...paths].filter(path => path.startsWith(onnx) && /^(_data(_\d+)?|\.data)$/.test(path.slice(onnx.length)))
}
