// What a row of the bench is, and when its figure holds. Arithmetic only: measures nothing, prints nothing.
import type { Library } from './library.js'

/** What a figure is held to: at most (or at least) `times` the peer, plus `plus` in the row's unit. */
export interface Hold {
  readonly side: 'at most' | 'at least'
  /** Default 0: the peer does not count. */
  readonly times?: number
  /** Default 0. */
  readonly plus?: number
}

/** One finished row, as `--json` writes it. */
export interface Row {
  readonly id: string
  readonly what: string
  /** Of `ours` and `peer`. */
  readonly unit: string
  readonly ours: number
  readonly peer: number | null
  readonly peerName: string | null
  /** `ours / peer`. */
  readonly ratio: number | null
  readonly hold: string | null
  readonly held: boolean | null
}

/** A row before its ratio and verdict are worked out. */
export interface Measured {
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly ours: number
  readonly peer?: { readonly name: string; readonly value: number }
  readonly hold?: Hold
}

/** What a group of rows gets to work with. */
export interface Bench {
  /** The build that is measured. */
  readonly library: Library
  /** An empty folder of the group's own, removed afterwards. */
  readonly folder: string
  /** How often ours and the peer take turns. */
  readonly rounds: number
  /** Smaller sizes where a row can be had for less. */
  readonly quick: boolean
  /** A model folder, or undefined for the built-in model. */
  readonly model: string | undefined
  /** Says what is going on, for a person who waits. */
  progress(text: string): void
}

/** Rows that share their preparation. */
export interface RowGroup {
  /** What `--only` takes; the ids of its rows begin with it. */
  readonly id: string
  /**
   * @throws Skipped when the machine cannot do it
   * @throws WrongAnswer when ours or the peer does not give what it should: then no time of theirs means anything
   */
  run(bench: Bench): Promise<readonly Measured[]>
}

/** A row that cannot be had here; the message says why. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}

/** A contender that answers wrongly. */
export class WrongAnswer extends Error {
  override readonly name = 'WrongAnswer'
}

export function finishRow({ id, what, unit, ours, peer, hold }: Measured): Row {
  return {
    id,
    what,
    unit,
    ours,
    peer: peer?.value ?? null,
    peerName: peer?.name ?? null,
    ratio: peer ? ours / peer.value : null,
    hold: hold ? holdText(hold, unit) : null,
    held: hold ? isHeld(ours, peer?.value ?? 0, hold) : null,
  }
}

export function isHeld(ours: number, peer: number, { side, times = 0, plus = 0 }: Hold): boolean {
  const limit = times * peer + plus
  return side === 'at most' ? ours <= limit : ours >= limit
}

/** For example `<= 1.5x` or `<= 1.5x + 30 ms`. */
export function holdText({ side, times, plus }: Hold, unit: string): string {
  const gap = unit === 'x' ? '' : ' '
  const parts = [times === undefined ? [] : `${times}x`, plus === undefined ? [] : `${plus}${gap}${unit}`].flat()
  return `${side === 'at most' ? '<=' : '>='} ${parts.join(' + ')}`
}
