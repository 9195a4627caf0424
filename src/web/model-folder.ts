// A model's files at their addresses as the ModelFolder port. Part of the web root; small files only are read.
import type { ModelFolder } from '../embedder/model/folder.js'
import type { CallOptions } from '../ports.js'
import type { FileCache } from './file-cache.js'

/** A file whose bytes are known by their SHA-256. */
export interface KnownFile {
  readonly url: string
  readonly bytes: number
  /** 64 hex digits of SHA-256. */
  readonly digest: string
  /** ONNX files: whether they quantise dynamically. */
  readonly dynamic: boolean
}

/** `files` by their paths in the model's folder. */
export function webFolder(
  id: string,
  files: ReadonlyMap<string, KnownFile>,
  fileCache: FileCache,
  { signal }: CallOptions,
): ModelFolder {
  return {
    id,
    async text(path) {
      const file = files.get(path)
      return file && fileCache.text(file, { signal })
    },
    async digest(path) {
      const file = files.get(path)
      return file && { path: file.url, sha256: file.digest, stamp: file.digest, dynamic: file.dynamic }
    },
    onnxFiles: async () => [...files.keys()].filter(path => path.endsWith('.onnx')),
  }
}
