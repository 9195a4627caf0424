// The hashes that name entries in events, remembered for a while: who listens to look-ups and asks for each one's hash pays for a digest once
// for an entry, not once for a look-up. Of what nobody asks for it knows nothing.

/** Ids of one generation; there are two. */
const MOST_IDS = 8192
const MOST_CHARACTERS = 2 ** 20
/** A longer id would push out many, and costs so much to look up that its digest matters less. */
const LONGEST_ID = 2048

export class KeyHashes {
  readonly #hashOf: (id: string) => string
  #young = new Map<string, string>()
  #old = new Map<string, string>()
  #characters = 0

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
    this.#characters = 0
  }

  #remember(id: string, hash: string): void {
    if (this.#young.size >= MOST_IDS || this.#characters + id.length > MOST_CHARACTERS) {
      const unused = this.#old
      this.#old = this.#young
      unused.clear()
      this.#young = unused
      this.#characters = 0
    }
    this.#young.set(id, hash)
    this.#characters += id.length
  }
}
