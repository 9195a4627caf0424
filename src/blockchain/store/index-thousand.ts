// What is known of the places of a thousand blocks: what a file said, and what was learned since, which is right where they differ. Pure.
import type { BlockTimes, Location } from '../ports.js'
import { PER_FILE } from './index-format.js'

export class Thousand {
  readonly first: number
  readonly entries: (Location | undefined)[]
  /** How many there are. */
  known: number
  /** Entries that the file does not have. */
  news = 0
  /** Which were learned, and not read from a file. */
  readonly #seen = new Uint8Array(PER_FILE)
  #seenCount = 0

  /** `entries`: what the file says of them; none where there is no file. */
  constructor(first: number, entries: readonly (Location | undefined)[]) {
    this.first = first
    this.entries = Array.from({ length: PER_FILE }, (_, at) => entries[at])
    this.known = this.entries.filter(entry => entry !== undefined).length
  }

  learn(location: Location): void {
    const at = location.number - this.first
    const before = this.entries[at]
    const same = before !== undefined && isSame(before, location)
    // The file is from before a prune or a restore.
    if (before !== undefined && !same && this.#seen[at] === 0) this.#keepSeen()
    if (this.#seen[at] === 0) this.#seenCount++
    this.#seen[at] = 1
    if (same) return
    if (this.entries[at] === undefined) this.known++
    this.entries[at] = location
    this.news++
  }

  /** None of it was read from a file, which may be from before a restore: only then its times are those of these blocks. */
  get seenWhole(): boolean {
    return this.#seenCount === PER_FILE
  }

  /** Undefined where not all of it was seen. */
  times(): BlockTimes | undefined {
    if (!this.seenWhole) return undefined
    const last = this.entries[PER_FILE - 1]!
    let [least, greatest] = [last.timestamp, last.timestamp]
    for (const entry of this.entries) {
      least = Math.min(least, entry!.timestamp)
      greatest = Math.max(greatest, entry!.timestamp)
    }
    return { first: this.first, last: last.number, hash: last.hash, least, greatest }
  }

  #keepSeen(): void {
    for (let at = 0; at < PER_FILE; at++) if (this.#seen[at] === 0) this.entries[at] = undefined
    this.known = this.#seenCount
  }
}

export function isSame(one: Location, other: Location): boolean {
  return (
    one.hash === other.hash &&
    one.segment === other.segment &&
    one.offset === other.offset &&
    one.bytes === other.bytes &&
    one.timestamp === other.timestamp
  )
}
