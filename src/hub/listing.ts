// What a hub says a repository holds, checked before anything is believed, and which of it a model needs. Asks nobody; runs in
// every runtime.

import { type Dtype, externalDataOf, onnxFileFor } from '../embedder/model/table.js'
import { OpDbusError } from '../errors.js'
import { refusal } from './error-messages.js'
import { isBlobName, isByteCount, isCommit, isSafePath } from './names.js'

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

/** The files of one commit. */
export interface Listing {
  readonly commit: string
  readonly files: readonly HubFile[]
  /** Names that came without a size or a digest: nobody could check those files. */
  readonly unstated: readonly string[]
}

/**
 * Reads the answer of `GET /api/models/{id}/revision/{revision}?blobs=true`.
 * @throws OpDbusError DOWNLOAD (why: 'integrity') for what no repository can hold
 */
export function readListing(id: string, text: string): Listing {
  const answer = parse(id, text)
  const commit = answer.sha
  if (!isCommit(commit)) throw refused(id, 'names no commit')
  if (!Array.isArray(answer.siblings)) throw refused(id, 'lists no files')
  const files = new Map<string, HubFile>()
  const unstated: string[] = []
  for (const entry of answer.siblings as unknown[]) {
    const { rfilename: path, size, blobId, lfs } = record(entry)
    if (typeof path !== 'string' || !isSafePath(path)) throw refused(id, `names a file ${show(path)}`)
    if (files.has(path)) throw refused(id, `names ${show(path)} twice`)
    // Some mirrors answer with the name that the API of trees has for it.
    const blob = lfs == null ? blobId : (record(lfs).sha256 ?? record(lfs).oid)
    const bytes = (lfs == null ? undefined : record(lfs).size) ?? size
    if (isBlobName(blob) && isByteCount(bytes)) files.set(path, { path, bytes, blob })
    else unstated.push(path)
  }
  return { commit, files: [...files.values()], unstated }
}

function parse(id: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return record(JSON.parse(text))
  } catch (error) {
    throw refused(id, 'is not JSON', error)
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** What cannot be the list of a repository's files. */
export function refused(id: string, what: string, cause?: unknown): OpDbusError {
  return refusal(`the hub's list of the files of ${id} ${what}\nnothing was fetched`, 'integrity', { id }, cause)
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'without a name'
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
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

/** The files to fetch of those that the hub lists. Says so where it is the list that lacks something, not the model. */
export function neededOf(id: string, { files, unstated }: Listing, dtype: Dtype, endpoint: string): HubFile[] {
  try {
    return neededFiles(id, files, dtype)
  } catch (error) {
    const whole = [...files, ...unstated.map(path => ({ path, bytes: 0, blob: '' }))]
    if (unstated.length === 0 || !isComplete(id, whole, dtype)) throw error
    throw refusal(
      [
        `${new URL(endpoint).host} lists the files of ${id} without sizes or hashes (${unstated[0]} is one of ${unstated.length})`,
        'nothing that it sends could be verified, so nothing was fetched',
        'take another hub (HF_ENDPOINT): this one answers as if it had not been asked for them (?blobs=true)',
      ].join('\n'),
      'integrity',
      { id, unstated: unstated.slice(0, 20) },
    )
  }
}

function isComplete(id: string, files: readonly HubFile[], dtype: Dtype): boolean {
  try {
    return neededFiles(id, files, dtype).length > 0
  } catch {
    return false
  }
}

export function totalBytes(files: readonly { readonly bytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}

/** As in embedder/model/folder.ts, before there is a folder. */
function unsupported(id: string, what: string, details: Readonly<Record<string, unknown>>): OpDbusError {
  return new OpDbusError('UNSUPPORTED_MODEL', `model ${id} ${what}`, { details })
}
