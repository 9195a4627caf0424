// Which patterns may answer for their texts, and with whose vector: learnt from exact vectors, checked while serving,
// revoked for good. Computes nothing itself and never writes to a cache.
import { embeddingKey } from '../../cache/hash.js'
import { StandIn } from '../../cache/tiered-cache.js'
import { abortError, OpDbusError } from '../../errors.js'
import type { Embedding, Hash, Key, Masked, Masker, Space } from '../../ports.js'
import { distance, type PatternRecord } from './record.js'
import type { PatternShelf } from './shelf.js'

export interface PatternBookOptions {
  readonly masker: Masker
  /** The space of the exact vectors. */
  readonly space: Space
  readonly dims: number
  /** What a served vector may be off by, as `distance` measures it. */
  readonly epsilon: number
  /** Different texts of a pattern that must agree before it serves. */
  readonly members: number
  /** Share of hits that are computed and compared. */
  readonly checkShare: number
  readonly hash: Hash
  /** Numbers in [0, 1). */
  readonly random: () => number
  readonly shelf: PatternShelf
}

/** What happened so far in this process. Only grows. */
export interface BookCounts {
  /** Patterns that began to serve. */
  patterns: number
  /** Patterns whose members did not agree. */
  refusals: number
  /** Patterns that served and were caught off the bound. */
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

type Compute = () => Promise<Embedding>

/** One pattern in memory. */
interface Entry {
  readonly key: Key
  readonly template: string
  state: PatternRecord['state'] | 'revoked'
  spread: number
  ids: string[]
  embeddings: Embedding[]
  /** Learnt something that the disk does not know. */
  dirty: boolean
  hits: number
  /** Members being computed, and who waits for the outcome. */
  learners: number
  readonly waiting: (() => void)[]
}

/**
 * Members must agree within this share of the bound. Measured with the built-in model (72 patterns of 3 to 68 words, 120
 * texts each, 20 draws of 8 members): a later text is up to 3.3 times as far from the member that serves as the members
 * are from one another, 1.2 times in the median. Of the patterns that served under bounds of 0.14, 0.2 and 0.3, with a half 1 of 5, 35 of 105 and
 * 28 of 319 broke their bound; with a third 0 of 0, 0 of 5 and 1 of 105; with a quarter none of 0, 0 and 11.
 */
const AGREEMENT = 0.25
/** Patterns and vectors in memory; what was used longest ago goes first. 2,000 x 512 floats are 4 MB. */
const MOST_ENTRIES = 10_000
const MOST_VECTORS = 2_000

export class PatternBook {
  readonly counts: BookCounts = { patterns: 0, refusals: 0, revocations: 0, checks: 0, worstError: 0 }
  /** The last pattern that declined a look-up, for people. */
  refusal: Refusal | undefined
  readonly #options: PatternBookOptions
  readonly #space: Space
  /** The last used last. */
  readonly #entries = new Map<Key, Entry>()
  #vectors = 0
  /** Grows with every clear: what was begun before is not learnt. */
  #generation = 0
  #closed = false

  constructor(options: PatternBookOptions) {
    const { masker, space, epsilon, members } = options
    this.#options = options
    // Another bound asks for other evidence.
    this.#space = JSON.stringify({ v: 1, patterns: masker.name, epsilon, members, of: space }) as Space
  }

  /** What every vector that a pattern serves is within. */
  get bound(): number {
    return this.#options.epsilon
  }

