// How patterns take part in a look-up: under which id a text is kept, who answers for it, and what that is called.
import type { StandIn } from '../../cache/stand-in.js'
import type { Embedding, Masker, Source } from '../../ports.js'
import type { PatternBook } from './book.js'
import { PatternStandIn, type Refusal } from './entry.js'

/** What a text is kept under; `masked` when variables were replaced in it. */
export interface Asked {
  readonly id: string
  readonly masked: boolean
}

/** What an answer says of its origin. */
export interface Origin {
  readonly source: Source
  readonly template?: string
  readonly bound?: number
}

/** As many rows as one embedMany has under way. */
const MOST_TEMPLATES = 1024

/** What patterns did. */
export interface PatternCounts {
  /** Patterns that began to serve: templates embedded, or patterns whose members agreed. */
  readonly patterns: number
  /** Texts that a pattern answered. */
  readonly hits: number
  /** Verified: patterns whose members did not agree. */
  readonly refusals: number
  /** Verified: patterns that served until a check found them off the bound. */
  readonly revocations: number
  /** Verified: exact vectors compared with the one that a pattern would have served. */
  readonly checks: number
  /** Verified: the largest distance that a check found; 0 before the first. */
  readonly worstError: number
}

export const NO_COUNTS: PatternCounts = {
  patterns: 0,
  hits: 0,
  refusals: 0,
  revocations: 0,
  checks: 0,
  worstError: 0,
}

/** One mode of patterns. */
export interface Patterns {
  readonly mode: 'template' | 'verified'
  /** Verified: what served vectors are meant to be within; checked on samples. */
  readonly bound?: number
  /** Verified: look-ups that no tier had and a pattern answered. */
  readonly standIns: number
  /** Verified: the last pattern that would not serve. */
  readonly refusal?: Refusal
  ask(text: string): Asked
  /** What no tier has: the exact vector from `compute`, or one that stands in for it. */
  load(id: string, compute: () => Promise<Embedding>, signal: AbortSignal): Promise<Embedding | StandIn<Embedding>>
  /** `own`: this very look-up had it computed. Counts. */
  origin(text: string, asked: Asked, source: Source, own: boolean): Origin
  /** The origin of a text that takes over the answer of an earlier one of its batch. Counts. */
  twin(asked: Asked, first: Origin): Origin
  counts(): PatternCounts
  /** A text was deleted. */
  forget(text: string): Promise<void>
  clear(): Promise<void>
  /** Writes what was learnt since, at once: for the exit of a process. */
  flush(): void
  close(): Promise<void>
}

/**
 * Texts are kept and embedded as their templates, in a space of their own: all texts of a template have one vector, and
 * it is exactly the template's. An answer that was not computed for the text itself is a `pattern` hit, whichever tier had it.
 */
export class TemplatePatterns implements Patterns {
  readonly mode = 'template'
  readonly standIns = 0
  #patterns = 0
  #hits = 0

  constructor(private readonly masker: Masker) {}

  ask(text: string): Asked {
    const { template, variables } = this.masker.mask(text)
    return { id: template, masked: variables.length > 0 }
  }

  load(_id: string, compute: () => Promise<Embedding>): Promise<Embedding> {
    return compute()
  }

  origin(_text: string, { id, masked }: Asked, source: Source, own: boolean): Origin {
    if (!masked) return { source, template: id }
    if (source === 'computed' && own) {
      this.#patterns++
      return { source, template: id }
    }
    this.#hits++
    return { source: 'pattern', template: id }
  }

  twin(asked: Asked): Origin {
    return this.origin('', asked, 'memory', false)
  }

  counts(): PatternCounts {
    return { ...NO_COUNTS, patterns: this.#patterns, hits: this.#hits }
  }

  async forget(): Promise<void> {}
  async clear(): Promise<void> {}
  flush(): void {}
  async close(): Promise<void> {}
}

/** Texts are kept and embedded as they are; what no tier has may be answered by the book of patterns, under its bound. */
export class VerifiedPatterns implements Patterns {
  readonly mode = 'verified'
  standIns = 0
  #hits = 0

  /** Of the texts answered last: who asked is told later, and may be many. */
  readonly #templates = new Map<string, string>()

  constructor(
    private readonly book: PatternBook,
    private readonly masker: Masker,
  ) {}

  get bound(): number {
    return this.book.bound
  }

  get refusal(): Refusal | undefined {
    return this.book.refusal
  }

  ask(text: string): Asked {
    return { id: text, masked: false }
  }

  async load(
    id: string,
    compute: () => Promise<Embedding>,
    signal: AbortSignal,
  ): Promise<Embedding | StandIn<Embedding>> {
    const answer = await this.book.answer(id, compute, signal)
    if (answer instanceof PatternStandIn) {
      this.#templates.set(id, answer.template)
      if (this.#templates.size > MOST_TEMPLATES) this.#templates.delete(this.#templates.keys().next().value!)
    }
    return answer
  }

  origin(text: string, _asked: Asked, source: Source): Origin {
    if (source !== 'pattern') return { source }
    this.#hits++
    this.standIns++
    return { source, template: this.#templates.get(text) ?? this.masker.mask(text).template, bound: this.bound }
  }

  twin(_asked: Asked, first: Origin): Origin {
    if (first.source !== 'pattern') return { source: 'memory' }
    this.#hits++
    return first
  }

  counts(): PatternCounts {
    return { ...this.book.counts, hits: this.#hits }
  }

  forget(text: string): Promise<void> {
    return this.book.forget(text)
  }

  clear(): Promise<void> {
    return this.book.clear()
  }

  flush(): void {
    this.book.flush()
  }

  close(): Promise<void> {
    return this.book.close()
  }
}
