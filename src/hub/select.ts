// Which files of a repository a model needs, told from their names alone. Fetches and reads nothing.

import { type Dtype, externalDataOf, onnxFileFor } from '../embedder/model/table.js'
import { OpDbusError } from '../errors.js'

/** A file as the hub states it. */
export interface HubFile {
  /** Below the repository's root, with `/`. */
  readonly path: string
  readonly bytes: number
  /** The name of its blob in the cache: SHA-256 of a large file, Git's own SHA-1 of a small one, in hex. */
  readonly blob: string
  /** Of its bytes, where that was recorded. */
  readonly sha256?: string
}

/** A text file of this size is no configuration or vocabulary; the largest tokenizers seen are about 35 MB. */
const SMALL_FILE_BYTES = 128 * 2 ** 20
/**
 * More than the largest sentence encoders in fp32, and far less than a mistake could fill. Whether so much fits onto this
 * disk is looked at before anything is fetched.
 */
const MODEL_BYTES = 64 * 2 ** 30

/** Configuration and tokenizer, at the root and in the folders of a model's modules (`1_Pooling`). */
const SMALL_FILE = new RegExp(
  [
    '^(\\d+_\\w+/)?(',
    'modules|config|config_sentence_transformers|sentence_\\w+_config',
    '|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab',
    ')\\.json$|^(\\d+_\\w+/)?(vocab|merges)\\.txt$',
  ].join(''),
)
/** True for configuration and tokenizer, which say whether the weights are worth fetching. */
export function isSmallFile(path: string): boolean {
  return SMALL_FILE.test(path)
}

/**
 * Configuration, tokenizer, and the one ONNX file of `dtype` with what lies beside it; other weights stay where they are.
 * @throws OpDbusError UNSUPPORTED_MODEL where the repository has no such file (`details.found` lists its ONNX files), no
 * `tokenizer.json`, or files larger than a sentence encoder has
 */
export function neededFiles(id: string, files: readonly HubFile[], dtype: Dtype): HubFile[] {
  const paths = files.map(file => file.path)
  const onnx = onnxFileFor(dtype, paths)
  if (onnx === undefined) {
    const found = paths.filter(path => path.endsWith('.onnx'))
    throw unsupported(id, `has no ${dtype} ONNX file; there is: ${found.slice(0, 20).join(', ') || 'none'}`, { found })
  }
  const small = files.filter(file => SMALL_FILE.test(file.path))
  if (!small.some(file => /(^|\/)tokenizer\.json$/.test(file.path))) {
    throw unsupported(id, 'has no tokenizer.json', { file: 'tokenizer.json' })
  }
  const weights = [onnx, ...externalDataOf(onnx, paths)]
  const large = files.filter(file => weights.includes(file.path))
  const tooLarge =
    small.find(file => file.bytes > SMALL_FILE_BYTES) ??
    (totalBytes(large) > MODEL_BYTES ? large.reduce((a, b) => (a.bytes > b.bytes ? a : b)) : undefined)
  if (tooLarge) throw unsupported(id, `has a ${tooLarge.path} of ${tooLarge.bytes} bytes`, { file: tooLarge.path })
  return [...small, ...large]
}

export function totalBytes(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}

/** As in model/folder.ts, before there is a folder. */
function unsupported(id: string, what: string, details: Readonly<Record<string, unknown>>): OpDbusError {
  return new OpDbusError('UNSUPPORTED_MODEL', `model ${id} ${what}`, { details })
}
