// What sentence-transformers writes about a model: modules, pooling, prompts. Anything it cannot honour it refuses.

import { OpDbusError } from '../../errors.js'
import type { Pooling } from '../../ports.js'
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
  const { base, poolingFile, normalizeFile } = modulesOf(folder, file, list)
  const normalize = normalizeFile !== undefined
  if (normalize) await refuseOddNormalize(folder, normalizeFile)
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

/** Classes of sentence-transformers that can be in a model; of these the first three are served. */
const CLASSES = [
  'Transformer',
  'Pooling',
  'Normalize',
  ...['Asym', 'BoW', 'CLIPModel', 'CNN', 'Dense', 'Dropout', 'LSTM', 'LayerNorm', 'Router', 'StaticEmbedding'],
  ...['WeightedLayerPooling', 'WordEmbeddings', 'WordWeights'],
]

/**
 * The packages that these classes have lain in: `models` until 5.3, where a file bears its class's name and stands for it;
 * since then one of the other two, in a file of that name in small letters. All are the same classes.
 */
const PACKAGES = ['models', 'base.modules', 'sentence_transformer.modules'].map(name => `sentence_transformers.${name}`)

/**
 * The class that a module's `type` means, without its package where that is one of sentence-transformers' own. Anything
 * else is code that comes with the model, whatever its last name: then the whole name stays.
 */
function classOf(type: unknown): string {
  const name = String(type)
  return (
    CLASSES.find(own =>
      PACKAGES.some(home =>
        [`${home}.${own}`, `${home}.${own}.${own}`, `${home}.${inFile(own)}.${own}`].includes(name),
      ),
    ) ?? name
  )
}

/** `LayerNorm` lies in `layer_norm`, `CLIPModel` in `clip_model`. */
function inFile(name: string): string {
  return name.replace(/([a-z])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$&_').toLowerCase()
}

/** A Transformer, a Pooling and at most a Normalize, in that order. */
function modulesOf(folder: ModelFolder, file: string, list: unknown) {
  if (!Array.isArray(list) || !list.every(isObject)) throw unsupported(folder, file, 'is not a list of modules')
  const kinds = list.map(({ type }) => classOf(type)).join(', ')
  if (kinds !== 'Transformer, Pooling' && kinds !== 'Transformer, Pooling, Normalize')
    throw unsupported(
      folder,
      file,
      `asks for ${kinds || 'nothing'}; supported: Transformer, Pooling, Normalize of sentence_transformers`,
    )
  const [base, pooling, normalize] = list.map(({ path }) => {
    if (path === undefined || path === '') return ''
    // Below the model's folder and nowhere else, whoever wrote the file.
    if (typeof path === 'string' && /^[\w-][\w.-]*$/.test(path)) return `${path}/`
    throw unsupported(folder, file, `names the folder ${JSON.stringify(path)}, which is no plain name`)
  })
  return {
    base: base!,
    poolingFile: `${pooling}config.json`,
    normalizeFile: normalize === undefined ? undefined : `${normalize}config.json`,
  }
}

/** Since version 6 the module may be told to scale something else than the text's vector, each token's for example. */
async function refuseOddNormalize(folder: ModelFolder, file: string): Promise<void> {
  // Without a folder of its own the file would be the network's.
  if (file === 'config.json') return
  const config = (await readJson(folder, file)) ?? {}
  for (const key of ['module_input_name', 'module_output_name'])
    if ((config[key] ?? 'sentence_embedding') !== 'sentence_embedding')
      throw unsupported(folder, file, `says ${key} ${JSON.stringify(config[key])}; supported: sentence_embedding`)
}

/** More dims than any text encoder has: beyond it a file is wrong or hostile. */
const MOST_DIMS = 65_536

/** The pooling module's settings, in the older (flags) or newer (one name) form. */
async function poolingOf(folder: ModelFolder, file: string) {
  const config = await requiredJson(folder, file)
  const flags = Object.keys(config).filter(key => key.startsWith('pooling_mode_') && config[key] === true)
  const named = config.pooling_mode
  const modes =
    typeof named === 'string'
      ? [named]
      : Array.isArray(named)
        ? named.map(String)
        : flags.map(flag => flag.slice('pooling_mode_'.length))
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

/** The first of those settings files that is there, else nothing. UNSUPPORTED_MODEL for a network used as anything but an encoder of text. */
export async function sentenceConfig(folder: ModelFolder, base: string): Promise<JsonObject> {
  for (const name of SENTENCE_CONFIGS) {
    const file = `${base}${name}`
    const config = await readJson(folder, file)
    if (!config) continue
    refuseOtherTask(folder, file, config)
    return config
  }
  return {}
}

/** What version 5.4 and later write of how the network is called. What is not there means what is supported. */
function refuseOtherTask(folder: ModelFolder, file: string, config: JsonObject): void {
  const text = isObject(config.modality_config) ? (config.modality_config.text ?? {}) : {}
  const { method, method_output_name } = isObject(text) ? text : {}
  for (const [key, value, supported] of [
    ['transformer_task', config.transformer_task, 'feature-extraction'],
    ['module_output_name', config.module_output_name, 'token_embeddings'],
    ['method', method, 'forward'],
    ['method_output_name', method_output_name, 'last_hidden_state'],
  ])
    if (value !== undefined && value !== null && value !== supported)
      throw unsupported(folder, file, `says ${key} ${JSON.stringify(value)}; supported: ${supported}`)
}

/**
 * The prompt that sentence-transformers would put before every text; '' for most models. Rejects with UNSUPPORTED_MODEL
 * where the file names a prompt that it does not have, as sentence-transformers does.
 */
export async function defaultPrompt(folder: ModelFolder): Promise<string> {
  const file = 'config_sentence_transformers.json'
  const { prompts, default_prompt_name: name } = (await readJson(folder, file)) ?? {}
  if (name === undefined || name === null) return ''
  const own = isObject(prompts) ? prompts : {}
  if (typeof name !== 'string' || !Object.hasOwn(own, name)) {
    const there = Object.keys(own).map(key => JSON.stringify(key))
    throw unsupported(
      folder,
      file,
      `names the default prompt ${JSON.stringify(name)}, which is not among its prompts (${there.join(', ') || 'none'})`,
    )
  }
  // A prompt that is null is none.
  const prompt = own[name] ?? ''
  if (typeof prompt !== 'string')
    throw unsupported(folder, file, `has a prompt ${JSON.stringify(name)} that is no text`)
  return prompt
}
