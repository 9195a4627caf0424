// A model folder's small files -> one frozen ModelSpec. Reads through an injected port; loads no runtime, no weights.

import { OpDbusError } from '../errors.js'
import type { Space } from '../ports.js'
import { type ModelFile, type ModelFolder, readJson, requiredJson, unsupported } from './model-folder.js'
import { type Dtype, dtypesIn, onnxFileFor, onnxNames } from './models.js'
import { type Pooling, poolingOf, readModules, sentenceConfig, tokenLimit } from './sentence-config.js'

/** What a caller may set himself; everything else comes from the model's files. */
export interface ModelOverrides {
  /** Default: fp32, and int8 for the built-in model. */
  readonly dtype?: Dtype | undefined
  /** Tokens after which a text is cut, special tokens included. */
  readonly maxTokens?: number | undefined
  /** UTF-16 units after which a text is cut before it reaches the tokenizer. Default: 32 per token. */
  readonly maxChars?: number | undefined
  /** Put before every text, for example `query: `. Default: the model's own default prompt, usually none. */
  readonly prefix?: string | undefined
}

/** Everything needed to embed as the model's authors do. Plain data: crosses to the worker as it is. */
export interface ModelSpec {
  readonly id: string
  readonly dims: number
  readonly maxTokens: number
  readonly maxChars: number
  readonly pooling: Pooling
  /** Vectors are scaled to length 1. */
  readonly normalize: boolean
  /** Texts are lower-cased before the tokenizer (`do_lower_case` of sentence-transformers). */
  readonly lowercase: boolean
  readonly prefix: string
  readonly padId: number
  readonly dtype: Dtype
  /** One text a run: a dynamically quantised graph scales activations over the whole batch. */
  readonly rowsAlone: boolean
  readonly space: Space
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly files: { readonly model: ModelFile; readonly tokenizer: ModelFile; readonly tokenizerConfig: ModelFile }
}

/** Characters per token kept before tokenising: English averages 4 to 5, so only text without words is cut by it. */
const CHARS_PER_TOKEN = 32

/**
 * Reads `folder` in the layout of sentence-transformers.
 * Rejects with UNSUPPORTED_MODEL (`details.file`) when a file is missing or says what we would not do right, and with
 * INVALID_INPUT for an override out of range.
 */
export async function readModelSpec(folder: ModelFolder, overrides: ModelOverrides = {}): Promise<ModelSpec> {
  const modules = await readModules(folder)
  const { pooling, dims, includesPrompt } = await poolingOf(folder, modules.poolingPath)
  const base = modules.transformerPath === '' ? '' : `${modules.transformerPath}/`
  const config = await requiredJson(folder, `${base}config.json`)
  const tokenizerConfig = await requiredJson(folder, `${base}tokenizer_config.json`)
  if (tokenizerConfig.truncation_side === 'left')
    throw unsupported(folder, `${base}tokenizer_config.json`, 'cuts long texts on the left, which is not supported')
  const sentence = await sentenceConfig(folder, base)

  const prefix = overrides.prefix ?? (await defaultPrompt(folder))
  if (prefix !== '' && !includesPrompt)
    throw unsupported(folder, `${modules.poolingPath}/config.json`, 'leaves the prompt out of pooling: use no prefix')
  const maxTokens = tokenLimit(folder, overrides.maxTokens, sentence, tokenizerConfig, config)
  const maxChars = overrides.maxChars ?? maxTokens * CHARS_PER_TOKEN
  if (!Number.isSafeInteger(maxChars) || maxChars < 1)
    throw new OpDbusError('INVALID_INPUT', `maxChars must be a whole number of at least 1, not ${maxChars}`)

  const dtype = overrides.dtype ?? 'fp32'
  const { model, dynamic } = await onnxFile(folder, dtype)
  const files = {
    model,
    tokenizer: await requiredFile(folder, `${base}tokenizer.json`),
    tokenizerConfig: await requiredFile(folder, `${base}tokenizer_config.json`),
  }
  const vector = { dtype, pooling, normalize: modules.normalize, lowercase: sentence.do_lower_case === true }
  const limits = { maxTokens, maxChars, prefix }
  const space = spaceOf(files, { ...vector, ...limits })
  const padId = Number.isSafeInteger(config.pad_token_id) ? (config.pad_token_id as number) : 0
  return Object.freeze({
    id: folder.id,
    dims,
    ...vector,
    ...limits,
    padId,
    rowsAlone: dynamic,
    space,
    description: Object.freeze({
      model: folder.id,
      dims,
      ...vector,
      ...limits,
      modelSha256: files.model.sha256,
      tokenizerSha256: files.tokenizer.sha256,
    }),
    files: Object.freeze(files),
  })
}

/**
 * One string per way of making vectors: JSON with a fixed order of keys, so that no two settings read the same.
 * `v` goes up whenever this package computes differently from the same files. The folder's path is no part of it.
 */
function spaceOf(files: ModelSpec['files'], settings: Readonly<Record<string, string | number | boolean>>): Space {
  const { dtype, pooling, normalize, lowercase, maxTokens, maxChars, prefix } = settings
  return JSON.stringify({
    v: 1,
    model: files.model.sha256,
    tokenizer: files.tokenizer.sha256,
    tokenizerConfig: files.tokenizerConfig.sha256,
    dtype,
    pooling,
    normalize,
    lowercase,
    maxTokens,
    maxChars,
    prefix,
  }) as Space
}

async function onnxFile(folder: ModelFolder, dtype: Dtype): Promise<{ model: ModelFile; dynamic: boolean }> {
  const there = await folder.onnxFiles()
  const file = onnxFileFor(dtype, there)
  const digested = file === undefined ? undefined : await folder.digest(file)
  if (digested) {
    const { dynamic, ...model } = digested
    return { model, dynamic }
  }
  throw new OpDbusError('UNSUPPORTED_MODEL', noOnnxFile(folder.id, dtype, there), {
    details: { file: onnxNames(dtype)[0], found: [...there].sort(), missing: true },
  })
}

function noOnnxFile(id: string, dtype: Dtype, there: readonly string[]): string {
  const others = dtypesIn(there)
  const found = [...there].sort().join(', ') || 'none'
  const lines = [`model ${id} has no ${dtype} ONNX file such as ${onnxNames(dtype)[0]}; there is: ${found}`]
  if (others.length > 0)
    lines.push(
      'another dtype gives other vectors, so it is not taken unasked',
      `ask for it: ${others.map(other => `--dtype ${other}`).join(' or ')} (option dtype, OP_DBUS_MODEL_DTYPE)`,
    )
  return lines.join('\n')
}

/** The prompt that sentence-transformers would put before every text; '' for most models. */
async function defaultPrompt(folder: ModelFolder): Promise<string> {
  const config = await readJson(folder, 'config_sentence_transformers.json')
  const name = config?.default_prompt_name
  if (typeof name !== 'string') return ''
  const prompt = (config?.prompts as Record<string, unknown> | undefined)?.[name]
  return typeof prompt === 'string' ? prompt : ''
}

async function requiredFile(folder: ModelFolder, file: string): Promise<ModelFile> {
  const digested = await folder.digest(file)
  if (!digested) throw unsupported(folder, file, 'is missing')
  const { path, sha256, stamp } = digested
  return { path, sha256, stamp }
}
