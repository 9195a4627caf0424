// A question before something is changed: what will happen, a button that does it, one that does not. Escape is no.
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

export interface DialogProps {
  readonly id: string
  readonly title: string
  readonly children: ComponentChildren
  readonly onClose: () => void
}

/** What had the focus before the first of several dialogs, one behind the other: it gets it back after the last. */
const openers = new WeakMap<Document, HTMLElement>()

/** In front of the page, which cannot be reached meanwhile. It is there as long as it is rendered. */
export function Dialog({ id, title, children, onClose }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useLayoutEffect(() => {
    const element = dialog.current!
    const { activeElement } = document
    if (activeElement instanceof HTMLElement && activeElement !== document.body && !activeElement.closest('dialog')) {
      openers.set(document, activeElement)
    }
    element.showModal()
    return () => {
      element.close()
      // Behind the rendering that takes the dialog away, and makes its opener pressable again.
      setTimeout(() => {
        if (document.querySelector('dialog[open]') === null) openers.get(document)?.focus()
      })
    }
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
