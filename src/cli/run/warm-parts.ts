// What `op-dbus cache warm` and its dry run share: the flags, lines as batches, how long a file still takes. Asks no cache.
import { statSync } from 'node:fs'
import { duration } from '../../format.js'
import type { DaemonValues } from '../daemon.js'
import type { FlagValues } from '../flags.js'

/** What is said where somebody interrupts it. */
export function interrupted(done: string): string {
  return `op-dbus: interrupted: ${done}\nnothing of it is lost: the same command goes on from there`
}

export type WarmValues = FlagValues &
  DaemonValues & {
    readonly from?: string
    readonly trace?: string
    readonly hot?: string
    readonly embed?: boolean
    readonly 'dry-run'?: boolean
    readonly json?: boolean
    readonly quiet?: boolean
  }
/** What goes together, in texts and in UTF-16 units. */
const MOST_TEXTS = 1024
const MOST_UNITS = 2 ** 20
/** A shorter time is over before it is read, ms. */
const LEAST_LEFT_MS = 1000

/** Lines that are not empty, some at a time. */
export async function* batches(lines: AsyncIterable<string>): AsyncGenerator<readonly string[]> {
  let texts: string[] = []
  let units = 0
  for await (const line of lines) {
    if (line === '') continue
    texts.push(line)
    units += line.length
    if (texts.length < MOST_TEXTS && units < MOST_UNITS) continue
    yield texts
    texts = []
    units = 0
  }
  if (texts.length > 0) yield texts
}

/** How much of a file is done, and how long the rest takes, by its bytes so far. Of what is no file nobody knows. */
export class TimeLeft {
  readonly #began: number
  readonly #size: number
  #done = 0

  constructor(path: string, began: number) {
    this.#began = began
    const stats = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false })
    this.#size = stats?.isFile() ? stats.size : 0
  }

  took(texts: readonly string[]): void {
    for (const text of texts) this.#done += Buffer.byteLength(text) + 1
  }

  get text(): string {
    if (this.#size === 0 || this.#done === 0) return ''
    const ms = ((performance.now() - this.#began) * Math.max(0, this.#size - this.#done)) / this.#done
    const part = `${Math.floor(100 * Math.min(1, this.#done / this.#size))} %`
    return ms < LEAST_LEFT_MS ? `, ${part}` : `, ${part}, ${duration(ms)} left`
  }
}
