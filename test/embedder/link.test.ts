// The link between threads: what crosses, in which order, and that nothing waits for a worker that is gone.
import { describe, expect, test } from 'vitest'
import { nodeEndpoint } from '../../src/backends/worker-node.js'
import { Link, type LinkOptions, Moved, type Push, serve } from '../../src/embedder/link.js'
import { OpDbusError } from '../../src/errors.js'
import type { WorkerHandle } from '../../src/ports.js'
import { deferred } from '../support.js'

interface Served {
  add(pair: readonly [number, number]): number
  fail(error: unknown): never
  never(): Promise<void>
  matrix(rows: number): Moved<Float32Array>
  bytesOf(matrix: Float32Array): number
  push(values: readonly number[]): void
}

/** A link to a worker in the same thread. */
function played(options: Partial<LinkOptions<number>> = {}) {
  const { port1, port2 } = new MessageChannel()
  const events: string[] = []
  let exit: ((why: string, error?: unknown) => void) | undefined
  const die = (why: string, error?: unknown) => {
    port1.close()
    exit?.(why, error)
    exit = undefined
  }
  let kept: Float32Array | undefined
  const moved = () => kept?.byteLength === 0
  serve(
    nodeEndpoint(port1 as never),
    (push: Push<number>): Served => ({
      add: ([a, b]) => a + b,
      fail: error => {
        throw error instanceof Error
          ? error
          : new OpDbusError('UNSUPPORTED_MODEL', 'not this one', { details: { file: 'x' } })
      },
      never: () => new Promise(() => undefined),
      matrix(rows) {
        kept = new Float32Array(rows)
        return new Moved(kept, [kept.buffer])
      },
      bytesOf: matrix => matrix.byteLength,
      push: values => {
        for (const value of values) push(value)
      },
    }),
  )
  const handle: WorkerHandle = {
    endpoint: nodeEndpoint(port2 as never),
    ref: () => events.push('ref'),
    unref: () => events.push('unref'),
    terminate: async () => {
      events.push('terminate')
      die('it was ended')
    },
    onExit: listener => {
      exit = listener
    },
  }
  const lost = (why: string, cause?: unknown) => new OpDbusError('WORKER_LOST', `gone: ${why}`, { cause })
  const link = new Link<Served, number>(handle, { lost, ...options })
  return { link, events, die, moved, port1 }
}

describe('calls', () => {
  test('are answered each with its own, however many are under way', async () => {
    const { link } = played()
    const answers = [1, 2, 3].map(i => link.call('add', [i, i]))
    expect(await Promise.all(answers)).toEqual([2, 4, 6])
    await link.end()
  })

  test('an error of ours crosses with code and details, any other with its message', async () => {
    const { link } = played()
    await expect(link.call('fail', undefined)).rejects.toMatchObject({
      name: 'OpDbusError',
      code: 'UNSUPPORTED_MODEL',
      message: 'not this one',
      details: { file: 'x' },
    })
    await expect(link.call('fail', new RangeError('bug'))).rejects.toMatchObject({
      code: 'EMBEDDER_FAILED',
      message: 'bug',
    })
    await link.end()
  })

  test('what cannot cross, or cannot be used when it came, ends the link: nobody waits for ever', async () => {
    const errors: OpDbusError[] = []
    const { link } = played({ onEnd: error => errors.push(error) })
    const waiting = link.call('never', undefined)
    link.tell('push', [() => 1] as never)
    await expect(waiting).rejects.toMatchObject({ code: 'EMBEDDER_FAILED' })
    expect(errors).toHaveLength(1)
    const other = played({
      onPush() {
        throw new RangeError('no such row')
      },
    })
    const second = other.link.call('never', undefined)
    other.link.tell('push', [1])
    await expect(second).rejects.toMatchObject({ code: 'EMBEDDER_FAILED', message: 'no such row' })
  })

  test('buffers move, both ways', async () => {
    const { link, moved } = played()
    expect(await link.call('matrix', 3)).toEqual(new Float32Array(3))
    expect(moved()).toBe(true)
    const sent = new Float32Array(5)
    expect(await link.call('bytesOf', sent, { transfer: [sent.buffer] })).toBe(20)
    expect(sent.byteLength).toBe(0)
    await link.end()
  })

  test('what cannot be cloned rejects; the link goes on', async () => {
    const { link } = played()
    await expect(link.call('add', (() => 1) as never)).rejects.toThrow(/clone/)
    expect(await link.call('add', [1, 1])).toBe(2)
    await link.end()
  })

  test('a caller who leaves hears ABORTED at once, and the late answer is nobody’s', async () => {
    const { link } = played()
    const leaving = new AbortController()
    const one = link.call('add', [1, 1], { signal: leaving.signal })
    leaving.abort('enough')
    await expect(one).rejects.toMatchObject({ code: 'ABORTED', cause: 'enough' })
    await expect(link.call('add', [1, 1], { signal: leaving.signal })).rejects.toMatchObject({ code: 'ABORTED' })
    expect(await link.call('add', [2, 2])).toBe(4)
    await link.end()
  })
})

