// One GPUDevice: runs pipelines in order, reads answers back, and knows when it is gone. Knows no matrix.
import { messageOf } from '../../errors.js'
import { DOT, TOP_K } from './shaders.js'

/** Workgroups that one dimension of a dispatch may have, by the specification. */
const MAX_GROUPS = 65_535

/** GPUBufferUsage and GPUMapMode, by the specification: as globals they exist only in browsers. */
const USAGE = { MAP_READ: 1, COPY_SRC: 4, COPY_DST: 8, UNIFORM: 64, STORAGE: 128 } as const
const MAP_MODE_READ = 1

export class Gpu {
  readonly #shape: GPUBuffer
  readonly #onLost: (why: string) => void
  #lost: string | undefined

  private constructor(
    readonly device: GPUDevice,
    readonly dotRows: GPUComputePipeline,
    readonly topK: GPUComputePipeline,
    onLost: (why: string) => void,
  ) {
    this.#onLost = onLost
    this.#shape = device.createBuffer({ size: 16, usage: USAGE.UNIFORM | USAGE.COPY_DST })
    void device.lost.then(({ message, reason }) => this.lose(message || reason))
    device.addEventListener('uncapturederror', event => this.lose((event as GPUUncapturedErrorEvent).error.message))
  }

  /** `onLost` is told once. Rejects with what the browser says when a shader does not compile. */
  static async open(device: GPUDevice, onLost: (why: string) => void): Promise<Gpu> {
    const pipeline = (code: string) =>
      device.createComputePipelineAsync({
        layout: 'auto',
        compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
      })
    const [dotRows, topK] = await Promise.all([pipeline(DOT), pipeline(TOP_K)])
    return new Gpu(device, dotRows, topK, onLost)
  }

  /** Why it computes no more; undefined as long as it does. */
  get lost(): string | undefined {
    return this.#lost
  }

  /** From now on nobody asks it: what a device says that failed once may be wrong. */
  lose(why: string): void {
    if (this.#lost !== undefined) return
    this.#lost = why
    this.#onLost(why)
  }

  /** Room on the device; `run` and `write` fill it. */
  buffer(bytes: number): GPUBuffer {
    const usage = USAGE.STORAGE | USAGE.COPY_SRC | USAGE.COPY_DST
    return this.device.createBuffer({ size: Math.max(16, bytes), usage })
  }

  /**
   * Runs `pipeline` on `groups` workgroups, after everything asked for before. `shape` is the uniform at binding 0,
   * `buffers` follow it.
   */
  run(
    pipeline: GPUComputePipeline,
    shape: readonly [number, number, number],
    buffers: readonly GPUBuffer[],
    groups: number,
  ): void {
    const { device } = this
    device.queue.writeBuffer(this.#shape, 0, Uint32Array.of(...shape, 0))
    const entries = [this.#shape, ...buffers].map((buffer, binding) => ({ binding, resource: { buffer } }))
    const bindGroup = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries })
    const encoder = device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(pipeline)
    pass.setBindGroup(0, bindGroup)
    const columns = Math.min(groups, MAX_GROUPS)
    pass.dispatchWorkgroups(columns, Math.ceil(groups / columns))
    pass.end()
    device.queue.submit([encoder.finish()])
  }

  /**
   * What `work` leaves in the buffer that it returns, from its start. Rejects when the device is lost on the way, or did
   * not accept what was asked.
   */
  async answer(bytes: number, work: () => GPUBuffer): Promise<ArrayBuffer> {
    const { device } = this
    const staging = device.createBuffer({ size: bytes, usage: USAGE.MAP_READ | USAGE.COPY_DST })
    try {
      const refused = this.refusalOf(() => {
        const encoder = device.createCommandEncoder()
        encoder.copyBufferToBuffer(work(), 0, staging, 0, bytes)
        device.queue.submit([encoder.finish()])
      })
      const [error] = await Promise.all([refused, staging.mapAsync(MAP_MODE_READ)])
      if (error !== undefined || this.lost !== undefined) throw new Error(error ?? this.lost)
      return staging.getMappedRange().slice(0)
    } finally {
      staging.destroy()
    }
  }

  /** Why the device did not do all of `work`, or undefined: errors of WebGPU do not throw, they are asked for. */
  async refusalOf(work: () => void): Promise<string | undefined> {
    const { device } = this
    device.pushErrorScope('validation')
    device.pushErrorScope('out-of-memory')
    let thrown: string | undefined
    try {
      work()
    } catch (error) {
      thrown = messageOf(error)
    }
    const errors = await Promise.all([device.popErrorScope(), device.popErrorScope()])
    return thrown ?? errors.find(error => error !== null)?.message
  }
}
