// Names of embeddings on disk, packed: 32 bytes each, one behind the other. A table over them without a string for each, since at the start of
// a process ten thousand strings cost as much as the vectors.
import { randomBytes } from 'node:crypto'
import type { Key } from '../../ports.js'

export const NAME_BYTES = 32
const WORDS = NAME_BYTES / 4
/** Cells for each name, at least. */
const SPARE = 1.5

/** The same bytes as words, in the machine's own order: for comparing alone. */
function wordsOf(names: Uint8Array): Int32Array {
  const own = names.byteOffset % 4 === 0 ? names : new Uint8Array(names)
  return new Int32Array(own.buffer, own.byteOffset, WORDS * Math.floor(own.length / NAME_BYTES))
}

export function countOf(names: Uint8Array): number {
  return Math.floor(names.length / NAME_BYTES)
}

export function packNames(keys: readonly Key[]): Uint8Array {
  const names = Buffer.alloc(NAME_BYTES * keys.length)
  for (let i = 0; i < keys.length; i++) names.write(keys[i]!, NAME_BYTES * i, 'hex')
  return names
}

export function nameAt(names: Uint8Array, number: number): Key {
  const from = names.byteOffset + NAME_BYTES * number
  return Buffer.from(names.buffer, from, NAME_BYTES).toString('hex') as Key
}

/** Different names, numbered from 0 in the order in which they came. Open addressing; it grows by being made anew. */
export class NameTable {
  /** How many there are. */
  count = 0
  readonly #words: Int32Array
  readonly #bytes: Uint8Array
  /** Number + 1, or 0. */
  readonly #cells: Int32Array
  readonly #scale: number
  /** Names may be chosen by whoever wrote a file: where they lie in this table may not. */
  readonly #seed = randomBytes(4).readInt32LE()
  /** One name, for look-ups by its digits. */
  readonly #one = Buffer.alloc(NAME_BYTES)
  readonly #oneWords = wordsOf(this.#one)

  /** `most`: names that it has room for. */
  constructor(most: number) {
    this.#words = new Int32Array(WORDS * most)
    this.#bytes = new Uint8Array(this.#words.buffer)
    this.#cells = new Int32Array(Math.max(2, Math.ceil(SPARE * most)))
    this.#scale = this.#cells.length / 2 ** 32
  }

  /** Adds those of `names` that are new, and not in `except`, as long as there is room. Of each its number, or -1 where it was not added. */
  addAll(names: Uint8Array, except?: NameTable): Int32Array {
    const words = wordsOf(names)
    const numbers = new Int32Array(words.length / WORDS).fill(-1)
    const own = this.#words
    const isExcept = except !== undefined && except.count > 0
    for (let at = 0; at < words.length && WORDS * this.count < own.length; at += WORDS) {
      const cell = this.#cellOf(words, at)
      if (this.#cells[cell] !== 0 || (isExcept && except.#find(words, at) >= 0)) continue
      for (let i = 0, to = WORDS * this.count; i < WORDS; i++) own[to + i] = words[at + i]!
      numbers[at / WORDS] = this.count
      this.#cells[cell] = ++this.count
    }
    return numbers
  }

  /** The number of a name; -1 where it is not here. */
  find(key: Key): number {
    this.#one.write(key, 'hex')
    return this.#find(this.#oneWords, 0)
  }

  /** All names, packed; a view. */
  get names(): Uint8Array {
    return this.#bytes.subarray(0, NAME_BYTES * this.count)
  }

  #find(words: Int32Array, at: number): number {
    return this.#cells[this.#cellOf(words, at)]! - 1
  }

  /** The cell of that name, or the one where it would be put. */
  #cellOf(words: Int32Array, at: number): number {
    const cells = this.#cells
    let hash = this.#seed
    for (let i = 0; i < WORDS; i++) {
      hash = Math.imul(hash ^ words[at + i]!, 0x85ebca6b)
      hash ^= hash >>> 15
    }
    for (let cell = Math.floor((hash >>> 0) * this.#scale); ; cell = cell + 1 === cells.length ? 0 : cell + 1) {
      const number = cells[cell]! - 1
      if (number < 0 || this.#is(number, words, at)) return cell
    }
  }

  #is(number: number, words: Int32Array, at: number): boolean {
    const own = WORDS * number
    for (let i = 0; i < WORDS; i++) if (this.#words[own + i] !== words[at + i]) return false
    return true
  }
}
