// Pictures follow signals, but not more often than an eye does. Draws nothing itself.
import { useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** Calls `run` once `ms` after the first change of the signals that `watch` reads; further changes until then are the same. */
export function useGathered(ms: () => number, watch: () => unknown, run: () => void): void {
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined)
  useSignalEffect(() => {
    watch()
    timer.current ??= setTimeout(() => {
      timer.current = undefined
      run()
    }, ms())
  })
  useEffect(() => () => clearTimeout(timer.current), [])
}
