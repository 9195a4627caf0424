// The files of the index, compared with the blocks: apart are those that say something wrong, and those that are of before a prune or a
// restore, or of another copy of the chain that shares the cache folder. Reads them as they lie there, and believes none.
import type { BlockIndex, Location, StoredPlaces } from '../ports.js'
import { PER_FILE } from '../store/index-format.js'
import type { Faults } from './faults.js'
import type { Seen } from './walk.js'

export class IndexCheck {
  readonly #index: BlockIndex
  readonly #faults: Faults
  #file: StoredPlaces | undefined
  /** The thousand that was looked for. */
  #thousand = -1
  /** Of that thousand: how many came, and their timestamps. */
  #count = 0
  #least = Number.POSITIVE_INFINITY
  #greatest = Number.NEGATIVE_INFINITY
  /**
   * Places that are of other files than the chain has: whoever uses one looks at the block that lies there, and looks elsewhere where it is
   * another one.
   */
  stale = 0

  constructor(index: BlockIndex, faults: Faults) {
    this.#index = index
    this.#faults = faults
  }

  /** Blocks in the order of their numbers. */
  take({ block, line }: Seen): void {
    const { number, hash, header } = block
    this.#turnTo(number)
    if (this.#file === undefined) return
    const { sound, first, places, times } = this.#file
    this.#count++
    this.#least = Math.min(this.#least, header.timestamp)
    this.#greatest = Math.max(this.#greatest, header.timestamp)
    const place = places[number - first]
    if (place === undefined) return
    const spansAll = this.#count === PER_FILE && times?.hash === hash
    if (spansAll && !this.#spans(times!))
      this.#faults.add('index', first, 'the index has other times of its thousand than the blocks have')
    if (isAt(place, hash, line) && place.timestamp === header.timestamp) return
    if (sound && (place.hash !== hash || place.timestamp === header.timestamp)) this.stale++
    else this.#faults.add('index', number, 'the index says something else of it, and is damaged')
  }

  #turnTo(number: number): void {
    const thousand = Math.floor(number / PER_FILE)
    if (thousand === this.#thousand) return
    this.#thousand = thousand
    this.#file = this.#index.stored?.(number)
    this.#count = 0
    this.#least = Number.POSITIVE_INFINITY
    this.#greatest = Number.NEGATIVE_INFINITY
  }

  #spans({ least, greatest }: { readonly least: number; readonly greatest: number }): boolean {
    return least === this.#least && greatest === this.#greatest
  }
}

function isAt(place: Location, hash: string, { segment, offset, length }: Seen['line']): boolean {
  return place.hash === hash && place.segment === segment && place.offset === offset && place.bytes === length
}
