// A question before something is changed: what will happen, a button that does it, one that does not. Escape is no.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

export interface DialogProps {
  readonly id: string
  readonly title: string
  readonly children: ComponentChildren
  readonly onClose: () => void
}

/** In front of the page, which cannot be reached meanwhile. It is there as long as it is rendered. */
export function Dialog({ id, title, children, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const element = dialog.current!
    element.showModal()
    return () => element.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      aria-labelledby={`${id}-title`}
      onCancel={event => {
        event.preventDefault()
        onClose()
      }}
    >
      <h2 id={`${id}-title`}>{title}</h2>
      {children}
    </dialog>
  )
}

export interface ConfirmProps extends DialogProps {
  /** What the button says: the deed, not "OK". */
  readonly verb: string
  readonly onConfirm: () => void
  /** It is being done. */
  readonly busy?: boolean
  /** There is nothing to do. */
  readonly disabled?: boolean
}

export function Confirm({ verb, onConfirm, busy = false, disabled = false, ...dialog }: ConfirmProps) {
  return (
    <Dialog {...dialog}>
      {dialog.children}
      <div class="buttons end">
        <button type="button" onClick={dialog.onClose}>
          Cancel
        </button>
        <button type="button" class="main" disabled={busy || disabled} onClick={onConfirm}>
          {busy ? 'working …' : verb}
        </button>
      </div>
    </Dialog>
  )
}
