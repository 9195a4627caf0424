// A backend that outlives its device: a GPU that fails is opened again once, then gives way, and the batch runs again.

import { asFailure, messageOf, OpDbusError } from '../../errors.js'
import type { Backend, BackendFactory, BackendOutput, Device, TokenBatch } from '../../ports.js'
import { type DeviceReason, isGpu, type Opened, type OpenPlan, openFirst, unavailable } from './order.js'

export interface FailoverOptions extends OpenPlan {
  readonly model: string | Uint8Array
  /** Another device serves now, and why. */
  changed(opened: Opened): void
}

/**
 * Opens the first device that can. Calls of `run` must not overlap. What fails on the CPU as well is the batch's own
 * fault and rejects; the device is kept then.
 */
export async function openWithFailover(options: FailoverOptions): Promise<{ backend: Backend; opened: Opened }> {
  const { backend, opened } = await openFirst({ model: options.model }, options)
  const failover = new FailoverBackend(options, backend, opened.tried)
  return { backend: failover, opened }
}

class FailoverBackend implements Backend {
  readonly #options: FailoverOptions
  #current: Backend
  #tried: readonly DeviceReason[]
  /** Opened a second time already. */
  #rebuilt = false

  constructor(options: FailoverOptions, first: Backend, tried: readonly DeviceReason[]) {
    this.#options = options
    this.#current = first
    this.#tried = tried
  }

  get device(): Device {
    return this.#current.device
  }

  async run(batch: TokenBatch): Promise<BackendOutput> {
    try {
      return await sane(this.#current, batch)
    } catch (error) {
      // A graph that is refused is refused everywhere; and a CPU is not lost, so its error is the batch's.
      if (!isGpu(this.device) || asFailure(error).code === 'UNSUPPORTED_MODEL') throw error
      return this.#runAgain(batch, error)
    }
  }

  close(): Promise<void> {
    return this.#current.close()
  }

  async #runAgain(batch: TokenBatch, lost: unknown): Promise<BackendOutput> {
    const { device } = this
    let reason = messageOf(lost)
    // Where the device is gone, closing fails as well.
    await this.#current.close().catch(() => undefined)
    const { factories } = this.#options
    const others = factories.slice(factories.findIndex(known => known.device === device) + 1)
    // The only device there is may come back any number of times: there is nothing to give way to.
    if (!this.#rebuilt || others.length === 0) {
      this.#rebuilt = true
      try {
        this.#current = await this.#reopen(device)
        return await sane(this.#current, batch)
      } catch (error) {
        reason = `lost (${reason}), and again after it was opened anew: ${messageOf(error)}`
        await this.#current.close().catch(() => undefined)
      }
    }
    if (others.length === 0) throw unavailable([{ device, reason, kind: 'failed' }])
    const { backend, opened } = await this.#open(others)
    const answer = await this.#answerOf(backend, batch, device)
    if ('error' in answer) throw answer.error
    if (this.#current !== backend) return answer.output
    this.#tried = [...this.#tried, { device, reason, kind: 'failed' }, ...opened.tried]
    this.#options.changed({ device: backend.device, tried: this.#tried })
    return answer.output
  }

  /**
   * What the next device makes of the batch. When that one fails too, or has no numbers for it either, the batch is at
   * fault: the GPU is opened again. Else the next device is the current one now.
   */
  async #answerOf(backend: Backend, batch: TokenBatch, device: Device) {
    const answer = await backend.run(batch).then(
      output => ({ output }),
      (error: unknown) => ({ error }),
    )
    const batchAtFault = 'error' in answer || !hasNumbers(answer.output, batch)
    this.#current = batchAtFault ? await this.#reopen(device).catch(() => backend) : backend
    if (this.#current !== backend) await backend.close().catch(() => undefined)
    return answer
  }

  async #reopen(device: Device): Promise<Backend> {
    const { backend } = await this.#open(this.#options.factories.filter(known => known.device === device))
    return backend
  }

  #open(factories: readonly BackendFactory[]) {
    const { model, options, pooling, check } = this.#options
    return openFirst({ model }, { factories, options, pooling, check })
  }
}

/** The answer of a run. A GPU that has no number for a text has failed; on a CPU that is the model's own answer. */
async function sane(backend: Backend, batch: TokenBatch): Promise<BackendOutput> {
  const output = await backend.run(batch)
  if (!isGpu(backend.device) || hasNumbers(output, batch)) return output
  throw new OpDbusError('EMBEDDER_FAILED', 'it answers NaN or Infinity')
}

/** Looks at the first number of each row only: attention carries a NaN to every token of its text, and a mean keeps it. */
function hasNumbers({ vectors }: BackendOutput, { rows }: TokenBatch): boolean {
  const stride = vectors.length / rows
  for (let row = 0; row < rows; row++) if (!Number.isFinite(vectors[row * stride])) return false
  return true
}
