// The SentencePiece vocabulary of the package as a Hugging Face tokenizer.json. Repairs what is damaged in it, nothing else.
// @ts-check

/** @typedef {[piece: string, score: number | null]} Entry one piece as vocab.json lists it; its place is its id */

/** What SentencePiece writes for a space. */
const SPACE_MARK = '\u2581'
/** Ids below this are control tokens that no text ever yields; 0 is the unknown token. */
const FIRST_PIECE = 6
/** The token that fills short rows of a batch; the attention mask hides it. The original leaves it unused. */
export const PAD_ID = 3
export const PAD_TOKEN = reserved('extra_token_id_1')

/**
 * @param {Entry[]} vocabulary
 * @returns {object} the content of tokenizer.json; keys that hold null must be there all the same
 */
export function tokenizerJson(vocabulary) {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFKC' },
        { type: 'Prepend', prepend: SPACE_MARK },
        { type: 'Replace', pattern: { String: ' ' }, content: SPACE_MARK },
      ],
    },
    // Not Metaspace: it adds no mark in front of a text that begins with a space, and the original does.
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: SPACE_MARK }, content: ' ' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: { type: 'Unigram', unk_id: 0, byte_fallback: false, vocab: repair(vocabulary) },
  }
}

/**
 * The vocabulary with the same ids, as the original's own tokenizer reads it.
 * @param {Entry[]} vocabulary
 * @returns {[string, number][]}
 */
function repair(vocabulary) {
  const lastId = new Map(vocabulary.map(([piece], id) => [piece, id]))
  return vocabulary.map(([piece, score], id) => {
    // A text that spells a control token out must not become one.
    if (id > 0 && id < FIRST_PIECE) return [reserved(piece), 0]
    // Of equal pieces the original finds the last; the others keep their ids under names that nothing matches.
    if (lastId.get(piece) !== id) return [reserved(`${piece} ${id}`), 0]
    // The pieces around ":" have lost their scores; the original adds null, which is adding 0.
    return [piece, score ?? 0]
  })
}

/**
 * A name that no text can match: it holds a space, and the normalizer leaves none.
 * @param {string} piece
 */
function reserved(piece) {
  return `reserved ${piece}`
}
