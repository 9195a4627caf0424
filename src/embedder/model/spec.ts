// A model folder's small files -> one frozen ModelSpec. Reads through an injected port; loads no runtime, no weights.

import { OpDbusError } from '../../errors.js'
import type { Pooling, Space } from '../../ports.js'
import {
  type JsonObject,
  type ModelFile,
  type ModelFolder,
  missing,
  readJson,
  requiredJson,
  unsupported,
} from './folder.js'
import { hiddenSize, padIdOf, tokenLimit } from './network-config.js'
import { spacesOf } from './revision.js'
import { defaultPrompt, type SentenceLayout, sentenceConfig, sentenceLayout } from './sentence-config.js'
import { type Dtype, dtypesIn, onnxFileFor, onnxNames } from './table.js'

/** What a caller may set himself; everything else comes from the model's files. */
export interface ModelOverrides {
  /** Default: fp32, and int8 for the built-in model. */
  readonly dtype?: Dtype
  /** Leading dims that are kept, scaled to length 1 again. Default: all, and then nothing is scaled that the model does not scale. */
  readonly dimensions?: number
  /** Only for a folder that does not say it itself (no `modules.json`). */
  readonly pooling?: Pooling
  /** Tokens after which a text is cut, special tokens included. */
  readonly maxTokens?: number
  /** Put before every text, for example `query: `. Default: the model's own default prompt, usually none. */
  readonly prefix?: string
}

/** Everything needed to embed as the model's authors do. Plain data: crosses to the worker as it is. */
export interface ModelSpec {
  readonly id: string
  /** Of a finished vector. */
  readonly dims: number
  /** Of what the network answers: at least `dims`, of which the leading ones are kept. */
  readonly hiddenDims: number
  readonly maxTokens: number
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
  /** Of texts whose vectors were other ones in the first version of the space: see {@link spaceOf} in revision.ts. */
  readonly revised?: Space
  readonly description: Readonly<Record<string, string | number | boolean>>
  readonly files: {
    readonly model: ModelFile
    readonly tokenizer: ModelFile
    /** Old repositories have none. */
    readonly tokenizerConfig: ModelFile | undefined
  }
}

/**
 * Reads `folder` in the layout of sentence-transformers.
 * Rejects with UNSUPPORTED_MODEL (`details.file`; `details.missing` where it is not there) when a file is missing or says
 * what we would not do right, and with INVALID_INPUT for an override out of range.
 */
export async function readModelSpec(folder: ModelFolder, overrides: ModelOverrides = {}): Promise<ModelSpec> {
  const { files: small, ...settings } = await readSettings(folder, overrides)
  const dtype = overrides.dtype ?? 'fp32'
  const { model, dynamic } = await onnxFile(folder, dtype)
  const files = { model, ...small }
  const { dims, hiddenDims, pooling, normalize, lowercase, maxTokens, prefix, padId } = settings
  return Object.freeze({
    id: folder.id,
    ...settings,
    dtype,
    rowsAlone: dynamic,
    ...spacesOf({
      model: model.sha256,
      tokenizer: small.tokenizer.sha256,
      tokenizerConfig: small.tokenizerConfig?.sha256,
      ...{ dtype, pooling, normalize, lowercase, padId, maxTokens, prefix },
      // Undefined where all dims are kept: asking for all of them is the same space.
      dimensions: dims < hiddenDims ? dims : undefined,
    }),
    description: Object.freeze({
      model: folder.id,
      dims,
      ...(dims < hiddenDims && { modelDims: hiddenDims }),
      dtype,
      pooling,
      normalize,
      lowercase,
      maxTokens,
      prefix,
      modelSha256: files.model.sha256,
      tokenizerSha256: files.tokenizer.sha256,
    }),
    files: Object.freeze(files),
  })
}

/** What a model's small files say of it. */
type Settings = Pick<
  ModelSpec,
  'dims' | 'hiddenDims' | 'pooling' | 'normalize' | 'lowercase' | 'maxTokens' | 'prefix' | 'padId'
> & { readonly files: Omit<ModelSpec['files'], 'model'> }

