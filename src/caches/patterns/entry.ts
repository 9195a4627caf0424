// One pattern in memory, what is counted and told of patterns, and the small questions about them. Decides nothing.
import { StandIn } from '../../cache/stand-in.js'
import type { Embedding, Key, Masked } from '../../ports.js'
import { Cover } from './cover.js'
import { distance, type PatternRecord } from './record.js'

/** What happened so far in this process. Only grows. */
export interface BookCounts {
  /** Patterns that began to serve. */
  patterns: number
  /** Patterns whose members did not agree. */
  refusals: number
  /** Patterns that were ready to serve when a check found them too near the bound, or off it. */
  revocations: number
  /** Exact vectors that were compared with the one that would have been served. */
  checks: number
  /** The largest difference that a check has seen. */
  worstError: number
}

/** A pattern that does not serve, and why: the distance seen, and what would have been allowed. */
export interface Refusal {
  readonly template: string
  readonly distance: number
  readonly allowed: number
}

/** A pattern's vector in the place of a text's own. */
export class PatternStandIn extends StandIn<Embedding> {
  constructor(
    embedding: Embedding,
    readonly template: string,
  ) {
    super(embedding, 'pattern')
  }
}

/** One pattern in memory. */
export interface Entry {
  readonly key: Key
  readonly template: string
  state: PatternRecord['state']
  spread: number
  ids: string[]
  embeddings: Embedding[]
  /** What its exact texts had in their variable parts: it answers for no other. */
  cover: Cover
  /** Checks passed since it last saw something new. */
  clean: number
  /** Learnt something that the disk does not know. */
  dirty: boolean
  hits: number
  /** Look-ups that it declined. */
  declined: number
  /** Members being computed, and who waits for the outcome. */
  learners: number
  readonly waiting: (() => void)[]
}

export function newEntry(key: Key, template: string, variety: number): Entry {
  const counts = { spread: 0, clean: 0, hits: 0, declined: 0, learners: 0 }
  const rest = { ids: [], embeddings: [], cover: new Cover(key, variety), dirty: false, waiting: [] }
  return { key, template: template.slice(0, 200), state: 'learning', ...counts, ...rest }
}

/** The variable parts of a text, one after the other. */
export function valuesOf(variables: Masked['variables']): string {
  return variables.map(({ text }) => text).join('\0')
}

/** The one whose farthest fellow is nearest. */
export function medoid(embeddings: readonly Embedding[]): Embedding {
  const reach = embeddings.map(one => Math.max(...embeddings.map(other => distance(one.vector, other.vector))))
  return embeddings[reach.indexOf(Math.min(...reach))]!
}

/**
 * A pattern is a template and the forms of its variables, as `3` for 100 and `2.1.1.3` for 10.0.0.100: its members are
 * closer to one another than those of a template, since 70 and 70000 are not read alike, and have the same places.
 */
export function formsOf(variables: Masked['variables']): string[] {
  return variables.map(({ text }) => text.replace(/\w+/g, run => `${run.length}`))
}
