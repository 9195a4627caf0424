// What a hub says a repository holds, checked before anything is believed. Asks nobody; runs in every runtime.

import type { OpDbusError } from '../errors.js'
import { refusal } from './refusal.js'
import type { HubFile } from './select.js'

/** The files of one commit. */
export interface Listing {
  readonly commit: string
  readonly files: readonly HubFile[]
  /** Names that came without a size or a digest: nobody could check those files. */
  readonly unstated: readonly string[]
}

const COMMIT = /^[0-9a-f]{40}$/
const SHA256 = /^[0-9a-f]{64}$/
const GIT_BLOB = /^[0-9a-f]{40}$/

/**
 * Reads the answer of `GET /api/models/{id}/revision/{revision}?blobs=true`.
 * @throws OpDbusError DOWNLOAD (why: 'integrity') for what no repository can hold
 */
export function readListing(id: string, text: string): Listing {
  const answer = parse(id, text)
  const commit = answer.sha
  if (typeof commit !== 'string' || !COMMIT.test(commit)) throw refused(id, 'names no commit')
  if (!Array.isArray(answer.siblings)) throw refused(id, 'lists no files')
  const files = new Map<string, HubFile>()
  const unstated: string[] = []
  for (const entry of answer.siblings as unknown[]) {
    const { rfilename: path, size, blobId, lfs } = record(entry)
    if (typeof path !== 'string' || !isSafePath(path)) throw refused(id, `names a file ${show(path)}`)
    if (files.has(path)) throw refused(id, `names ${show(path)} twice`)
    // Some mirrors answer with the name that the API of trees has for it.
    const blob = lfs == null ? blobId : (record(lfs).sha256 ?? record(lfs).oid)
    const bytes = (lfs == null ? undefined : record(lfs).size) ?? size
    if (isBlobName(blob) && isByteCount(bytes)) files.set(path, { path, bytes, blob })
    else unstated.push(path)
  }
  return { commit, files: [...files.values()], unstated }
}

/** True for a name that stays below its folder on every system. */
export function isSafePath(path: string): boolean {
  if (path === '' || path.length > 1024 || /^[A-Za-z]:|[\\\x00-\x1f\x7f]/.test(path)) return false
  return path
    .split('/')
    .every(part => part !== '' && !/^\.{1,2}$|^\.git$/i.test(part) && new TextEncoder().encode(part).length <= 255)
}

/** A digest that names a blob: 64 hex digits of SHA-256, or 40 of Git. */
export function isBlobName(value: unknown): value is string {
  return typeof value === 'string' && (SHA256.test(value) || GIT_BLOB.test(value))
}

export function isCommit(value: unknown): value is string {
  return typeof value === 'string' && COMMIT.test(value)
}

export function isByteCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function parse(id: string, text: string): Readonly<Record<string, unknown>> {
  try {
    return record(JSON.parse(text))
  } catch (error) {
    throw refused(id, 'is not JSON', error)
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

/** What cannot be the list of a repository's files. */
export function refused(id: string, what: string, cause?: unknown): OpDbusError {
  return refusal(`the hub's list of the files of ${id} ${what}\nnothing was fetched`, 'integrity', { id }, cause)
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'without a name'
  return text.length > 80 ? `${text.slice(0, 77)}...` : text
}
