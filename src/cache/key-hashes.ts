// The hashes that name entries in events, remembered for a while: who listens to look-ups and asks for each one's hash pays for a digest once
// for an entry, not once for a look-up. Of what nobody asks for it knows nothing.

import { flat } from './flat.js'

/** What the ids of one generation take at most; there are two. About six thousand lines of a log. */
const MOST_BYTES = 2 ** 21
/** What an entry takes beside the id: the hash, 64 characters, and its place in the table. */
const ENTRY_BYTES = 200
/** A longer id would push out many, and costs so much to look up that its digest matters less. */
const LONGEST_ID = 2048

export class KeyHashes {
  readonly #hashOf: (id: string) => string
  #young = new Map<string, string>()
  #old = new Map<string, string>()
  /** What the young ones take. */
  #bytes = 0

  constructor(hashOf: (id: string) => string) {
    this.#hashOf = hashOf
  }

  of(id: string): string {
    const known = this.#young.get(id)
    if (known !== undefined) return known
    const hash = this.#old.get(id) ?? this.#hashOf(id)
    if (id.length <= LONGEST_ID) this.#remember(id, hash)
    return hash
  }

  forget(): void {
    this.#young.clear()
    this.#old.clear()
    this.#bytes = 0
  }

  #remember(id: string, hash: string): void {
    const bytes = 2 * id.length + ENTRY_BYTES
    if (this.#bytes + bytes > MOST_BYTES) {
      const unused = this.#old
      this.#old = this.#young
      unused.clear()
      this.#young = unused
      this.#bytes = 0
    }
    this.#young.set(flat(id), hash)
    this.#bytes += bytes
  }
}
