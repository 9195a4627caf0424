// A button that starts something, and stops it while it runs. One element: focus stays on it.

import type { ComponentChildren } from 'preact'

interface RunButtonProps {
  readonly running: boolean
  /** Its words while nothing runs. */
  readonly children: ComponentChildren
  readonly class?: string
  readonly title?: string
  readonly disabled?: boolean
  readonly onStart: () => void
  readonly onStop: () => void
}

export function RunButton({ running, children, disabled = false, onStart, onStop, ...look }: RunButtonProps) {
  return (
    // No submit button: on its way from Stop to its own word the same element would submit the press that stopped it.
    <button
      {...look}
      type="button"
      disabled={disabled}
      onKeyDown={event => {
        // A key that is held would start and stop in turn.
        if (event.repeat) event.preventDefault()
      }}
      onClick={event => {
        // The second press of a double one is not meant for what the first one began.
        if (event.detail > 1) return
        if (running) onStop()
        else onStart()
      }}
    >
      {running ? 'Stop' : children}
    </button>
  )
}
