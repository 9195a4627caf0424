// A worker that a test plays in its own thread: what it was asked, and levers for what it answers.
import { expose } from 'comlink'
import { nodeEndpoint } from '../../../src/backends/worker-node.js'
import type { ModelSpec } from '../../../src/embedder/model/spec.js'
import type { EmbedWorker, OpenReply, Part, Work, WorkerConfig } from '../../../src/embedder/protocol.js'
import type { Space, WorkerHandle } from '../../../src/ports.js'

export const DIMS = 2
export const spec = { space: 'space' as Space, description: {}, dims: DIMS } as ModelSpec
export const opened: OpenReply = {
  opened: { device: 'cpu', tried: [{ device: 'cuda', reason: 'no driver', kind: 'failed' }] },
}
export const part = (ids: number[], change: Partial<Part> = {}): Part => ({
  ids,
  matrix: Float32Array.from(ids.flatMap(id => [id, -id])),
  tokens: ids,
  truncated: ids.map(id => id % 2 === 0),
  failed: [],
  device: 'cpu',
  ...change,
})

/** One played worker: what it was asked, and levers for what it answers. */
export class PlayedWorker implements EmbedWorker {
  readonly configs: WorkerConfig[] = []
  readonly work: Work[] = []
  readonly events: string[] = []
  reply: OpenReply | Promise<OpenReply> = opened
  /** Called for every exchange; the default computes everything at once. */
  answer: (work: Work) => readonly Part[] | Promise<readonly Part[]> = ({ ids }) => [part([...ids])]
  readonly handle: WorkerHandle
  #exit: ((why: string) => void) | undefined

  constructor() {
    const { port1, port2 } = new MessageChannel()
    expose(this, nodeEndpoint(port1 as never))
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

  async open(config: WorkerConfig): Promise<OpenReply> {
    this.configs.push(config)
    return this.reply
  }

  async exchange(work: Work): Promise<readonly Part[]> {
    this.work.push(work)
    return this.answer(work)
  }

  die(why: string): void {
    const exit = this.#exit
    this.#exit = undefined
    exit?.(why)
  }
}

/** Until the worker was called that often. */
export async function sent(worker: PlayedWorker | undefined, calls: number): Promise<void> {
  while ((worker?.work.length ?? 0) < calls) await new Promise(setImmediate)
}

export const never = <T>() => new Promise<T>(() => undefined)
