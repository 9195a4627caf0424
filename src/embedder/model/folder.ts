// The port through which a model folder is read, and the one shape of every complaint about one. Does no I/O itself.

import { OpDbusError } from '../../errors.js'

/** A file as it was when its space was computed. */
export interface ModelFile {
  /** Where a backend or tokenizer finds it: a path on Node, a URL in a browser. */
  readonly path: string
  /** 64 hex digits. */
  readonly sha256: string
  /** Changes when the file does; looked at again before the file is loaded. */
  readonly stamp: string
}

/** The same with what was seen while hashing. */
export interface DigestedFile extends ModelFile {
  /** True when the bytes name `DynamicQuantizeLinear`: then a vector depends on its batch-mates. */
  readonly dynamic: boolean
}

/** A model in the hub layout. `file` is relative to it, with forward slashes. Implemented over node:fs in hub/model-folder.ts. */
export interface ModelFolder {
  /** The name for people: `builtin`, a hub id, or the folder as the user gave it. */
  readonly id: string
  /** Undefined when there is no such file. */
  text(file: string): Promise<string | undefined>
  digest(file: string): Promise<DigestedFile | undefined>
  /** The folder's `.onnx` files, for messages. */
  onnxFiles(): Promise<readonly string[]>
}

/** The JSON in `file`, undefined when it is not there; UNSUPPORTED_MODEL when it is not JSON. */
export async function parseJson(folder: ModelFolder, file: string): Promise<unknown> {
  const text = await folder.text(file)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw unsupported(folder, file, standIn(text) ?? 'is not JSON')
  }
}

/** Bytes of a file that are enough to tell what stands in its place. */
export const HEAD_BYTES = 512

/**
 * What lies where a model's file should be, told from its first bytes: nothing, the pointer that Git leaves without Git
 * LFS, or the page of a site that wanted a login. Undefined for anything else.
 */
export function standIn(head: string): string | undefined {
  if (head === '') return 'is empty: it was not copied or fetched whole'
  if (head.startsWith('version https://git-lfs.github.com/spec/')) {
    const bytes = /^size (\d+)$/m.exec(head)?.[1]
    return `is a Git LFS pointer and not the file itself${bytes ? `, which has ${bytes} bytes` : ''}\nin the folder of the model: git lfs pull`
  }
  if (/^\s*<(!doctype|html|head|body|\?xml)\b/i.test(head))
    return 'is a page of a web site and not the file itself\nfetch the file itself: op-dbus models pull does'
  return undefined
}

/** The JSON object in `file`, undefined when it is not there; UNSUPPORTED_MODEL when it is anything else. */
export async function readJson(folder: ModelFolder, file: string): Promise<JsonObject | undefined> {
  const value = await parseJson(folder, file)
  if (value === undefined || isObject(value)) return value
  throw unsupported(folder, file, 'is not a JSON object')
}

/** As {@link readJson}, but UNSUPPORTED_MODEL when the file is not there. */
export async function requiredJson(folder: ModelFolder, file: string): Promise<JsonObject> {
  const value = await readJson(folder, file)
  if (value === undefined) throw missing(folder, file)
  return value
}

export type JsonObject = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A whole number from 1. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

/** "model X: FILE does Y", with the file in `details.file`. */
export function unsupported(folder: Pick<ModelFolder, 'id'>, file: string, what: string): OpDbusError {
  return new OpDbusError('UNSUPPORTED_MODEL', `model ${folder.id}: ${file} ${what}`, { details: { file } })
}

/** As {@link unsupported}; `details.missing` says that a complete copy of the model may be all it takes. */
export function missing(folder: ModelFolder, file: string, more = ''): OpDbusError {
  return new OpDbusError('UNSUPPORTED_MODEL', `model ${folder.id}: ${file} is missing${more}`, {
    details: { file, missing: true },
  })
}
