// A page's worker as a handle: what is posted early waits, only this version may answer, a way that is closed leads to the next.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { readyMessage, type WorkerStart, webWorkerHandle } from '../../src/backends/worker-web.js'
import { OpDbusError } from '../../src/errors.js'

/** A worker that says what it is told to. */
class Played extends EventTarget {
  readonly posted: unknown[] = []
  ended = false
  postMessage(message: unknown) {
    this.posted.push(message)
  }
  terminate() {
    this.ended = true
  }
  says(data: unknown) {
    this.dispatchEvent(new MessageEvent('message', { data }))
  }
  /** As a browser does; without a message where it keeps the reason to itself. */
  fails(message = '') {
    this.dispatchEvent(Object.assign(new Event('error', { cancelable: true }), { message }))
  }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function played(ways: readonly (Played | undefined | (() => Promise<never>))[]) {
  const starts = ways.map(
    (way): WorkerStart =>
      async () =>
        typeof way === 'function' ? way() : (way as unknown as Worker | undefined),
  )
  const url = 'https://app.example/worker.js'
  const handle = webWorkerHandle({ url, version: '1.2.3', ways: starts, fault: async () => 'nobody knows' })
  const exits: [string, unknown][] = []
  handle.onExit((why, error) => exits.push([why, error]))
  return { handle, exits, settle: () => vi.advanceTimersByTimeAsync(0) }
}

describe('a worker of a page', () => {
  it('gets what was posted before it listened, in order, and hears no more than it says', async () => {
    const worker = new Played()
    const { handle, settle } = played([worker])
    const heard: unknown[] = []
    handle.endpoint.onMessage(message => heard.push(message))
    handle.endpoint.postMessage('one')
    await settle()
    handle.endpoint.postMessage('two')
    expect(worker.posted).toEqual([])
    worker.says(readyMessage('1.2.3'))
    handle.endpoint.postMessage('three')
    expect(worker.posted).toEqual(['one', 'two', 'three'])
    worker.says('hello')
    expect(heard).toContain('hello')
  })

  it.each(['op-dbus: ready 1.2.2', 'op-dbus: ready'])('of another version does nothing: %s', async said => {
    const worker = new Played()
    const { handle, exits, settle } = played([worker])
    handle.endpoint.postMessage('work')
    await settle()
    worker.says(said)
    expect(worker).toMatchObject({ posted: [], ended: true })
    expect(exits).toEqual([
      [expect.stringMatching(/worker\.js is of op-dbus .*, and this page of 1\.2\.3$/), undefined],
    ])
  })

  it('that is refused without a word gives way to the next, which gets everything', async () => {
    const [first, second] = [new Played(), new Played()]
    const { handle, exits, settle } = played([first, undefined, second])
    handle.endpoint.postMessage('work')
    await settle()
    first.fails()
    await settle()
    second.says(readyMessage('1.2.3'))
    expect(second.posted).toEqual(['work'])
    expect(exits).toEqual([])
  })

  it('that no way leads to, one whose bytes are wrong, and one that fails with a word: each ends with its reason', async () => {
    const refused = new Played()
    const one = played([refused])
    await one.settle()
    refused.fails()
    await one.settle()
    expect(one.exits).toEqual([['nobody knows', undefined]])

    const error = new OpDbusError('DOWNLOAD', 'it does not hash')
    const never = new Played()
    const two = played([() => Promise.reject(error), never])
    await two.settle()
    expect(two.exits).toEqual([['it does not hash', error]])

    const broken = new Played()
    const three = played([broken, never])
    await three.settle()
    broken.fails('SyntaxError')
    expect(three.exits).toEqual([['SyntaxError', undefined]])
  })

  it('that was ended while it was being fetched never starts to work', async () => {
    const worker = new Played()
    const { handle, exits, settle } = played([worker])
    await handle.terminate()
    await settle()
    expect(exits).toEqual([['it was ended', undefined]])
    expect(worker.posted).toEqual([])
  })
})
