// The list of blocks while more come: the newest that fit a filter, older ones when asked for. Draws nothing.
import { batch, signal } from '@preact/signals'
import type { BlocksReport } from '../src/server/api.js'
import {
  type BlockLine,
  type FilterFields,
  filterOf,
  lineOf,
  MOST_BLOCKS,
  merged,
  NO_FILTER,
  PAGE,
} from './block-rows.js'
import { asCallFailure, type CallFailure } from './failures.js'

/** `before`: only blocks of smaller numbers. */
export type AskBlocks = (
  params: Readonly<Record<string, string | number | undefined>>,
  signal: AbortSignal,
) => Promise<BlocksReport>

export class BlockTail {
  readonly filter = signal<FilterFields>(NO_FILTER)
  /** Newest first; undefined before the first answer. */
  readonly blocks = signal<readonly BlockLine[] | undefined>(undefined)
  /** Of the whole chain. */
  readonly size = signal(0)
  /** There are no older ones that fit, or no more can be shown. */
  readonly atEnd = signal(false)
  readonly failure = signal<CallFailure | undefined>(undefined)
  readonly busy = signal(false)
  readonly #ask: AskBlocks
  #stop = new AbortController()
  /** The newest are being asked for, and whether more came meanwhile. */
  #asking: 'no' | 'once' | 'again' = 'no'

  constructor(ask: AskBlocks) {
    this.#ask = ask
  }

  /** Another filter is another list. */
  async setFilter(filter: FilterFields): Promise<void> {
    this.stop()
    batch(() => {
      this.filter.value = filter
      this.blocks.value = undefined
      this.atEnd.value = false
      this.failure.value = undefined
    })
    await this.newest()
  }

  /** What came since; however many blocks are appended, one question at a time. */
  async newest(): Promise<void> {
    if (this.#asking !== 'no') {
      this.#asking = 'again'
      return
    }
    const { signal: stopped } = this.#stop
    do {
      this.#asking = 'once'
      await this.#load(undefined, stopped)
    } while (!stopped.aborted && (this.#asking as string) === 'again')
    if (!stopped.aborted) this.#asking = 'no'
  }

  async older(): Promise<void> {
    const last = this.blocks.peek()?.at(-1)
    if (last && !this.busy.peek()) await this.#load(last.number, this.#stop.signal)
  }

  stop(): void {
    this.#stop.abort()
    this.#stop = new AbortController()
    this.#asking = 'no'
    this.busy.value = false
  }

  async #load(before: number | undefined, stopped: AbortSignal): Promise<void> {
    this.busy.value = true
    try {
      const report = await this.#ask({ limit: PAGE, ...filterOf(this.filter.peek()), before }, stopped)
      if (stopped.aborted) return
      const lines = report.blocks.map(lineOf)
      batch(() => {
        const shown = this.blocks.peek() ?? []
        // More came at once than one answer holds: what lies between would look as if it were not there.
        const gap = before === undefined && lines.length >= PAGE && !touches(shown, lines)
        const most = before === undefined ? Math.max(MOST_BLOCKS, shown.length) : shown.length + PAGE
        this.blocks.value = gap ? lines : merged(shown, lines, Math.min(most, 10 * MOST_BLOCKS))
        this.size.value = report.size
        if (before !== undefined || shown.length === 0 || gap) this.atEnd.value = lines.length < PAGE
        this.failure.value = undefined
      })
    } catch (error) {
      if (!stopped.aborted) this.failure.value = asCallFailure(error)
    } finally {
      if (!stopped.aborted) this.busy.value = false
    }
  }
}

/** Whether the newest answer reaches the list that is shown. */
function touches(shown: readonly BlockLine[], fresh: readonly BlockLine[]): boolean {
  const newest = shown[0]
  const oldest = fresh.at(-1)
  return newest === undefined || oldest === undefined || oldest.number <= newest.number + 1
}
