// Runs search and map in a thread of its own, on the library's kernels: 10,000 vectors must not stop the page.
import { openKernels, VectorIndex } from '../src/kernels.js'

/** What the page asks for, by name. */
export interface NearCalls {
  /** `added` are texts with their rows in `matrix`, in order. */
  change(removed: readonly string[], added: readonly string[], matrix: Float32Array, dims: number): Promise<void>
  nearest(query: Float32Array, count: number): Promise<readonly { readonly id: string; readonly score: number }[]>
  project(): Promise<{ readonly texts: readonly string[]; readonly points: Float32Array }>
}

/** One message; the answer goes back through `port`, a {@link NearAnswer}. */
export interface NearCall {
  readonly name: keyof NearCalls
  readonly args: readonly unknown[]
  readonly port: MessagePort
}

export type NearAnswer = { readonly value: unknown } | { readonly error: string }

let index: Promise<VectorIndex> | undefined

async function indexOf(dims: number): Promise<VectorIndex> {
  const before = await index
  if (before?.dims === dims) return before
  await before?.close()
  index = openKernels({ device: 'wasm' })
    .catch(() => openKernels({ device: 'js' }))
    .then(kernels => new VectorIndex(kernels, { dims }))
  return index
}

let last: Promise<unknown> = Promise.resolve()

/** One call after the other: who asks after a change sees all of it. */
function inTurn<T>(call: () => Promise<T>): Promise<T> {
  const mine = last.then(call)
  last = mine.catch(() => undefined)
  return mine
}

const calls: NearCalls = {
  change: (removed, added, matrix, dims) =>
    inTurn(async () => {
      const into = await indexOf(dims)
      await into.remove(...removed)
      await into.setMany(added.map((text, i) => [text, matrix.subarray(i * dims, (i + 1) * dims)] as const))
    }),
  nearest: (query, count) => inTurn(async () => (await (await index)?.nearest(query, count)) ?? []),
  project: () =>
    inTurn(async () => {
      const { points = [] } = (await (await index)?.project()) ?? {}
      const at = new Float32Array(2 * points.length)
      points.forEach(({ x, y }, i) => {
        at.set([x, y], 2 * i)
      })
      return { texts: points.map(point => point.id), points: at }
    }),
}

addEventListener('message', async ({ data }: MessageEvent<NearCall>) => {
  const call = calls[data.name] as (...args: readonly unknown[]) => Promise<unknown>
  const answer = await call(...data.args).then(
    (value): NearAnswer => ({ value }),
    (error): NearAnswer => ({ error: String(error?.message ?? error) }),
  )
  data.port.postMessage(answer)
})
