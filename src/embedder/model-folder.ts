// The port through which a model folder is read, and the one shape of every complaint about one. Does no I/O itself.

import { OpDbusError } from '../errors.js'

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

/** A model in the hub layout. `file` is relative to it, with forward slashes. Implemented over node:fs in hub-files.ts. */
export interface ModelFolder {
  /** The name for people: `builtin`, a hub id, or the folder as the user gave it. */
  readonly id: string
  /** Undefined when there is no such file. */
  text(file: string): Promise<string | undefined>
  digest(file: string): Promise<DigestedFile | undefined>
  /** The folder's `.onnx` files, for messages. */
  onnxFiles(): Promise<readonly string[]>
}

/** The JSON object (or array) in `file`, undefined when it is not there; UNSUPPORTED_MODEL when it is not JSON. */
export async function readJson(folder: ModelFolder, file: string): Promise<Record<string, unknown> | undefined> {
  const text = await folder.text(file)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    // Falls through: the complaint is the same for broken JSON and for a bare number.
  }
  throw unsupported(folder, file, 'is not a JSON object')
}

/** As {@link readJson}, but UNSUPPORTED_MODEL when the file is not there. */
export async function requiredJson(folder: ModelFolder, file: string): Promise<Record<string, unknown>> {
  const value = await readJson(folder, file)
  if (value === undefined) throw unsupported(folder, file, 'is missing')
  return value
}

/** "model X: FILE does Y", with the file in `details.file`. */
export function unsupported(folder: ModelFolder, file: string, what: string): OpDbusError {
  return new OpDbusError('UNSUPPORTED_MODEL', `model ${folder.id}: ${file} ${what}`, { details: { file } })
}
