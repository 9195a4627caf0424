// What sentence-transformers writes about a model: modules, pooling, token limit. Anything it cannot honour it refuses.

import { OpDbusError } from '../errors.js'
import { type ModelFolder, readJson, requiredJson, unsupported } from './model-folder.js'

/** How token vectors become one vector: the mean over the mask, or the first token's. */
export type Pooling = 'mean' | 'cls'

export interface Modules {
  /** Folder of the transformer's own files, '' for the top. */
  readonly transformerPath: string
  readonly poolingPath: string
  readonly normalize: boolean
}

/** Reads `modules.json`: a Transformer, a Pooling and at most a Normalize, in that order. */
export async function readModules(folder: ModelFolder): Promise<Modules> {
  const file = 'modules.json'
  const list: unknown = await requiredJson(folder, file)
  if (!Array.isArray(list)) throw unsupported(folder, file, 'is not a list of modules')
  const modules = list.map(entry => {
    const { type, path } = entry as { type?: unknown; path?: unknown }
    // "sentence_transformers.models.Pooling": the package moved between versions, the class name did not.
    return { kind: String(type).split('.').at(-1), path: typeof path === 'string' ? path : '' }
  })
  const kinds = modules.map(module => module.kind).join(', ')
  if (kinds !== 'Transformer, Pooling' && kinds !== 'Transformer, Pooling, Normalize')
    throw unsupported(folder, file, `asks for ${kinds || 'nothing'}; supported: Transformer, Pooling, Normalize`)
  const [transformer, pooling] = modules
  return { transformerPath: transformer!.path, poolingPath: pooling!.path, normalize: modules.length === 3 }
}

/** Reads the pooling module's `config.json`, in the older (flags) or newer (one name) form. */
export async function poolingOf(
  folder: ModelFolder,
  path: string,
): Promise<{ pooling: Pooling; dims: number; includesPrompt: boolean }> {
  const file = path === '' ? 'config.json' : `${path}/config.json`
  const config = await requiredJson(folder, file)
  const flags = Object.keys(config).filter(key => key.startsWith('pooling_mode_') && config[key] === true)
  const named = config.pooling_mode
  const modes = typeof named === 'string' ? [named] : flags.map(flag => flag.slice('pooling_mode_'.length))
  const mode = modes.join(' + ')
  const pooling =
    mode === 'mean' || mode === 'mean_tokens' ? 'mean' : mode === 'cls' || mode === 'cls_token' ? 'cls' : ''
  if (pooling === '') throw unsupported(folder, file, `pools by ${mode || 'nothing'}; supported: mean, cls`)
  const dims = config.word_embedding_dimension ?? config.embedding_dimension
  if (!isCount(dims)) throw unsupported(folder, file, 'does not say word_embedding_dimension')
  return { pooling, dims, includesPrompt: config.include_prompt !== false }
}

/** File names under which sentence-transformers has kept its own settings, by kind of transformer. */
const SENTENCE_CONFIGS = ['bert', 'roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet'].map(
  kind => `sentence_${kind}_config.json`,
)

/** The first of those settings files that is there, else nothing. */
export async function sentenceConfig(folder: ModelFolder, base: string): Promise<Record<string, unknown>> {
  for (const name of SENTENCE_CONFIGS) {
    const config = await readJson(folder, `${base}${name}`)
    if (config) return config
  }
  return {}
}

/** Beyond this a tokenizer's `model_max_length` means "no limit" (it is 1e30 in many files). */
const NO_LIMIT = 1_000_000

/**
 * Tokens after which a text is cut: the caller's limit, else `max_seq_length`, else the smaller of what tokenizer and
 * network can hold (the order of sentence-transformers).
 */
export function tokenLimit(
  folder: ModelFolder,
  wanted: number | undefined,
  sentence: Record<string, unknown>,
  tokenizer: Record<string, unknown>,
  config: Record<string, unknown>,
): number {
  const positions = isCount(config.max_position_embeddings) ? config.max_position_embeddings : Infinity
  if (wanted !== undefined) {
    if (isCount(wanted) && wanted <= positions) return wanted
    const most = positions === Infinity ? '' : ` to ${positions}`
    throw new OpDbusError(
      'INVALID_INPUT',
      `maxTokens of model ${folder.id} must be a whole number from 1${most}, not ${wanted}`,
    )
  }
  const own = sentence.max_seq_length
  if (isCount(own)) return own
  const length = tokenizer.model_max_length
  const limit = Math.min(positions, isCount(length) && length < NO_LIMIT ? length : Infinity)
  if (limit === Infinity) throw unsupported(folder, 'tokenizer_config.json', 'gives no token limit: set one')
  return limit
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}
