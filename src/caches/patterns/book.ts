// Which patterns may answer for which of their texts, and with whose vector: learnt from exact vectors, tried before and
// checked while serving, revoked for good. Computes nothing itself and never writes to a cache.
import { embeddingKey } from '../../cache/hash.js'
import { abortError, OpDbusError } from '../../errors.js'
import type { Embedding, Key, Masked, Space } from '../../ports.js'
import { Cover, MOST_PLACES } from './cover.js'
import {
  type BookCounts,
  type Entry,
  formsOf,
  medoid,
  newEntry,
  PatternStandIn,
  type Refusal,
  valuesOf,
} from './entry.js'
import type { PatternBookOptions } from './options.js'
import { distance, MOST_IDS, type PatternRecord } from './record.js'

type Compute = () => Promise<Embedding>

/**
 * Members, and what is new to a pattern, must agree within this share of the bound. The texts of a log are not drawn at
 * random: the first ones are alike, and what they agree on says nothing of later ones. So agreement alone was measured to
 * fail (built-in model, first ten texts alike, bounds 0.3 to 0.5: 26 of 636 served vectors beyond, the worst by a third),
 * and three things stand beside it: a pattern answers only for texts with nothing new in any place (cover.ts), only after
 * 2 x members checks without fault since it last saw something new, and no more once a check comes to WARNING of the bound.
 * With these, none beyond: built-in model, 49 patterns of 70 texts, orders alike first, sorted, backwards, by their ends,
 * random and in bursts, bounds 0.14 to 1: none of 971 served; 14 of them of 255 texts: none of 10,902, the worst at 0.56 of
 * its bound; all-MiniLM-L6-v2, 14 patterns of 60 texts, bounds 0.14 to 1.3: none of 330, the worst at 0.42 of its bound. The price: few of the short texts are served.
 */
