// What is wrong with the shape of a tokenizer.json, in words for people. Which of its parts are served is decided where each is
// built (tokenizer/). Pure.

type Fields = Readonly<Record<string, unknown>>

const KINDS = ['WordPiece', 'BPE', 'Unigram', 'WordLevel']
/** Steps of which the file must say something, if only that there are none. */
const STEPS = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder']

/** What `file` (parsed; undefined where it is not JSON) is or lacks, to be put behind its name; undefined where nothing is found. */
export function tokenizerFault(file: unknown): string | undefined {
  if (file === undefined) return 'is not JSON'
  if (!isTable(file)) return 'is not a JSON object'
  const { model } = file
  if (model === undefined) return 'has no "model", in which the vocabulary lies'
  if (!isTable(model)) return 'has a "model" that is no object'
  const kind = model.type
  // Older files leave it out, and it is found out from the rest.
  if (kind != null && !KINDS.includes(kind as string)) {
    return `has a "model" of type ${shown(kind)}; supported: ${KINDS.join(', ')}`
  }
  return vocabularyFault(model) ?? addedFault(file.added_tokens) ?? stepFault(file)
}

function vocabularyFault({ type, vocab, merges, unk_id }: Fields): string | undefined {
  if (vocab === undefined) return 'has no "model.vocab": no vocabulary'
  if (type === 'Unigram' || (type == null && Array.isArray(vocab))) {
    if (!Array.isArray(vocab)) return 'has a "model.vocab" that is no list, as a Unigram model needs it'
    const odd = vocab.findIndex(
      entry => !Array.isArray(entry) || typeof entry[0] !== 'string' || typeof entry[1] !== 'number',
    )
    if (odd >= 0) return `has in "model.vocab" an entry ${odd} that is no token with its score: ${shown(vocab[odd])}`
    if (unk_id != null && !(isId(unk_id) && unk_id < vocab.length))
      return 'has a "model.unk_id" that is no entry of "model.vocab"'
    return undefined
  }
  if (!isTable(vocab)) return 'has a "model.vocab" (its vocabulary) that is no table of tokens and their ids'
  const odd = Object.entries(vocab).find(([, id]) => !isId(id))
  if (odd)
    return `gives in "model.vocab" the token ${shown(odd[0])} the id ${shown(odd[1])}, which is no whole number from 0`
  if (type === 'BPE' || (type == null && merges !== undefined)) {
    if (!Array.isArray(merges)) return 'has no list "model.merges", which a BPE model needs'
    const pair = (merge: unknown) =>
      typeof merge === 'string' ||
      (Array.isArray(merge) && merge.length === 2 && merge.every(part => typeof part === 'string'))
    const wrong = merges.findIndex(merge => !pair(merge))
    if (wrong >= 0) return `has in "model.merges" an entry ${wrong} that is no pair: ${shown(merges[wrong])}`
  }
  return undefined
}

function addedFault(added: unknown): string | undefined {
  if (added == null) return undefined
  if (!Array.isArray(added)) return 'has "added_tokens" that are no list'
  const odd = added.findIndex(token => !isTable(token) || typeof token.content !== 'string' || !isId(token.id))
  return odd < 0 ? undefined : `has in "added_tokens" an entry ${odd} without "content" and "id": ${shown(added[odd])}`
}

/** Classes of transformers that build the normaliser or pre-tokenizer anew where their own settings say something else. */
const REBUILDING =
  /^(?:Bert|DistilBert|MPNet|Electra|MobileBert|ConvBert|Funnel|LayoutLM|Lxmert|Roberta|GPT2)Tokenizer(?:Fast)?$/
/** Their settings, the step of tokenizer.json that does the same, and what it is called there. */
const SAME_SETTINGS = [
  ['do_lower_case', 'BertNormalizer', 'lowercase'],
  ['strip_accents', 'BertNormalizer', 'strip_accents'],
  ['tokenize_chinese_chars', 'BertNormalizer', 'handle_chinese_chars'],
  ['add_prefix_space', 'ByteLevel', 'add_prefix_space'],
] as const

/**
 * What `config` (tokenizer_config.json, as in {@link tokenizerFault}) says against the parsed tokenizer.json, to be put behind the file's name:
 * transformers then goes by the former and other software by the latter, so that one of them gives other ids.
 */
export function configFault(config: unknown, { normalizer, pre_tokenizer }: Fields): string | undefined {
  if (config === undefined) return 'is not JSON'
  if (!isTable(config)) return 'is not a JSON object'
  if (!REBUILDING.test(String(config.tokenizer_class))) return undefined
  for (const [setting, type, name] of SAME_SETTINGS) {
    const step = [normalizer, pre_tokenizer].find(each => isTable(each) && each.type === type) as Fields | undefined
    const [said, does] = [config[setting], step?.[name]]
    if (typeof said === 'boolean' && typeof does === 'boolean' && said !== does)
      return `says ${setting} ${said} where tokenizer.json says ${name} ${does}: they contradict each other`
  }
  return undefined
}

function stepFault(file: Fields): string | undefined {
  for (const name of STEPS) {
    const step = file[name]
    if (step != null && !(isTable(step) && typeof step.type === 'string'))
      return `has a "${name}" that does not say its "type"`
  }
  return undefined
}

const isTable = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isId = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
