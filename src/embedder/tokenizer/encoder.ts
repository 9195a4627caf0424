// tokenizer.json -> ids, as the Rust library `tokenizers` gives them: added tokens, normaliser, pre-tokenizer, model, special
// tokens. A part that is not served exactly is refused, by name: other ids would be other vectors, without a word.

import { type AddedTokens, addedTokensOf } from './added-tokens.js'
import { type Fields, fault, isFields } from './fields.js'
import { modelOf } from './models.js'
import { type Normalize, normalizerOf } from './normalizers.js'
import { type SpecialTokens, specialTokensOf } from './post-processors.js'
import { type PreTokenize, preTokenizerOf } from './pre-tokenizers.js'
import type { Model } from './vocabulary.js'

export interface Encoder {
  /** What stands before and behind the ids of every text. */
  readonly special: SpecialTokens
  /**
   * The ids of a well-formed `text` without special tokens; of a long text the first `most`, or a few more. Takes time in
   * proportion to the text for its normaliser, and for the rest as far as `most` needs it; regular expressions of the file's own
   * take what they take.
   * Throws UnknownWord where a word has no id and the model has none for unknown words.
   */
  encode(text: string, most: number): number[]
}

/** Builds the encoder of a parsed tokenizer.json. Throws TokenizerFault for what is not served. */
export function encoderOf(file: Fields): Encoder {
  if (!isFields(file.model)) return fault('has no "model"')
  cutsOnTheRight(file.truncation)
  const model = modelOf(file.model)
  const normalize: Normalize = isFields(file.normalizer) ? normalizerOf(file.normalizer) : text => text
  const preTokenize: PreTokenize = isFields(file.pre_tokenizer)
    ? preTokenizerOf(file.pre_tokenizer)
    : (text, _atStart, sink) => text !== '' && sink(text)
  const added = addedTokensOf((file.added_tokens ?? []) as readonly Fields[], model, normalize)
  const special = isFields(file.post_processor) ? specialTokensOf(file.post_processor) : { before: [], after: [] }
  return { special, encode: encodeBy({ model, normalize, preTokenize, added }) }
}

interface Steps {
  readonly model: Model
  readonly normalize: Normalize
  readonly preTokenize: PreTokenize
  readonly added: AddedTokens
}

function encodeBy({ model, normalize, preTokenize, added }: Steps): Encoder['encode'] {
  return (text, most) => {
    const ids: number[] = []
    const word = (piece: string) => {
      model.encode(piece, most - ids.length, ids)
      return ids.length >= most
    }
    const token = (id: number) => ids.push(id) >= most
    added.raw(
      text,
      (part, from) => {
        const lead = { kept: from === 0 }
        return added.normalized(
          normalize(part, lead),
          (normalized, at) => preTokenize(normalized, lead.kept && at === 0, word),
          token,
        )
      },
      token,
    )
    return ids
  }
}

/** The length in `truncation` is whatever was set when the file was saved; the side is what the model means. */
function cutsOnTheRight(truncation: unknown): void {
  if (isFields(truncation) && truncation.direction !== undefined && truncation.direction !== 'Right')
    fault('cuts long texts on the left ("truncation.direction"), which is not supported')
}