  /**
   * The exact vector, from `compute`, or a member's of the text's pattern. While a pattern learns, no more texts of it are
   * computed at a time than it still needs: the others wait for the outcome. Rejects as `compute` does, or with ABORTED.
   */
  async answer(text: string, compute: Compute, signal: AbortSignal): Promise<Embedding | StandIn<Embedding>> {
    const { template, variables } = this.#options.masker.mask(text)
    if (variables.length === 0) return compute()
    const key = this.#keyOf(template, variables)
    const id = this.#idOf(text)
    for (;;) {
      const entry = this.#look(key, template)
      if (entry.state === 'learning') {
        if (entry.ids.includes(id)) return compute()
        const wanted = entry.learners + entry.ids.length < this.#options.members
        if (wanted || entry.learners === 0) return this.#learn(entry, id, compute)
        await new Promise<void>(resolve => {
          entry.waiting.push(resolve)
        })
        if (signal.aborted) throw abortError(signal)
        if (this.#closed) throw new OpDbusError('CLOSED', 'the patterns are closed')
      } else if (entry.state === 'serving') {
        if (!this.#isChecked(entry)) return new StandIn(entry.embeddings[0]!, 'pattern')
        return this.#learn(entry, id, compute)
      } else {
        this.#decline(entry)
        return compute()
      }
    }
  }

  /** A text was deleted: a pattern that knows its vector goes back to learning. What was revoked stays so. */
  async forget(text: string): Promise<void> {
    const { template, variables } = this.#options.masker.mask(text)
    if (variables.length === 0) return
    const entry = this.#look(this.#keyOf(template, variables), template)
    // Whose vector is just being computed is not known, so it may be this one's.
    if (!entry.ids.includes(this.#idOf(text)) && entry.learners === 0) return
    this.#drop(entry)
    await this.#options.shelf.delete(entry.key)
  }

  /** Forgets everything, revocations included. */
  async clear(): Promise<void> {
    this.#forgetAll()
    await this.#options.shelf.clear()
  }

  /** Writes what was learnt since. Synchronous, for the exit of a process too. */
  flush(): void {
    if (this.#closed) return
    for (const entry of this.#entries.values()) if (entry.dirty) this.#save(entry)
  }

  async close(): Promise<void> {
    this.flush()
    this.#closed = true
    await this.#options.shelf.close()
  }

  /** Computes, and takes the exact vector as a member or as a check. */
  async #learn(entry: Entry, id: string, compute: Compute): Promise<Embedding> {
    const generation = this.#generation
    entry.learners++
    try {
      const embedding = await compute()
      if (generation === this.#generation && !this.#closed) this.#take(entry, id, embedding)
      return embedding
    } finally {
      entry.learners--
      for (const wake of entry.waiting.splice(0)) wake()
    }
  }

  #take(entry: Entry, id: string, embedding: Embedding): void {
    // While it was computed the pattern may have begun to serve: then it is a check more.
    if (entry.state === 'serving') this.#check(entry, embedding)
    const dropped = this.#entries.get(entry.key) !== entry
    if (dropped || entry.state !== 'learning' || entry.ids.includes(id)) return
    const spread = entry.embeddings.reduce(
      (most, other) => Math.max(most, distance(other.vector, embedding.vector)),
      entry.spread,
    )
    const alike = entry.embeddings.every(other => other.truncated === embedding.truncated)
    entry.spread = spread
    if (!(alike && spread <= AGREEMENT * this.bound)) {
      this.#refuse(entry)
      return
    }
    entry.ids.push(id)
    this.#become(entry, 'learning', [...entry.embeddings, { ...embedding, vector: embedding.vector.slice() }])
    entry.dirty = true
    if (entry.ids.length >= this.#options.members) this.#promote(entry)
  }

  #promote(entry: Entry): void {
    const there = this.#options.shelf.read(entry.key)
    if (there !== undefined && there.state !== 'learning') {
      this.#adopt(entry, there)
      return
    }
    this.counts.patterns++
    this.#become(entry, 'serving', [medoid(entry.embeddings)])
    this.#write(entry)
  }

  #refuse(entry: Entry): void {
    this.counts.refusals++
    this.#become(entry, 'refused', [])
    this.#decline(entry)
    // Another process may have seen members that agree, and serve by now.
    if (this.#options.shelf.read(entry.key)?.state === 'serving') this.#options.shelf.revoke(entry.key, entry)
    this.#write(entry)
  }

  #check(entry: Entry, embedding: Embedding): void {
    const error = distance(entry.embeddings[0]!.vector, embedding.vector)
    this.counts.checks++
    this.counts.worstError = Math.max(this.counts.worstError, error)
    if (error <= this.bound) return
    entry.spread = Math.max(entry.spread, error)
    this.counts.revocations++
    this.#become(entry, 'revoked', [])
    this.#decline(entry)
    this.#options.shelf.revoke(entry.key, entry)
  }

  /** The first hits are checked more often: every second one to begin with. */
  #isChecked(entry: Entry): boolean {
    const { checkShare, random } = this.#options
    entry.hits++
    return checkShare > 0 && random() < Math.max(checkShare, 1 / (1 + entry.hits))
  }

  #decline({ template, state, spread }: Entry): void {
    const allowed = state === 'revoked' ? this.bound : AGREEMENT * this.bound
    this.refusal = { template, distance: spread, allowed }
  }

  #become(entry: Entry, state: Entry['state'], embeddings: Embedding[]): void {
    if (this.#entries.get(entry.key) === entry) this.#vectors += embeddings.length - entry.embeddings.length
    entry.state = state
    entry.embeddings = embeddings
  }

  /** The pattern as memory and disk know it now. */
  #look(key: Key, template: string): Entry {
    const { shelf } = this.#options
    if (shelf.clearedElsewhere()) this.#forgetAll()
    const known = this.#entries.get(key)
    this.#entries.delete(key)
    const entry = known ?? newEntry(key, template)
    this.#entries.set(key, entry)
    if (known === undefined) {
      const there = shelf.read(key)
      if (there !== undefined) this.#adopt(entry, there)
    }
    // Another process may have revoked it since the last look.
    const serves = known === undefined || known.state === 'serving'
    if (serves && shelf.isRevoked(key)) this.#become(entry, 'revoked', [])
    this.#trim()
    return entry
  }

  #adopt(entry: Entry, { state, spread, ids, embeddings }: PatternRecord): void {
    entry.spread = spread
    entry.ids = [...ids]
    entry.dirty = false
    this.#become(entry, state, [...embeddings])
  }

