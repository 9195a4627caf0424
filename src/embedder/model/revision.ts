// Under which space a text's vector is kept. In development builds before 0.1.0 texts were cut after 32 UTF-16 units for each token, and tokenised by
// another library. For two tokenizers it is proven which texts that library gave the ids of today (see isPlain): vectors
// of theirs are still found, those of other texts are not. With any other tokenizer no earlier vector is.

import type { Space } from '../../ports.js'

/** SHA-256 of the `tokenizer.json` of the built-in model, and of all-MiniLM-L6-v2. */
const PROVEN: ReadonlySet<string> = new Set([
  '14b2dcb60725e7504da4bb238d8c63d22e520cdea95ceaab3f4bb0569e1a084d',
  'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
])

/** UTF-16 units that were kept for each token. */
const FORMER_UNITS_PER_TOKEN = 32

/**
 * Characters that both tokenizers read as they are read today: each alone, in a word and doubled, and 60,000 mixtures of
 * them (compared with the former library before it went). Most of what people write; not Σ, whose lower case was that of the
 * end of a word.
 */
const PLAIN = [
  ...[
    '\\0-\\u02ff',
    '\\u0370-\\u03a2\\u03a4-\\u052f',
    '\\u2010-\\u2027\\u2030-\\u205e\\u20a0-\\u20b0\\u2100-\\u23ff\\u2460-\\u26ff',
  ],
  ...['\\u3000-\\u3029\\u3031-\\u3098\\u309b-\\u30ff', '\\u4e00-\\u9fd5', '\\uac00-\\ud7a3', '\\ufe0f\\uff01-\\uffbe'],
  '\\u{1f300}-\\u{1f5ff}\\u{1f600}-\\u{1f64f}',
]
const NOT_PLAIN = new RegExp(`[^${PLAIN.join('')}]`, 'u')

function isPlain(text: string, maxTokens: number): boolean {
  return text.length <= maxTokens * FORMER_UNITS_PER_TOKEN && !NOT_PLAIN.test(text)
}

export interface SpaceSettings {
  readonly tokenizer: string
  readonly maxTokens: number
  readonly [setting: string]: unknown
}

export interface Spaces {
  /** Of the model, and of most texts. */
  readonly space: Space
  /** Of texts that the space's first version had read otherwise; absent where there are none. */
  readonly revised?: Space
}

/**
 * One string per way of making vectors: JSON with a fixed order of keys, so that no two settings read the same. `v` goes up
 * whenever this package computes differently from the same files.
 */
export function spacesOf({ model, tokenizer, maxTokens, ...settings }: SpaceSettings): Spaces {
  const { tokenizerConfig, dtype, pooling, normalize, lowercase, padId, prefix, dimensions } = settings
  const files = { model, tokenizer, tokenizerConfig }
  const made = { dtype, pooling, normalize, lowercase, padId, maxTokens }
  const now = JSON.stringify({ v: 2, ...files, ...made, prefix, dimensions }) as Space
  if (!PROVEN.has(tokenizer)) return { space: now }
  const maxChars = maxTokens * FORMER_UNITS_PER_TOKEN
  return { space: JSON.stringify({ v: 1, ...files, ...made, maxChars, prefix, dimensions }) as Space, revised: now }
}

/** The space under which the vector of `text` is kept. */
export function spaceOf({ space, revised, maxTokens }: Spaces & { readonly maxTokens: number }, text: string): Space {
  return revised === undefined || isPlain(text, maxTokens) ? space : revised
}
