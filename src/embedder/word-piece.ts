// WordPiece as @huggingface/tokenizers does it, without trying what cannot match. Same tokens, another order of time.

/** What is used of the library's WordPiece model. */
export interface WordPieceModel {
  encode(words: string[]): string[]
  readonly tokens_to_ids: ReadonlyMap<string, number>
  readonly unk_token: string | undefined
  readonly max_input_chars_per_word: number
  readonly config: { readonly continuing_subword_prefix?: string }
}

/**
 * Replaces `encode` of `model`, which tries every substring of a word, by one that tries none longer than the longest
 * entry of the vocabulary. For the usual models that is a fifth of the time for base64, hashes and the like: a text of
 * nothing else took 350 ms (8,192 characters, words of 99).
 */
export function hastenWordPiece(model: WordPieceModel): void {
  const { tokens_to_ids: vocabulary, unk_token, max_input_chars_per_word: mostChars } = model
  const prefix = model.config.continuing_subword_prefix
  if (unk_token === undefined || prefix === undefined) return
  let longest = 0
  for (const entry of vocabulary.keys()) longest = Math.max(longest, entry.length)

  model.encode = words => {
    const tokens: string[] = []
    for (const word of words) {
      const pieces = split(word)
      if (pieces) tokens.push(...pieces)
      else tokens.push(unk_token)
    }
    return tokens
  }

  /** Longest match first; undefined when the word is too long or some part of it has no entry. */
  function split(word: string): string[] | undefined {
    // Offsets in UTF-16 units of each character, and of the end.
    const at = [0]
    for (const char of word) at.push(at.at(-1)! + char.length)
    const count = at.length - 1
    if (count > mostChars) return undefined
    const pieces: string[] = []
    for (let start = 0; start < count; ) {
      const before = start === 0 ? '' : prefix!
      let end = Math.min(count, start + longest - before.length)
      let piece = ''
      for (; end > start; end--) {
        piece = before + word.slice(at[start], at[end])
        if (vocabulary.has(piece)) break
      }
      if (end <= start) return undefined
      pieces.push(piece)
      start = end
    }
    return pieces
  }
}
