// Calls of plugins: each has a deadline, also where the plugin ignores its signal, and whatever one throws is an error that names it.
// Knows no cache.

import type { Diagnostics } from '../diagnostics.js'
import { abortError, isOpDbusError, messageOf, OpDbusError } from '../errors.js'
import type { Timer } from '../ports.js'
import type { StatePlugin } from './plugin.js'
import type { PluginTrouble } from './reports.js'

/** What a call of a plugin is, for messages: "did not answer within 10 s" is about `query`. */
export type Asked = 'query' | 'checkpoint' | 'apply' | 'watch' | 'close' | 'unavailable' | 'load'

export interface CallLimits {
  /** Ends the wait of whoever asked. */
  readonly signal?: AbortSignal | undefined
  /** ms; default {@link PluginCalls.timeoutMs}. */
  readonly timeoutMs?: number
  /** When `signal` fires, the plugin is told, and its end is waited for all the same: what it changes meanwhile has to be known. */
  readonly patient?: boolean
}

/** To apply takes longer than to ask. */
const APPLY_FACTOR = 6
/** What a timer takes. */
const LONGEST_MS = 2 ** 31 - 1

export class PluginCalls {
  readonly #timer: Timer
  readonly #failed: Diagnostics['failed']
  /** ms; 0: for ever. */
  readonly timeoutMs: number

  /** `timer` keeps the process alive: what a plugin owes is owed to somebody. */
  constructor(timer: Timer, timeoutMs: number, { failed }: Pick<Diagnostics, 'failed'>) {
    this.#timer = timer
    this.#failed = failed
    this.timeoutMs = Math.min(timeoutMs, LONGEST_MS)
  }

  get applyTimeoutMs(): number {
    return Math.min(APPLY_FACTOR * this.timeoutMs, LONGEST_MS)
  }

  /**
   * What `run` answers. Its signal fires when nobody waits any more; what it answers after that is nobody's concern.
   * @throws OpDbusError PLUGIN_FAILED, ABORTED, and what the plugin throws of them
   */
  call<T>(
    plugin: Pick<StatePlugin, 'name'>,
    asked: Asked,
    run: (signal: AbortSignal) => T | Promise<T>,
    { signal, timeoutMs = this.timeoutMs, patient = false }: CallLimits = {},
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal))
      const ended = new AbortController()
      const onAbort = () => {
        const error = abortError(signal as AbortSignal)
        ended.abort(error)
        if (!patient) settle(() => reject(error))
      }
      const cancel =
        timeoutMs > 0
          ? this.#timer(timeoutMs, () => {
              const error = failed(plugin.name, `${does(asked)} within ${timeoutMs / 1000} s`)
              ended.abort(error)
              this.#tell(plugin.name, asked, 'timeout', error)
              settle(() => reject(error))
            })
          : () => {}
      const settle = (how: () => void) => {
        cancel()
        signal?.removeEventListener('abort', onAbort)
        how()
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      attempt(() => run(ended.signal)).then(
        answer => settle(() => resolve(answer)),
        thrown => {
          const error = asPluginError(plugin.name, thrown)
          // What it says after nobody waits was told, or was wanted.
          if (!ended.signal.aborted) this.#tell(plugin.name, asked, 'error', error)
          settle(() => reject(error))
        },
      )
    })
  }

  #tell(plugin: string, asked: Asked, why: 'error' | 'timeout', error: OpDbusError): void {
    // A system that is not here, or has moved, is no failure.
    if (!this.#failed.heard || error.code === 'PLUGIN_UNAVAILABLE' || error.code === 'CONFLICT') return
    this.#failed.tell({ plugin, asked, why, message: error.message })
  }
}

/** What a plugin throws at once is as what it rejects with. */
async function attempt<T>(run: () => T | Promise<T>): Promise<T> {
  return run()
}

function does(asked: Asked): string {
  if (asked === 'apply') return 'did not finish'
  return asked === 'load' ? 'was not there' : 'did not answer'
}

export function failed(plugin: string, why: string, cause?: unknown): OpDbusError {
  return new OpDbusError('PLUGIN_FAILED', `plugin "${plugin}" ${why}`, { cause, details: { plugin } })
}

export function asPluginError(plugin: string, error: unknown): OpDbusError {
  return isOpDbusError(error) ? error : failed(plugin, `failed: ${messageOf(error)}`, error)
}

/** Why a plugin did not answer, for a report. What the caller ended is thrown on. */
export function troubleOf(error: unknown, signal?: AbortSignal): PluginTrouble {
  if (signal?.aborted && isOpDbusError(error, 'ABORTED')) throw error
  if (isOpDbusError(error, 'CLOSED')) throw error
  return { kind: isOpDbusError(error, 'PLUGIN_UNAVAILABLE') ? 'unavailable' : 'failed', message: messageOf(error) }
}
