// What crosses between a page and its worker beside the embedder's own protocol. Types, and the marks of plain messages.

import type { ProbeResult } from '../embedder/devices/probe.js'
import type { Reference } from '../embedder/devices/self-check.js'
import type { ModelSpec } from '../embedder/model/spec.js'
import type { EmbedWorker } from '../embedder/protocol.js'
import type { Device } from '../ports.js'
import type { OrtBuild, OrtFiles } from './assets.js'
import type { FileRef } from './fetch-file.js'
import type { GpuProbe } from './runtime.js'

/** The first message to a worker, before any call. */
export interface Setup {
  readonly opDbus: 'setup'
  readonly ort: Readonly<Record<OrtBuild, OrtFiles>>
  /** What is known of the assets' files: sizes, and what to do where one is missing. */
  readonly files: readonly FileRef[]
}

/** What a worker tells without being asked. */
export type Notice =
  | { readonly opDbus: 'progress'; readonly url: string; readonly done: number; readonly total: number }
  | { readonly opDbus: 'warning'; readonly message: string }

/** A file as it was found. */
export interface FetchedFile {
  /** SHA-256. */
  readonly sha256: string
  readonly dynamic: boolean
}

/** A device to be put to the test. */
export interface ProbeJob {
  readonly spec: ModelSpec
  readonly device: Device
  readonly threads: number
  readonly reference?: Reference
}

/** What the worker serves: what embeds, and what only a page asks for. */
export interface PageWorker extends EmbedWorker {
  /** Whether the browser offers this worker a GPU, which it may offer to pages alone. */
  probeGpu(): Promise<GpuProbe>
  /** Brings files to the file cache. One answer per file, in their order. */
  fetchFiles(files: readonly FileRef[]): Promise<readonly FetchedFile[]>
  /** Never rejects for what the device does. */
  probeDevice(job: ProbeJob): Promise<ProbeResult>
}

export function isSetup(data: unknown): data is Setup {
  return (data as Partial<Setup> | null)?.opDbus === 'setup'
}

export function isNotice(data: unknown): data is Notice {
  const kind = (data as Partial<Notice> | null)?.opDbus
  return kind === 'progress' || kind === 'warning'
}