  /** Writes what was learnt, with what others learnt meanwhile. */
  #save(entry: Entry): void {
    entry.dirty = false
    const there = this.#options.shelf.read(entry.key)
    if (there !== undefined && there.state !== 'learning') {
      this.#adopt(entry, there)
      return
    }
    // A member more may decide, and then it is written already.
    there?.ids.forEach((id, i) => {
      if (entry.state === 'learning') this.#take(entry, id, there.embeddings[i]!)
    })
    if (entry.state === 'learning') this.#write(entry)
  }

  #trim(): void {
    for (const entry of this.#entries.values()) {
      const full = this.#entries.size > MOST_ENTRIES || this.#vectors > MOST_VECTORS
      if (!full || this.#entries.size === 1) return
      if (entry.dirty) this.#save(entry)
      this.#drop(entry)
    }
  }

  #drop(entry: Entry): void {
    this.#vectors -= entry.embeddings.length
    this.#entries.delete(entry.key)
  }

  #forgetAll(): void {
    this.#generation++
    this.#entries.clear()
    this.#vectors = 0
  }

  /**
   * A pattern is a template and how long its numbers and ids are: its members are closer to one another than those of
   * a template, since 7 and 70000 are not read alike. Of what is punctuated, as addresses and times, the form counts.
   */
  #keyOf(template: string, variables: Masked['variables']): Key {
    const written = variables.map(({ text }) => (/\W/.test(text) ? text.replace(/\w+/g, '') : text.length))
    return embeddingKey(this.#options.hash, this.#space, JSON.stringify([template, ...written]))
  }

  #idOf(text: string): string {
    return this.#options.hash.sha256(text).slice(0, 16)
  }

  #write(entry: Entry): void {
    const { state } = entry
    entry.dirty = false
    if (state !== 'revoked') this.#options.shelf.write(entry.key, { ...entry, state })
  }
}

function newEntry(key: Key, template: string): Entry {
  const rest = { dirty: false, hits: 0, learners: 0, waiting: [] }
  return { key, template: template.slice(0, 200), state: 'learning', spread: 0, ids: [], embeddings: [], ...rest }
}

/** The one whose farthest fellow is nearest. */
function medoid(embeddings: readonly Embedding[]): Embedding {
  const reach = embeddings.map(one => Math.max(...embeddings.map(other => distance(one.vector, other.vector))))
  return embeddings[reach.indexOf(Math.min(...reach))]!
}
