// What sentence-transformers writes about a model: modules, pooling, prompts. Anything it cannot honour it refuses.

import { OpDbusError } from '../../errors.js'
import {
  isCount,
  isObject,
  type JsonObject,
  type ModelFolder,
  missing,
  parseJson,
  readJson,
  requiredJson,
  unsupported,
} from './folder.js'

/** How token vectors become one vector: the mean over the mask, or the first token's. */
export type Pooling = 'mean' | 'cls'

/** From token vectors to the text's vector, as the model means it. */
export interface SentenceLayout {
  /** Folder of the transformer's own files: '', or a name with a slash at its end. */
  readonly base: string
  readonly pooling: Pooling
  readonly normalize: boolean
  /** Dims of a token vector; undefined where only the network itself says so. */
  readonly dims: number | undefined
  /** False where a prompt's own tokens stay out of the mean. */
  readonly includesPrompt: boolean
  /** The file that says how to pool, for messages. */
  readonly file: string
}

/**
 * Reads `modules.json` and the pooling module's `config.json`. A folder without `modules.json` (many conversions to ONNX)
 * says nothing about pooling, and a guess is wrong for every other model: then `stated` is needed, and vectors are scaled
 * to length 1.
 * Rejects with UNSUPPORTED_MODEL, and with INVALID_INPUT where `stated` contradicts the folder.
 */
export async function sentenceLayout(folder: ModelFolder, stated: Pooling | undefined): Promise<SentenceLayout> {
  const file = 'modules.json'
  const list = await parseJson(folder, file)
  if (list === undefined) {
    if (stated === undefined) throw missing(folder, file, UNSTATED)
    return { base: '', pooling: stated, normalize: true, dims: undefined, includesPrompt: true, file }
  }
  const { base, poolingFile, normalize } = modulesOf(folder, file, list)
  const layout = { base, normalize, ...(await poolingOf(folder, poolingFile)), file: poolingFile }
  if (stated !== undefined && stated !== layout.pooling)
    throw new OpDbusError(
      'INVALID_INPUT',
      `model ${folder.id} pools by ${layout.pooling}, as its ${poolingFile} says, not by ${stated}`,
      { details: { option: 'pooling' } },
    )
  return layout
}

const UNSTATED = [
  ', so nothing says how its token vectors become one',
  'say it, as the page of the model does: pooling "mean" or "cls" (--pooling, OP_DBUS_MODEL_POOLING)',
  'or put modules.json and 1_Pooling/config.json of the model that it was made from beside it',
].join('\n')

/** A Transformer, a Pooling and at most a Normalize, in that order. */
function modulesOf(folder: ModelFolder, file: string, list: unknown) {
  if (!Array.isArray(list) || !list.every(isObject)) throw unsupported(folder, file, 'is not a list of modules')
  // "sentence_transformers.models.Pooling": the package moved between versions, the class name did not.
  const kinds = list.map(({ type }) => String(type).split('.').at(-1)).join(', ')
  if (kinds !== 'Transformer, Pooling' && kinds !== 'Transformer, Pooling, Normalize')
    throw unsupported(folder, file, `asks for ${kinds || 'nothing'}; supported: Transformer, Pooling, Normalize`)
  const [base, pooling] = list.map(({ path }) => {
    if (path === undefined || path === '') return ''
    // Below the model's folder and nowhere else, whoever wrote the file.
    if (typeof path === 'string' && /^[\w-][\w.-]*$/.test(path)) return `${path}/`
    throw unsupported(folder, file, `names the folder ${JSON.stringify(path)}, which is no plain name`)
  })
  return { base: base!, poolingFile: `${pooling}config.json`, normalize: list.length === 3 }
}

/** More dims than any text encoder has: beyond it a file is wrong or hostile. */
const MOST_DIMS = 65_536

/** The pooling module's settings, in the older (flags) or newer (one name) form. */
async function poolingOf(folder: ModelFolder, file: string) {
  const config = await requiredJson(folder, file)
  const flags = Object.keys(config).filter(key => key.startsWith('pooling_mode_') && config[key] === true)
  const named = config.pooling_mode
  const modes = typeof named === 'string' ? [named] : flags.map(flag => flag.slice('pooling_mode_'.length))
  const mode = modes.join(' + ')
  const pooling: Pooling | undefined =
    mode === 'mean' || mode === 'mean_tokens' ? 'mean' : mode === 'cls' || mode === 'cls_token' ? 'cls' : undefined
  if (!pooling) throw unsupported(folder, file, `pools by ${mode || 'nothing'}; supported: mean, cls`)
  const dims = config.word_embedding_dimension ?? config.embedding_dimension
  if (!isCount(dims) || dims > MOST_DIMS)
    throw unsupported(folder, file, `does not say word_embedding_dimension, a whole number to ${MOST_DIMS}`)
  return { pooling, dims, includesPrompt: config.include_prompt !== false }
}

/** File names under which sentence-transformers has kept its own settings, by kind of transformer. */
const SENTENCE_CONFIGS = ['bert', 'roberta', 'distilbert', 'camembert', 'albert', 'xlm-roberta', 'xlnet'].map(
  kind => `sentence_${kind}_config.json`,
)

/** The first of those settings files that is there, else nothing. */
export async function sentenceConfig(folder: ModelFolder, base: string): Promise<JsonObject> {
  for (const name of SENTENCE_CONFIGS) {
    const config = await readJson(folder, `${base}${name}`)
    if (config) return config
  }
  return {}
}

/** The prompt that sentence-transformers would put before every text; '' for most models. */
export async function defaultPrompt(folder: ModelFolder): Promise<string> {
  const { prompts, default_prompt_name: name } = (await readJson(folder, 'config_sentence_transformers.json')) ?? {}
  if (typeof name !== 'string' || !isObject(prompts) || !Object.hasOwn(prompts, name)) return ''
  const prompt = prompts[name]
  return typeof prompt === 'string' ? prompt : ''
}
