// What both roots do alike with patterns: the setting becomes a masker, and a masker a mode over an embedder.
import { PatternBook } from './caches/patterns/book.js'
import { type Patterns, TemplatePatterns, VerifiedPatterns } from './caches/patterns/modes.js'
import { PatternShelf, type PatternShelfOptions } from './caches/patterns/shelf.js'
import { type PatternSetting, patternConfig } from './config-patterns.js'
import { createMasker, inTemplateSpace } from './embedder/patterns/masker.js'
import type { Embedder, Hash, Warn } from './ports.js'

/** Half of the ten digits: see AGREEMENT in `caches/patterns/book.ts`, measured with it. */
const VARIETY = 5

export interface PatternRuntime {
  readonly hash: Hash
  readonly warn: Warn
  /** What a pattern must show before it serves, if not the usual. */
  readonly evidence?: { readonly trials: number; readonly variety: number }
  /** Opens what keeps patterns over the end of the process. */
  readonly disk?: () => PatternShelfOptions['disk']
}

/** Patterns before the embedder is known. */
export interface PatternPlan {
  /** The embedder in the space that its vectors are kept under. */
  embedder(exact: Embedder): Embedder
  open(embedder: Embedder): Promise<Patterns>
}

/** Undefined where patterns are off. Throws INVALID_INPUT for a mask or a literal that is none. */
export function planPatterns(setting: PatternSetting, runtime: PatternRuntime): PatternPlan | undefined {
  const { mode, masks, literals, epsilon, members, checkShare } = patternConfig(setting)
  const masker = createMasker({ masks, literals })
  if (mode === 'off') return undefined
  if (mode === 'template') {
    return {
      embedder: exact => inTemplateSpace(exact, masker),
      open: async () => new TemplatePatterns(masker),
    }
  }
  const { hash, warn, disk } = runtime
  return {
    embedder: exact => exact,
    async open({ space, dims }) {
      const shelf = await new PatternShelf({ dims, warn, disk: disk?.() }).open()
      const random = Math.random
      const evidence = runtime.evidence ?? { trials: 2 * members, variety: VARIETY }
      return new VerifiedPatterns(
        new PatternBook({
          masker,
          space,
          dims,
          epsilon,
          members,
          ...evidence,
          checkShare,
          hash,
          random,
          shelf,
        }),
        masker,
      )
    },
  }
}