const AGREEMENT = 0.25
/** A check this share of the bound away takes a pattern out of service before it is off the bound. */
const WARNING = 0.5
const DECLINES_BETWEEN_LOOKS = 256
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
    const { masker, space, epsilon, members, trials, variety } = options
    this.#options = options
    // Another bound asks for other evidence. v: 3 since texts are tokenised otherwise: what was learnt before may be of them.
    this.#space = JSON.stringify({ v: 3, patterns: masker.name, epsilon, members, trials, variety, of: space }) as Space
  }

  /** What vectors that a pattern serves are meant to be within. */
  get bound(): number {
    return this.#options.epsilon
  }

  /**
   * The exact vector, from `compute`, or a member's of the text's pattern. While a pattern learns, no more texts of it are
   * computed at a time than it still needs: the others wait for the outcome. Rejects as `compute` does, or with ABORTED.
   */
  async answer(text: string, compute: Compute, signal: AbortSignal): Promise<Embedding | PatternStandIn> {
    const { template, variables } = this.#options.masker.mask(text)
    const values = valuesOf(variables)
    if (values === '' || values.length > MOST_PLACES) return compute()
    const key = this.#keyOf(template, variables)
    for (;;) {
      const entry = this.#look(key, template)
      if (entry.state === 'refused' || entry.state === 'revoked') {
        this.#decline(entry)
        return compute()
      }
      const id = this.#idOf(text)
      const known = entry.ids.includes(id)
      if (entry.state === 'learning' && known) return compute()
      // What is new to a pattern that serves is computed at once; of the rest no more at a time than is needed.
      const covered = entry.state === 'learning' || entry.cover.has(values)
      if (covered && this.#isTried(entry)) {
        if (!this.#isChecked(entry)) return new PatternStandIn(entry.embeddings[0]!, template)
        return this.#learn(entry, id, values, compute)
      }
      if (!covered || known || this.#wants(entry)) return this.#learn(entry, id, values, compute)
      await new Promise<void>(resolve => {
        entry.waiting.push(resolve)
      })
      if (signal.aborted) throw abortError(signal)
      if (this.#closed) throw new OpDbusError('CLOSED', 'the patterns are closed')
    }
  }

  /** A text was deleted: a pattern that knows its vector goes back to learning. What was revoked stays so. */
  async forget(text: string): Promise<void> {
    const { template, variables } = this.#options.masker.mask(text)
    if (variables.length === 0) return
    const entry = this.#look(this.#keyOf(template, variables), template)
    if (entry.state === 'revoked') return
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

  /** Has it passed its trial? */
  #isTried({ state, clean }: Entry): boolean {
    return state === 'serving' && clean >= this.#options.trials
  }

  /** Does it need one more than those under way? With none under way it always does. */
  #wants({ state, ids, clean, learners }: Entry): boolean {
    const { members, trials } = this.#options
    return learners === 0 || learners + (state === 'learning' ? ids.length - members : clean - trials) < 0
  }

  /** Computes, and takes the exact vector as a member or as a check. */
  async #learn(entry: Entry, id: string, values: string, compute: Compute): Promise<Embedding> {
    const generation = this.#generation
    entry.learners++
    try {
      const embedding = await compute()
      if (generation === this.#generation && !this.#closed) {
        // While it was computed the pattern may have begun to serve: then it is a check more.
        const known = this.#entries.get(entry.key) === entry
        if (known && entry.state === 'serving') this.#check(entry, id, values, embedding)
        else if (known && entry.state === 'learning') {
          entry.cover.add(values)
          this.#take(entry, id, embedding)
        }
      }
      return embedding
    } finally {
      entry.learners--
      for (const wake of entry.waiting.splice(0)) wake()
    }
  }

  #take(entry: Entry, id: string, embedding: Embedding): void {
    if (entry.ids.includes(id)) return
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
    if (this.#options.shelf.isRevoked(entry.key)) {
      this.#become(entry, 'revoked', [])
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
    else entry.dirty = true
  }

  /** An exact vector beside the one that serves: of a text that it answers for, or of one that has something new. */
  #check(entry: Entry, id: string, values: string, embedding: Embedding): void {
    const { vector, truncated } = entry.embeddings[0]!
    const error = distance(vector, embedding.vector)
    const covered = entry.cover.has(values)
    if (covered) {
      this.counts.checks++
      this.counts.worstError = Math.max(this.counts.worstError, error)
    }
    if (!(error <= (covered ? WARNING : AGREEMENT) * this.bound && truncated === embedding.truncated)) {
      this.#revoke(entry, error)
      return
    }
    if (entry.ids.includes(id)) return
    entry.cover.add(values)
    // What is new opens combinations that nobody has seen: the trial begins again.
    entry.clean = covered ? entry.clean + 1 : 0
    entry.ids = [...entry.ids, id].slice(-MOST_IDS)
    entry.dirty = true
  }

  #revoke(entry: Entry, error: number): void {
    entry.spread = Math.max(entry.spread, error)
    this.counts.revocations++
    this.#become(entry, 'revoked', [])
    this.#decline(entry)
    entry.dirty = false
    this.#options.shelf.revoke(entry.key, entry)
  }

  /** The first hits are checked more often, and the share falls slowly. */
  #isChecked(entry: Entry): boolean {
    const { checkShare, random, trials } = this.#options
    entry.hits++
    return checkShare > 0 && random() < Math.max(checkShare, (trials + 1) / (trials + 1 + entry.hits))
  }

  #decline(entry: Entry): void {
    const { template, state, spread } = entry
    const allowed = state === 'revoked' ? WARNING * this.bound : AGREEMENT * this.bound
    entry.declined++
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
    const seen = this.#entries.get(key)
    // A pattern that declines asks the disk now and then alone: all that another process can have done is clear it.
    const asks = seen === undefined || seen.declined % DECLINES_BETWEEN_LOOKS === 0
    if (asks && shelf.clearedElsewhere()) this.#forgetAll()
    const known = this.#entries.get(key)
    this.#entries.delete(key)
    const entry = known ?? newEntry(key, template, this.#options.variety)
    this.#entries.set(key, entry)
    if (known === undefined) {
      const there = shelf.read(key)
      if (there !== undefined) this.#adopt(entry, there)
    }
    // Another process may have revoked it since the last look.
    if (entry.state === 'serving' && shelf.isRevoked(key)) this.#become(entry, 'revoked', [])
    this.#trim()
    return entry
  }

  #adopt(entry: Entry, { state, spread, ids, embeddings, places, clean }: PatternRecord): void {
    entry.cover = new Cover(entry.key, this.#options.variety, places)
    entry.clean = clean
    entry.spread = spread
    entry.ids = [...ids]
    entry.dirty = false
    this.#become(entry, state, [...embeddings])
  }

  /** Writes what was learnt, with what others learnt meanwhile. */
  #save(entry: Entry): void {
    entry.dirty = false
    const there = this.#options.shelf.read(entry.key)
    const further = there !== undefined && there.state !== 'learning'
    if (further && !(there.state === 'serving' && entry.state === 'serving')) {
      this.#adopt(entry, there)
      return
    }
    if (entry.state === 'learning' && there !== undefined) {
      entry.cover.join(there.places)
      // A member more may decide, and then it is written already.
      there.ids.forEach((id, i) => {
        if (entry.state === 'learning') this.#take(entry, id, there.embeddings[i]!)
      })
    }
    if (entry.state === 'serving' && this.#options.shelf.isRevoked(entry.key)) return
    this.#write(entry)
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

  #keyOf(template: string, variables: Masked['variables']): Key {
    return embeddingKey(this.#options.hash, this.#space, JSON.stringify([template, ...formsOf(variables)]))
  }

  #idOf(text: string): string {
    return this.#options.hash.sha256(text).slice(0, 16)
  }

  #write(entry: Entry): void {
    entry.dirty = false
    if (entry.state !== 'revoked') this.#options.shelf.write(entry.key, { ...entry, places: entry.cover.places })
  }
}
