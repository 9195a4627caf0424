// What is wrong with a tokenizer.json, in words for people: the library that reads it says "undefined". Pure.

type Fields = Readonly<Record<string, unknown>>

const KINDS = ['WordPiece', 'BPE', 'Unigram']
/** Steps of which the file must say something, if only that there are none. */
const STEPS = ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder']

/** What `json` (the text of the file) is or lacks, to be put behind the file's name; undefined where nothing is found. */
export function tokenizerFault(json: string): string | undefined {
  let file: unknown
  try {
    file = JSON.parse(json)
  } catch {
    return 'is not JSON'
  }
  if (!isTable(file)) return 'is not a JSON object'
  const { model } = file
  if (model === undefined) return 'has no "model", in which the vocabulary lies'
  if (!isTable(model)) return 'has a "model" that is no object'
  const kind = model.type
  // Older files leave it out, and the library finds it out from the rest.
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
  if (type === 'BPE') {
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
