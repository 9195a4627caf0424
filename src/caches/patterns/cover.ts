// What the texts that were computed exactly had in their variable parts, place by place: a pattern answers for no text
// that has something new in one. Kept as digests, so that what is on disk does not show texts at a glance.

/** Longer variable parts than this, all together, are not followed: such texts are computed. */
export const MOST_PLACES = 256

/** One entry for each place: digests of the characters seen there, or null where any may stand. */
export type Places = readonly (readonly number[] | null)[]

export class Cover {
  readonly #seed: number
  readonly #variety: number
  #places: (number[] | null)[]

  /**
   * `salt`: the pattern's key, so that equal characters of two patterns have other digests. `variety`: with so many
   * different characters seen in a place, any may stand there.
   */
  constructor(salt: string, variety: number, places: Places = []) {
    this.#variety = variety
    this.#seed = digest(0x811c9dc5, salt)
    this.#places = places.map(seen => seen && [...seen])
  }

  get places(): Places {
    return this.#places
  }

  /** Whether each character of `values` was seen in its place, or its place is free. */
  has(values: string): boolean {
    for (let at = 0; at < values.length; at++) {
      const seen = this.#places[at]
      if (seen === undefined || (seen !== null && !seen.includes(this.#mark(values, at)))) return false
    }
    return true
  }

  add(values: string): void {
    for (let at = 0; at < values.length; at++) this.#see(at, this.#mark(values, at))
  }

  /** Takes over what another process saw of the same pattern. */
  join(places: Places): void {
    for (const [at, seen] of places.entries()) {
      if (seen === null) this.#places[at] = null
      else for (const mark of seen) this.#see(at, mark)
    }
  }

  #see(at: number, mark: number): void {
    while (this.#places.length <= at) this.#places.push([])
    const seen = this.#places[at]!
    if (seen === null || seen.includes(mark)) return
    seen.push(mark)
    if (seen.length >= this.#variety) this.#places[at] = null
  }

  #mark(values: string, at: number): number {
    return digest(this.#seed ^ Math.imul(at, 0x9e3779b1), values[at]!)
  }
}

/** FNV-1a, 32 bits. */
function digest(start: number, text: string): number {
  let hash = start
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
