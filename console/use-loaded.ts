// What a screen asked the daemon for: asked when the screen opens and at each tick; what was there before stays in sight while it is asked.
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { useCallback, useEffect, useRef } from 'preact/hooks'
import { asCallFailure, type CallFailure } from './failures.js'
import type { Session } from './state.js'

export interface Loaded<T> {
  /** The last that came; undefined before the first. */
  readonly value: T | undefined
  /** Why the last try failed; undefined where it did not. */
  readonly failure: CallFailure | undefined
  readonly loading: boolean
  reload(): void
}

export interface LoadSettings {
  /** Also when this grows: `session.appended`. */
  readonly also?: Signal<number>
  /** Not at each tick: only when asked to. Default true. */
  readonly ticks?: boolean
}

/** `load` is called anew when `deps` change. Must not change things: it is called often. */
export function useLoaded<T>(
  session: Session,
  load: (signal: AbortSignal) => Promise<T>,
  deps: readonly unknown[] = [],
  { also, ticks = true }: LoadSettings = {},
): Loaded<T> {
  const state = useSignal<Omit<Loaded<T>, 'reload'>>({ value: undefined, failure: undefined, loading: true })
  const now = useRef<AbortController | undefined>(undefined)
  const current = useRef(load)
  current.current = load

  const ask = useCallback(async (anew: boolean) => {
    // One question at a time, unless it is another question.
    if (now.current && !anew) return
    now.current?.abort()
    const mine = new AbortController()
    now.current = mine
    state.value = { ...state.peek(), loading: true }
    try {
      const value = await current.current(mine.signal)
      if (now.current === mine) state.value = { value, failure: undefined, loading: false }
    } catch (error) {
      const failure = asCallFailure(error)
      if (now.current === mine) state.value = { ...state.peek(), failure, loading: false }
    } finally {
      if (now.current === mine) now.current = undefined
    }
  }, [])

  useEffect(() => {
    state.value = { value: undefined, failure: undefined, loading: true }
    void ask(true)
    return () => {
      now.current?.abort()
      now.current = undefined
    }
  }, deps)
  useSignalEffect(() => {
    const ticked = ticks ? session.tick.value : 0
    const grew = also?.value ?? 0
    // After a server that could not be reached, at once.
    if (session.connection.value.kind === 'ok' && ticked + grew > 0) void ask(false)
    else if (session.connection.value.kind === 'ok' && state.peek().failure) void ask(false)
  })
  return { ...state.value, reload: () => void ask(true) }
}
