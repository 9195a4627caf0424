// Looks now and then whether requests are to be traced, and begins and ends that. Loads nothing else, and leaves events unheard, while it is off.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import type { Diagnostics } from '../../diagnostics.js'
import { messageOf } from '../../errors.js'
import type { CacheName, Clock } from '../../ports.js'
import type { TraceState } from '../../tuning/report.js'
import type { TracedCache } from '../../tuning/trace-format.js'
import { nodeHash, timer as nodeTimer } from '../runtime.js'
import type { TraceRecorder } from './trace-recorder.js'

/** How often a process looks, ms: a look is one question to the file system, about a file that is usually not there. */
const LOOK_MS = 1000

export interface TraceSwitchCall {
  /** The cache folder. */
  readonly dir: string
  readonly clock: Clock
  readonly diagnostics: Diagnostics
  /** What headers say of the caches. */
  readonly caches: () => Readonly<Partial<Record<CacheName, TracedCache>>>
  readonly timer?: typeof nodeTimer
}

const OFF: TraceState = { on: false, files: 0, bytes: 0, maxBytes: 0, requests: 0, rate: 1, dropped: 0 }

export class TraceSwitchWatch {
  readonly #call: TraceSwitchCall
  readonly #path: string
  /** The name of this process in its files. */
  readonly #process = nodeHash.random(16)
  #recorder: TraceRecorder | undefined
  /** Where the next recorder goes on. */
  #next = { part: 1, last: 0 }
  /** The switch as it was seen last, and until when it says that it is on. */
  #seen = ''
  #until: number | undefined
  #working: Promise<void> = Promise.resolve()
  #cancel: (() => void) | undefined
  #closed = false

  constructor(call: TraceSwitchCall) {
    this.#call = call
    // The names of trace-folder.ts, which is not loaded for it.
    this.#path = join(call.dir, 'trace', 'on')
  }

  /** The first look; when it is over, requests are recorded if they are to be. */
  begin(): Promise<void> {
    this.#look()
    return this.settled()
  }

  /** What the last look led to is done. */
  settled(): Promise<void> {
    return this.#working
  }

  state(): TraceState {
    return this.#recorder?.state() ?? OFF
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#working
    await this.#end()
  }

  #look(): void {
    const { timer = nodeTimer, clock } = this.#call
    this.#cancel = timer(LOOK_MS, () => this.#look())
    const seen = this.#switch()
    const over = this.#until !== undefined && this.#until <= clock.now()
    if (seen === this.#seen && !over) return
    this.#seen = seen
    this.#until = undefined
    this.#working = this.#working
      .then(() => this.#turn(seen !== ''))
      .catch((error: unknown) => this.#call.diagnostics.warn(`requests are not traced: ${messageOf(error)}`))
  }

  /** What tells one switch from another; empty where there is none, or it cannot be looked at. */
  #switch(): string {
    try {
      const stat = statSync(this.#path, { throwIfNoEntry: false })
      return stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
    } catch {
      return ''
    }
  }

  async #turn(there: boolean): Promise<void> {
    await this.#end()
    if (!there || this.#closed) return
    const { dir, clock, diagnostics, caches } = this.#call
    const [{ readSwitch, traceFolder }, { TraceRecorder }] = await Promise.all([
      import('./trace-folder.js'),
      import('./trace-recorder.js'),
    ])
    const on = readSwitch(dir, clock.now())
    if (on === undefined || this.#closed) return
    this.#until = on.until
    const { part, last } = this.#next
    const options = { diagnostics, clock, caches, folder: traceFolder(dir), process: this.#process, part }
    this.#recorder = new TraceRecorder(on, options, last)
  }

  async #end(): Promise<void> {
    const recorder = this.#recorder
    this.#recorder = undefined
    await recorder?.close()
    if (recorder) this.#next = recorder.next
  }
}
