// A worker that a test plays in its own thread: what it was asked, and levers for what it answers.
import { nodeEndpoint } from '../../../src/backends/worker-node.js'
import type { Opened } from '../../../src/embedder/devices/order.js'
import { type Push, serve } from '../../../src/embedder/link.js'
import type { ModelSpec } from '../../../src/embedder/model/spec.js'
import type { BatchResult, EmbedWorker, Work, WorkerConfig } from '../../../src/embedder/protocol.js'
import { OpDbusError } from '../../../src/errors.js'
import type { Space, WorkerHandle } from '../../../src/ports.js'

export const DIMS = 2
export const spec = { space: 'space' as Space, description: {}, dims: DIMS } as ModelSpec
export const opened: Opened = {
  device: 'cpu',
  tried: [{ device: 'cuda', reason: 'no driver', kind: 'failed' }],
}
/** What a worker says to `open`. */
export type Reply = Opened | OpDbusError
/** The vector of text `n` is `[n, -n]`. */
export const result = (ids: number[], change: Partial<BatchResult> = {}): BatchResult => ({
  numbers: [...ids],
  matrix: Float32Array.from(ids.flatMap(id => [id, -id])),
  tokens: [...ids],
  truncated: ids.map(id => Number(id % 2 === 0)),
  failed: [],
  device: 'cpu',
  ...change,
})

/** One played worker: what it was asked, and levers for what it answers. */
export class PlayedWorker implements EmbedWorker {
  readonly configs: WorkerConfig[] = []
  readonly work: Work[] = []
  readonly events: string[] = []
  reply: Reply | Promise<Reply> = opened
  /** What is pushed at once for every message; the default computes everything. */
  answer: (work: Work) => readonly BatchResult[] | Promise<readonly BatchResult[]> = ({ numbers }) => [
    result([...numbers]),
  ]
  push!: Push<readonly BatchResult[]>
  readonly handle: WorkerHandle
  #exit: ((why: string) => void) | undefined

  constructor() {
    const { port1, port2 } = new MessageChannel()
    serve(nodeEndpoint(port1 as never), push => {
      this.push = push
      return this
    })
    this.handle = {
      endpoint: nodeEndpoint(port2 as never),
      ref: () => this.events.push('ref'),
      unref: () => this.events.push('unref'),
      onExit: listener => {
        this.#exit = listener
      },
      terminate: async () => {
        this.events.push('terminate')
        port1.close()
        this.die('terminated')
      },
    }
  }

  async open(config: WorkerConfig): Promise<Opened> {
    this.configs.push(config)
    const reply = await this.reply
    if (reply instanceof OpDbusError) throw reply
    return reply
  }

  async submit(work: Work): Promise<void> {
    this.work.push(work)
    const results = await this.answer(work)
    if (results.length > 0) this.push(results)
  }

  die(why: string): void {
    const exit = this.#exit
    this.#exit = undefined
    exit?.(why)
  }
}

/** Until so many messages came. */
export async function sent(worker: PlayedWorker | undefined, messages: number): Promise<void> {
  while ((worker?.work.length ?? 0) < messages) await new Promise(setImmediate)
}

export const never = <T>() => new Promise<T>(() => undefined)
