// Patterns: texts that differ only in variable parts are kept and embedded as one template, in a space of its own. Says
// what a text is kept under, and what its answer is called; looks nothing up and computes nothing.
import type { Embedder, Source, Space } from '../ports.js'
import { createMasker, type Masker } from './masker.js'
import { type PatternSetting, patternConfig } from './setting.js'

/** What an answer says of its origin. */
export interface Origin {
  readonly source: Source
  readonly template?: string
}

/** What patterns did. */
export interface PatternCounts {
  /** Templates with variables that were embedded. */
  readonly templates: number
  /** Texts that their template's vector answered, whichever text or process it had been computed for. */
  readonly hits: number
}

/** The templates of one embedding cache. */
export class Templates {
  readonly #masker: Masker
  #embedded = 0
  #hits = 0

  constructor(masker: Masker) {
    this.#masker = masker
  }

  /** What `text` is kept under. Takes time linear in the text. */
  of(text: string): Template {
    const { template, variables } = this.#masker.mask(text)
    return new Template(template, variables.length > 0, this)
  }

  /** `embedder` in the space of templates: what it is asked to embed are templates, so its vectors mean templates. */
  over(embedder: Embedder): Embedder {
    const { name } = this.#masker
    const inSpace = (space: Space) => JSON.stringify({ v: 1, templates: name, of: space }) as Space
    return {
      space: inSpace(embedder.space),
      spaceOf: template => inSpace(embedder.spaceOf?.(template) ?? embedder.space),
      description: Object.freeze({ ...embedder.description, patterns: 'template', masker: name }),
      dims: embedder.dims,
      submit: job => embedder.submit(job),
      drop: (job, rows) => embedder.drop(job, rows),
      get room() {
        return embedder.room
      },
      get running() {
        return embedder.running
      },
      close: () => embedder.close(),
    }
  }

  /** What this process counted. */
  counts(): PatternCounts {
    return { templates: this.#embedded, hits: this.#hits }
  }

  /** Another look-up of a text with variables was answered. @internal */
  count(computed: boolean): void {
    if (computed) this.#embedded++
    else this.#hits++
  }
}

/** One text's template: all texts of a template have one vector, and it is exactly the template's. */
export class Template {
  /** `Created container <number>`; equal to the text where nothing in it varies. The id in every tier, and what is embedded. */
  readonly text: string
  readonly #masked: boolean
  readonly #owner: Templates

  constructor(text: string, masked: boolean, owner: Templates) {
    this.text = text
    this.#masked = masked
    this.#owner = owner
  }

  /**
   * The origin of an answer, counted. A text with variables that was not computed for this very look-up (`own`: nobody else had it
   * under way) is a `pattern` hit, whichever tier had it; any other text says the tier.
   */
  origin(source: Source, own: boolean): Origin {
    const template = this.text
    if (!this.#masked) return { source, template }
    const computed = source === 'computed' && own
    this.#owner.count(computed)
    return { source: computed ? source : 'pattern', template }
  }
}

/** Undefined where patterns are off. Throws INVALID_INPUT for a mask or a literal that is none, also then. */
export function openTemplates(setting: PatternSetting): Templates | undefined {
  const { mode, masks, literals } = patternConfig(setting)
  const masker = createMasker({ masks, literals })
  return mode === 'off' ? undefined : new Templates(masker)
}
