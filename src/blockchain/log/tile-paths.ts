// Which files a log of some size has, by C2SP tlog-tiles. Pure.
import { countAt, TILE } from '../tree-levels.js'

/** A file of hashes, or (with the level `entries`) of entries. */
export interface TileFile {
  readonly level: number | 'entries'
  readonly index: number
  /** Hashes or entries in it: 256 where it is whole. */
  readonly width: number
}

/** The files that a log of `size` has and one of `old` does not, entries and the tiles over them first. */
export function* tilesBetween(old: number, size: number): Iterable<TileFile> {
  if (old === size) return
  for (let index = Math.floor(old / TILE); index * TILE < size; index++) {
    const width = Math.min(TILE, size - index * TILE)
    yield { level: 'entries', index, width }
    yield { level: 0, index, width }
  }
  for (let level = 1; countAt(level, size) > 0; level++) {
    const [before, now] = [countAt(level, old), countAt(level, size)]
    for (let index = Math.floor(before / TILE); before < now && index * TILE < now; index++) {
      yield { level, index, width: Math.min(TILE, now - index * TILE) }
    }
  }
}

/** `tile/<L>/<N>[.p/<W>]`: the number in groups of three digits, all but the last with an `x` before them. */
export function tilePath({ level, index, width }: TileFile): string {
  const digits = String(index)
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/.{3}/g) ?? []
  const name = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${name}${width < TILE ? `.p/${width}` : ''}`
}