test('what is sent unasked comes in order, before the answer to what is asked after it; other messages are let by', async () => {
  const got: number[] = []
  const { link, port1 } = played({ onPush: value => got.push(value) })
  for (const other of ['op-dbus: ready', null, { opDbus: 'warning', message: 'x' }, { id: 1 }]) port1.postMessage(other)
  link.tell('push', [1, 2, 3])
  await link.call('add', [0, 0])
  expect(got).toEqual([1, 2, 3])
  await link.end()
})

describe('the end', () => {
  test.each([
    ['in its own words', undefined, { code: 'WORKER_LOST', message: 'gone: killed' }],
    ['as what kept it from starting', new OpDbusError('DOWNLOAD', 'no worker.js'), { code: 'DOWNLOAD' }],
  ])('a worker that dies rejects what waits, and what comes after, %s', async (_how, error, expected) => {
    const ended = deferred<OpDbusError>()
    const { link, die, events } = played({ onEnd: ended.resolve })
    const waiting = [link.call('never', undefined), link.call('never', undefined)]
    die('killed', error)
    for (const one of waiting) await expect(one).rejects.toMatchObject(expected)
    await expect(link.call('add', [1, 1])).rejects.toMatchObject(expected)
    expect(await ended.promise).toMatchObject(expected)
    link.tell('push', [1])
    expect(events).toEqual(['unref', 'terminate'])
  })

  test('where the worker throws at what it was told, nobody could hear it: the link ends', async () => {
    const ended = deferred<OpDbusError>()
    const { link, events } = played({ onEnd: ended.resolve })
    const waiting = link.call('never', undefined)
    link.tell('fail', new Error('bug'))
    await expect(waiting).rejects.toMatchObject({ code: 'EMBEDDER_FAILED', message: 'bug' })
    expect(await ended.promise).toMatchObject({ message: 'bug' })
    expect(events).toContain('terminate')
  })

  test('is told once, before what waits is rejected, and resolves when the worker is gone', async () => {
    const order: string[] = []
    const { link, events } = played({ onEnd: error => order.push(error.code) })
    const waiting = link.call('never', undefined).catch(error => order.push(`rejected ${error.code}`))
    await link.end(new OpDbusError('CLOSED', 'closed'))
    await link.end()
    await waiting
    expect(order).toEqual(['CLOSED', 'rejected CLOSED'])
    expect(events).toEqual(['unref', 'terminate'])
  })

  test('the process is kept alive only while somebody says so, and not by a worker that is gone', async () => {
    const { link, events } = played()
    for (const held of [false, true, true, false, true]) link.hold(held)
    await link.end()
    link.hold(true)
    expect(events).toEqual(['unref', 'ref', 'unref', 'ref', 'unref', 'terminate'])
  })
})