/** The same without the weights, which need not be there. Rejects as {@link readModelSpec} does. */
export async function readSettings(folder: ModelFolder, overrides: ModelOverrides = {}): Promise<Settings> {
  const layout = await sentenceLayout(folder, overrides.pooling)
  const { base, pooling } = layout
  const config = await requiredJson(folder, `${base}config.json`)
  const tokenizerConfig = (await readJson(folder, `${base}tokenizer_config.json`)) ?? {}
  if (tokenizerConfig.truncation_side === 'left')
    throw unsupported(folder, `${base}tokenizer_config.json`, 'cuts long texts on the left, which is not supported')
  const sentence = await sentenceConfig(folder, base)

  const hiddenDims = dimsOf(folder, layout, config)
  const dims = cutDims(folder, hiddenDims, overrides.dimensions)
  const prefix = overrides.prefix ?? (await defaultPrompt(folder))
  if (prefix !== '' && !layout.includesPrompt)
    throw unsupported(folder, layout.file, 'leaves the prompt out of pooling: use no prefix')
  const maxTokens = tokenLimit(folder, overrides.maxTokens, sentence, tokenizerConfig, config)
  return {
    dims,
    hiddenDims,
    pooling,
    normalize: layout.normalize || dims < hiddenDims,
    lowercase: sentence.do_lower_case === true,
    maxTokens,
    prefix,
    padId: padIdOf(config, tokenizerConfig),
    files: {
      tokenizer: await tokenizerFile(folder, base),
      tokenizerConfig: await smallFile(folder, `${base}tokenizer_config.json`),
    },
  }
}

/** Dims of the network's answer, on which the pooling module and the network must agree. */
function dimsOf(folder: ModelFolder, { base, dims, file }: SentenceLayout, config: JsonObject): number {
  const own = hiddenSize(config)
  if (dims === undefined && own === undefined)
    throw unsupported(folder, `${base}config.json`, 'does not say hidden_size')
  if (dims !== undefined && own !== undefined && dims !== own)
    throw unsupported(folder, file, `says ${dims} dims where ${base}config.json says ${own}`)
  return (dims ?? own)!
}

function cutDims(folder: ModelFolder, hiddenDims: number, wanted: number | undefined): number {
  if (wanted === undefined) return hiddenDims
  if (Number.isSafeInteger(wanted) && wanted >= 1 && wanted <= hiddenDims) return wanted
  throw new OpDbusError(
    'INVALID_INPUT',
    `dimensions of model ${folder.id} must be a whole number from 1 to ${hiddenDims}, not ${wanted}`,
    { details: { option: 'dimensions', most: hiddenDims } },
  )
}

async function onnxFile(folder: ModelFolder, dtype: Dtype): Promise<{ model: ModelFile; dynamic: boolean }> {
  const there = [...(await folder.onnxFiles())].sort()
  const file = onnxFileFor(dtype, there)
  if (file === undefined)
    throw new OpDbusError('UNSUPPORTED_MODEL', noOnnxFile(folder.id, dtype, there), {
      details: { file: onnxNames(dtype)[0], found: there, missing: true },
    })
  const digested = await folder.digest(file)
  if (!digested) throw missing(folder, file, ': a link that leads nowhere')
  const { dynamic, ...model } = digested
  return { model, dynamic }
}

function noOnnxFile(id: string, dtype: Dtype, there: readonly string[]): string {
  const found = `there is: ${there.join(', ') || 'none'}`
  const lines = [`model ${id} has no ${dtype} ONNX file such as ${onnxNames(dtype)[0]}; ${found}`]
  const others = dtypesIn(there)
  if (others.length > 0)
    lines.push(
      'another dtype gives other vectors, so it is not taken unasked',
      `ask for it: ${others.map(other => `--dtype ${other}`).join(' or ')} (option dtype, OP_DBUS_MODEL_DTYPE)`,
    )
  return lines.join('\n')
}

/** Files of tokenizers that only other libraries read. */
const OTHER_TOKENIZERS = ['vocab.txt', 'vocab.json', 'spiece.model', 'sentencepiece.bpe.model', 'tokenizer.model']

async function tokenizerFile(folder: ModelFolder, base: string): Promise<ModelFile> {
  const file = await smallFile(folder, `${base}tokenizer.json`)
  if (file) return file
  const others: string[] = []
  for (const name of OTHER_TOKENIZERS)
    if ((await folder.text(`${base}${name}`)) !== undefined) others.push(`${base}${name}`)
  const more =
    others.length === 0
      ? ''
      : `; ${others.join(', ')} cannot stand for it\nsave the tokenizer again with its fast form (AutoTokenizer of transformers)`
  throw missing(folder, `${base}tokenizer.json`, more)
}

async function smallFile(folder: ModelFolder, file: string): Promise<ModelFile | undefined> {
  const digested = await folder.digest(file)
  return digested && { path: digested.path, sha256: digested.sha256, stamp: digested.stamp }
}
