// The devices of this machine: each is tried in a process of its own, and what it proved lies in the cache folder. Part of
// the Node root; its twin is web/devices.ts.
import type { ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { atExit } from '../backends/at-exit.js'
import { childEnvironment } from '../backends/process-node.js'
import type { ProbeResult } from '../embedder/devices/probe.js'
import { type DeviceRuntime, DeviceSelector } from '../embedder/devices/selector.js'
import { openFileStore } from '../stores/files.js'
import type { ProbeJob } from './device-probe.js'
import { foldersIn } from './disk.js'
import { cudaLibrary, hasGpu, machinePrint } from './machine.js'
import { ownFile } from './own-files.js'
import { referenceFile } from './references.js'
import { crc32, nodeClock, nodeHash, usableThreads } from './runtime.js'

/** Verdicts and references kept, of all models together. */
const MAX_ENTRIES = 200
/** What of a dying process's last words is kept. */
const STDERR_BYTES = 16_384

/** What is known of this machine's devices. `dir` is the cache folder; without one every process finds out for itself. */
export function deviceSelector(settings: DeviceSettings, dir: string | undefined): DeviceSelector {
  const clock = nodeClock()
  const places = { name: 'device', maxEntries: MAX_ENTRIES }
  const store =
    dir === undefined
      ? undefined
      : openFileStore({ ...places, dir: foldersIn(dir).devices, hash: nodeHash, clock, crc32 })
  return new DeviceSelector({ runtime: nodeDevices(settings), store, clock, hash: nodeHash })
}

export interface DeviceSettings {
  /** Which GPU, counted from 0. */
  readonly gpuDevice: number
  /** Threads that compute on the CPU. */
  readonly threads: number | undefined
}

function nodeDevices({ gpuDevice, threads }: DeviceSettings): DeviceRuntime {
  let machine: string | undefined
  return {
    name: 'node',
    floor: { device: 'cpu', called: 'the CPU' },
    gpuDevice,
    absent: async (_device, auto) => (auto && !hasGpu() ? 'no GPU found on this machine' : undefined),
    async print() {
      machine ??= machinePrint()
      return `${gpuDevice} ${machine}`
    },
    async attempt({ device, spec, reference, limitMs, signal }) {
      if (device === 'cuda' && cudaLibrary() === undefined) {
        return { device, works: false, reason: 'its libraries are not installed: see docs/devices.md of op-dbus' }
      }
      const job = { spec, device, threads: usableThreads(threads), gpuDevice, reference }
      return tryInProcess(job, limitMs, signal)
    },
    async ownReference(spec) {
      const file = referenceFile(spec, ownFile('models'))
      return file && JSON.parse(await readFile(file, 'utf8'))
    },
  }
}

/** Runs one probe in a child process and waits for its result, its death or the time limit. `signal` ends the process. */
function tryInProcess(job: ProbeJob, limitMs: number, signal?: AbortSignal): Promise<ProbeResult> {
  const { device } = job
  const { fork } = process.getBuiltinModule('node:child_process')
  return new Promise(resolve => {
    const failed = (reason: string): ProbeResult => ({ device, works: false, reason })
    let child: ChildProcess
    try {
      child = fork(ownFile('node-device-probe.js'), {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        serialization: 'advanced',
        execArgv: [],
        env: childEnvironment(),
      })
    } catch (error) {
      return resolve(failed(`cannot start a process to try it in: ${(error as Error).message}`))
    }
    let result: ProbeResult | undefined
    let stderr = ''
    const end = (why: string) => {
      result ??= failed(why)
      child.kill('SIGKILL')
    }
    const noLonger = atExit(() => child.kill('SIGKILL'))
    const limit = setTimeout(() => end(`no answer within ${limitMs / 1000} s`), limitMs)
    const leave = () => end('ended by its caller')
    if (signal?.aborted) leave()
    signal?.addEventListener('abort', leave, { once: true })
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr = (stderr + chunk.toString('utf8')).slice(-STDERR_BYTES)
    })
    child.once('message', message => {
      result ??= message as ProbeResult
    })
    child.once('error', error => {
      result ??= failed(`cannot start a process to try it in: ${error.message}`)
    })
    child.once('close', (code, killedBy) => {
      clearTimeout(limit)
      noLonger()
      signal?.removeEventListener('abort', leave)
      const found = result ?? failed(`the process that tried it ended with ${killedBy ?? `code ${code}`}`)
      resolve(found.reason === undefined ? found : { ...found, reason: withCause(found.reason, stderr) })
    })
    child.send(job, () => {})
  })
}

/** The runtime's words without its source paths, and why it could not load a library, which it tells only stderr. */
function withCause(reason: string, stderr: string): string {
  const plain = reason
    .split('\n')[0]!
    .replace(/^\/\S+\s+.*? was false\. /, '')
    .replace(/^(Failed to get a WebGPU adapter).*/, '$1: no GPU driver (Vulkan, Metal or Direct3D 12) answers')
  const cause = /with error: (?:\S*\/)?(\S+: [^\n\x1b]+)/.exec(stderr)?.[1]
  return cause === undefined ? plain : `${plain} (${cause})`
}
