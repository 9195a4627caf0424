// onnxruntime-node on the CPU, CUDA or WebGPU, as a BackendFactory. Loads the native binding only when a session is opened.

import { mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { InferenceSession } from 'onnxruntime-node'
import { OpDbusError } from '../errors.js'
import type { BackendFactory, BackendOptions, NodeRun } from '../ports.js'
import { inHand, type ModelBytes, openError, openSession, QUIET, sessionBackend } from './ort-io.js'

/** The runtime's own names, as they stand in a profile. */
const PROVIDERS = {
  cpu: 'CPUExecutionProvider',
  cuda: 'CUDAExecutionProvider',
  webgpu: 'WebGpuExecutionProvider',
} as const

/** Where weights lie that a model keeps in files of their own: a model that is given as bytes does not know it. */
const WEIGHTS_FOLDER = 'model_external_initializers_file_folder_path'
/** Room behind a model's bytes; the nodes that pool take a tenth of it. */
const ROOM = 8192

/**
 * One provider at a time: asked for a list, the runtime throws when a GPU is missing, and takes an unknown name for the
 * CPU. Sessions block the thread that runs them: open them in a worker.
 */
export function ortNode(device: keyof typeof PROVIDERS): BackendFactory {
  return {
    device,
    provider: PROVIDERS[device],
    async open(file, options) {
      // ONNX Runtime 1.30 reports home on Linux unless this is set before it loads; what the user set wins.
      process.env.ORT_DISABLE_TELEMETRY ??= '1'
      // TensorFloat-32 keeps ten bits of a factor: vectors would differ from every other device's in the third digit.
      if (device === 'cuda') process.env.NVIDIA_TF32_OVERRIDE ??= '0'
      const profile = options.profile ? await mkdtemp(join(tmpdir(), 'op-dbus-profile-')) : undefined
      try {
        const { InferenceSession, Tensor } = await import('onnxruntime-node')
        const { model } = file
        const settings: InferenceSession.SessionOptions = {
          executionProviders: [providerOptions(device, options)],
          intraOpNumThreads: options.threads,
          interOpNumThreads: 1,
          // Plans memory per input shape; shapes here differ from batch to batch, so plans would only pile up.
          enableMemPattern: false,
          // Otherwise the other threads spin for some 30 ms after every run: 2 ms of CPU more for one short text of the built-in
          // model. Without any spinning a run takes half as long again where the cores are free.
          extra: { session: { force_spinning_stop: '1' } },
          ...(profile && { enableProfiling: true, profileFilePrefix: join(profile, 'run') }),
          ...QUIET,
        }
        const opened = await openSession(
          model,
          options.pooling,
          async () => (typeof model === 'string' ? bytesOf(model) : inHand(model)),
          given =>
            typeof given === 'string'
              ? InferenceSession.create(given, settings)
              : InferenceSession.create(given, typeof model === 'string' ? besideFile(model, settings) : settings),
        )
        const backend = sessionBackend(device, opened, Tensor)
        return profile === undefined ? backend : { ...backend, ...profiled(opened.session, profile) }
      } catch (error) {
        if (profile) await rm(profile, { recursive: true, force: true })
        throw openError(device, error)
      }
    },
  }
}

/** A file in memory that has room for what may follow it, so that a large model is not held twice. */
async function bytesOf(path: string): Promise<ModelBytes> {
  const file = await open(path)
  try {
    const { size } = await file.stat()
    const all = new Uint8Array(size + ROOM)
    let read = 0
    for (let more = 1; more > 0 && read < size; read += more)
      more = (await file.read(all, read, Math.min(size - read, 2 ** 30), read)).bytesRead
    if (read < size) throw new Error(`${path} is shorter than it was`)
    return {
      bytes: all.subarray(0, size),
      followedBy(more) {
        all.set(more, size)
        return all.subarray(0, size + more.length)
      },
    }
  } finally {
    await file.close()
  }
}

/**
 * For a graph in memory: where its weights lie, if they have files of their own. Of a graph that is opened by its path the
 * runtime knows that, and follows the hub's links to them, which it does not out of a folder that is named.
 */
function besideFile(path: string, settings: InferenceSession.SessionOptions): InferenceSession.SessionOptions {
  const { session } = settings.extra as { session: Record<string, string> }
  return { ...settings, extra: { session: { ...session, [WEIGHTS_FOLDER]: dirname(path) } } }
}

function providerOptions(device: keyof typeof PROVIDERS, { gpuDevice = 0 }: BackendOptions) {
  if (device === 'cuda') return { name: device, deviceId: gpuDevice }
  if (device === 'webgpu' && gpuDevice !== 0)
    throw new OpDbusError('DEVICE_UNAVAILABLE', `WebGPU takes the system's first adapter, not number ${gpuDevice}`)
  return device
}

function profiled(session: InferenceSession, folder: string) {
  return {
    async profile(): Promise<NodeRun[]> {
      session.endProfiling()
      const [name] = await readdir(folder)
      const events = JSON.parse(await readFile(join(folder, name!), 'utf8')) as {
        cat: string
        args?: { op_name?: string; provider?: string }
      }[]
      return events.flatMap(({ cat, args }) =>
        cat === 'Node' && args?.provider && args.op_name ? [{ op: args.op_name, provider: args.provider }] : [],
      )
    },
    async close() {
      await session.release()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
