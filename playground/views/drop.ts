// Files that are dropped anywhere on the page. Reads none of them.
import { useEffect, useRef } from 'preact/hooks'

/**
 * Hands over the first of the files that are dropped on `target`, wherever it lies: else the browser would open it in place
 * of the page. Text that is dragged stays the browser's to put in. Returns what ends this.
 */
export function takeDrops(target: EventTarget, take: (file: File) => void): () => void {
  const onDrag = (event: Event) => {
    const { dataTransfer } = event as DragEvent
    if (!dataTransfer?.types.includes('Files')) return
    event.preventDefault()
    const [file] = event.type === 'drop' ? dataTransfer.files : []
    if (file) take(file)
  }
  target.addEventListener('dragover', onDrag)
  target.addEventListener('drop', onDrag)
  return () => {
    target.removeEventListener('dragover', onDrag)
    target.removeEventListener('drop', onDrag)
  }
}

/** As long as the view is there, files may be dropped anywhere in the window. */
export function useDrops(take: (file: File) => void): void {
  const latest = useRef(take)
  latest.current = take
  useEffect(() => takeDrops(window, file => latest.current(file)), [])
}
