// Files that are dropped on the page, without a browser: taken wherever they lie; dragged text is left alone.
import { describe, expect, it } from 'vitest'
import { takeDrops } from '../../playground/views/drop.js'

function drag(target: EventTarget, type: string, types: readonly string[], files: readonly File[] = []): Event {
  const event = Object.assign(new Event(type, { cancelable: true }), { dataTransfer: { types, files } })
  target.dispatchEvent(event)
  return event
}

describe('takeDrops', () => {
  it('hands over the first file, and keeps the browser from opening it', () => {
    const page = new EventTarget()
    const taken: string[] = []
    const end = takeDrops(page, file => taken.push(file.name))
    const files = [new File(['a'], 'a.txt'), new File(['b'], 'b.txt')]
    // Without this the browser would not let it be dropped here.
    expect(drag(page, 'dragover', ['Files']).defaultPrevented).toBe(true)
    expect(taken).toEqual([])
    expect(drag(page, 'drop', ['Files'], files).defaultPrevented).toBe(true)
    expect(taken).toEqual(['a.txt'])
    end()
    expect(drag(page, 'drop', ['Files'], files).defaultPrevented).toBe(false)
    expect(taken).toEqual(['a.txt'])
  })

  it('leaves dragged text to the browser', () => {
    const page = new EventTarget()
    takeDrops(page, () => expect.unreachable())
    for (const type of ['dragover', 'drop']) expect(drag(page, type, ['text/plain']).defaultPrevented).toBe(false)
  })
})
