// Looks now and then whether requests are to be traced, and begins and ends that. Loads nothing else, and leaves events unheard, while it is off.
import { type Stats, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Diagnostics } from '../../diagnostics.js'
import { messageOf } from '../../errors.js'
import type { CacheName, Clock } from '../../ports.js'
import type { TraceState } from '../../tuning/report.js'
import type { TracedCache } from '../../tuning/trace-format.js'
import { nodeHash, timer as nodeTimer } from '../runtime.js'
import type { TraceFolder } from './trace-folder.js'
import type { TraceRecorder } from './trace-recorder.js'

/** How often a process looks, ms: a look is one question to the file system, about a file that is usually not there. */
const LOOK_MS = 1000
/** After the disk said no it is tried again so much later, ms. */
const RETRY_MS = 60_000

export interface TraceSwitchCall {
  /** The cache folder. */
  readonly dir: string
  readonly clock: Clock
  readonly diagnostics: Diagnostics
  /** What headers say of the caches. */
  readonly caches: () => Readonly<Partial<Record<CacheName, TracedCache>>>
  readonly timer?: typeof nodeTimer
}

const NOTHING = { files: 0, bytes: 0 }
const OFF = { on: false, maxBytes: 0, requests: 0, rate: 1, dropped: 0 }

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
  #over = false
  /** Undefined as long as there is none. */
  #folder: TraceFolder | undefined
  #working: Promise<void> = Promise.resolve()
  #cancel: (() => void) | undefined
  #closed = false

  constructor(call: TraceSwitchCall) {
    this.#call = call
    // The names of trace-folder.ts, which is not loaded for it.
    this.#path = join(call.dir, 'trace', 'on')
  }

  /** The first look; when it is over, requests are recorded if they are to be. */
  async begin(): Promise<void> {
    this.#tick()
    // What an earlier process recorded is told of also while it is off.
    if (statOf(join(this.#path, '..')) !== undefined) await this.#openFolder()
    await this.settled()
  }

  /** What the last look led to is done. */
  settled(): Promise<void> {
    return this.#working
  }

  /** Looks first: who asks may just have turned the switch. */
  state(): TraceState {
    if (!this.#closed) this.#look()
    const size = this.#folder?.size(this.#call.clock.monotonic()) ?? NOTHING
    return { ...(this.#recorder?.state() ?? OFF), ...size }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel?.()
    await this.#working
    await this.#end()
  }

  #tick(): void {
    const { timer = nodeTimer } = this.#call
    this.#cancel = timer(LOOK_MS, () => this.#tick())
    this.#look()
  }

  #look(): void {
    const { clock } = this.#call
    const seen = this.#switch()
    // Also back, where the clock was set ahead and is right again.
    const over = this.#until !== undefined && this.#until <= clock.now()
    const failedAt = this.#recorder?.failedAt
    const isRetried = failedAt !== undefined && clock.monotonic() - failedAt >= RETRY_MS
    if (seen === this.#seen && over === this.#over && !isRetried) return
    if (seen !== this.#seen) this.#until = undefined
    this.#seen = seen
    this.#over = over && this.#until !== undefined
    this.#working = this.#working
      .then(() => this.#turn(seen !== ''))
      .catch((error: unknown) => this.#call.diagnostics.warn(`requests are not traced: ${messageOf(error)}`))
  }

  /** What tells one switch from another; empty where there is none, or it cannot be looked at. */
  #switch(): string {
    const stat = statOf(this.#path)
    return stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
  }

  async #turn(there: boolean): Promise<void> {
    await this.#end()
    if (!there || this.#closed) return
    const { dir, clock, diagnostics, caches } = this.#call
    const { lookAtSwitch, traceFolder } = await this.#openFolder()
    const on = lookAtSwitch(dir)
    if (typeof on === 'string') diagnostics.warn(`requests are not traced: ${on}`)
    if (on === undefined || typeof on === 'string' || this.#closed) return
    this.#until = on.until
    this.#over = on.until !== undefined && on.until <= clock.now()
    if (this.#over) return
    const { TraceRecorder } = await import('./trace-recorder.js')
    const { part, last } = this.#next
    const options = { diagnostics, clock, caches, folder: traceFolder(dir), process: this.#process, part }
    this.#recorder = new TraceRecorder(on, options, last)
  }

  /** Looks at it anew, too. */
  async #openFolder() {
    const folders = await import('./trace-folder.js')
    this.#folder = new folders.TraceFolder(folders.traceFolder(this.#call.dir))
    return folders
  }

  async #end(): Promise<void> {
    const recorder = this.#recorder
    this.#recorder = undefined
    await recorder?.close()
    if (recorder) this.#next = recorder.next
  }
}

/** Undefined where nothing is there, or it cannot be looked at. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined
  }
}
